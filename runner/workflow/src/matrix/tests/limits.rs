//! What is refused.

use super::*;

fn list(count: usize) -> String {
    (0..count).map(|i| format!("{i}, ")).collect()
}

#[test]
fn a_matrix_has_256_legs_at_most() {
    assert_eq!(legs(&format!("a: [{}]", list(256))).len(), 256);
    assert_eq!(
        legs(&format!("a: [{}]\nb: [{}]", list(16), list(16))).len(),
        256
    );
    assert_eq!(
        problems(&format!("matrix: {{a: [{}]}}", list(257))),
        "ci.yml:7:15: the matrix has more than 256 legs"
    );
    assert_eq!(
        problems(&format!(
            "matrix: {{a: [{}], include: [{{a: x}}]}}",
            list(256)
        )),
        "ci.yml:7:15: the matrix has more than 256 legs"
    );
    assert_eq!(
        legs(&format!(
            "a: [{}]\nb: [1, 2]\nexclude: [{{b: 2}}]",
            list(256)
        ))
        .len(),
        256
    );
}

#[test]
fn what_costs_too_much_is_refused() {
    let vectors: String = (0..20).map(|i| format!("v{i}: [1, 2], ")).collect();
    assert_eq!(
        problems(&format!("matrix: {{{vectors}}}")),
        "ci.yml:7:15: the matrix has more than 16384 combinations before `exclude`"
    );
    let filters = "{a: x}, ".repeat(2000);
    assert_eq!(
        problems(&format!(
            "matrix: {{a: [{}], b: [{}], exclude: [{filters} {{b: {{}}}}]}}",
            list(200),
            list(80)
        )),
        "ci.yml:7:15: `include` and `exclude` of the matrix are too large to be expanded"
    );
}

#[test]
fn wrong_shapes_are_refused_all_at_once() {
    insta::assert_snapshot!(problems("matrix: {a: 1, b: {c: d}, e: [], f: , include: x, exclude: {g: h}}\nfail-fast: maybe\nmax-parallel: '2'"), @"
    ci.yml:7:19: expected a sequence of values as `a`, found a number
    ci.yml:7:25: expected a sequence of values as `b`, found a mapping
    ci.yml:7:36: the vector `e` has no values
    ci.yml:7:41: expected a sequence of values as `f`, found nothing
    ci.yml:7:54: expected a sequence of mappings as `include`, found a string
    ci.yml:7:66: expected a sequence of mappings as `exclude`, found a mapping
    ci.yml:8:18: expected a boolean or an expression, found a string
    ci.yml:9:21: expected a number or an expression, found a string
    ");
    insta::assert_snapshot!(problems("matrix: {a: [1], include: [x, {}, [1]], exclude: [1, {}, {b: 1}]}"), @"
    ci.yml:7:34: expected a mapping in `include`, found a string
    ci.yml:7:37: this mapping in `include` is empty
    ci.yml:7:41: expected a mapping in `include`, found a sequence
    ci.yml:7:57: expected a mapping in `exclude`, found a number
    ci.yml:7:60: this mapping in `exclude` is empty
    ci.yml:7:65: `exclude` names `b`, which is no vector of the matrix
    ");
    insta::assert_snapshot!(problems("matrix: [a]\nfail-fast: 1\nmax-parallel: "), @"
    ci.yml:7:15: expected a mapping of names and lists, found a sequence
    ci.yml:8:18: expected a boolean or an expression, found a number
    ci.yml:9:19: expected a number or an expression, found nothing
    ");
    insta::assert_snapshot!(problems("matrix: {}"), @"ci.yml:7:15: the matrix has no vectors");
    insta::assert_snapshot!(problems("matrix: {include: []}"), @"ci.yml:7:15: the matrix has no vectors");
    insta::assert_snapshot!(problems("matrix: {exclude: [{a: 1}]}"), @"
    ci.yml:7:15: the matrix has no vectors
    ci.yml:7:27: `exclude` names `a`, which is no vector of the matrix
    ");
    insta::assert_snapshot!(problems("matrx: {a: [1]}\nfail_fast: true"), @"
    ci.yml:7:7: unknown key `matrx` in `strategy`
    ci.yml:8:7: unknown key `fail_fast` in `strategy`
    ");
    insta::assert_snapshot!(problems("matrix: {a: ['${{ matrix.b }}', '${{'], '${{ x': [1], '': [1]}"), @"
    ci.yml:7:25: the context `matrix` is not available in `jobs.*.strategy`
    ci.yml:7:40: this `${{` is not closed with `}}`
    ci.yml:7:48: this `${{` is not closed with `}}`
    ci.yml:7:61: expected a name, found nothing
    ");
    insta::assert_snapshot!(problems("- matrix"), @"ci.yml:7:7: expected a mapping of the keys of `strategy`, found a sequence");
    insta::assert_snapshot!(problems("matrix: {a: '${{ github }}', exclude: [{b: 1}]}"), @"ci.yml:7:47: `exclude` names `b`, which is no vector of the matrix");
}

#[test]
fn wrong_values_of_expressions_are_shown_at_the_expression() {
    insta::assert_snapshot!(problems("matrix: {a: '${{ fromJSON(needs.a.outputs.none) }}', b: '${{ github.actor }}', c: '${{ fromJSON(needs.a.outputs.text) }}'}"), @"ci.yml:7:103: `fromJSON` got a string that is not JSON: expected value at line 1 column 1");
    insta::assert_snapshot!(problems("matrix: {a: '${{ fromJSON(needs.a.outputs.none) }}', b: '${{ github.actor }}'}\nfail-fast: ${{ github.actor }}\nmax-parallel: ${{ needs.a.outputs.text }}"), @"
    ci.yml:7:19: the vector `a` has no values
    ci.yml:7:63: expected a sequence of values as `b`, found a string
    ci.yml:8:18: expected a boolean or an expression, found a string
    ci.yml:9:21: expected a number or an expression, found a string
    ");
    insta::assert_snapshot!(problems("matrix: {include: '${{ fromJSON(needs.a.outputs.none) }}'}"), @"ci.yml:7:15: the matrix has no vectors");
    insta::assert_snapshot!(problems("matrix: {a: [1], exclude: ['${{ github }}']}"), @"ci.yml:7:34: `exclude` names `actor`, which is no vector of the matrix");
    insta::assert_snapshot!(problems("matrix: ${{ needs.a.outputs.text }}"), @"ci.yml:7:15: expected a mapping of names and lists, found a string");
    insta::assert_snapshot!(problems("'${{ fromJSON(''{\"matrx\": 1}'') }}'"), @"ci.yml:7:7: unknown key `matrx` in `strategy`");
    insta::assert_snapshot!(problems("${{ fromJSON('[]') }}"), @"ci.yml:7:7: expected a mapping of the keys of `strategy`, found a sequence");
}
