#!/usr/bin/env python3
"""Writes what the fuzz targets begin with: the vectors of Protocols/vectors in each target's own form.

usage: seeds.py TARGET FOLDER

One file a vector, named by its SHA-256. Ends with 0, or 2 for a target that has no seeds.
"""

import hashlib
import json
import pathlib
import struct
import sys

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "Protocols" / "vectors"


def load(name):
    return json.loads((VECTORS / name).read_text())


def strings(value, *keys):
    """Yields, as bytes, every hexadecimal string that stands under one of the keys, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                yield bytes.fromhex(inner)
            else:
                yield from strings(inner, *keys)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, *keys)


def frames():
    """Longest frame, length of a piece, stream."""
    for stream in strings([load("cobs.json"), load("frames.json")], "stream"):
        for longest, piece in ((0, 0), (4, 2), (255, 9)):
            yield bytes([longest, piece]) + stream


def cbor():
    """Number of questions, questions, text."""
    for text in strings([load("cbor.json"), load("messages.json")], "hex"):
        yield bytes([0]) + text
        yield bytes([1, 12]) + text
        yield bytes([9, 10, 11, 2, 11, 4, 11, 12, 11, 12]) + text


def messages():
    """Kind, text."""
    kinds = {"greeting": 0, "welcome": 1, "refusal": 2}
    vectors = load("messages.json")
    for group in ("messages", "tolerated", "refused"):
        for vector in vectors[group]:
            yield bytes([kinds.get(vector["message"], 3)]) + bytes.fromhex(vector["hex"])


def session():
    """Role, then what peer and owner do: see Victim.swift."""

    def sized(body):
        return bytes([len(body) if len(body) < 200 else (len(body) + 200) // 2]) + body

    def control(text):
        return bytes([4]) + sized(text)

    def frame(kind, body):
        return bytes([kind << 3]) + sized(body)

    def own(choice, number):
        return bytes([6, choice, number])

    accept, confirm, reject, withdraw = bytes([6, 0, 0, 0]), own(2, 0), own(3, 0), own(5, 1)
    second = bytes([5 | 12 << 3, 244])
    texts = [
        bytes.fromhex(vector["hex"])
        for vector in load("messages.json")["messages"]
        if vector["message"] not in ("greeting", "welcome", "refusal") and len(vector["hex"]) < 600
    ]
    digest = bytes(32)
    coming = bytes.fromhex("820aa401010201035820") + digest + bytes.fromhex("041904c0")
    chunks = [bytes([7 | 2 << 3, index, 0]) for index in (0, 2, 1, 1, 3)]
    going = own(144, 2)  # 2 << 9 bytes
    answer = bytes.fromhex("820ba4010103000419013005191000")
    news = [
        bytes([7 | 1 << 3, contiguous, latest, selective])
        for contiguous, latest, selective in ((0, 9, 0), (1, 5, 0), (1, 2, 2), (2, 0, 0), (4, 0, 0))
    ]
    for role in (0, 1):
        begin = bytes([role])
        for text in texts:
            yield begin + control(text) + second + accept + control(text)
            yield begin + going + control(text) + control(answer) + control(text)
        for body in strings(load("frames.json"), "body"):
            for kind in range(1, 10):
                yield begin + going + frame(kind, body) + second
        for end in (confirm, reject, withdraw, second + second + confirm, own(7, 0)):
            yield begin + control(coming) + accept + b"".join(chunks) + end + control(coming) + accept
            yield begin + going + going + control(answer) + b"".join(news) + end + second + second
        yield begin + own(6, 0) * 10 + second * 9 + going


def objects():
    """Kind, then the object; or kind, coding, parameter, features, lengths of pieces, code of a difference."""
    vectors = load("objects.json")
    for group in ("snapshots", "snapshots_refused"):
        for text in strings(vectors[group], "hex"):
            yield bytes([0]) + text
    updates = load("updates.json")
    for kind, group in ((1, "updates"), (2, "deltas")):
        for text in strings(updates[group], "hex"):
            yield bytes([kind]) + text
    for vector in updates["headers_refused"]:
        yield bytes([1 if vector["kind"] == "update" else 2]) + bytes.fromhex(vector["hex"])
    for vector in updates["codes"] + updates["codes_refused"]:
        begin = struct.pack("<BBH", 3, vector["coding"], vector["parameter"])
        # Two classes: two parameters a feature, and two more.
        width = max(0, min(vector["parameters"] // 2 - 2, 63))
        for piece, room in ((0, 0), (40, 3)):
            yield begin + bytes([width, piece, room]) + bytes.fromhex(vector["hex"])


def bluetooth():
    """Choices, then steps: what to do, and the octets for it."""
    attributes, signals, security, segments, event = 1, 2, 3, 4, 0
    drain, send, take, over_the_air = bytes([11]), bytes([6, 5]) + bytes(5), bytes([7]), bytes([9])

    def say(what, text):
        octets = bytes.fromhex(text)
        return bytes([what, len(octets)]) + octets + drain

    discovery = [
        "020502", "1001 00ffff0028", "0401 00ffff", "0801 00ffff0328", "0601 00ffff00280a18", "0a0300", "0c03000500",
        "0e05002200", "2005002200", "122200 0100", "120b000200", "120d0001", "1224000102030405060708", "521f00800200aabb",
        "521f00800400aabb", "521f0001ccdd",
    ]
    channel = ["1407 0a00 8000 5000 4001 1e00 0300", "1601 0400 5000 0500", "0602 0400 4000 5000"]
    pairing = ["01030009100202", "01020 00d100202".replace(" ", ""), "0c" + "11" * 64, "03" + "22" * 16, "0508"]
    encryption = bytes([event, 12]) + bytes.fromhex("05 4100 0000000000000000 00") + bytes([0x3E])
    for choices in range(16):
        begin = bytes([choices])
        yield begin + b"".join(say(attributes, text) for text in discovery) + take + send + drain + over_the_air
        yield begin + say(signals, channel[0]) + say(segments, "0300aabbcc") + take + send + drain + b"".join(
            say(signals, text) for text in channel[1:])
        yield begin + b"".join(say(security, text) for text in pairing) + encryption + drain


def link_layer():
    """Choices, then steps: what comes from where, and its octets."""

    def say(what, text):
        octets = bytes.fromhex(text)
        return bytes([what, len(octets)]) + octets

    control = [
        "000201001800000064001400", "01ffffffff1f1400", "0213", "03" + "00" * 22, "06", "0714", "083f41000000000000",
        "0a", "0b", "0c09ffff0100", "0d06", "111623", "12", "14fb004808fb004808", "15fb004808fb004808", "160303",
        "1802021400",
    ]
    silence = bytes([7, 0])
    for choices in (0, 2, 0x2D):
        begin = bytes([choices])
        for text in control:
            yield begin + say(1, text) + silence + say(1, text) + silence
        yield begin + b"".join(say(1, text) + silence for text in control)
        yield begin + say(3, "010203") + b"\x01" + say(5, "0102030405") + b"\x00" + silence * 3
        yield begin + say(4, "0100") + b"\x16" + silence + say(4, "010000020200") + b"\x32" + silence


def usb():
    """Steps: what to do, and the bytes for it, see FuzzUSB.swift."""
    powered, reset, suspended, resumed, taken = bytes([0]), bytes([2]), bytes([3]), bytes([4]), bytes([6])

    def setup(kind, request, value=0, index=0, length=0):
        return bytes([5]) + struct.pack("<BBHHH", kind, request, value, index, length)

    def data(body):
        return bytes([7, len(body)]) + body

    address, configure = setup(0, 5, 7) + taken, setup(0, 9, 1) + taken
    opened = powered + reset + address + configure + setup(0x21, 0x22, 3)
    descriptors = [setup(0x80, 6, kind, index, 255) + taken * 3 for kind, index in (
        (0x100, 0), (0x200, 0), (0x300, 0), (0x301, 0x409), (0x302, 0x409), (0x303, 0x409), (0x600, 0))]
    packets = bytes([8, 64]) + bytes(64) + bytes([10, 100]) + bytes(100) + bytes([9, 0, 0]) * 3 + bytes([9, 1, 0, 11, 80])
    yield powered + reset + b"".join(descriptors)
    yield opened + packets + suspended + packets + resumed + packets
    yield opened + setup(0x21, 0x20, length=7) + data(bytes([0xB0, 4, 0, 0, 0, 0, 8])) + setup(0xA1, 0x21, length=7) + taken
    yield opened + setup(0x21, 0x20, length=7) + data(bytes(3)) + setup(0x21, 0x23)
    for endpoint in (0, 2, 0x81, 0x82):
        yield opened + packets + setup(2, 3, 0, endpoint) + packets + setup(0x82, 0, 0, endpoint, 2) + taken + setup(
            2, 1, 0, endpoint) + packets
    yield opened + setup(0, 3, 1) + setup(0x80, 0, length=2) + taken + setup(1, 11, 0, 1) + setup(0x81, 10, 0, 1, 1) + taken


TARGETS = {
    "frames": frames, "cbor": cbor, "messages": messages, "session": session, "objects": objects,
    "bluetooth": bluetooth, "link-layer": link_layer, "usb": usb,
}


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in TARGETS:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[arguments[0]]():
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return 0


sys.exit(main(sys.argv[1:]))
