"""exercises: smartwatch recordings of ten people doing seven shoulder exercises, from seglearn.

Burns et al. 2018, arXiv:1802.01489. 140 recordings (each person, each exercise, each arm), accelerometer and
gyroscope at 50 Hz. An example is a window of 128 samples (2.56 s), described by 60 numbers that a
microcontroller can compute in one or two passes; windows of a recording overlap by half.

The test set is made of whole recordings, so that no window of it overlaps one that was trained on: three of each
person's fourteen, each of another exercise, all exercises about equally often, the arm by lot.

Features are standardised with one mean and one deviation each, taken over the training windows of all people and
written into the file: firmware would carry them as constants. Twice sixty numbers are therefore known of all
boards' data before learning starts. Who leaves people out of the training to test on them should know that these
constants have seen them.
"""
import itertools

import numpy as np

from . import fbds, wheels
from .splitmix import SplitMix64

PATH = "seglearn/data/watch_dataset.npy"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
SEED = 1
WINDOW, STEP = 128, 64
TEST_RECORDINGS_PER_PERSON = 3
AXES = ["ax", "ay", "az", "wx", "wy", "wz"]
CLASSES = {
    "PEN": "pendulum", "ABD": "abduction", "FEL": "forward elevation", "IR": "internal rotation",
    "ER": "external rotation", "TRAP": "lower trapezius row", "ROW": "bent-over row",
}
RIGHT = 1
# A right wrist as the mirror image of a left one: x of the polar acceleration changes its sign, and so do y and z
# of the axial rotation rate. A watch knows on which wrist it is worn. Without this, a model of one arm is right
# about the other one only 6 times in 10; with it, 8 to 9.
MIRROR = np.array([-1, 1, 1, 1, -1, -1])
HALF_A_SECOND = 25
CLIP = 4.0  # deviations; int8 then has steps of 4 / 127 = 0.031 deviations


def features(window: np.ndarray) -> dict[str, float]:
    """The 60 features of one window (128 x 6), by name."""
    mean = window.mean(0)
    centred = window - mean
    deviation = np.sqrt((centred * centred).mean(0))
    variance = deviation * deviation + 1e-9  # the constant keeps a motionless axis finite
    acceleration = np.sqrt((window[:, :3] ** 2).sum(1))
    rotation = np.sqrt((window[:, 3:] ** 2).sum(1))
    result = {}
    for kind, values in {
        "mean": mean,
        "std": deviation,
        "min": window.min(0),
        "max": window.max(0),
        # Mean absolute difference of neighbouring samples: how fast it changes.
        "mad": np.abs(np.diff(window, axis=0)).mean(0),
        # Crossings of the mean per sample: a cheap measure of the frequency.
        "crossings": (centred[1:] * centred[:-1] < 0).mean(0),
        # Autocorrelation at half a second: whether the movement repeats at that pace.
        "repeat": (centred[HALF_A_SECOND:] * centred[:-HALF_A_SECOND]).mean(0) / variance,
    }.items():
        result |= {f"{kind} {axis}": value for axis, value in zip(AXES, values)}
    for i, j in itertools.combinations(range(6), 2):
        together = (centred[:, i] * centred[:, j]).mean()
        result[f"corr {AXES[i]} {AXES[j]}"] = together / np.sqrt(variance[i] * variance[j])
    result["std |a|"], result["mean |w|"], result["std |w|"] = acceleration.std(), rotation.mean(), rotation.std()
    return result


def test_recordings(people, exercises) -> set:
    """The (person, exercise, side) kept for the test; the exercises go round so that all come about equally often."""
    random = SplitMix64(SEED)
    order = random.shuffled(exercises)
    chosen = set()
    for turn, person in enumerate(people):
        for k in range(TEST_RECORDINGS_PER_PERSON):
            exercise = order[(TEST_RECORDINGS_PER_PERSON * turn + k) % len(order)]
            chosen.add((person, exercise, random.below(2)))
    return chosen


def make(directory) -> bytes:
    data = wheels.pickled_arrays(wheels.member(directory, "seglearn", PATH, SHA256))
    assert data["X_labels"] == AXES and data["y_labels"] == list(CLASSES)
    recordings = {(int(person), int(exercise), int(side)): series for series, exercise, person, side
                  in zip(data["X"], data["y"], data["subject"], data["side"])}
    people = sorted({person for person, _, _ in recordings})
    assert len(recordings) == 140 and len(people) == 10
    held_out = test_recordings(people, range(len(CLASSES)))

    rows, labels, groups, splits = [], [], [], []
    for (person, exercise, side), series in sorted(recordings.items(), key=lambda item: item[0]):
        as_left = series * MIRROR if side == RIGHT else series
        for start in range(0, len(series) - WINDOW + 1, STEP):
            rows.append(features(as_left[start:start + WINDOW]))
            labels.append(exercise)
            groups.append(person)
            splits.append(fbds.TEST if (person, exercise, side) in held_out else fbds.TRAIN)

    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    training = table[np.array(splits) == fbds.TRAIN]
    # Rounded to what the file holds, so that whoever reads the constants computes the same.
    mean, deviation = (x.astype("f4").astype("f8") for x in (training.mean(0), training.std(0)))
    scale = float(np.float32(CLIP / 127))
    quantised = np.clip(np.rint((table - mean) / deviation / scale), -127, 127).astype(np.int8)
    return fbds.encode("exercises", list(CLASSES.values()), scale, quantised, labels, groups, splits,
                       list(zip(names, mean, deviation)))
