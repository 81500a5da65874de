//! What starts workflows: events, their filters, schedules, inputs.

use super::*;
use crate::expr::{Contexts, Object, Value};
use crate::source::{Span, Spanned};

fn triggers(on: &str) -> Triggers {
    read(&with_on(on)).on
}

/// What is said of a wrong `on`.
#[track_caller]
fn refused(on: &str) -> String {
    messages(&problems(&with_on(on)))
}

/// What is said of an `on` that is odd.
#[track_caller]
fn odd(on: &str) -> String {
    messages(&warnings(&with_on(on)))
}

fn texts(values: &[Spanned<String>]) -> Vec<&str> {
    values.iter().map(|value| value.value.as_str()).collect()
}

#[test]
fn filters_are_read() {
    let on = triggers(
        "{push: {branches: [main, '!x'], tags-ignore: v1, paths: ['**.rs']}, pull_request: \
         {types: [opened, closed], branches-ignore: [a]}, workflow_run: {workflows: CI, types: \
         completed}, image_version: {names: [a], versions: ['1.*']}, repository_dispatch: \
         {types: [anything]}, moon_phase: {full: true}}",
    );
    let filters = |name: &str| match &on.event(name).unwrap().trigger {
        Trigger::Activity(filters) => filters.clone(),
        other => panic!("{other:?}"),
    };
    let push = filters("push");
    assert!(
        matches!(&push.branches, Some(Patterns::Include(found)) if texts(found) == ["main", "!x"])
    );
    assert!(matches!(&push.tags, Some(Patterns::Exclude(found)) if texts(found) == ["v1"]));
    assert!(matches!(&push.paths, Some(Patterns::Include(found)) if texts(found) == ["**.rs"]));
    assert!(push.types.is_empty());
    let pull = filters("pull_request");
    assert_eq!(texts(&pull.types), ["opened", "closed"]);
    assert!(matches!(&pull.branches, Some(Patterns::Exclude(found)) if texts(found) == ["a"]));
    assert_eq!(texts(&filters("workflow_run").workflows), ["CI"]);
    assert_eq!(texts(&filters("image_version").versions), ["1.*"]);
    assert_eq!(texts(&filters("repository_dispatch").types), ["anything"]);
    assert_eq!(filters("moon_phase"), Filters::default());
    assert!(on.event("Push").is_none() && on.dispatch().is_none() && on.call().is_none());
}

#[test]
fn events_without_filters_take_none() {
    for name in super::super::events::names().filter(|name| *name != "schedule") {
        triggers(name);
        triggers(&format!("[{name}]"));
        triggers(&format!("{{{name}: }}"));
    }
    for (on, expected) in [
        (
            "{push: main}",
            "expected the filters of `push`, or nothing, found a string",
        ),
        (
            "{push: []}",
            "expected the filters of `push`, or nothing, found a sequence",
        ),
        ("{push: {types: [x]}}", "`push` has no filter `types`"),
        ("{fork: {branches: [x]}}", "`fork` has no filter `branches`"),
        (
            "{pull_request: {tags: [x]}}",
            "`pull_request` has no filter `tags`",
        ),
        ("{push: {branch: [x]}}", "`push` has no filter `branch`"),
        (
            "{push: {branches: {a: b}}}",
            "expected a pattern or a sequence of them, found a mapping",
        ),
        (
            "{push: {branches: [a, '']}}",
            "expected a pattern, found nothing",
        ),
        (
            "{push: {paths: [[a]]}}",
            "expected a pattern, found a sequence",
        ),
        (
            "{push: {branches: ['${{ x.y }}']}}",
            "expressions are not allowed here",
        ),
        ("{issues: {types: [open]}}", "`issues` has no type `open`"),
        (
            "{watch: {types: [stopped]}}",
            "`watch` has no type `stopped`",
        ),
        (
            "{release: {types: Published}}",
            "`release` has no type `Published`",
        ),
        (
            "{repository_dispatch: {type: x}}",
            "unknown key `type` in `repository_dispatch`",
        ),
        (
            "{push: {branches: [a], branches-ignore: [b]}}",
            "an event can't have both `branches` and `branches-ignore`",
        ),
        (
            "{push: {paths-ignore: [a], paths: [b]}}",
            "an event can't have both `paths` and `paths-ignore`",
        ),
        (
            "[push, [pull_request]]",
            "expected the name of an event, found a sequence",
        ),
    ] {
        assert_eq!(refused(on), expected, "{on}");
    }
}

