//! What machines take of the host: told, bounded, and waited for.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use dormer_testkit::docker::{docker, inspect, try_docker};
use dormer_testkit::events::Events;
use dormer_testkit::program::wait_until;
use serde_json::Value;

use crate::lab::Lab;

const MIB: u64 = 1 << 20;

/// What the files of a home's machines take on the disk.
fn taken(lab: &Lab) -> u64 {
    let files = |instance: PathBuf| fs::read_dir(instance.join("vm")).into_iter().flatten();
    let files = lab.instances().into_iter().flat_map(files).flatten();
    let sizes = files.filter_map(|file| Some(file.metadata().ok()?.blocks() * 512));
    sizes.sum()
}

#[test]
fn a_job_that_fills_its_disk_fails_before_the_hosts_is_full() {
    const LIMIT: u64 = 300 * MIB;
    let lab = Lab::new();
    let steps = "- shell: bash\n  run: dd if=/dev/zero of=/wine/big bs=1M count=4000\n- if: always()\n  \
                 run: echo not reached";
    let mut running = lab.job(steps, &["--disk-limit", "300M"]).start();
    let mut most = 0;
    wait_until("the job's end", || {
        most = most.max(taken(&lab));
        running.has_ended()
    });
    let ran = lab.ran(running.finish()).expect(69);
    let infra = &ran.events.completed()["infra"];
    for part in ["came to its limit", "300.0 MiB"] {
        assert!(infra["message"].to_string().contains(part), "{infra}");
    }
    assert!(
        infra["help"].to_string().contains("--disk-limit"),
        "{infra}"
    );
    assert!(
        (LIMIT..LIMIT + 128 * MIB).contains(&most),
        "{} MiB",
        most / MIB
    );
    lab.assert_nothing_left();
}

