//! Text with `${{ }}`.

use dormer_workflow::expr::{Contexts, Template, read_contexts};

use crate::contexts;
use crate::table::{assert_none, rows};

#[test]
fn every_text_is_rendered_or_refused() {
    let mut failures = Vec::new();
    let rows = rows("templates.txt");
    for row in &rows {
        let found = render(&row.input);
        let expected = match row.expected.strip_prefix("error ") {
            Some(error) => Err(error.to_owned()),
            None => Ok(serde_json::from_str(&row.expected).unwrap()),
        };
        if found != expected {
            failures.push(format!("{}: {} => {found:?}", row.place, row.input));
        }
    }
    assert_none(&failures, rows.len());
}

fn render(text: &str) -> Result<String, String> {
    let scope = Contexts {
        values: read_contexts(&contexts()).unwrap(),
        ..Contexts::default()
    };
    let placed = |span: dormer_workflow::Span, message: &str| {
        format!("{}..{} {message}", span.start, span.end)
    };
    Template::parse(text)
        .map_err(|error| placed(error.span(), error.message()))?
        .render(&scope)
        .map_err(|error| placed(error.span(), error.message()))
}
