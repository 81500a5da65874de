//! `dormer doctor`: what Dormer needs from this host, looked at one by one. Tells apart what looks the
//! same from afar (no engine, no permission for it, one that does not run), and says for each what to
//! do about it.

mod engine;
mod host;
mod kvm;

use serde::Serialize;

use crate::cli::args::ListFormat;
use crate::cli::output;
use crate::cli::workshop::Base;
use crate::config;
use crate::exit_code;
use crate::failure::Failure;
use crate::report::style::{Palette, Tone};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Jobs run, but not as well as they could.
    Warning,
    /// Jobs do not run.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// A word for programs: what exactly was found.
    finding: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Check {
    fn ok(name: &'static str, finding: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            finding,
            detail: detail.into(),
            help: None,
        }
    }

    fn bad(
        name: &'static str,
        state: State,
        finding: &'static str,
        detail: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            name,
            state,
            finding,
            detail: detail.into(),
            help: Some(help.into()),
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

pub(super) async fn doctor(format: ListFormat) -> Result<u8, Failure> {
    let loaded = config::load(None)?;
    let base = Base::open()?;
    let mut checks = Vec::new();
    let engine = engine::check(&mut checks).await;
    checks.push(kvm::check(engine.as_ref(), &base).await);
    checks.extend(host::check(&base, &loaded.config, engine.is_some()));
    let ok = checks.iter().all(|check| check.state != State::Error);
    match format {
        ListFormat::Json => output::json(&Report {
            ok,
            checks: &checks,
        })?,
        ListFormat::Human => print(&checks)?,
    }
    Ok(if ok {
        exit_code::SUCCESS
    } else {
        exit_code::INFRASTRUCTURE
    })
}

fn print(checks: &[Check]) -> Result<(), Failure> {
    let palette = Palette::for_stdout();
    for check in checks {
        let (mark, tone) = match check.state {
            State::Ok => ("✓", Tone::Good),
            State::Warning => ("!", Tone::Caution),
            State::Error => ("✗", Tone::Bad),
        };
        output::line(&format!(
            "{} {}: {}",
            palette.paint(tone, mark),
            check.name,
            check.detail
        ))?;
        if let Some(help) = &check.help {
            output::line(&format!("    {help}"))?;
        }
    }
    Ok(())
}
