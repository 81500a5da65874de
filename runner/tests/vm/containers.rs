//! What a machine's container may do and see, by the engine's own account.

use serde_json::{Value, json};

use dormer_testkit::docker::{docker, inspect, try_docker};

use crate::lab::Lab;

/// Runs a job whose machine is kept, and returns the machine's id.
fn kept(lab: &Lab, more: &[&str]) -> String {
    let keep = ["--keep", "always"];
    let ran = lab
        .run("- run: echo hi", &[&keep[..], more].concat())
        .expect(0);
    ran.events.instance().expect("an instance").to_owned()
}

#[test]
fn a_machines_container_is_confined() {
    let lab = Lab::new();
    let id = kept(
        &lab,
        &["--network", "none", "--memory", "1G", "--cpus", "1"],
    );
    let containers = lab.containers();
    assert_eq!(containers.len(), 1, "one container a machine");
    let found = inspect(&containers[0]);
    let (config, host) = (&found["Config"], &found["HostConfig"]);

    assert_eq!(config["Labels"]["dormer.instance"], json!(id));
    assert_eq!(config["Labels"]["dormer.owner"], json!(lab.owner()));
    assert_eq!(config["User"], json!(machine_user()));
    assert_eq!(host["Privileged"], json!(false));
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert!(is_empty(&host["CapAdd"]), "{}", host["CapAdd"]);
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges:true"]));
    assert_eq!(host["ReadonlyRootfs"], json!(true));
    let scratch = host["Tmpfs"].as_object().expect("scratch space");
    assert_eq!(scratch.keys().collect::<Vec<_>>(), ["/tmp"]);
    assert!(
        scratch["/tmp"]
            .as_str()
            .expect("options")
            .contains("noexec")
    );
    assert!(is_empty(&host["Devices"]), "{}", host["Devices"]);
    for mode in ["PidMode", "UTSMode", "UsernsMode"] {
        assert_ne!(host[mode], json!("host"), "{mode}");
    }

    // The guest's memory and what QEMU needs beside it; no swap on top.
    let memory = host["Memory"].as_u64().expect("a limit");
    assert!(memory > 1 << 30 && memory < 3 << 30, "{memory}");
    assert_eq!(host["MemorySwap"], host["Memory"]);
    assert_eq!(host["PidsLimit"], json!(256));
    assert_eq!(host["NanoCpus"], json!(1_500_000_000));

    assert_eq!(host["NetworkMode"], json!("none"));
    the_network_publishes_nothing(&found);
    only_its_own_files_are_mounted(&lab, &id, &found);
    nothing_says_a_secret_or_a_proxy(config);
    nobody_else_gets_in(&lab, &id);
    inside(&containers[0]);
    drop(lab.dormer(["stop", &id]).run().expect(0));
    lab.assert_nothing_left();
}

