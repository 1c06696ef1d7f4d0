"""Says what is being done and how long it took."""

import contextlib
import sys
import time
from collections.abc import Iterator


class MachineError(Exception):
    """Something that the person at the keyboard has to know: the cause, and what to do about it."""


def say(text: str) -> None:
    """One line to standard error, which leaves standard output to what runs in the guest."""
    print(f"guest: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Logs the time that the body takes, also when it fails."""
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"{what}: failed after {time.monotonic() - begun:.1f} s")
        raise
    say(f"{what}: {time.monotonic() - begun:.1f} s")
