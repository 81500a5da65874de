//! `annotations.sarif`: the annotations of a run in the Static Analysis Results Interchange Format 2.1.0 of
//! OASIS, which code scanning and editors read. Only what an annotation can say is filled in.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use crate::event::{Annotation, Level};
use crate::report::findings::{Findings, JobFindings};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What paths are relative to: the root of the repository, as code scanning knows it.
const ROOT: &str = "%SRCROOT%";
/// The rule of an annotation that names none.
const NO_RULE: &str = "annotation";

#[derive(Debug, Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    properties: Generator,
    runs: [Run<'a>; 1],
}

/// How Dormer knows a file of its own again.
#[derive(Debug, Serialize)]
struct Generator {
    generator: &'static str,
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    tool: Tool,
    results: Vec<Outcome<'a>>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
struct Rule {
    id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    properties: Origin<'a>,
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// Whose output it was.
#[derive(Debug, Serialize)]
struct Origin<'a> {
    job: &'a str,
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

/// The file's contents; none if there are no annotations.
pub fn render(findings: &Findings) -> io::Result<Option<Vec<u8>>> {
    let found = || {
        let jobs = findings.jobs().iter();
        jobs.flat_map(|job| job.annotations.iter().map(move |one| (job, one)))
    };
    let rules: Vec<String> = found()
        .map(|(_, one)| rule_of(one))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if rules.is_empty() {
        return Ok(None);
    }
    let results = found()
        .map(|(job, one)| outcome(job, one, &rules))
        .collect();
    let driver = Driver {
        name: "Dormer",
        version: env!("CARGO_PKG_VERSION"),
        rules: rules.into_iter().map(|id| Rule { id }).collect(),
    };
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        properties: Generator {
            generator: super::files::GENERATOR,
        },
        runs: [Run {
            tool: Tool { driver },
            results,
        }],
    };
    let mut text = serde_json::to_vec_pretty(&log)?;
    text.push(b'\n');
    Ok(Some(text))
}

/// The kind of finding, as far as that is known: the matcher's owner and the tool's own code.
fn rule_of(found: &Annotation) -> String {
    match (&found.matcher, &found.code) {
        (Some(matcher), Some(code)) => format!("{matcher}/{code}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => NO_RULE.to_owned(),
    }
}

fn outcome<'a>(job: &'a JobFindings, found: &'a Annotation, rules: &[String]) -> Outcome<'a> {
    let rule_id = rule_of(found);
    Outcome {
        // It is among them, since they were made of the same annotations.
        rule_index: rules.binary_search(&rule_id).unwrap_or_default(),
        rule_id,
        level: match found.severity {
            Level::Notice => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        },
        message: Text {
            text: &found.message,
        },
        locations: location(found).into_iter().collect(),
        properties: Origin {
            job: &job.job,
            step: job.name_of(found.number),
            title: found.title.as_deref(),
        },
    }
}

fn location(found: &Annotation) -> Option<Location> {
    let file = found.file.as_deref().filter(|file| !file.is_empty())?;
    Some(Location {
        physical_location: PhysicalLocation {
            artifact_location: artifact_location(file),
            region: region(found),
        },
    })
}

/// A path of the guest as a URI: one that is not below the workspace keeps its drive.
fn artifact_location(file: &str) -> ArtifactLocation {
    let path = file.replace('\\', "/");
    let bytes = path.as_bytes();
    let has_drive =
        bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':');
    if has_drive {
        let (drive, rest) = path.split_at(2);
        return ArtifactLocation {
            uri: format!("file:///{drive}/{}", escaped(rest.trim_start_matches('/'))),
            uri_base_id: None,
        };
    }
    if let Some(rest) = path.strip_prefix('/') {
        return ArtifactLocation {
            uri: format!("file:///{}", escaped(rest.trim_start_matches('/'))),
            uri_base_id: None,
        };
    }
    ArtifactLocation {
        uri: escaped(&path),
        uri_base_id: Some(ROOT),
    }
}

fn escaped(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri += &format!("%{byte:02X}");
        }
    }
    uri
}

/// Lines and columns count from 1 here too; the last column is the first one that is no part of it.
fn region(found: &Annotation) -> Option<Region> {
    let start_line = found.line.filter(|line| *line > 0)?;
    let start_column = found.col.filter(|column| *column > 0);
    let end_column = found
        .end_col
        .filter(|end| start_column.is_some_and(|start| start <= *end));
    Some(Region {
        start_line,
        end_line: found.end_line.filter(|end| *end >= start_line),
        start_column,
        end_column: end_column.map(|end| end.saturating_add(1)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::findings::Limits;
    use crate::report::findings::tests::{annotation, event, found, started};

    fn rendered(annotations: Vec<Annotation>) -> Value {
        let mut findings = Findings::new(Limits::STORED);
        findings.take(&event("build", started(1, "Compile")));
        for one in annotations {
            findings.take(&event("build", found(one)));
        }
        serde_json::from_slice(&render(&findings).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn nothing_found_is_no_file() {
        assert!(render(&Findings::new(Limits::STORED)).unwrap().is_none());
    }

    #[test]
    fn a_finding_has_its_rule_its_place_and_its_origin() {
        let one = Annotation {
            file: Some("src/a b.c".to_owned()),
            line: Some(3),
            col: Some(5),
            end_col: Some(7),
            code: Some("C4996".to_owned()),
            matcher: Some("msvc".to_owned()),
            ..annotation(1, Level::Warning, "old")
        };
        let log = rendered(vec![one, annotation(1, Level::Notice, "by the way")]);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(
            run["tool"]["driver"]["rules"],
            json!([{"id": "annotation"}, {"id": "msvc/C4996"}])
        );
        assert_eq!(
            run["results"],
            json!([
                {
                    "ruleId": "msvc/C4996", "ruleIndex": 1, "level": "warning",
                    "message": {"text": "old"},
                    "locations": [{"physicalLocation": {
                        "artifactLocation": {"uri": "src/a%20b.c", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 3, "startColumn": 5, "endColumn": 8},
                    }}],
                    "properties": {"job": "build", "step": "Compile"},
                },
                {
                    "ruleId": "annotation", "ruleIndex": 0, "level": "note",
                    "message": {"text": "by the way"},
                    "properties": {"job": "build", "step": "Compile"},
                },
            ])
        );
    }

    #[test]
    fn impossible_places_are_left_out_and_foreign_ones_keep_their_drive() {
        let odd = Annotation {
            file: Some(r"D:\x\ü.c".to_owned()),
            line: Some(0),
            col: Some(2),
            ..annotation(1, Level::Error, "x")
        };
        let backwards = Annotation {
            file: Some("/usr/include/a.h".to_owned()),
            line: Some(9),
            end_line: Some(2),
            col: Some(4),
            end_col: Some(1),
            ..annotation(1, Level::Error, "x")
        };
        let log = rendered(vec![odd, backwards]);
        let places = |at: usize| &log["runs"][0]["results"][at]["locations"][0]["physicalLocation"];
        assert_eq!(
            *places(0),
            json!({"artifactLocation": {"uri": "file:///D:/x/%C3%BC.c"}})
        );
        assert_eq!(
            *places(1),
            json!({"artifactLocation": {"uri": "file:///usr/include/a.h"},
                   "region": {"startLine": 9, "startColumn": 4}})
        );
    }
}
