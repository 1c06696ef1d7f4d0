"""A data set whose updates are large enough that a cable can be pulled in the middle of one."""

from __future__ import annotations

import pathlib
import sys

import numpy as np

from machine.places import PROJECT

sys.path.insert(0, str(PROJECT / "Scripts"))
from datasets import fbds  # noqa: E402  (a folder of scripts, not an installed package)

WIDTH, CLASSES = 512, 10
UPDATE_BYTES = 66_000
"""An update of the default model in float32 has a little more."""


def write(path: pathlib.Path, examples: int = 200, held_out: int = 50) -> pathlib.Path:
    """512 int8 features, 10 classes, each of which prefers features of its own."""
    generator = np.random.default_rng(5)
    count = examples + held_out
    labels = np.arange(count) % CLASSES
    features = generator.integers(-40, 41, size=(count, WIDTH))
    features[np.arange(WIDTH)[None, :] % CLASSES == labels[:, None]] += 50
    splits = [fbds.TRAIN] * examples + [fbds.TEST] * held_out
    path.write_bytes(fbds.encode(
        "wide", [f"class {number}" for number in range(CLASSES)], 0.02, features.astype(np.int8), labels.tolist(),
        [0] * count, splits))
    return path
