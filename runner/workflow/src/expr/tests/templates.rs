//! Text with expressions, and conditions.

use super::*;

fn render(text: &str) -> Result<String, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    template.render(&scope()).map_err(|error| error.to_string())
}

#[test]
fn templates_insert_values() {
    for (text, expected) in [
        ("", ""),
        ("plain { } }} $ {{ '", "plain { } }} $ {{ '"),
        ("${{ github.actor }}", "Mona"),
        ("${{github.actor}}", "Mona"),
        ("hello ${{ github.actor }}!", "hello Mona!"),
        ("${{ 1 }}${{ 2 }}", "12"),
        ("a${{ null }}b", "ab"),
        ("${{ null }}", ""),
        ("${{ true }}", "true"),
        ("${{ 1.50 }}", "1.5"),
        ("${{ '}}' }}", "}}"),
        ("x ${{ 'it''s }}' }} y", "x it's }} y"),
        ("${{ '${{ literal }}' }}", "${{ literal }}"),
        ("x${{ '${{' }}", "x${{"),
        ("${{ format('{0}}}', 1) }}", "1}"),
        ("a ${{ github }} ${{ matrix.os }}", "a Object Array"),
        ("${{\n  github.actor\n}}\n", "Mona\n"),
        ("é${{ 'ü' }}é", "éüé"),
        ("$${{ 1 }}", "$1"),
        ("{${{ 1 }}}", "{1}"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text:?}");
    }
}

#[test]
fn templates_keep_the_type_of_a_lone_expression() {
    let value = |text: &str| Template::parse(text).unwrap().evaluate(&scope()).unwrap();
    assert_eq!(value("${{ 1 }}"), Value::Number(1.0));
    assert_eq!(value("${{ matrix.os }}").kind(), "Array");
    assert_eq!(value(" ${{ 1 }}"), Value::from(" 1"));
    assert_eq!(value("text"), Value::from("text"));
}

#[test]
fn plain_text_is_a_literal_and_so_is_a_lone_string() {
    assert_eq!(
        Template::parse("a }} b").unwrap().as_literal(),
        Some("a }} b")
    );
    assert_eq!(
        Template::parse("${{ 'x' }}").unwrap().as_literal(),
        Some("x")
    );
    assert!(Template::parse("${{ 'x' }}${{ nope() }}").is_err());
    assert_eq!(Template::parse("${{ 1 }}").unwrap().as_literal(), None);
    assert_eq!(
        Template::parse("${{ a }} ${{ b }}")
            .unwrap()
            .expressions()
            .count(),
        2
    );
}

