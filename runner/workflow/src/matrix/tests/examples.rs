//! The examples of GitHub's documentation, and what follows from its rules.

use super::*;

#[test]
fn vectors_are_multiplied_with_the_first_one_slowest() {
    check(&[
        (
            "documented: two vectors",
            "version: [10, 12, 14]\nos: [ubuntu, windows]",
            &[
                "version: 10, os: ubuntu",
                "version: 10, os: windows",
                "version: 12, os: ubuntu",
                "version: 12, os: windows",
                "version: 14, os: ubuntu",
                "version: 14, os: windows",
            ],
        ),
        (
            "documented: one vector",
            "version: [10, 12]",
            &["version: 10", "version: 12"],
        ),
        (
            "documented: a vector of objects",
            "os: [u, w]\nnode:\n  - version: 14\n  - version: 20\n    env: NODE_OPTIONS",
            &[
                r#"os: u, node: {"version":14}"#,
                r#"os: u, node: {"version":20,"env":"NODE_OPTIONS"}"#,
                r#"os: w, node: {"version":14}"#,
                r#"os: w, node: {"version":20,"env":"NODE_OPTIONS"}"#,
            ],
        ),
        (
            "three vectors",
            "a: [1, 2]\nb: [3]\nc: [4, 5]",
            &[
                "a: 1, b: 3, c: 4",
                "a: 1, b: 3, c: 5",
                "a: 2, b: 3, c: 4",
                "a: 2, b: 3, c: 5",
            ],
        ),
        ("equal values stay apart", "a: [1, 1]", &["a: 1", "a: 1"]),
        (
            "values of every type",
            "a: [x, '1', 1, 1.50, true, null, [1, 2], {b: [c]}, '']",
            &[
                "a: x",
                "a: 1",
                "a: 1",
                "a: 1.5",
                "a: true",
                "a: null",
                "a: [1,2]",
                r#"a: {"b":["c"]}"#,
                "a: ",
            ],
        ),
        ("names keep their case", "Os: [W]", &["Os: W"]),
        (
            "an alias is what it stands for",
            "a: &x [1, 2]\nb: *x",
            &["a: 1, b: 1", "a: 1, b: 2", "a: 2, b: 1", "a: 2, b: 2"],
        ),
        (
            "`Include` is a vector like any other",
            "Include: [1]",
            &["Include: 1"],
        ),
    ]);
}