#[test]
fn wrong_filters_come_with_help() {
    let rendered = |on: &str| {
        parse_workflow(&SourceFile::new("ci.yml", with_on(on)))
            .unwrap_err()
            .render()
    };
    insta::assert_snapshot!(rendered("{issues: {types: [open]}, watch: {types: x}}"), @"
    ci.yml:1:23: `issues` has no type `open`
      |
    1 | on: {issues: {types: [open]}, watch: {types: x}}
      |                       ^^^^
      = help: its types are `opened`, `edited`, `deleted`, `transferred`, `pinned`, `unpinned`, `closed`, `reopened`, `assigned`, `unassigned`, `labeled`, `unlabeled`, `locked`, `unlocked`, `milestoned` and `demilestoned`

    ci.yml:1:46: `watch` has no type `x`
      |
    1 | on: {issues: {types: [open]}, watch: {types: x}}
      |                                              ^
      = help: its only type is `started`
    ");
    insta::assert_snapshot!(rendered("{fork: {branches: a}, merge_group: {path: a}, push: {types: a}}"), @"
    ci.yml:1:13: `fork` has no filter `branches`
      |
    1 | on: {fork: {branches: a}, merge_group: {path: a}, push: {types: a}}
      |             ^^^^^^^^
      = help: `fork` has no filters at all

    ci.yml:1:41: `merge_group` has no filter `path`
      |
    1 | on: {fork: {branches: a}, merge_group: {path: a}, push: {types: a}}
      |                                         ^^^^
      = help: its filters are `types`, `branches` and `branches-ignore`

    ci.yml:1:58: `push` has no filter `types`
      |
    1 | on: {fork: {branches: a}, merge_group: {path: a}, push: {types: a}}
      |                                                          ^^^^^
      = help: its filters are `branches`, `branches-ignore`, `tags`, `tags-ignore`, `paths` and `paths-ignore`
    ");
    insta::assert_snapshot!(rendered("{push: {tags-ignore: a, tags: b}}"), @"
    ci.yml:1:29: an event can't have both `tags` and `tags-ignore`
      |
    1 | on: {push: {tags-ignore: a, tags: b}}
      |                             ^^^^
      = help: put what is to be left out into `tags`, with `!` before it
    ");
    insta::assert_snapshot!(rendered("{schedule: [{cron: '0 24 * * *'}, {cron: '@daily'}, {cron: '0 0 * *', timezone: '+02:00'}]}"), @"
    ci.yml:1:27: `24` is no hour
      |
    1 | on: {schedule: [{cron: '0 24 * * *'}, {cron: '@daily'}, {cron: '0 0 * *', timezone: '+02:00'}]}
      |                           ^^
      = help: the hour is `*` or 0 to 23, with `,` `-` and `/` between them

    ci.yml:1:47: GitHub does not know `@daily`
      |
    1 | on: {schedule: [{cron: '0 24 * * *'}, {cron: '@daily'}, {cron: '0 0 * *', timezone: '+02:00'}]}
      |                                               ^^^^^^
      = help: write `0 0 * * *`

    ci.yml:1:65: expected five fields, found 4
      |
    1 | on: {schedule: [{cron: '0 24 * * *'}, {cron: '@daily'}, {cron: '0 0 * *', timezone: '+02:00'}]}
      |                                                                 ^^^^^^^
      = help: the fields are `minute`, `hour`, `day of the month`, `month` and `day of the week`

    ci.yml:1:85: `+02:00` is not the name of a time zone
      |
    1 | on: {schedule: [{cron: '0 24 * * *'}, {cron: '@daily'}, {cron: '0 0 * *', timezone: '+02:00'}]}
      |                                                                                     ^^^^^^^^
      = help: time zones have IANA names, such as `Europe/Berlin` or `UTC`
    ");
}

#[test]
fn odd_triggers_are_warned_of() {
    for (on, expected) in [
        ("push", ""),
        (
            "{push: {branches: ['!a', '!b']}}",
            "nothing fits `branches`, since all its patterns begin with `!`",
        ),
        ("{push: {branches: ['!a', 'b']}}", ""),
        (
            "{workflow_run: {types: completed}}",
            "without `workflows`, no workflow ever starts this one",
        ),
        ("schedule", "`schedule` starts nothing without a time"),
        (
            "{schedule: [{cron: '*/2 * * * *'}]}",
            "GitHub starts no schedule every 2 minutes, only every five minutes",
        ),
        ("{schedule: [{cron: '*/5 * * * *'}]}", ""),
        ("moon_phase", "unknown event `moon_phase`"),
    ] {
        assert_eq!(odd(on), expected, "{on}");
    }
}

#[test]
fn schedules_are_read() {
    let on =
        triggers("{schedule: [{cron: '0 4 * * 1-5'}, {cron: 5 4 1 * *, timezone: Europe/Berlin}]}");
    let Trigger::Schedule(schedules) = &on.events[0].trigger else {
        panic!()
    };
    assert_eq!(schedules[0].cron.value, "0 4 * * 1-5");
    assert_eq!(schedules[0].timezone, None);
    assert_eq!(
        schedules[1].timezone.as_ref().unwrap().value,
        "Europe/Berlin"
    );
    for (on, expected) in [
        (
            "{schedule: }",
            "expected a sequence of `cron` mappings, found nothing",
        ),
        (
            "{schedule: {cron: '0 4 * * *'}}",
            "expected a sequence of `cron` mappings, found a mapping",
        ),
        (
            "{schedule: ['0 4 * * *']}",
            "expected a mapping of the keys of an item of `schedule`, found a string",
        ),
        ("{schedule: [{}]}", "the item has no `cron`"),
        (
            "{schedule: [{cron: }]}",
            "expected a cron expression, found nothing",
        ),
        ("{schedule: [{cron: 5}]}", "expected five fields, found 1"),
        (
            "{schedule: [{cron: '0 4 * * *', zone: x}]}",
            "unknown key `zone` in an item of `schedule`",
        ),
        (
            "{schedule: [{cron: '0 4 * * *', timezone: 'two words'}]}",
            "`two words` is not the name of a time zone",
        ),
        (
            "{schedule: [{cron: '0 4 * * *', timezone: ''}]}",
            "expected a time zone, found nothing",
        ),
    ] {
        assert_eq!(refused(on), expected, "{on}");
    }
}

#[test]
fn dispatch_inputs_are_read() {
    let on = triggers(
        "{workflow_dispatch: {inputs: {text: , level: {type: choice, options: [low, 2], default: \
         low, required: true, description: How much}, dry: {type: boolean, default: true}, n: \
         {type: number, default: 3}, where: {type: environment}, old: {deprecationMessage: gone, \
         default: 1.5}}}}",
    );
    let inputs = on.dispatch().unwrap();
    let read: Vec<_> = inputs
        .iter()
        .map(|input| {
            let default = input.absent(&Contexts::default()).unwrap();
            (
                input.name.value.as_str(),
                input.kind.name(),
                input.required,
                default,
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("text", "string", false, "".into()),
            ("level", "choice", true, "low".into()),
            ("dry", "boolean", false, true.into()),
            ("n", "number", false, 3.0.into()),
            ("where", "environment", false, "".into()),
            ("old", "string", false, "1.5".into()),
        ]
    );
    assert!(
        matches!(&inputs[1].kind, InputKind::Choice(options) if texts(options) == ["low", "2"])
    );
    assert_eq!(inputs[1].description.as_ref().unwrap().value, "How much");
    assert_eq!(inputs[5].deprecation.as_ref().unwrap().value, "gone");
    assert_eq!(triggers("workflow_dispatch").dispatch(), Some(&[][..]));
    assert_eq!(
        triggers("{workflow_dispatch: {inputs: }}").dispatch(),
        Some(&[][..])
    );
}

#[test]
fn wrong_inputs_are_refused() {
    let dispatch = |input: &str| {
        refused(&format!(
            "{{workflow_dispatch: {{inputs: {{a: {input}}}}}}}"
        ))
    };
    for (input, expected) in [
        (
            "x",
            "expected a mapping of the keys of an input, found a string",
        ),
        ("{typ: string}", "unknown key `typ` in an input"),
        (
            "{type: text}",
            "expected `string`, `boolean`, `number`, `choice` or `environment`, found `text`",
        ),
        ("{type: }", "expected a type, found nothing"),
        (
            "{type: choice}",
            "the input `a` has no `options` to choose from",
        ),
        (
            "{type: choice, options: []}",
            "expected at least one option, found none",
        ),
        (
            "{type: choice, options: x}",
            "expected a sequence of options, found a string",
        ),
        (
            "{options: [x]}",
            "an input of the type `string` can't have `options`",
        ),
        (
            "{required: 'yes'}",
            "expected `true` or `false`, found a string",
        ),
        (
            "{type: boolean, default: maybe}",
            "expected `true` or `false`, found a string",
        ),
        (
            "{type: boolean, default: 1}",
            "expected `true` or `false`, found a number",
        ),
        (
            "{type: number, default: many}",
            "expected a number, found a string",
        ),
        (
            "{type: number, default: true}",
            "expected a number, found a boolean",
        ),
        ("{default: [x]}", "expected a string, found a sequence"),
        (
            "{description: '${{ github.x }}'}",
            "expressions are not allowed here",
        ),
    ] {
        assert_eq!(dispatch(input), expected, "{input}");
    }
    let call = |call: &str| refused(&format!("{{workflow_call: {call}}}"));
    for (text, expected) in [
        (
            "[]",
            "expected a mapping of the keys of `workflow_call`, found a sequence",
        ),
        ("{input: {}}", "unknown key `input` in `workflow_call`"),
        (
            "{inputs: }",
            "expected a mapping of names and inputs, found nothing",
        ),
        (
            "{inputs: {a: }}",
            "expected a mapping of the keys of an input of `workflow_call`, found nothing",
        ),
        ("{inputs: {a: {}}}", "the input `a` has no `type`"),
        (
            "{inputs: {a: {type: choice}}}",
            "expected `string`, `boolean` or `number`, found `choice`",
        ),
        (
            "{inputs: {a: {type: string, options: [x]}}}",
            "unknown key `options` in an input of `workflow_call`; an input of the type `string` can't have `options`",
        ),
        (
            "{inputs: {a: {type: boolean, default: 'true'}}}",
            "expected `true` or `false`, found a string",
        ),
        (
            "{inputs: {a: {type: number, default: '${{ secrets.x }}'}}}",
            "the context `secrets` is not available in `on.workflow_call.inputs.*.default`",
        ),
        (
            "{secrets: {a: {require: true}}}",
            "unknown key `require` in a secret",
        ),
        (
            "{secrets: {a: {required: 1}}}",
            "expected `true` or `false`, found a number",
        ),
        (
            "{secrets: [a]}",
            "expected a mapping of names and secrets, found a sequence",
        ),
        (
            "{outputs: {a: }}",
            "expected a mapping of the keys of an output of `workflow_call`, found nothing",
        ),
        (
            "{outputs: {a: {description: x}}}",
            "the output `a` has no `value`",
        ),
        (
            "{outputs: {a: {value: '${{ needs.x }}'}}}",
            "the context `needs` is not available in `on.workflow_call.outputs.*.value`",
        ),
        (
            "{outputs: {a: {value: [x]}}}",
            "expected a string, found a sequence",
        ),
        (
            "{outputs: {'': {value: x}}}",
            "expected the name of an output, found nothing",
        ),
    ] {
        assert_eq!(call(text), expected, "{text}");
    }
    let many: String = (0..26).map(|i| format!("i{i}: , ")).collect();
    assert_eq!(
        refused(&format!("{{workflow_dispatch: {{inputs: {{{many}}}}}}}")),
        "`workflow_dispatch` can't have more than 25 inputs"
    );
}

#[test]
fn odd_inputs_are_warned_of() {
    let dispatch = |input: &str| odd(&format!("{{workflow_dispatch: {{inputs: {{{input}}}}}}}"));
    for (input, expected) in [
        (
            "a: {type: boolean, default: 'true'}",
            "expected `true` or `false`, found a string",
        ),
        (
            "a: {type: number, default: '5'}",
            "expected a number, found a string",
        ),
        (
            "a: {type: choice, options: [x], default: y}",
            "the default `y` is none of the options",
        ),
        ("a: {type: choice, options: [x], default: x}", ""),
        (
            "a: {default: 3.10}",
            "this default is `3.1`, since `3.10` is a number",
        ),
        ("a: {default: 3.1}", ""),
        ("a: {default: '3.10'}", ""),
        ("a b: {}", "`a b` is no good name for an input"),
        ("1a: {}", "`1a` is no good name for an input"),
        ("a-b_1: {}", ""),
    ] {
        assert_eq!(dispatch(input), expected, "{input}");
    }
}

#[test]
fn what_a_call_takes_and_gives_is_read() {
    let on = triggers(
        "{workflow_call: {inputs: {Tag: {type: string, required: true}, n: {type: number, default: \
         '${{ fromJSON(vars.N) }}'}}, secrets: {token: , key: {required: true, description: x}}, \
         outputs: {url: {description: Where, value: '${{ jobs.a.outputs.url }}'}}}}",
    );
    let call = on.call().unwrap();
    assert!(call.input("TAG").unwrap().required);
    assert_eq!(
        call.input("tag")
            .unwrap()
            .absent(&Contexts::default())
            .unwrap(),
        "".into()
    );
    let mut scope = Contexts::default();
    scope.values.insert("vars", Object::from_iter([("N", "7")]));
    assert_eq!(
        call.input("n").unwrap().absent(&scope).unwrap(),
        Value::Number(7.0)
    );
    assert!(!call.secret("TOKEN").unwrap().required && call.secret("key").unwrap().required);
    assert_eq!(
        call.output("URL").unwrap().value.text(),
        "${{ jobs.a.outputs.url }}"
    );
    assert!(call.input("x").is_none() && call.secret("x").is_none() && call.output("x").is_none());
    assert_eq!(
        triggers("[push, workflow_call]").call(),
        Some(&Call::default())
    );
}

#[test]
fn typed_text_becomes_a_value_of_the_type() {
    let choice = InputKind::Choice(vec![
        Spanned::new("a".to_owned(), Span::at(0)),
        Spanned::new("b".to_owned(), Span::at(0)),
    ]);
    for (kind, typed, expected) in [
        (&InputKind::String, "1", Ok(Value::from("1"))),
        (&InputKind::Environment, "prod", Ok("prod".into())),
        (&InputKind::Boolean, "TRUE", Ok(true.into())),
        (&InputKind::Boolean, "false", Ok(false.into())),
        (
            &InputKind::Boolean,
            "yes",
            Err("expected `true` or `false`, found `yes`"),
        ),
        (&InputKind::Number, " 1e3 ", Ok(1000.0.into())),
        (&InputKind::Number, "", Err("expected a number, found ``")),
        (&InputKind::Number, "x", Err("expected a number, found `x`")),
        (&choice, "b", Ok("b".into())),
        (&choice, "B", Err("expected `a` or `b`, found `B`")),
    ] {
        assert_eq!(kind.read(typed), expected.map_err(str::to_owned), "{typed}");
    }
}
