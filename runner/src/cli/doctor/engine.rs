//! The container engine: there, permitted, running, of a kind that will do.

use crate::cli::doctor::{Check, State};
use crate::failure::with_causes;
use crate::vmm::endpoint::{self, Surroundings};
use crate::vmm::engine::{Engine, EngineTrouble};

const NAME: &str = "engine";

/// Looks at the engine; returns it if jobs can run on it.
pub(super) async fn check(checks: &mut Vec<Check>) -> Option<Engine> {
    let endpoint = match endpoint::choose(&Surroundings::of_this_process()) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let help = error.help.unwrap_or_default();
            checks.push(Check::bad(
                NAME,
                State::Error,
                "refused",
                error.message,
                help,
            ));
            return None;
        }
    };
    let engine = match Engine::connect_to(&endpoint).await {
        Ok(engine) => engine,
        Err(trouble) => {
            let finding = match trouble {
                EngineTrouble::Missing(_) => "missing",
                EngineTrouble::NotPermitted(_) => "not_permitted",
                EngineTrouble::NotRunning(_) => "not_running",
                EngineTrouble::Odd(..) => "odd",
            };
            let (text, help) = (trouble.to_string(), trouble.help());
            checks.push(Check::bad(NAME, State::Error, finding, text, help));
            return None;
        }
    };
    let facts = match engine.facts().await {
        Ok(facts) => facts,
        Err(failure) => {
            let (text, help) = (with_causes(&failure), failure.help.unwrap_or_default());
            checks.push(Check::bad(NAME, State::Error, "odd", text, help));
            return None;
        }
    };
    let what = format!("Docker {} at {}", facts.version, endpoint.socket.display());
    if let Some(why) = facts.refusal() {
        let finding = if facts.rootless {
            "rootless"
        } else {
            "remaps_users"
        };
        let help =
            "a rootless engine will not do: use the system's own, and point DOCKER_HOST at it";
        checks.push(Check::bad(
            NAME,
            State::Error,
            finding,
            format!("{what}: {why}"),
            help,
        ));
        return None;
    }
    checks.push(Check::ok(
        NAME,
        "ok",
        format!("{what}, not rootless (chosen by {})", endpoint.chosen_by),
    ));
    Some(engine)
}