fn notices(events: &Events) -> String {
    let texts = events.of("notice").filter_map(|one| one["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The machines of a home, as `ps` tells them to programs.
fn listed(lab: &Lab) -> Value {
    let listed = lab.dormer(["ps", "--format", "json"]).run().expect(0);
    assert_eq!(listed.stderr, "");
    serde_json::from_str(&listed.stdout).expect("JSON")
}

/// More memory than the rest of a machine takes, in bytes.
const TAKEN: u64 = 1200 * MIB;
const DISK_WRITTEN: &str =
    "- shell: bash\n  run: dd if=/dev/zero of=/wine/x bs=1M count=60 oflag=direct";

/// One machine that takes all processors, pinned and slow, and others that come after it.
#[test]
fn machines_wait_for_room_in_order_and_what_they_take_is_told() {
    let lab = Lab::new();
    let processors = std::thread::available_parallelism().expect("processors");
    let all = processors.to_string();
    let memory_taken =
        format!("- shell: python\n  run: import time; x = b'x' * {TAKEN}; time.sleep(10)");
    let job = |steps: &str, more: &[&str]| {
        let arguments = [&["--cpus", &all, "--start", "cold"], more].concat();
        let job = lab.job(steps, &arguments);
        job.env("DORMER_OVERCOMMIT_CPUS", "1")
    };
    let bounds = ["--keep", "always", "--pin", "--disk-rate", "20M"];
    let private = || listed(&lab)[0]["memory_private_bytes"].as_u64();
    let first = job(&format!("{memory_taken}\n{DISK_WRITTEN}"), &bounds);
    let first = lab.start_until(first, "it takes memory", |_| private() > Some(TAKEN));
    assert!(private() > Some(TAKEN));
    let first = lab.ran(first.finish()).expect(0);
    let id = first.events.instance().expect("an instance").to_owned();
    // The guest tells what it does not use any more, after some seconds.
    wait_until("the host has its memory back", || {
        private().is_some_and(|bytes| bytes < TAKEN)
    });
    let took = first.events.step(2)["ms"].as_u64().expect("a time");
    assert!(took >= 2000, "60 MB at 20 MiB a second took {took} ms");

    let containers = lab.containers();
    let found = inspect(&containers[0]);
    let pinned = found["HostConfig"]["CpusetCpus"].as_str().expect("a list");
    assert_eq!(pinned.split(',').count(), processors.get(), "{pinned}");
    told(&lab, &id, processors.get());

    // One that never fits is not kept waiting, one whose time is over and one that is stopped neither.
    let large = lab.job(DISK_WRITTEN, &["--cpus", "256"]);
    let large = large.env("DORMER_OVERCOMMIT_CPUS", "1").run();
    let large = lab.ran(large).expect(69);
    let infra = large.events.completed()["infra"].to_string();
    assert!(infra.contains("CPUs: 256 needed"), "{infra}");
    let late = lab
        .ran(job(DISK_WRITTEN, &["--timeout", "3s"]).run())
        .expect(124);
    assert!(late.events.instance().is_none());
    let waiting = || {
        // Else those of the job before would be read.
        fs::remove_file(lab.path("events.jsonl")).expect("the last job's events");
        let waits = |events: &Events| events.has_phase("waiting_for_room");
        lab.start_until(job(DISK_WRITTEN, &[]), "it waits", waits)
    };
    let stopped = waiting();
    stopped.signal("INT");
    let stopped = lab.ran(stopped.finish()).expect(130);
    assert!(stopped.finished.took < Duration::from_secs(60));

    let next = waiting();
    let said = notices(&lab.events());
    let shortage = format!("waits for CPUs: {all} needed, 0 left of {all}; there is 1 machine");
    assert!(said.contains(&shortage), "{said}");
    assert_eq!(lab.instances().len(), 1, "only the kept one");
    drop(lab.dormer(["stop", &id]).run().expect(0));
    let ran = lab.ran(next.finish()).expect(0);
    assert_eq!(ran.events.step(1)["conclusion"], "success");
    lab.assert_nothing_left();
}

/// Checks what `ps` tells of the only machine, a kept one.
fn told(lab: &Lab, id: &str, processors: usize) {
    let one = listed(lab)[0].clone();
    assert_eq!((&one["id"], &one["state"]), (&id.into(), &"kept".into()));
    let figure = |name: &str| {
        one[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {one}"))
    };
    assert!(figure("memory_private_bytes") > 100.0 * MIB as f64, "{one}");
    assert!(
        figure("memory_bytes") >= figure("memory_private_bytes"),
        "{one}"
    );
    assert!(figure("disk_bytes") > 60.0 * MIB as f64, "{one}");
    assert!(
        figure("cpu_time_s") > 1.0 && figure("cpu_percent") >= 0.0,
        "{one}"
    );
    assert!(figure("network_received_bytes") >= 0.0, "{one}");
    assert_eq!(one["claim"]["cpus"], processors);
    assert!(
        one["claim"]["memory_bytes"].as_u64() > Some(1 << 30),
        "{one}"
    );

    let watch = lab.dormer(["ps", "--watch", "--format", "json"]).start();
    let begun = std::time::Instant::now();
    wait_until("a few lists", || begun.elapsed() > Duration::from_secs(7));
    watch.signal("INT");
    let watched = watch.finish().expect(130);
    let lists: Vec<Value> = watched
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a list a line"))
        .collect();
    assert!(lists.len() >= 2, "{}", watched.stdout);
    assert_eq!(lists[1][0]["id"], id);
    let table = lab.dormer(["ps"]).run().expect(0).stdout;
    assert!(table.contains("PRIVATE") && table.contains(id), "{table}");
}

/// A container on the engine's bridge that sends for ever to whoever comes to one port, and takes everything
/// at another.
struct Stranger {
    name: String,
    address: String,
}

impl Stranger {
    fn new(lab: &Lab) -> Self {
        let name = format!("dormer-test-rate-{}", lab.owner());
        let image = dormer::image::vm_container::tag();
        let script = "socat -u OPEN:/dev/zero TCP-LISTEN:7001,fork,reuseaddr & \
                      socat -u TCP-LISTEN:7002,fork,reuseaddr OPEN:/dev/null & wait";
        let options = [
            "run",
            "--detach",
            "--rm",
            "--name",
            &name,
            "--entrypoint",
            "sh",
        ];
        docker(&[&options[..], &[&image, "-c", script]].concat());
        let address = inspect(&name)["NetworkSettings"]["IPAddress"].clone();
        let address = address.as_str().expect("an address").to_owned();
        Self { name, address }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = try_docker(&["rm", "--force", &self.name]);
    }
}

#[test]
fn a_network_with_a_rate_is_no_faster() {
    let lab = Lab::new();
    let Stranger { address, .. } = &Stranger::new(&lab);
    let open = format!("[network]\nopen = [\"{address}/32\"]\n");
    let config = lab.write("dormer.toml", open).display().to_string();
    let steps = format!(
        "- shell: bash\n  run: head -c 1000000 </dev/tcp/{address}/7001 | wc -c\n- shell: bash\n  \
         run: head -c 3000000 /dev/zero >/dev/tcp/{address}/7002"
    );
    let times = |more: &[&str]| {
        let ran = lab.job(&steps, more).env("DORMER_CONFIG", &config).run();
        let ran = lab.ran(ran).expect(0);
        assert_eq!(ran.events.log(1), ["1000000"]);
        [1, 2].map(|step| ran.events.step(step)["ms"].as_u64().expect("a time"))
    };
    let bounded = times(&["--network-rate", "128K"]);
    let free = times(&[]);
    assert!(bounded.iter().all(|ms| *ms > 5000), "{bounded:?}");
    assert!(free.iter().all(|ms| *ms < 4000), "{free:?}");
    lab.assert_nothing_left();
}
