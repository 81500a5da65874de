//! Two machines of one template at the same time: what somebody who has taken over the QEMU of one can reach
//! of the other, of the host, and of what both share.

use dormer_testkit::docker::{docker, inspect, try_docker};
use dormer_testkit::outside::{self, GREETING, Outside, greet_on_host};

use crate::lab::{Lab, Ran};
use crate::network::{BYSTANDER_PORT, Bystander, address_of, attempt, gateway_of};

/// A file that only one job makes, where the other would have it too if they shared anything.
const PLANTED: &str = "planted-by-the-first";

/// A machine that goes on running.
struct Machine {
    id: String,
    container: String,
}

impl Machine {
    fn of(ran: &Ran) -> Self {
        let id = ran.events.instance().expect("an instance").to_owned();
        let container = format!("dormer-{id}");
        Self { id, container }
    }

    /// What a script prints in the container, as the machine's own user; whether it worked.
    fn try_inside(&self, script: &str) -> (bool, String) {
        try_docker(&["exec", &self.container, "bash", "-c", script])
    }

    fn inside(&self, script: &str) -> String {
        docker(&["exec", &self.container, "bash", "-c", script])
    }

    /// Whether somebody greets this container at an address.
    fn is_greeted(&self, address: &str, port: u16) -> bool {
        self.try_inside(&attempt(address, port))
            .1
            .contains(GREETING)
    }
}

fn machine(lab: &Lab, step: &str) -> (Machine, Vec<String>) {
    let steps = format!(
        "- shell: bash\n  run: |\n    {}",
        step.replace('\n', "\n    ")
    );
    let more = ["--start", "warm", "--keep", "always", "--network", "full"];
    let ran = lab.run(&steps, &more).expect(0);
    let log = ran.events.log(1).into_iter().map(str::to_owned).collect();
    (Machine::of(&ran), log)
}

#[test]
fn two_machines_of_one_template_see_nothing_of_each_other_and_change_nothing_shared() {
    let (lab, Some(outside)) = (Lab::new(), Outside::new()) else {
        return;
    };
    let plant = format!("cd /tmp; touch {PLANTED} ~/{PLANTED} /C:/a/{PLANTED}; sync");
    let (first, _) = machine(&lab, &plant);
    let look = format!("find / -xdev -name '{PLANTED}*' 2>/dev/null || true; echo looked");
    let (second, found) = machine(&lab, &look);
    assert_eq!(found, ["looked"], "files of another job");

    sees_no_file_of(&second, &first);
    sees_no_file_of(&first, &second);
    can_change_nothing_shared(&second);
    reaches_only_the_outside(&lab, &outside, &first, &second);
    for machine in [&first, &second] {
        drop(lab.dormer(["stop", &machine.id]).run().expect(0));
    }
    let verified = lab.dormer(["image", "verify", "compat"]).run().expect(0);
    assert!(verified.stdout.contains("template"), "{}", verified.stdout);
    lab.assert_nothing_left();
}

fn sees_no_file_of(one: &Machine, other: &Machine) {
    let everything =
        one.inside("cat /proc/self/mountinfo; find / -xdev 2>/dev/null; find /vm; true");
    assert!(everything.contains("/vm/overlay.qcow2"), "{everything}");
    assert!(everything.contains(&one.id), "its own directory is mounted");
    assert!(!everything.contains(&other.id), "{everything}");
    // Processes of the other are not there to be looked into.
    let qemus = one.inside("grep -l qemu-system /proc/[0-9]*/comm | wc -l");
    assert_eq!(qemus.trim(), "1");
}

/// The image's files and the template's are there to be read.
fn can_change_nothing_shared(machine: &Machine) {
    let shared = machine.inside("ls /base/* /template/*");
    let shared: Vec<&str> = shared.split_whitespace().collect();
    assert_eq!(shared.len(), 6, "{shared:?}");
    for path in shared {
        let tries = [
            format!("echo x >> {path}"),
            format!("chmod u+w {path}"),
            format!("rm -f {path}"),
            format!("mv {path} {path}.old"),
            format!("mount -o remount,rw {path}"),
        ];
        for script in tries {
            let (worked, output) = machine.try_inside(&script);
            assert!(!worked, "`{script}` worked: {output}");
        }
        let options = machine.inside(&format!("awk '$2 == \"{path}\" {{print $4}}' /proc/mounts"));
        assert!(options.starts_with("ro,"), "{path}: {options}");
        let (mode, writable) = (format!("stat -c %a {path}"), format!("test -w {path}"));
        assert_eq!(machine.inside(&mode).trim(), "444", "{path}");
        assert!(!machine.try_inside(&writable).0, "{path}");
    }
}

fn reaches_only_the_outside(lab: &Lab, outside: &Outside, one: &Machine, other: &Machine) {
    let (there, here, bystander) = (outside.greet(), greet_on_host(), Bystander::new(lab));
    let gateway = gateway_of(&inspect(&bystander.name));
    let others = address_of(&inspect(&other.container));
    // As if somebody in the other had opened a door.
    let door = format!("socat TCP-LISTEN:{BYSTANDER_PORT},fork,reuseaddr SYSTEM:'echo {GREETING}'");
    docker(&["exec", "--detach", &other.container, "bash", "-c", &door]);
    let opened = format!(
        "until {}; do sleep 0.1; done",
        attempt("127.0.0.1", BYSTANDER_PORT)
    );
    assert!(other.inside(&opened).contains(GREETING));

    let places = bystander.places(&gateway, there, here);
    for (name, address, port) in places {
        assert!(bystander.is_greeted(address, port), "the control: {name}");
        assert_eq!(one.is_greeted(address, port), name == "outside", "{name}");
    }
    // Nobody comes in by the door, neither from a machine nor from a container that nobody closed.
    assert!(
        !one.is_greeted(&others, BYSTANDER_PORT),
        "the other machine"
    );
    assert!(
        !bystander.is_greeted(&others, BYSTANDER_PORT),
        "from outside"
    );
    let metadata = format!("{} 2>&1", attempt(outside::METADATA, there));
    let (worked, said) = one.try_inside(&metadata);
    // It is refused at once, and not merely silent.
    assert!(!worked, "{said}");
    assert!(
        said.contains("Permission denied") || said.contains("No route"),
        "{said}"
    );
}
