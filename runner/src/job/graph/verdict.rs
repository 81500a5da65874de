//! What several jobs come to: the run's conclusion and its exit code. The order of the codes is public:
//! see `docs/exit-codes.md`.

use crate::event::Conclusion;
use crate::exit_code as codes;
use crate::job::graph::board::combined;
use crate::job::limits::Stop;
use crate::job::outcome::JobEnd;

/// The worst first: what is Dormer's fault, what was asked wrongly, the machinery, time, the jobs' own.
const ORDER: [u8; 8] = [
    codes::BUG,
    codes::USAGE,
    codes::CONFIGURATION,
    codes::INFRASTRUCTURE,
    codes::TRANSIENT,
    codes::DEADLINE,
    codes::STEP_FAILED,
    codes::CANCELLED,
];

/// What the run came to, by how its jobs ended and why it was stopped, if it was.
pub fn verdict(ends: &[JobEnd], stop: Option<Stop>) -> (Conclusion, u8) {
    let conclusions: Vec<Conclusion> = ends.iter().map(|end| end.conclusion).collect();
    let conclusion = match combined(&conclusions) {
        // Nothing to do is well done.
        Conclusion::Skipped => Conclusion::Success,
        conclusion => conclusion,
    };
    let is_cut = conclusions.contains(&Conclusion::Cancelled);
    let code = match stop {
        Some(Stop::Cancelled) if is_cut => codes::CANCELLED,
        Some(Stop::Deadline) if is_cut => codes::DEADLINE,
        _ => worst(ends),
    };
    (conclusion, code)
}

/// The worst code of the jobs that count. A job that was cancelled because another one failed has that
/// one's code beside it.
fn worst(ends: &[JobEnd]) -> u8 {
    let there = |code: &&u8| ends.iter().any(|end| end.exit_code == **code);
    ORDER.iter().find(there).copied().unwrap_or(codes::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_in_the_documented_order() {
        use Conclusion::{Cancelled, Failure, Skipped, Success};
        for (ends, stop, expected) in [
            (&[][..], None, (Success, 0)),
            (&[(Skipped, 0), (Skipped, 0)], None, (Success, 0)),
            (
                &[(Success, 0), (Failure, 1), (Cancelled, 130)],
                None,
                (Failure, 1),
            ),
            (
                &[(Failure, 1), (Failure, 75), (Failure, 69)],
                None,
                (Failure, 69),
            ),
            (&[(Failure, 78), (Failure, 70)], None, (Failure, 70)),
            (&[(Cancelled, 124), (Failure, 1)], None, (Failure, 124)),
            (&[(Success, 0), (Cancelled, 130)], None, (Cancelled, 130)),
            (
                &[(Failure, 1), (Cancelled, 130)],
                Some(Stop::Cancelled),
                (Failure, 130),
            ),
            (&[(Cancelled, 124)], Some(Stop::Deadline), (Cancelled, 124)),
            // It was over before anybody could be stopped.
            (&[(Success, 0)], Some(Stop::Cancelled), (Success, 0)),
            (&[(Failure, 1)], Some(Stop::Deadline), (Failure, 1)),
        ] {
            let ends: Vec<JobEnd> = ends
                .iter()
                .map(|&(conclusion, exit_code)| JobEnd {
                    conclusion,
                    exit_code,
                    outputs: Vec::new(),
                })
                .collect();
            assert_eq!(verdict(&ends, stop), expected, "{ends:?} {stop:?}");
        }
    }
}
