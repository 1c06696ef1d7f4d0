"""The test machine itself, as people and scripts use it: Scripts/guest."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator

import pytest

from machine.guest import Guest
from machine.places import PROJECT


def script(*words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROJECT / "Scripts" / "guest", *words], capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def nobody_runs() -> Iterator[None]:
    """Not while somebody works in a guest of theirs: that one would be ended."""
    if Guest.running() is not None:
        pytest.skip("a guest is running")
    try:
        yield
    finally:
        script("stop")


def test_a_guest_is_started_used_killed_and_started_again(nobody_runs: None) -> None:
    assert script("stop").returncode == 0
    unready = script("run", "--", "true")
    assert unready.returncode == 1 and "Scripts/guest start" in unready.stderr

    assert script("start").returncode == 0
    first = Guest.running()
    assert first is not None
    done = script("run", "--", "uname -s; echo complaint >&2; exit 7")
    assert (done.returncode, done.stdout) == (7, "Linux\n") and "complaint" in done.stderr and " s\n" in done.stderr
    late = script("run", "--timeout", "2", "--", "sleep 60")
    assert late.returncode == 124 and "more than 2 s" in late.stderr
    # What took too long is gone in the guest as well.
    assert script("run", "--", "pgrep sleep").returncode == 1
    # It may read what was built, and not change it; both sides see the shared folder.
    assert script("run", "--", "touch /srv/project/mark").returncode != 0
    assert script("run", "--", "echo hello >/srv/share/greeting").returncode == 0
    assert (first.run / "share" / "greeting").read_text() == "hello\n"
    # A second start finds it.
    assert "runs already" in script("start").stderr

    os.kill(first.pid, signal.SIGKILL)
    while first.is_alive:
        pass
    assert script("run", "--", "true").returncode == 1
    assert script("start").returncode == 0
    second = Guest.running()
    assert second is not None and second.pid != first.pid
    assert script("run", "--", "[ ! -e /srv/share/greeting ]").returncode == 0
    # Nothing of the killed one is left, and after the stop nothing of this one.
    assert not pathlib.Path(first.run).exists()
    assert script("stop").returncode == 0
    assert not second.is_alive and not pathlib.Path(second.run).exists()
