//! How a job ends, and with which exit code. A failed step and a failed machine never share one.

use crate::event::{Conclusion, Infra};
use crate::exit_code;
use crate::failure::{Failure, InputPlace};
use crate::job::limits::Stop;

/// How a job ended, for whoever started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnd {
    /// How it counts.
    pub conclusion: Conclusion,
    /// What the process ends with, if there is no other job.
    pub exit_code: u8,
    /// Its outputs, for the jobs that need it.
    pub outputs: Vec<(String, String)>,
}

/// Why a job ended. Fixed before the teardown begins.
#[derive(Debug)]
pub enum Ending {
    /// Its steps ran to their end.
    Steps(Conclusion),
    /// Somebody stopped it.
    Cancelled,
    /// Its time was over.
    Deadline,
    /// It could not be run, or not to its end.
    Failed(Failure),
}

impl Ending {
    /// Steps that ended because they were told to say "cancelled"; `stop` says why.
    pub fn of_steps(conclusion: Conclusion, stop: Option<Stop>) -> Self {
        match (conclusion, stop) {
            (Conclusion::Cancelled, Some(Stop::Deadline)) => Self::Deadline,
            (Conclusion::Cancelled, _) => Self::Cancelled,
            _ => Self::Steps(conclusion),
        }
    }

    /// How the job counts.
    pub fn conclusion(&self) -> Conclusion {
        match self {
            Self::Steps(conclusion) => *conclusion,
            Self::Cancelled | Self::Deadline => Conclusion::Cancelled,
            Self::Failed(_) => Conclusion::Failure,
        }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Steps(Conclusion::Success | Conclusion::Skipped) => exit_code::SUCCESS,
            Self::Steps(Conclusion::Failure) => exit_code::STEP_FAILED,
            Self::Steps(Conclusion::Cancelled) | Self::Cancelled => exit_code::CANCELLED,
            Self::Deadline => exit_code::DEADLINE,
            Self::Failed(failure) => of_failure(failure),
        }
    }

    /// What is stated of the machinery's failure, if that is what ended the job.
    pub fn infra(&self, evidence: Option<String>) -> Option<Infra> {
        let Self::Failed(failure) = self else {
            return None;
        };
        let transient = matches!(failure, Failure::Infra(infra) if infra.transient);
        let help = failure.help().map(str::to_owned);
        Some(Infra {
            message: failure.message(),
            help,
            transient,
            evidence,
        })
    }
}

/// The exit code for a failure outside of the steps.
pub fn of_failure(failure: &Failure) -> u8 {
    match failure {
        Failure::Input(error) => match error.place {
            InputPlace::Usage => exit_code::USAGE,
            InputPlace::Configuration => exit_code::CONFIGURATION,
        },
        Failure::Infra(failure) if failure.transient => exit_code::TRANSIENT,
        Failure::Infra(_) => exit_code::INFRASTRUCTURE,
        Failure::Bug(_) => exit_code::BUG,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Bug, InfraFailure, InputError};

    #[test]
    fn a_failed_step_and_a_failed_machine_never_share_a_code() {
        let endings = [
            (Ending::Steps(Conclusion::Success), 0),
            (Ending::Steps(Conclusion::Failure), 1),
            (Ending::Failed(InputError::usage("x").into()), 2),
            (Ending::Failed(InfraFailure::new("x").into()), 69),
            (
                Ending::Failed(
                    Bug {
                        message: String::new(),
                    }
                    .into(),
                ),
                70,
            ),
            (Ending::Failed(InfraFailure::transient("x").into()), 75),
            (Ending::Failed(InputError::configuration("x").into()), 78),
            (Ending::Deadline, 124),
            (Ending::Cancelled, 130),
        ];
        for (ending, code) in endings {
            assert_eq!(ending.exit_code(), code, "{ending:?}");
        }
    }
}
