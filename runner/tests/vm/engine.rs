//! An engine that is restarted or killed under jobs. Never the machine's: the tests start one of their own.

use std::time::Duration;

use dormer::image::vm_container;
use dormer_testkit::program::Program;
use dormer_testkit::second_engine::SecondEngine;

use crate::lab::Lab;
use crate::tiny;

fn on(engine: &SecondEngine, program: Program) -> Program {
    program.env("DOCKER_HOST", &engine.address())
}

fn job(lab: &Lab, engine: &SecondEngine, steps: &str) -> Program {
    // What the run before has written must not be taken for this one's.
    let _ = std::fs::remove_file(lab.path("events.jsonl"));
    on(engine, lab.job(steps, &["--network", "none"]))
}

/// Ends with what is said of a machine that failed, and with nothing left after `gc`.
fn assert_cleaned(lab: &Lab, engine: &SecondEngine) {
    drop(on(engine, lab.dormer(["ps"])).run().expect(0));
    drop(on(engine, lab.dormer(["gc"])).run().expect(0));
    let again = on(engine, lab.dormer(["gc"])).run().expect(0).stdout;
    assert_eq!(again, "nothing to remove\n");
    lab.assert_nothing_left();
}

#[test]
fn an_engine_that_is_restarted_or_killed_under_jobs_ends_them_as_infrastructure() {
    let (busy, waiting) = (Lab::new(), tiny::lab());
    let Some(mut engine) = SecondEngine::start(&busy.path("engine")) else {
        return;
    };
    engine.take(&vm_container::tag());
    for signal in ["TERM", "KILL"] {
        let steps = "- shell: bash\n  run: echo sleeping; sleep 300";
        let sleeping = busy.start_until(job(&busy, &engine, steps), "it sleeps", |events| {
            events.log(1).contains(&"sleeping")
        });
        let booting = waiting.start_until(job(&waiting, &engine, steps), "it boots", |events| {
            events.of("started").next().is_some()
        });
        assert_eq!(engine.containers().len(), 2);
        engine.restart(signal);
        for (lab, running) in [(&busy, sleeping), (&waiting, booting)] {
            let ran = lab.ran(running.finish());
            assert!(
                matches!(ran.finished.code, Some(69 | 75)),
                "{signal}: {:?}: {}",
                ran.finished.code,
                ran.finished.all()
            );
            assert!(ran.finished.took < Duration::from_secs(180));
            let message = &ran.events.completed()["infra"]["message"];
            let message = message.as_str().expect("a message");
            assert!(message.contains("the machine ended"), "{message}");
            assert_cleaned(lab, &engine);
        }
        assert!(engine.containers().is_empty());
    }
    // And it works again.
    let running = waiting.start_until(
        job(&waiting, &engine, "- run: echo hi"),
        "it boots",
        |events| events.of("started").next().is_some(),
    );
    running.signal("INT");
    waiting.ran(running.finish()).expect(130);
    assert_cleaned(&waiting, &engine);
}
