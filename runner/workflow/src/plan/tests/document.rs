//! The stable form.

use super::*;

#[test]
fn a_plan_is_written_as_json() {
    let plan = planned(&jobs(
        "a: {strategy: {matrix: {os: [w]}}}\nb: {needs: a, if: needs.a.outputs.x, runs-on: '${{ needs.a.outputs.l }}', environment: e, concurrency: g}\n\
         c: {uses: o/r/.github/workflows/x.yml@v1, secrets: inherit}\nd: {needs: b, strategy: {matrix: {a: '${{ fromJSON(needs.b.outputs.x) }}'}}}",
    ));
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan.document()).unwrap(), @r#"
    {
      "version": 1,
      "name": "ci.yml",
      "file": "ci.yml",
      "event": "push",
      "run_name": null,
      "inputs": {},
      "concurrency": null,
      "trigger": {
        "starts": true,
        "misfits": [],
        "unjudged": []
      },
      "jobs": [
        {
          "id": "a",
          "name": "a",
          "needs": [],
          "condition": {
            "text": null,
            "holds": true
          },
          "problems": [],
          "legs": {
            "fail_fast": true,
            "max_parallel": null,
            "items": [
              {
                "index": 0,
                "total": 1,
                "name": "a (w)",
                "matrix": {
                  "os": "w"
                },
                "strategy": {
                  "fail-fast": true,
                  "job-index": 0,
                  "job-total": 1,
                  "max-parallel": 1
                },
                "runs_on": {
                  "group": null,
                  "labels": [
                    "x"
                  ]
                },
                "timeout_minutes": 360.0,
                "continue_on_error": false,
                "concurrency": null,
                "environment": null,
                "calls": null
              }
            ]
          }
        },
        {
          "id": "b",
          "name": "b",
          "needs": [
            "a"
          ],
          "condition": {
            "text": "needs.a.outputs.x",
            "holds": null
          },
          "problems": [],
          "legs": {
            "fail_fast": true,
            "max_parallel": null,
            "items": [
              {
                "index": 0,
                "total": 1,
                "name": "b",
                "matrix": null,
                "strategy": {
                  "fail-fast": true,
                  "job-index": 0,
                  "job-total": 1,
                  "max-parallel": 1
                },
                "runs_on": {
                  "after": [
                    "a"
                  ]
                },
                "timeout_minutes": 360.0,
                "continue_on_error": false,
                "concurrency": {
                  "name": "g",
                  "cancel_in_progress": false,
                  "queue": "single"
                },
                "environment": "e",
                "calls": null
              }
            ]
          }
        },
        {
          "id": "c",
          "name": "c",
          "needs": [],
          "condition": {
            "text": null,
            "holds": true
          },
          "problems": [],
          "legs": {
            "fail_fast": true,
            "max_parallel": null,
            "items": [
              {
                "index": 0,
                "total": 1,
                "name": "c",
                "matrix": null,
                "strategy": {
                  "fail-fast": true,
                  "job-index": 0,
                  "job-total": 1,
                  "max-parallel": 1
                },
                "runs_on": null,
                "timeout_minutes": 360.0,
                "continue_on_error": false,
                "concurrency": null,
                "environment": null,
                "calls": {
                  "uses": "o/r/.github/workflows/x.yml@v1",
                  "inputs": {},
                  "secrets": "inherit",
                  "commit": null,
                  "plan": null
                }
              }
            ]
          }
        },
        {
          "id": "d",
          "name": "d",
          "needs": [
            "b"
          ],
          "condition": {
            "text": null,
            "holds": null
          },
          "problems": [],
          "legs": {
            "after": [
              "b"
            ]
          }
        }
      ],
      "warnings": [
        "ci.yml:4:77: `environment` has no effect: Dormer knows no deployment environments, with their rules, variables and secrets"
      ]
    }
    "#);
}

#[test]
fn plans_can_go_to_other_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Plan>();
}
