use proptest::prelude::*;

use super::*;

const FAILED: LegResult = LegResult {
    conclusion: Conclusion::Failure,
    forgiven: false,
};

fn ended(conclusion: Conclusion) -> LegResult {
    LegResult {
        conclusion,
        forgiven: false,
    }
}

fn rules(fail_fast: bool, max_parallel: usize) -> Rules {
    Rules {
        fail_fast,
        max_parallel: Some(max_parallel),
    }
}

/// Runs a job of one leg to an end.
fn run(board: &mut Board, job: usize, conclusion: Conclusion) {
    board.split(job, 1, Rules::default()).unwrap();
    board.start(job, 0).unwrap();
    let consequences = board.end(job, 0, ended(conclusion)).unwrap();
    assert_eq!(consequences.over, [job]);
}

#[test]
fn a_job_waits_for_all_that_it_needs() {
    let mut board = Board::new(vec![vec![], vec![], vec![0, 1]]);
    assert_eq!(board.decidable(), Some(0));
    assert_eq!(
        board.settle(2, Conclusion::Skipped),
        Err(Refusal::NeedsOpen(2))
    );
    run(&mut board, 0, Conclusion::Success);
    assert_eq!(board.decidable(), Some(1));
    assert_eq!(
        board.split(2, 1, Rules::default()),
        Err(Refusal::NeedsOpen(2))
    );
    run(&mut board, 1, Conclusion::Failure);
    assert_eq!(board.decidable(), Some(2));
}

#[test]
fn what_the_ancestors_came_to_reaches_through_jobs_that_ran_all_the_same() {
    // 3 needs 2 needs 1 needs 0.
    let chain = || Board::new(vec![vec![], vec![0], vec![1], vec![2]]);
    for (first, expected) in [
        (Conclusion::Success, Ancestry::Succeeded),
        (Conclusion::Failure, Ancestry::Failed),
        (Conclusion::Skipped, Ancestry::Incomplete),
        (Conclusion::Cancelled, Ancestry::Incomplete),
    ] {
        let mut board = chain();
        board.settle(0, first).unwrap();
        run(&mut board, 1, Conclusion::Success);
        run(&mut board, 2, Conclusion::Success);
        assert_eq!(board.ancestors(3), [0, 1, 2]);
        assert_eq!(board.ancestry(3), expected, "{first:?}");
        assert_eq!(board.outlook(&[1, 2]), Ancestry::Succeeded);
    }
}

#[test]
fn moves_that_make_no_sense_are_refused() {
    let mut board = Board::new(vec![vec![]]);
    assert_eq!(board.settle(7, Conclusion::Success), Err(Refusal::NoJob(7)));
    assert_eq!(board.split(0, 0, Rules::default()), Err(Refusal::NoLegs(0)));
    board.split(0, 2, rules(true, 1)).unwrap();
    assert_eq!(
        board.split(0, 2, Rules::default()),
        Err(Refusal::WrongState(0))
    );
    assert_eq!(
        board.settle(0, Conclusion::Success),
        Err(Refusal::WrongState(0))
    );
    assert_eq!(board.start(0, 9), Err(Refusal::NoLeg(0, 9)));
    assert_eq!(board.end(0, 0, FAILED), Err(Refusal::WrongState(0)));
    board.start(0, 0).unwrap();
    assert_eq!(board.start(0, 0), Err(Refusal::WrongState(0)));
    assert_eq!(board.start(0, 1), Err(Refusal::TooMany(0)));
    board.end(0, 0, FAILED).unwrap();
    assert_eq!(board.end(0, 0, FAILED), Err(Refusal::WrongState(0)));
    assert_eq!(board.end(0, 1, FAILED), Err(Refusal::WrongState(0)));
}

#[test]
fn a_failed_leg_ends_the_others_unless_told_not_to() {
    for (fail_fast, forgiven, stops) in [
        (true, false, true),
        (false, false, false),
        (true, true, false),
    ] {
        let mut board = Board::new(vec![vec![]]);
        board.split(0, 3, rules(fail_fast, 2)).unwrap();
        board.start(0, 0).unwrap();
        board.start(0, 1).unwrap();
        let result = LegResult { forgiven, ..FAILED };
        let consequences = board.end(0, 0, result).unwrap();
        assert_eq!(consequences.stop.contains(&(0, 1)), stops);
        assert_eq!(consequences.dropped.contains(&(0, 2)), stops);
        if !stops {
            assert_eq!(board.startable(), [(0, 2)]);
            board.start(0, 2).unwrap();
            board.end(0, 2, ended(Conclusion::Success)).unwrap();
        }
        let last = board.end(0, 1, ended(Conclusion::Success)).unwrap();
        assert_eq!(last.over, [0]);
        let expected = if forgiven {
            Conclusion::Success
        } else {
            Conclusion::Failure
        };
        assert_eq!(board.job(0), Some(JobState::Over(expected)));
    }
}

