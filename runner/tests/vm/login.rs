//! The SSH server that is frozen with a guest: every copy has the same one, and none the same keys.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dormer_testkit::program::wait_until;
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::standby::{fill, standing_by};
use crate::warm::{mode, warnings};

const KEXINIT: u8 = 20;
const ECDH_INIT: u8 = 30;
const ECDH_REPLY: u8 = 31;

/// What a client offers, in the protocol's order; languages are none.
const OFFER: [&str; 10] = [
    "curve25519-sha256",
    "ssh-ed25519",
    "aes128-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
    "",
    "",
];

fn connect(machine: &Path, socket: &str) -> UnixStream {
    let stream = UnixStream::connect(machine.join(socket)).expect("a connection");
    let limit = Some(Duration::from_secs(60));
    stream.set_read_timeout(limit).expect("a limit");
    stream
}

/// QEMU's monitor.
struct Monitor(BufReader<UnixStream>);

impl Monitor {
    fn open(machine: &Path) -> Self {
        let mut monitor = Self(BufReader::new(connect(machine, "qmp.sock")));
        monitor.next();
        monitor.ask("qmp_capabilities", &json!({}));
        monitor
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    fn ask(&mut self, command: &str, arguments: &Value) -> Value {
        let ask = json!({ "execute": command, "arguments": arguments });
        writeln!(self.0.get_mut(), "{ask}").expect("a command");
        loop {
            let answer = self.next();
            assert!(answer["error"].is_null(), "{command}: {answer}");
            if !answer["return"].is_null() {
                return answer["return"].clone();
            }
        }
    }
}

/// Wakes a machine that stands by as Dormer does, but logs in nowhere.
fn wake(machine: &Path) {
    let mut monitor = Monitor::open(machine);
    let shared = json!({ "capability": "x-ignore-shared", "state": true });
    monitor.ask(
        "migrate-set-capabilities",
        &json!({ "capabilities": [shared] }),
    );
    monitor.ask(
        "migrate-incoming",
        &json!({ "uri": "file:/template/state" }),
    );
    wait_until("the state is loaded", || {
        monitor.ask("query-migrate", &json!({}))["status"] == "completed"
    });
    monitor.ask("cont", &json!({}));
    let mut port = connect(machine, "wake.sock");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("a time");
    writeln!(port, "{}.{:09}", now.as_secs(), now.subsec_nanos()).expect("the time");
    let mut answer = [0; 3];
    port.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"ok\n");
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a length");
    [&length.to_be_bytes(), bytes].concat()
}

/// A packet before there are keys: its length, that of the padding, the message, the padding.
fn packet(message: &[u8]) -> Vec<u8> {
    let padding = 8 - (message.len() + 5) % 8 + 8;
    let length = u32::try_from(1 + message.len() + padding).expect("a length");
    let padded = u8::try_from(padding).expect("a length");
    let head = [&length.to_be_bytes()[..], &[padded]].concat();
    [&head, message, &vec![0; padding]].concat()
}

/// The message of a packet.
fn message(server: &mut impl Read) -> Vec<u8> {
    let mut head = [0; 5];
    server.read_exact(&mut head).expect("a packet's head");
    let [l3, l2, l1, l0, padding] = head;
    let length = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
    let mut rest = vec![0; length - 1];
    server.read_exact(&mut rest).expect("a packet");
    rest.truncate(rest.len() - usize::from(padding));
    rest
}

/// What the server that is frozen with a machine offers, and its half of the key.
fn agree(machine: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut server = BufReader::new(connect(machine, "login.sock"));
    let mut say = |bytes: &[u8]| server.get_mut().write_all(bytes).expect("it is sent");
    say(b"SSH-2.0-Dormer\r\n");
    let lists = OFFER.map(|list| text(list.as_bytes())).concat();
    say(&packet(
        &[&[KEXINIT][..], &[7; 16], &lists, &[0; 5]].concat(),
    ));
    // The curve's own base point, which is as good as any.
    let mut half = [0; 32];
    half[0] = 9;
    say(&packet(&[&[ECDH_INIT][..], &text(&half)].concat()));
    let mut banner = String::new();
    server.read_line(&mut banner).expect("a banner");
    assert!(banner.starts_with("SSH-2.0-"), "{banner}");
    let offer = message(&mut server);
    assert_eq!(offer[0], KEXINIT);
    let reply = message(&mut server);
    assert_eq!(reply[0], ECDH_REPLY, "{reply:?}");
    let strings = &mut &reply[1..];
    let mut next = || {
        let (length, rest) = strings.split_at(4);
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let (string, rest) = rest.split_at(length);
        *strings = rest;
        string.to_vec()
    };
    let (_host_key, half) = (next(), next());
    assert_eq!(half.len(), 32);
    (offer, half)
}

#[test]
fn copies_share_the_server_that_is_frozen_with_them_and_agree_on_other_keys() {
    let lab = Lab::with_template();
    fill(&lab, "2", &[]);
    let machines: Vec<PathBuf> = standing_by(&lab)
        .iter()
        .map(|id| lab.home().join("instances").join(id).join("vm"))
        .collect();
    let agreed: Vec<(Vec<u8>, Vec<u8>)> = machines
        .iter()
        .map(|machine| {
            wake(machine);
            agree(machine)
        })
        .collect();
    assert_eq!(agreed[0].0, agreed[1].0, "they are copies");
    assert_ne!(agreed[0].1, agreed[1].1, "the server's half of the key");
    fill(&lab, "0", &[]);
    lab.assert_nothing_left();
}

#[test]
fn one_whose_server_is_taken_by_another_is_reached_at_the_usual_port() {
    let lab = Lab::new();
    let script = lab.path("thief.sh");
    // From when the server is there, which is behind the end of this script.
    let thief = "(until exec 3<>/dev/tcp/10.0.2.15/222; do sleep 0.01; done; cat <&3 >/tmp/taken) \
        >/dev/null 2>&1 &\n";
    std::fs::write(&script, thief).expect("a script");
    let script = script.display().to_string();
    let arguments = [
        "--start",
        "warm",
        "--prepare",
        &script,
        "--prepare-shell",
        "bash",
    ];
    let job = lab.job("- shell: bash\n  run: head -c 8 /tmp/taken", &arguments);
    let ran = lab.ran(job.run()).expect(0);
    assert_eq!(mode(&ran), "warm");
    assert_eq!(warnings(&ran), "");
    assert_eq!(ran.events.log(1), ["SSH-2.0-"]);
    lab.assert_nothing_left();
}
