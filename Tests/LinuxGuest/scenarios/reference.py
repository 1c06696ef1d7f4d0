"""The same federation on this machine, with virtual boards that no kernel and no USB comes between."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess

from machine.places import PROJECT

PROGRAMS = PROJECT / ".build" / "release"

#: The identity of virtual board 1; the others follow.
FIRST_IDENTITY = 0xF00D_0000_0001


def identity(number: int) -> int:
    """Of board `number`, from 1, as `fedbridge run --virtual-boards` gives it."""
    return FIRST_IDENTITY + number - 1


@dataclasses.dataclass(frozen=True)
class Reference:
    """What a federation reaches that nothing disturbs, and the examples of its boards."""

    folder: pathlib.Path
    rounds: list[dict]

    @staticmethod
    def of(folder: pathlib.Path, boards: int, rounds: int, *options: str) -> Reference:
        """Holds the rounds, in `folder`."""
        summary = folder / "summary.json"
        subprocess.run(
            [PROGRAMS / "fedbridge", "run", "--no-usb", "--virtual-boards", str(boards), "--rounds", str(rounds),
             "--state-dir", folder / "state", "--summary", summary, *options],
            check=True, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return Reference(folder, json.loads(summary.read_text())["rounds"])

    def examples(self, number: int) -> pathlib.Path:
        """The data set file of board `number`, from 1."""
        return self.folder / "state" / "virtual-boards" / f"board-{number}.fbds"


def results(rounds: list[dict]) -> list[tuple]:
    """What has to be the same to the last bit, whatever happened on the way; the loss tells models apart that differ in
    one."""
    return [(each["round"], each["contributions"], each["accuracy"], each["loss"]) for each in rounds]
