"""A running guest: started, found again, spoken to, ended."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import accelerator, image
from .places import PROJECT, SCRATCH
from .steps import MachineError, say, step

BOOT_PATIENCE = 240
"""Seconds; an emulated boot takes about 15 on an idle machine with two cores."""

PROGRAMS = PROJECT / ".build" / "release"
"""What is built when the guest starts is in it at /srv/programs, with its libraries; reading it through the share would
take minutes."""

PREFIX = "fedbridge-guest-"
"""Of the folders in the system's temporary folder that running guests have."""

PR_SET_PDEATHSIG = 1


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command in the guest left."""

    status: int
    output: str

    def __bool__(self) -> bool:
        return self.status == 0


@dataclasses.dataclass(frozen=True)
class Guest:
    """A guest that runs. Everything about it is in `run`, a folder in the system's temporary folder: sockets there have
    short names."""

    run: pathlib.Path
    pid: int
    image: str
    port: int

    # --- finding and starting

    @staticmethod
    def running() -> Guest | None:
        """The guest that an earlier `start` left running; None if there is none or it died."""
        try:
            fields = json.loads((SCRATCH / "guest.json").read_text())
            guest = Guest(pathlib.Path(fields["run"]), fields["pid"], fields["image"], fields["port"])
        except (OSError, ValueError, KeyError):
            return None
        return guest if guest.is_alive else None

    @staticmethod
    def start(lives_as_long_as_caller: bool = False) -> Guest:
        """Boots a new guest and returns when it takes commands.

        `lives_as_long_as_caller`: it is the caller's own, is found by nobody else, and ends when the calling thread
        ends, however it ends."""
        built = image.built()
        accelerated = accelerator.choose(built)
        _sweep()
        run = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            for attempt in range(5):
                guest = Guest._boot(run, built, accelerated, lives_as_long_as_caller)
                if guest is not None:
                    break
            else:
                raise MachineError(f"QEMU did not start: {_tail(run / 'qemu.log')}")
        except BaseException:
            shutil.rmtree(run, ignore_errors=True)
            raise
        if not lives_as_long_as_caller:
            (SCRATCH / "guest.json").write_text(json.dumps(
                {"run": str(guest.run), "pid": guest.pid, "image": guest.image, "port": guest.port}))
        try:
            with step(f"boot ({accelerated[1].split(',')[0]})"):
                guest._await_boot()
        except BaseException:
            guest.stop()
            raise
        return guest

    @staticmethod
    def _boot(run: pathlib.Path, built: image.Image, accelerated: list[str], is_ours: bool) -> Guest | None:
        control, share = run / "control", run / "share"
        for folder in (control, share):
            folder.mkdir(exist_ok=True)
        if not (run / "key").exists():
            for name in ("key", "control/host_key"):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", run / name], check=True)
            shutil.copyfile(run / "key.pub", control / "authorized_keys")
            host_key = (control / "host_key.pub").read_text().strip()
            (run / "known_hosts").write_text(f"guest {host_key}\n")
            (control / "project").write_text(str(PROJECT))
        shares = {"control": (control, False), "project": (PROJECT, False), "share": (share, True)}
        programs = run / "programs.squashfs" if (PROGRAMS / "fedbridge").exists() else None
        if programs is not None and not programs.exists():
            bench = [path for path in [PROGRAMS / "fedbridge-bench"] if path.exists()]
            image.squash(
                [PROGRAMS / "fedbridge", *bench, *PROGRAMS.glob("*.resources"), *_swift_libraries()], programs)
        # Free now; if somebody is quicker, QEMU says so and the next attempt takes another.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = accelerator.command_line(built, accelerated, run, shares, programs, port)
        with open(run / "qemu.log", "wb") as log:
            # In a session of its own, so that a Ctrl-C at the caller's terminal is not the guest's.
            qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=run,
                                    start_new_session=True, preexec_fn=_die_with_parent if is_ours else None)
        (run / "pid").write_text(str(qemu.pid))
        guest = Guest(run, qemu.pid, built.key, port)
        time.sleep(0.3)
        return guest if qemu.poll() is None else None

    def _await_boot(self) -> None:
        deadline = time.monotonic() + BOOT_PATIENCE
        console = self.run / "serial.log"
        while not (console.exists() and b"the guest is ready" in console.read_bytes()):
            if not self.is_alive or time.monotonic() > deadline:
                raise MachineError(f"the guest did not come up; its console: {_tail(console)} {_tail(self.run / 'qemu.log')}")
            time.sleep(0.2)
        while self.execute("true", timeout=30).status != 0:
            if not self.is_alive or time.monotonic() > deadline:
                raise MachineError(f"the guest takes no commands; its console: {_tail(console)}")
            time.sleep(0.5)

    # --- commands

    def command(self, words: str, timeout: float, user: str | None = None) -> list[str]:
        """The host's command that runs the shell command `words` in the guest, for `timeout` seconds at most."""
        # The time limit holds in the guest too: ending ssh alone would leave the command running.
        inner = f"cd /srv/project; exec timeout --kill-after=5 {timeout:.0f} bash -c {shlex.quote(words)}"
        if user is not None:
            inner = f"exec setpriv --reuid={user} --regid={user} --init-groups --reset-env -- bash -c {shlex.quote(inner)}"
        return [
            "ssh", "-F", "none", "-q", "-T", "-i", str(self.run / "key"), "-p", str(self.port),
            "-o", f"UserKnownHostsFile={self.run}/known_hosts", "-o", "HostKeyAlias=guest", "-o", "BatchMode=yes",
            "-o", "ControlMaster=auto", "-o", f"ControlPath={self.run}/ssh", "-o", "ControlPersist=600",
            "-o", "ServerAliveInterval=20", "-o", "ServerAliveCountMax=6", "-o", "ConnectTimeout=30",
            "root@127.0.0.1", inner]

    def execute(self, words: str, timeout: float = 60, user: str | None = None) -> Result:
        """Runs a shell command and answers its status and output, both streams together. Status 124: it took too long."""
        try:
            done = subprocess.run(self.command(words, timeout, user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=timeout + 30)
        except subprocess.TimeoutExpired as expired:
            return Result(124, (expired.output or b"").decode(errors="replace"))
        return Result(done.returncode, done.stdout.decode(errors="replace"))

    def check(self, words: str, timeout: float = 60, user: str | None = None) -> str:
        """The same for a command that must succeed; its output."""
        result = self.execute(words, timeout, user)
        if result.status:
            raise MachineError(f"in the guest, '{words}' ended with {result.status}: {result.output.strip()[-2000:]}")
        return result.output

    # --- the end

    @property
    def is_alive(self) -> bool:
        """Whether it runs: a process of this id that is this guest, and not another's that got its number."""
        try:
            return str(self.run).encode() in pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False

    def stop(self) -> None:
        """Ends it at once: it has no disk that could lose anything."""
        subprocess.run(["ssh", "-F", "none", "-q", "-o", f"ControlPath={self.run}/ssh", "-O", "exit", "root@127.0.0.1"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.is_alive:
            os.kill(self.pid, signal.SIGKILL)
            try:
                os.waitpid(self.pid, 0)
            except ChildProcessError:  # another process started it
                while self.is_alive:
                    time.sleep(0.05)
        shutil.rmtree(self.run, ignore_errors=True)
        current = SCRATCH / "guest.json"
        if current.exists() and json.loads(current.read_text()).get("pid") == self.pid:
            current.unlink()


def _sweep() -> None:
    """Removes what guests left that were killed together with who started them."""
    for run in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        try:
            guest = Guest(run, int((run / "pid").read_text()), "", 0)
        except (OSError, ValueError):
            continue
        if not guest.is_alive:
            shutil.rmtree(run, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _tail(path: pathlib.Path) -> str:
    try:
        return path.read_text(errors="replace").strip()[-1500:] or "(nothing)"
    except OSError:
        return "(nothing)"


def _swift_libraries() -> list[pathlib.Path]:
    """The Swift libraries that the built programs need."""
    listing = subprocess.run(["ldd", PROGRAMS / "fedbridge"], capture_output=True, text=True).stdout
    found = [pathlib.Path(path) for path in re.findall(r"=> (/\S+) \(", listing)]
    folders = {path.parent for path in found if path.name == "libswiftCore.so"}
    return [path for path in found if path.parent in folders]
