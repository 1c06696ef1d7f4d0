"""Writes the data set format of Protocols/dataset-format.md."""
import struct

import numpy as np

TRAIN, TEST = 0, 1


def text(value: str) -> bytes:
    data = value.encode("utf-8")
    return struct.pack("<B", len(data)) + data


def crc32c(data: bytes) -> int:
    table = []
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def encode(name, classes, scale, features, labels, groups, splits, columns=()) -> bytes:
    """One file of int8 features, zero point 0.

    features: int8, (examples, width). columns: nothing, or width times (name, mean, deviation): what a raw
    feature goes through, (raw - mean) / deviation, before it is divided by `scale` and rounded.
    """
    count, width = features.shape
    assert features.dtype == np.int8 and len(labels) == len(groups) == len(splits) == count
    assert len(columns) in (0, width)
    out = b"FBDS" + struct.pack(
        "<HHHHIBbHf", 1, 1 if columns else 0, width, len(classes), count, 1, 0, 0, scale)
    out += text(name) + b"".join(text(c) for c in classes)
    for column, mean, deviation in columns:
        out += text(column) + struct.pack("<ff", mean, deviation)
    out += bytes(labels) + np.asarray(groups, "<u2").tobytes() + bytes(splits) + features.tobytes()
    return out + struct.pack("<I", crc32c(out))
