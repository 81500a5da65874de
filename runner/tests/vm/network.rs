//! What a guest reaches: tried from inside it, with a control for each address that the same is reachable
//! for a container that Dormer did not close.

use dormer_testkit::docker::{docker, inspect, try_docker};
use dormer_testkit::outside::{self, GREETING, Outside, greet_on_host};
use serde_json::Value;

use crate::lab::Lab;

/// A bystander on the engine's own bridge: a container that greets, as another instance might.
pub(crate) struct Bystander {
    pub(crate) name: String,
    pub(crate) address: String,
    image: String,
}

pub(crate) const BYSTANDER_PORT: u16 = 7000;

impl Bystander {
    pub(crate) fn new(lab: &Lab) -> Self {
        let (image, name) = (vm_image(), format!("dormer-test-{}", lab.owner()));
        let listen = format!("TCP-LISTEN:{BYSTANDER_PORT},fork,reuseaddr");
        let greet = format!("SYSTEM:echo {GREETING}");
        docker(&[
            "run",
            "--detach",
            "--rm",
            "--name",
            &name,
            "--entrypoint",
            "socat",
            &image,
            &listen,
            &greet,
        ]);
        let address = address_of(&inspect(&name));
        Self {
            name,
            address,
            image,
        }
    }

    /// Where somebody greets: in the outside on the port `there`, on the host on `here`.
    pub(crate) fn places<'a>(
        &'a self,
        gateway: &'a str,
        there: u16,
        here: u16,
    ) -> [(&'static str, &'a str, u16); 6] {
        [
            ("outside", outside::PUBLIC, there),
            ("private", outside::PRIVATE, there),
            ("metadata", outside::METADATA, there),
            ("host", outside::HOST, here),
            ("gateway", gateway, here),
            ("neighbour", &self.address, BYSTANDER_PORT),
        ]
    }

    /// Whether a container that nobody closed is greeted there.
    pub(crate) fn is_greeted(&self, address: &str, port: u16) -> bool {
        let script = attempt(address, port);
        let run = [
            "run",
            "--rm",
            "--entrypoint",
            "bash",
            &self.image,
            "-c",
            &script,
        ];
        try_docker(&run).1.contains(GREETING)
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = try_docker(&["rm", "--force", &self.name]);
    }
}

fn vm_image() -> String {
    let images = docker(&[
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}}",
        "dormer-vm",
    ]);
    let tag = dormer::image::vm_container::tag();
    assert!(images.contains(&tag), "{tag} in {images}");
    tag
}

pub(crate) fn address_of(container: &Value) -> String {
    let address = container["NetworkSettings"]["IPAddress"].as_str();
    address.expect("an address").to_owned()
}

/// The host's own address on the bridge.
pub(crate) fn gateway_of(container: &Value) -> String {
    let address = container["NetworkSettings"]["Gateway"].as_str();
    address.expect("an address").to_owned()
}

pub(crate) fn attempt(address: &str, port: u16) -> String {
    format!("timeout 5 bash -c 'head -n 1 < /dev/tcp/{address}/{port}'")
}

/// Which of the places greeted a guest.
fn greeted(lab: &Lab, places: &[(&str, &str, u16)], more: &[&str]) -> Vec<String> {
    let lines: Vec<String> = places
        .iter()
        .map(|(name, address, port)| {
            let attempt = attempt(address, *port);
            format!("    echo {name}: $({attempt} 2>/dev/null || echo no)")
        })
        .collect();
    let steps = format!("- shell: bash\n  run: |\n{}", lines.join("\n"));
    let ran = lab.run(&steps, more).expect(0);
    let log = ran.events.log(1);
    assert_eq!(log.len(), places.len(), "{log:?}");
    let found = log.iter().filter_map(|line| line.strip_suffix(": hello"));
    found.map(str::to_owned).collect()
}

#[test]
fn a_guest_reaches_the_outside_and_nothing_else() {
    let (lab, Some(outside)) = (Lab::new(), Outside::new()) else {
        return;
    };
    let (there, here, bystander) = (outside.greet(), greet_on_host(), Bystander::new(&lab));
    let gateway = gateway_of(&inspect(&bystander.name));
    let places = bystander.places(&gateway, there, here);
    for (name, address, port) in places {
        assert!(bystander.is_greeted(address, port), "the control: {name}");
    }
    // No control for these: a guest's own ways to the host.
    let silent = [("alias", "10.0.2.2", here), ("loopback", "127.0.0.1", here)];
    let all = [&places[..], &silent[..]].concat();

    assert_eq!(greeted(&lab, &all, &["--network", "full"]), ["outside"]);
    assert_eq!(greeted(&lab, &all, &["--network", "none"]), [""; 0]);

    // The user may open a private network, but never the host.
    let open = format!(
        "[network]\nopen = [\"{}/32\", \"{}/32\"]\n",
        outside::PRIVATE,
        outside::HOST
    );
    let config = lab.write("dormer.toml", open);
    let reached = greeted_with(&lab, &all, &config.display().to_string());
    assert_eq!(reached, ["outside", "private"]);
    lab.assert_nothing_left();
}

fn greeted_with(lab: &Lab, places: &[(&str, &str, u16)], config: &str) -> Vec<String> {
    // The variable is all that differs, so the same job is run again by hand.
    let before = greeted(lab, places, &[]);
    assert_eq!(before, ["outside"], "full is the default");
    let run = lab.dormer(["run", "job.yml", "--events", "events.jsonl"]);
    let ran = lab.ran(run.env("DORMER_CONFIG", config).run()).expect(0);
    let log = ran.events.log(1);
    let found = log.iter().filter_map(|line| line.strip_suffix(": hello"));
    found.map(str::to_owned).collect()
}

#[test]
fn nobody_reaches_a_guest_from_outside_its_container() {
    let lab = Lab::new();
    let bystander = Bystander::new(&lab);
    let ran = lab.run("- run: echo hi", &["--keep", "always"]).expect(0);
    let address = address_of(&inspect(&lab.containers()[0]));
    let script = format!(
        "for port in 22 2222 5985; do timeout 3 bash -c \": < /dev/tcp/{address}/$port\" && echo open $port; \
         done; true"
    );
    let run = [
        "run",
        "--rm",
        "--entrypoint",
        "bash",
        &bystander.image,
        "-c",
        &script,
    ];
    let (worked, output) = try_docker(&run);
    assert!(worked && !output.contains("open"), "{output}");
    let id = ran.events.instance().expect("an instance").to_owned();
    drop(lab.dormer(["stop", &id]).run().expect(0));
    lab.assert_nothing_left();
}