#[test]
fn a_cancelled_run_starts_nothing_and_waits_for_what_runs() {
    let mut board = Board::new(vec![vec![], vec![0], vec![]]);
    board.split(0, 3, rules(false, 1)).unwrap();
    board.start(0, 0).unwrap();
    let consequences = board.cancel().unwrap();
    assert_eq!(consequences.stop, [(0, 0)]);
    assert_eq!(consequences.dropped, [(0, 1), (0, 2)]);
    assert_eq!(consequences.over, [1, 2]);
    assert!(!board.is_over());
    // Asked again, nobody is told twice.
    assert_eq!(board.cancel().unwrap(), Consequences::default());
    // It had the grace to succeed; the job was cancelled nevertheless.
    board.end(0, 0, ended(Conclusion::Success)).unwrap();
    assert_eq!(board.job(0), Some(JobState::Over(Conclusion::Cancelled)));
    assert!(board.is_over());
}

#[test]
fn legs_together_come_to_the_worst_of_them() {
    use Conclusion::{Cancelled, Failure, Skipped, Success};
    for (ends, expected) in [
        (&[Success, Failure, Cancelled][..], Failure),
        (&[Success, Cancelled, Skipped], Cancelled),
        (&[Skipped, Success], Success),
        (&[Skipped, Skipped], Skipped),
    ] {
        assert_eq!(combined(ends), expected, "{ends:?}");
    }
}

/// What somebody does with a board, as numbers that choose.
#[derive(Debug, Clone)]
struct Play {
    needs: Vec<Vec<usize>>,
    legs: Vec<usize>,
    rules: Vec<Rules>,
    choices: Vec<u8>,
    cancel_at: Option<usize>,
}

fn play() -> impl Strategy<Value = Play> {
    (1..9usize).prop_flat_map(|count| {
        // A job needs only earlier ones, so that there are no circles.
        let needs = (0..count).map(|job| prop::collection::vec(0..job.max(1), 0..job.min(3) + 1));
        let needs: Vec<_> = needs.collect();
        let rule =
            (any::<bool>(), prop::option::of(1..4usize)).prop_map(|(fail_fast, most)| Rules {
                fail_fast,
                max_parallel: most,
            });
        let choices = prop::collection::vec(any::<u8>(), 64);
        let cancel = prop::option::of(0..40usize);
        let legs = prop::collection::vec(1..5usize, count);
        let rules = prop::collection::vec(rule, count);
        (needs, legs, rules, choices, cancel).prop_map(
            |(mut needs, legs, rules, choices, cancel_at)| {
                needs[0].clear();
                Play {
                    needs,
                    legs,
                    rules,
                    choices,
                    cancel_at,
                }
            },
        )
    })
}

const CONCLUSIONS: [Conclusion; 4] = [
    Conclusion::Success,
    Conclusion::Failure,
    Conclusion::Cancelled,
    Conclusion::Skipped,
];

/// Plays until everything is over. What runs, as the player knows it, is compared at each move.
fn played(play: &Play) -> Result<(), TestCaseError> {
    let mut board = Board::new(play.needs.clone());
    let mut running: Vec<(usize, usize)> = Vec::new();
    let mut cancelled = false;
    let mut failed = vec![false; play.needs.len()];
    for turn in 0..1000 {
        if board.is_over() {
            prop_assert!(running.is_empty());
            return Ok(());
        }
        if play.cancel_at == Some(turn) {
            cancelled = true;
            let told = board.cancel().unwrap();
            prop_assert!(told.stop.iter().all(|leg| running.contains(leg)));
            continue;
        }
        let choice = usize::from(play.choices[turn % play.choices.len()]);
        if let Some(job) = board.decidable() {
            for need in &play.needs[job] {
                prop_assert!(matches!(board.job(*need), Some(JobState::Over(_))));
            }
            if choice % 5 == 0 {
                board.settle(job, CONCLUSIONS[choice % 4]).unwrap();
            } else {
                board.split(job, play.legs[job], play.rules[job]).unwrap();
            }
            continue;
        }
        let startable = board.startable();
        prop_assert!(!cancelled || startable.is_empty());
        if let Some(&(job, leg)) = startable.first().filter(|_| choice % 2 == 0) {
            prop_assert!(!(failed[job] && play.rules[job].fail_fast));
            board.start(job, leg).unwrap();
            running.push((job, leg));
            let of_job = running.iter().filter(|(other, _)| *other == job).count();
            prop_assert!(of_job <= play.rules[job].max_parallel.unwrap_or(usize::MAX));
        } else if !running.is_empty() {
            let (job, leg) = running.remove(choice % running.len());
            let conclusion = CONCLUSIONS[choice / 7 % 4];
            failed[job] |= conclusion == Conclusion::Failure;
            let told = board.end(job, leg, ended(conclusion)).unwrap();
            prop_assert!(told.stop.iter().all(|leg| running.contains(leg)));
        } else {
            // Nothing runs, so something must be able to.
            prop_assert!(!startable.is_empty());
        }
    }
    prop_assert!(false, "it never ends: {board:?}");
    Ok(())
}

proptest! {
    #[test]
    fn every_job_ends_and_none_starts_before_its_needs(play in play()) {
        played(&play)?;
    }
}
