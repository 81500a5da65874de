//! Any text is an expression, a template and a condition, or is refused as one.

#![no_main]

use dormer_workflow::expr::{Condition, Contexts, Expression, Object, Template, Value};
use libfuzzer_sys::fuzz_target;

/// Contexts with a little of everything.
fn scope() -> Contexts {
    let commit = Object::from_iter([("id", Value::from("a")), ("n", Value::from(1.0))]);
    let commits = Value::from(vec![commit.into(), Value::Null, Value::from(true)]);
    let event = Object::from_iter([("commits", commits)]);
    let github = Object::from_iter([("ref", Value::from("main")), ("event", event.into())]);
    let values = Object::from_iter([("github", github), ("env", Object::new())]);
    Contexts {
        values,
        ..Contexts::default()
    }
}

fuzz_target!(|text: &str| {
    let scope = scope();
    match Expression::parse(text) {
        Ok(expression) => {
            if let Err(error) = expression.evaluate(&scope) {
                let _ = error.render();
            }
        }
        Err(error) => {
            let _ = error.render();
        }
    }
    if let Ok(template) = Template::parse(text) {
        let _ = template.render(&scope);
    }
    if let Ok(condition) = Condition::parse(text) {
        let _ = condition.evaluate(&scope);
    }
});