#[test]
fn include_adds_to_what_agrees_and_else_is_a_leg_of_its_own() {
    check(&[
        (
            "documented: fruits and animals",
            "fruit: [apple, pear]\nanimal: [cat, dog]\ninclude:\n  - color: green\n  - color: pink\n    \
             animal: cat\n  - fruit: apple\n    shape: circle\n  - fruit: banana\n  - fruit: banana\n    \
             animal: cat",
            &[
                "fruit: apple, animal: cat, color: pink, shape: circle",
                "fruit: apple, animal: dog, color: green, shape: circle",
                "fruit: pear, animal: cat, color: pink",
                "fruit: pear, animal: dog, color: green",
                "fruit: banana",
                "fruit: banana, animal: cat",
            ],
        ),
        (
            "documented: more values for one combination",
            "os: [windows, ubuntu]\nnode: [14, 16]\ninclude:\n  - os: windows\n    node: 16\n    npm: 6",
            &[
                "os: windows, node: 14",
                "os: windows, node: 16, npm: 6",
                "os: ubuntu, node: 14",
                "os: ubuntu, node: 16",
            ],
        ),
        (
            "documented: one more combination",
            "os: [macos, windows, ubuntu]\nversion: [12, 14, 16]\ninclude: [{os: windows, version: 17}]",
            &[
                "os: macos, version: 12",
                "os: macos, version: 14",
                "os: macos, version: 16",
                "os: windows, version: 12",
                "os: windows, version: 14",
                "os: windows, version: 16",
                "os: ubuntu, version: 12",
                "os: ubuntu, version: 14",
                "os: ubuntu, version: 16",
                "os: windows, version: 17",
            ],
        ),
        (
            "documented: nothing but `include`",
            "include:\n  - site: production\n    datacenter: site-a\n  - site: staging\n    datacenter: site-b",
            &[
                "site: production, datacenter: site-a",
                "site: staging, datacenter: site-b",
            ],
        ),
        (
            "entries without vectors never meet",
            "include: [{a: 1}, {b: 2}, {a: 1}]",
            &["a: 1", "b: 2", "a: 1"],
        ),
        (
            "the same value adds nothing",
            "a: [1, 2]\ninclude: [{a: 1}]",
            &["a: 1", "a: 2"],
        ),
        (
            "a leg of its own is not added to",
            "a: [1]\ninclude: [{a: 2}, {a: 2, b: 3}]",
            &["a: 1", "a: 2", "a: 2, b: 3"],
        ),
        (
            "a leg of its own is not added to by what has no vector",
            "a: [1]\ninclude: [{a: 2}, {b: 3}]",
            &["a: 1, b: 3", "a: 2"],
        ),
        (
            "later entries overwrite what was added",
            "a: [1]\ninclude: [{b: 1}, {b: 2}]",
            &["a: 1, b: 2"],
        ),
        (
            "what is overwritten keeps its place",
            "a: [1]\ninclude: [{b: 1, c: 1}, {b: 2}]",
            &["a: 1, b: 2, c: 1"],
        ),
        (
            "objects are replaced, not merged",
            "a: [1]\ninclude: [{b: {x: 1}}, {b: {y: 2}}]",
            &[r#"a: 1, b: {"y":2}"#],
        ),
        (
            "an entry may fit many combinations",
            "a: [1, 2]\nb: [3, 4]\ninclude: [{b: 4, c: 5}]",
            &[
                "a: 1, b: 3",
                "a: 1, b: 4, c: 5",
                "a: 2, b: 3",
                "a: 2, b: 4, c: 5",
            ],
        ),
        (
            "a leg of its own has vectors first",
            "a: [1]\nb: [2]\ninclude: [{x: 9, b: 3, a: 1}]",
            &["a: 1, b: 2", "b: 3, a: 1, x: 9"],
        ),
        (
            "values in added values may be anything",
            "a: [1]\ninclude: [{b: [1, {c: 2}], d: null}]",
            &[r#"a: 1, b: [1,{"c":2}], d: null"#],
        ),
        (
            "an entry with a null that is no vector's",
            "include: [{a: null}]",
            &["a: null"],
        ),
    ]);
}

#[test]
fn exclude_takes_away_what_agrees() {
    check(&[
        (
            "documented: whole and partial combinations",
            "os: [macos, windows]\nversion: [12, 14, 16]\nenvironment: [staging, production]\nexclude:\n  \
             - os: macos\n    version: 12\n    environment: production\n  - os: windows\n    version: 16",
            &[
                "os: macos, version: 12, environment: staging",
                "os: macos, version: 14, environment: staging",
                "os: macos, version: 14, environment: production",
                "os: macos, version: 16, environment: staging",
                "os: macos, version: 16, environment: production",
                "os: windows, version: 12, environment: staging",
                "os: windows, version: 12, environment: production",
                "os: windows, version: 14, environment: staging",
                "os: windows, version: 14, environment: production",
            ],
        ),
        (
            "several entries",
            "a: [1, 2, 3]\nexclude: [{a: 1}, {a: 3}]",
            &["a: 2"],
        ),
        (
            "an entry that fits nothing",
            "a: [1]\nexclude: [{a: 2}]",
            &["a: 1"],
        ),
        ("everything", "a: [1, 2]\nexclude: [{a: 1}, {a: 2}]", &[]),
        (
            "documented: `include` adds back what was excluded",
            "a: [1, 2]\nexclude: [{a: 1}]\ninclude: [{a: 1}]",
            &["a: 2", "a: 1"],
        ),
        (
            "exclude goes first wherever it stands",
            "exclude: [{a: 1}]\ninclude: [{a: 1, b: 2}]\na: [1, 2]",
            &["a: 2", "a: 1, b: 2"],
        ),
        (
            "what was added is not excluded",
            "a: [1]\nb: [2]\ninclude: [{a: 3}]\nexclude: [{a: 3}]",
            &["a: 1, b: 2", "a: 3"],
        ),
        (
            "all but a leg of its own",
            "a: [1]\nexclude: [{a: 1}]\ninclude: [{b: 2}]",
            &["b: 2"],
        ),
        (
            "an empty list",
            "a: [1]\nexclude: []\ninclude: []",
            &["a: 1"],
        ),
    ]);
}

#[test]
fn every_part_can_be_an_expression() {
    check(&[
        (
            "documented: a vector",
            "v: ${{ fromJSON(needs.a.outputs.list) }}",
            &["v: 1", "v: two", r#"v: {"three":3}"#],
        ),
        (
            "a value",
            "v: [a, '${{ inputs.one }}', 'x${{ inputs.one }}', '${{ inputs.yes }}']",
            &["v: a", "v: 1", "v: x1", "v: true"],
        ),
        (
            "a part of a value",
            "v: [{deep: ['${{ github.actor }}']}]",
            &[r#"v: {"deep":["Mona"]}"#],
        ),
        (
            "a name",
            "'${{ github.actor }}': [1]\n'x${{ inputs.one }}': [2]",
            &["Mona: 1, x1: 2"],
        ),
        (
            "`include`",
            "include: '${{ fromJSON(''[{\"a\": 1}]'') }}'",
            &["a: 1"],
        ),
        (
            "an item of `include`",
            "include: ['${{ fromJSON(''{\"a\": 1}'') }}', {b: '${{ inputs.one }}'}]",
            &["a: 1", "b: 1"],
        ),
        (
            "`exclude`",
            "a: [1, 2]\nexclude: '${{ fromJSON(''[{\"a\": 1}]'') }}'",
            &["a: 2"],
        ),
        (
            "a value of `exclude`",
            "a: [1, 2]\nexclude: [{a: '${{ inputs.one }}'}]",
            &["a: 2"],
        ),
        (
            "an empty `include` beside a vector",
            "a: [1]\ninclude: ${{ fromJSON(needs.a.outputs.none) }}",
            &["a: 1"],
        ),
    ]);
    let whole = resolve("matrix: ${{ fromJSON(needs.a.outputs.matrix) }}").unwrap();
    let whole: Vec<String> = whole
        .legs
        .unwrap()
        .iter()
        .map(|leg| shown(&leg.values))
        .collect();
    assert_eq!(whole, ["os: w", "os: m"]);
}

#[test]
fn a_strategy_says_how_legs_run() {
    let of = |text: &str| {
        let strategy = resolve(text).unwrap();
        (
            strategy.fail_fast,
            strategy.max_parallel,
            strategy.legs.map(|legs| legs.len()),
        )
    };
    assert_eq!(of("matrix: {a: [1, 2]}"), (true, None, Some(2)));
    assert_eq!(
        of("fail-fast: false\nmax-parallel: 3"),
        (false, Some(3), None)
    );
    assert_eq!(
        of("fail-fast: ${{ !inputs.yes }}\nmax-parallel: ${{ inputs.one }}"),
        (false, Some(1), None)
    );
    assert_eq!(of("max-parallel: 2.9"), (true, Some(2), None));
    assert_eq!(of("max-parallel: 0"), (true, None, None));
    assert_eq!(of("max-parallel: -1"), (true, None, None));
    assert_eq!(
        of("'${{ fromJSON(''{\"matrix\": {\"a\": [1]}, \"fail-fast\": false}'') }}'"),
        (false, None, Some(1))
    );
    assert_eq!(of("{}"), (true, None, None));
}
