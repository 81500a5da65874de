"""Wakes a template with `docker run`, QEMU's monitor, the guest agent and `ssh` alone, for `ci/bench` to
compare with. The command line and the mounts are those of a machine that Dormer woke; the work is the
same: an overlay, the state loaded, the clock set, randomness and login key handed over, one command.
"""

import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import time

# Nothing of it may take longer, in seconds.
LIMIT = 60


class Control:
    """A socket with JSON commands: QEMU's monitor, or the guest agent."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        end = time.monotonic() + LIMIT
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
        self.lines = self.socket.makefile("rb")

    def ask(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]


class WakeByHand:
    """What is needed to wake the template that a machine woke from."""

    def __init__(self, container, machine, network, directory):
        """`container` and `machine` are the machine's container and its directory; both must be there."""
        asked = ["docker", "inspect", container]
        found = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)[0]
        self.image = found["Config"]["Image"]
        self.command = found["Config"]["Cmd"]
        self.user = found["Config"]["User"]
        self.limits = found["HostConfig"]
        self.network = network
        bound = [m for m in found["Mounts"] if m["Type"] == "bind"]
        self.shared = [m for m in bound if not m["RW"]]
        (self.state,) = (m["Destination"] for m in self.shared if m["Destination"].endswith("/state"))
        (own,) = (m["Destination"] for m in bound if m["RW"])
        self.own = own
        self.directory = directory / "by-hand"
        self.directory.mkdir()
        self.key = shutil.copy(machine / "host" / "key", self.directory / "key")
        self.seed = (machine / "vm" / "seed.img").read_bytes()
        self.empty = self.make_overlay()

    def make_overlay(self):
        """An empty overlay of the template's disk, which is copied for each machine."""
        place = self.directory / "made"
        place.mkdir()
        place.chmod(0o777)
        below = str(pathlib.PurePosixPath(self.state).with_name("disk.qcow2"))
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, f"{self.own}/o"]
        run = ["docker", "run", "--rm", "--user", self.user, "-v", f"{place}:{self.own}", *self.mounts()]
        subprocess.run([*run, "--entrypoint", create[0], self.image, *create[1:]], check=True)
        return place / "o"

    def mounts(self):
        return [part for m in self.shared for part in ("-v", f"{m['Source']}:{m['Destination']}:ro")]

    def fresh_seed(self):
        """The seed disk, with other random bytes."""
        made = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(self.seed)) as old, tarfile.open(
            fileobj=made, mode="w", format=tarfile.USTAR_FORMAT
        ) as new:
            for member in old:
                contents = old.extractfile(member).read()
                if member.name == "random":
                    contents = os.urandom(len(contents))
                new.addfile(member, io.BytesIO(contents))
        return made.getvalue()[: len(self.seed)].ljust(len(self.seed), b"\0")

    def once(self, number):
        """Milliseconds until the CPUs run, and until a command was answered; nothing is left."""
        name = f"dormer-bench-wake-{os.getpid()}-{number}"
        begun = time.perf_counter()
        place = self.directory / name
        place.mkdir()
        shutil.copy(self.empty, place / "overlay.qcow2")
        (place / "seed.img").write_bytes(self.fresh_seed())
        user, group = map(int, self.user.split(":"))
        for path in (place, *place.iterdir()):
            os.chown(path, user, group)
        try:
            self.start(name, place)
            monitor = Control(place / "qmp.sock")
            monitor.lines.readline()
            monitor.ask("qmp_capabilities")
            monitor.ask("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])
            monitor.ask("migrate-incoming", uri=f"file:{self.state}")
            while monitor.ask("query-migrate").get("status") != "completed":
                time.sleep(0.005)
            monitor.ask("cont")
            running = time.perf_counter()
            self.take_identity(place)
            self.answer(place)
            answered = time.perf_counter()
        finally:
            subprocess.run(["docker", "rm", "-f", name], stdout=subprocess.DEVNULL, check=False)
            shutil.rmtree(place)
        return (running - begun) * 1000, (answered - begun) * 1000

    def start(self, name, place):
        limits = [
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only",
            "--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777",
            "--memory", str(self.limits["Memory"]), "--cpus", str(self.limits["NanoCpus"] / 1e9),
            "--pids-limit", str(self.limits["PidsLimit"]),
        ]  # fmt: skip
        run = ["docker", "run", "-d", "--name", name, "--network", self.network, "--user", self.user, *limits]
        run += ["-v", f"{place}:{self.own}", *self.mounts(), self.image, *self.command]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)

    @staticmethod
    def take_identity(place):
        agent = Control(place / "qga.sock")
        agent.ask("guest-sync", id=os.getpid())
        clock = f"{time.time():.9f}"
        pid = agent.ask("guest-exec", path="/usr/lib/dormer/wake", arg=[clock])["pid"]
        end = time.monotonic() + LIMIT
        while not (status := agent.ask("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() > end:
                raise RuntimeError("the guest does not take its identity")
            time.sleep(0.02)
        if status["exitcode"] != 0:
            raise RuntimeError(f"the guest does not take its identity: {status}")

    def answer(self, place):
        command = [
            "ssh", "-F", "none", "-i", self.key,
            "-o", f"ProxyCommand=socat - UNIX-CONNECT:{place}/ssh.sock",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-c", "aes128-gcm@openssh.com", "-o", "KexAlgorithms=curve25519-sha256",
            "runneradmin@guest", 'exit 0',
        ]  # fmt: skip
        subprocess.run(command, check=True, timeout=LIMIT)
