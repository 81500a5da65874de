//! How jobs are to be run, from what was typed and configured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::actions::cache::ActionCache;
use crate::actions::stand_ins::StandIns;
use crate::artifact::rules::Rules;
use crate::artifact::shelf::Shelf;
use crate::cli::args::{
    AcceleratorWish, BoundsArguments, KeepWhen, NetworkMode, RunArguments, StartMode,
};
use crate::cli::prepare;
use crate::config::Config;
use crate::failure::{Failure, InfraFailure, InputError};
use crate::host::home::Home;
use crate::host::passing::PassingDirectory;
use crate::instance::accelerator::Wish;
use crate::instance::allowance::{Allowance, Overcommit};
use crate::job::plan::{JobSettings, Keep, Start};
use crate::vmm::machine::{Accelerator, Network, Rates};

/// Machines get this many CPUs when nobody says.
pub(in crate::cli) const DEFAULT_CPUS: u32 = 2;
/// How many times the host's memory is promised; stands above `overcommit.memory`.
const MEMORY_FACTOR: &str = "DORMER_OVERCOMMIT_MEMORY";
/// The same for its processors, and `overcommit.cpus`.
const CPU_FACTOR: &str = "DORMER_OVERCOMMIT_CPUS";
/// The same for what is free on its disk, and `overcommit.disk`.
const DISK_FACTOR: &str = "DORMER_OVERCOMMIT_DISK";

pub(super) fn settings(
    arguments: &RunArguments,
    workspace: Option<PathBuf>,
    config: &Config,
    actions: Arc<ActionCache>,
    mapped_actions: StandIns,
    shelf: Shelf,
) -> Result<JobSettings, InputError> {
    Ok(JobSettings {
        workspace,
        artifacts: Arc::new(Rules::parse(&arguments.artifacts)?),
        shelf: Arc::new(shelf),
        real_actions: arguments.real_actions,
        stays_behind: stays_behind(arguments)?,
        out: on_the_host(arguments.out())?,
        environment: arguments.environment.clone(),
        mapped_actions,
        actions,
        cpus: arguments
            .hardware
            .cpus
            .or(config.cpus)
            .unwrap_or(DEFAULT_CPUS),
        memory: arguments.hardware.memory.or(config.memory),
        network: network(arguments.network, config),
        opened: config.open.clone(),
        accelerator: wish(arguments.hardware.accel),
        allowance: allowance(&arguments.bounds, config)?,
        start: match arguments.start {
            StartMode::Auto => Start::Auto,
            StartMode::Cold => Start::Cold,
            StartMode::Warm => Start::Warm,
        },
        prepare: prepare::script(&arguments.prepare)?,
        warm_after: arguments.warm_after,
        keep: match arguments.keep {
            KeepWhen::Never => Keep::Never,
            KeepWhen::OnFailure => Keep::OnFailure,
            KeepWhen::Always => Keep::Always,
        },
        keep_for: config.keep_for,
    })
}

/// What a machine may take: what was typed, else what is configured.
pub(in crate::cli) fn allowance(
    typed: &BoundsArguments,
    config: &Config,
) -> Result<Allowance, InputError> {
    let (known, rates) = (config.allowance, config.allowance.rates);
    let factor = |name: &str, otherwise: f64| match std::env::var(name) {
        Ok(text) if !text.is_empty() => Overcommit::parse_factor(&text)
            .map_err(|why| InputError::configuration(format!("{name}: {why}"))),
        _ => Ok(otherwise),
    };
    Ok(Allowance {
        disk: typed.disk_limit.or(known.disk),
        pin: typed.pin || known.pin,
        rates: Rates {
            disk_bytes: typed.disk_rate.or(rates.disk_bytes),
            disk_operations: typed
                .disk_operations
                .map(u64::from)
                .or(rates.disk_operations),
            network_bytes: typed.network_rate.or(rates.network_bytes),
        },
        overcommit: Overcommit {
            memory: factor(MEMORY_FACTOR, known.overcommit.memory)?,
            cpus: factor(CPU_FACTOR, known.overcommit.cpus)?,
            disk: factor(DISK_FACTOR, known.overcommit.disk)?,
        },
    })
}

/// What a guest can reach.
pub(in crate::cli) fn network(typed: Option<NetworkMode>, config: &Config) -> Network {
    match typed {
        Some(NetworkMode::None) => Network::None,
        Some(NetworkMode::Full) => Network::Full,
        None => config.network,
    }
}

/// Which accelerator is wanted.
pub(in crate::cli) fn wish(typed: AcceleratorWish) -> Wish {
    match typed {
        AcceleratorWish::Auto => Wish::Auto,
        AcceleratorWish::Kvm => Wish::Only(Accelerator::Kvm),
        AcceleratorWish::Tcg => Wish::Only(Accelerator::Tcg),
    }
}

/// Where the artifacts that steps upload are kept: below `--out`, if there is to be such a directory.
pub(super) async fn shelf(arguments: &RunArguments, home: &Home) -> Result<Shelf, Failure> {
    if arguments.stores_findings() {
        return Ok(Shelf::below(&on_the_host(arguments.out())?));
    }
    let made = PassingDirectory::new(&home.passing()).await;
    let failed = || InfraFailure::new("cannot make a directory for the run's artifacts");
    Ok(Shelf::passing(
        made.map_err(|error| failed().because(error))?,
    ))
}

/// What is no part of the workspace though it may be in it: what Dormer writes, and the secrets.
fn stays_behind(arguments: &RunArguments) -> Result<Vec<PathBuf>, InputError> {
    let others = [
        arguments.events.as_deref(),
        arguments.secret_file.as_deref(),
    ];
    let paths = [arguments.out()].into_iter();
    paths
        .chain(others.into_iter().flatten())
        .map(on_the_host)
        .collect()
}

/// A path that was typed, whether there is something yet or not.
pub(super) fn on_the_host(path: &Path) -> Result<PathBuf, InputError> {
    std::path::absolute(path)
        .map_err(|error| InputError::usage(format!("cannot use `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Arguments, Command};

    #[test]
    fn what_is_written_and_the_secrets_stay_behind() {
        let typed = "dormer run job.yml --out o --events e.jsonl --secret-file s";
        let parsed = Arguments::try_parse_from(typed.split(' ')).unwrap();
        let Command::Run(arguments) = parsed.command else {
            panic!("it is a run");
        };
        let expected = ["o", "e.jsonl", "s"].map(|name| std::path::absolute(name).unwrap());
        assert_eq!(stays_behind(&arguments).unwrap(), expected);
    }
}