#[test]
fn wrong_templates_are_refused_in_the_whole_text() {
    let rendered = |text: &str| Template::parse(text).unwrap_err().render();
    insta::assert_snapshot!(rendered("echo ${{ github.actor"), @"
    this `${{` is not closed with `}}`
      | echo ${{ github.actor
      |      ^^^
    ");
    insta::assert_snapshot!(rendered("echo ${{ 'a }}"), @"
    this `${{` is not closed with `}}`
      | echo ${{ 'a }}
      |      ^^^
    ");
    insta::assert_snapshot!(rendered("a ${{ }} b"), @"
    expected an expression, found nothing
      | a ${{ }} b
      |       ^
    ");
    insta::assert_snapshot!(rendered("a\nb ${{ 1 }} ${{ nope() }}\nc"), @"
    unknown function `nope`
      | b ${{ 1 }} ${{ nope() }}
      |                ^^^^
    ");
    insta::assert_snapshot!(rendered("${{ insert }}"), @"
    `${{ insert }}` is not supported
      | ${{ insert }}
      |     ^^^^^^
    ");
}

#[test]
fn failures_point_into_their_expression() {
    let rendered = |text: &str| {
        Template::parse(text)
            .unwrap()
            .render(&scope())
            .unwrap_err()
            .render()
    };
    insta::assert_snapshot!(rendered("a ${{ 1 }} ${{ github.actor == nope.x }}"), @"
    unknown context `nope`
      | github.actor == nope.x
      |                 ^^^^
    ");
    insta::assert_snapshot!(rendered("${{ github.event }}"), @"
    expected a string, found an object
      | github.event
      | ^^^^^^^^^^^^
      = help: `toJSON()` turns anything into a string
    ");
    insta::assert_snapshot!(rendered("a ${{ fromJSON('{') }}"), @"
    `fromJSON` got a string that is not JSON: EOF while parsing an object at line 1 column 1
      | fromJSON('{')
      |          ^^^
    ");
}

#[test]
fn text_with_expressions_has_a_limit() {
    let long = "x".repeat(MAX_LENGTH);
    assert_eq!(render(&long).as_deref(), Ok(&*long), "plain text has none");
    let error = Template::parse(format!("{long} ${{{{ 1 }}}}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "text with expressions can't be longer than 21000 characters"
    );
    assert!(Template::parse("${{ 1 }} ".repeat(254)).is_ok());
    let error = Template::parse("${{ 1 }} ".repeat(255)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "text can't hold more than 254 expressions"
    );
}

#[test]
fn conditions_imply_success_unless_they_ask() {
    let holds = |text: &str, status| {
        let scope = Contexts { status, ..scope() };
        Condition::parse(text).unwrap().evaluate(&scope).unwrap()
    };
    // The condition, and whether it holds after success, failure and cancellation.
    for (text, expected) in [
        ("", [true, false, false]),
        ("  ", [true, false, false]),
        ("true", [true, false, false]),
        ("${{ true }}", [true, false, false]),
        ("false", [false, false, false]),
        ("success()", [true, false, false]),
        ("failure()", [false, true, false]),
        ("always()", [true, true, true]),
        ("${{ always() }}", [true, true, true]),
        ("!cancelled()", [true, true, false]),
        ("success() || failure()", [true, true, false]),
        ("'always()'", [true, false, false]),
        ("always() && github.actor == 'mona'", [true, true, true]),
        ("github.actor == 'mona'", [true, false, false]),
        ("github.missing", [false, false, false]),
        ("'false'", [true, false, false]),
        ("0", [false, false, false]),
        ("github.actor == 'x' || always()", [true, true, true]),
        // Text around an expression makes a string of it, and that holds.
        ("${{ github.actor == 'x' }} && true", [true, false, false]),
        ("${{ false }} ${{ always() }}", [true, true, true]),
    ] {
        let found = [JobStatus::Success, JobStatus::Failure, JobStatus::Cancelled]
            .map(|status| holds(text, status));
        assert_eq!(found, expected, "{text:?}");
    }
    assert!(Condition::parse("${{ a }} && b").unwrap().is_text());
    assert!(!Condition::parse("${{ a && b }}").unwrap().is_text());
    assert!(Condition::parse("a").unwrap().implies_success());
    assert!(!Condition::parse("always()").unwrap().implies_success());
    assert_eq!(Condition::default().text(), "success()");
}

#[test]
fn names_are_checked_against_their_place() {
    const STEP: Availability = Availability {
        key: "jobs.*.steps.*",
        contexts: &["github", "env"],
        status: StatusFunctions::Step,
        hash_files: true,
    };
    const JOB: Availability = Availability {
        key: "",
        contexts: &["github", "needs"],
        status: StatusFunctions::Job,
        hash_files: false,
    };
    let check = |text: &str, availability: &Availability| -> Vec<String> {
        let template = Template::parse(text).unwrap();
        template
            .check(availability)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert!(
        check(
            "${{ github.x == env.y && hashFiles('a') && !failure() }}",
            &STEP
        )
        .is_empty()
    );
    assert!(check("${{ failure('a', 'b') }}", &JOB).is_empty());
    assert!(check("plain", &Availability::NOTHING).is_empty());
    assert_eq!(
        check("${{ secrets.x || gihtub.y }} ${{ hashFiles('a') }}", &JOB),
        [
            "the context `secrets` is not available here",
            "unknown context `gihtub`",
            "the function `hashFiles` is not available here",
        ]
    );
    assert_eq!(
        check("${{ success('a') }}", &STEP),
        ["`success` takes no arguments here, found 1"]
    );
    assert_eq!(
        check("${{ 1 }}", &Availability::NOTHING),
        ["expressions are not allowed here"]
    );
    let template = Template::parse("a ${{ TRUE }} b").unwrap();
    insta::assert_snapshot!(template.check(&STEP)[0].render(), @"
    unknown context `TRUE`
      | a ${{ TRUE }} b
      |       ^^^^
      = help: did you mean `true`? these words are in lower case
    ");
}
