"""digits: 1,797 images of handwritten digits, 8 x 8 pixels of 0...16, from scikit-learn (UCI)."""
import gzip

import numpy as np

from . import fbds, wheels
from .splitmix import SplitMix64

PATH = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
SEED = 1
TEST_SHARE = 0.2


def make(directory) -> bytes:
    table = gzip.decompress(wheels.member(directory, "scikit_learn", PATH, SHA256)).decode("ascii")
    rows = np.array([[float(v) for v in line.split(",")] for line in table.splitlines()])
    assert rows.shape == (1797, 65), rows.shape
    pixels, labels = rows[:, :64].astype(np.int8), rows[:, 64].astype(int)
    assert (pixels == rows[:, :64]).all() and pixels.min() == 0 and pixels.max() == 16

    # Stratified: the same share of every digit is kept for the test.
    random = SplitMix64(SEED)
    splits = np.full(len(labels), fbds.TRAIN)
    for digit in range(10):
        of_digit = np.flatnonzero(labels == digit)
        splits[random.shuffled(of_digit)[:round(TEST_SHARE * len(of_digit))]] = fbds.TEST
    # The package does not say who wrote which digit, so all are of group 0.
    return fbds.encode("digits", [str(d) for d in range(10)], 1 / 16, pixels, labels.tolist(),
                       [0] * len(labels), splits.tolist())