fn machine_user() -> String {
    let (user, group) = dormer::host::home::machine_user();
    assert_ne!(user, 0, "never root");
    format!("{user}:{group}")
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn the_network_publishes_nothing(found: &Value) {
    assert_eq!(found["HostConfig"]["PublishAllPorts"], json!(false));
    let bindings = &found["HostConfig"]["PortBindings"];
    assert!(bindings.is_null() || bindings == &json!({}), "{bindings}");
    assert_eq!(found["NetworkSettings"]["Ports"], json!({}));
}

fn only_its_own_files_are_mounted(lab: &Lab, id: &str, found: &Value) {
    let mounts = found["Mounts"].as_array().expect("mounts");
    for mount in mounts {
        let source = mount["Source"].as_str().expect("a source");
        let writable = mount["RW"].as_bool().expect("a mode");
        let own = format!("/instances/{id}/vm");
        let is_own =
            source.ends_with(&own) && source.starts_with(&lab.home().display().to_string());
        let is_blob = source.contains("/images/blobs/");
        assert!(is_own || is_blob, "{source}");
        assert_eq!(writable, is_own, "{source}");
    }
    assert_eq!(
        mounts.len(),
        4,
        "its own half, the disk, the kernel and its RAM disk"
    );
}

fn nothing_says_a_secret_or_a_proxy(config: &Value) {
    let environment = config["Env"].to_string().to_lowercase();
    assert!(!environment.contains("proxy"), "{environment}");
}

/// The directory with the machine's sockets and keys is for its owner alone.
fn nobody_else_gets_in(lab: &Lab, id: &str) {
    use std::os::unix::fs::PermissionsExt;
    for half in ["host", "vm"] {
        let path = lab.home().join("instances").join(id).join(half);
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

/// What a QEMU that has been taken over could try.
fn inside(container: &str) {
    let denied = |script: &str| {
        let (worked, output) = try_docker(&["exec", container, "sh", "-c", script]);
        assert!(!worked, "`{script}` worked: {output}");
    };
    denied("echo x > /base/disk.qcow2");
    denied("echo x > /usr/lib/dormer/machine");
    denied("mount -t tmpfs none /mnt");
    denied("cp /bin/true /tmp/t && /tmp/t");
    // No network but its own.
    assert_eq!(interfaces(container), ["lo"]);
    let status = docker(&["exec", container, "cat", "/proc/1/status"]);
    for line in [
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        assert!(status.contains(line), "{line} in\n{status}");
    }
    let qemu = "for p in /proc/[0-9]*; do case $(cat $p/comm) in qemu*) cat $p/status;; esac; done";
    let status = docker(&["exec", container, "sh", "-c", qemu]);
    // Filtered system calls, by QEMU's own sandbox on top of the engine's.
    assert!(status.contains("Seccomp:\t2"), "{status}");
    let filters = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp_filters:\t"));
    let filters: u32 = filters.expect("a count").parse().expect("a number");
    assert!(filters >= 2, "{status}");
    let arguments = docker(&[
        "exec",
        container,
        "sh",
        "-c",
        "tr '\\0' ' ' < /proc/1/cmdline",
    ]);
    let sandbox =
        "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny ";
    assert!(arguments.contains(sandbox), "{arguments}");
}

/// The network interfaces that a container has.
fn interfaces(container: &str) -> Vec<String> {
    let list = docker(&["exec", container, "cat", "/proc/net/dev"]);
    let names = list
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next());
    names.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn the_overlay_stands_on_its_base_and_holds_only_what_was_written() {
    let lab = Lab::new();
    let id = kept(&lab, &[]);
    let info = "qemu-img info --force-share --output json /vm/overlay.qcow2";
    let text = docker(&["exec", &lab.containers()[0], "sh", "-c", info]);
    let info: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(info["format"], "qcow2");
    assert_eq!(info["backing-filename"], "/base/disk.qcow2");
    assert_eq!(info["backing-filename-format"], "qcow2");
    let size = info["actual-size"].as_u64().expect("a size");
    assert!(
        size < 300 << 20,
        "an overlay of {size} bytes for one `echo`"
    );
    drop(lab.dormer(["stop", &id]).run().expect(0));
    lab.assert_nothing_left();
}

#[test]
fn an_open_network_is_a_bridge_without_a_published_port() {
    let lab = Lab::new();
    let id = kept(&lab, &["--network", "full"]);
    let containers = lab.containers();
    assert_eq!(
        containers.len(),
        1,
        "the one that closed the network is gone"
    );
    let found = inspect(&containers[0]);
    assert_eq!(found["HostConfig"]["NetworkMode"], json!("bridge"));
    assert_eq!(found["HostConfig"]["CapDrop"], json!(["ALL"]));
    assert!(is_empty(&found["HostConfig"]["CapAdd"]));
    the_network_publishes_nothing(&found);
    drop(lab.dormer(["stop", &id]).run().expect(0));
    lab.assert_nothing_left();
}
