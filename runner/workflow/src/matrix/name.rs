//! What GitHub calls a leg: `build (windows, x64)`.

use crate::expr::Value;

use super::Combination;

/// How long a name with values in it may be, in UTF-16 code units. A longer one ends in dots.
const MAX_NAME: usize = 100;

const DOTS: &str = "...";

/// The name of a job with the values of a leg. The values come in order, those in objects and
/// lists too; nothing and empty strings are left out, and so is what `include` added to a
/// combination. Such a name has at most 100 UTF-16 code units.
pub fn leg_name(job: &str, leg: &Combination) -> String {
    let mut segments = Vec::new();
    for (_, value) in leg.values.iter().take(leg.named) {
        gather(value, &mut segments);
    }
    let name = if segments.is_empty() {
        job.to_owned()
    } else {
        format!("{job} ({})", segments.join(", "))
    };
    shortened(name)
}

/// Values are nested no deeper than YAML and JSON may be, so this may recurse.
fn gather(value: &Value, segments: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, segments)),
        Value::Object(object) => object.iter().for_each(|(_, item)| gather(item, segments)),
        _ => segments.extend(Some(value.to_text()).filter(|text| !text.is_empty())),
    }
}

fn shortened(name: String) -> String {
    let mut length = 0;
    let mut end = 0;
    for c in name.chars() {
        length += c.len_utf16();
        if length <= MAX_NAME - DOTS.len() {
            end += c.len_utf8();
        }
        if length > MAX_NAME {
            return format!("{}{DOTS}", &name[..end]);
        }
    }
    name
}
