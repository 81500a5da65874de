//! What can be the id of a job or a step.

/// Ids are shorter than this.
const MAX_LENGTH: usize = 100;

/// What is wrong with an id.
pub(super) fn refuse(id: &str) -> Option<String> {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !id.starts_with(starts) || !id.chars().all(goes_on) {
        return Some(format!(
            "`{}` can't be an id: ids begin with a letter or `_` and go on with letters, digits, \
             `-` and `_`",
            shown(id)
        ));
    }
    if id.len() >= MAX_LENGTH {
        return Some(format!(
            "`{}` can't be an id: it has {MAX_LENGTH} characters or more",
            shown(id)
        ));
    }
    if id.starts_with("__") {
        return Some(format!(
            "`{id}` can't be an id: ids that begin with `__` are GitHub's own"
        ));
    }
    None
}

fn shown(id: &str) -> String {
    const LIMIT: usize = 40;
    if id.chars().count() <= LIMIT {
        id.to_owned()
    } else {
        format!("{}…", id.chars().take(LIMIT).collect::<String>())
    }
}
