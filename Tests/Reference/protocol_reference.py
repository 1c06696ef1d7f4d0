#!/usr/bin/env python3
"""An independent statement of the link protocol's bytes, and the source of its test vectors.

    protocol_reference.py --write    writes Protocols/vectors/{cobs,frames,messages,objects}.json
    protocol_reference.py --check    makes them again and compares; exit status 1 if a file differs

Written from Protocols/*.md, not from the Swift sources: COBS and CRC-32C are done the slow and obvious way, CBOR
is that of the cbor2 package, digests are those of hashlib. Nothing is random, so the files are the same everywhere.

Notation of the vectors: byte strings in hexadecimal, digests and texts too (texts as their UTF-8), floats as the
hexadecimal bits of binary32, integers of 64 bits as decimal strings, other integers as numbers.

Ends with 0 if all is well, 1 at a difference, 2 for a wrong call, 3 if cbor2 is not installed.
"""

import argparse
import hashlib
import json
import pathlib
import struct
import sys

try:
    import cbor2
except ImportError:
    print("cbor2 is not installed; python3 -m pip install -r Tests/Reference/requirements.txt", file=sys.stderr)
    sys.exit(3)

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "Protocols" / "vectors"


# Framing (link.md) ----------------------------------------------------------------------------------------


def cobs(frame: bytes) -> bytes:
    """Stuffed, with the ending zero: cut at the zeros, then into blocks of 254."""
    coded = bytearray()
    parts = frame.split(b"\0")
    for i, part in enumerate(parts):
        while len(part) >= 254:
            coded += b"\xff" + part[:254]
            part = part[254:]
            if not part and i == len(parts) - 1:
                return bytes(coded) + b"\0"  # the frame ends with a full block, which stands for no zero
        coded += bytes([len(part) + 1]) + part
    return bytes(coded) + b"\0"


def uncobs(stream: bytes, maximum: int) -> list:
    """What a receiver of frames of at most `maximum` bytes makes of a stream."""
    outcomes = []
    *segments, rest = stream.split(b"\0")
    for segment, ended in [(segment, True) for segment in segments] + [(rest, False)]:
        frame, at, whole = bytearray(), 0, True
        zero = False
        while at < len(segment):
            if zero:
                frame.append(0)
            code = segment[at]
            block = segment[at + 1:at + code]
            frame += block
            whole = len(block) == code - 1
            zero = code != 255
            at += code
        if len(frame) > maximum:
            outcomes.append("oversized")
        elif segment and ended:
            outcomes.append({"frame": frame.hex()} if whole else "malformed")
    return outcomes


def crc32c(data: bytes) -> int:
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    return remainder ^ 0xFFFFFFFF


KINDS = {"greeting": 1, "welcome": 2, "refusal": 3, "control": 4, "controlAcknowledgement": 5, "chunk": 6,
         "chunkAcknowledgement": 7, "unknownSession": 8, "farewell": 9}


def sealed(content: bytes) -> bytes:
    return content + struct.pack("<I", crc32c(content))


def frame(kind: int, session: int, sequence: int, body: bytes, epoch: int = 0) -> bytes:
    return sealed(struct.pack("<BBHH", kind, epoch, session, sequence) + body)


def pattern(length: int, step: int = 7) -> bytes:
    return bytes(i * step % 256 for i in range(length))


def cobs_vectors() -> dict:
    frames = [b"", b"\0", b"\0\0", b"\x01", b"\x11\x22\0\x33", b"\x11\x22\x33\x44", b"\x11\0\0\0",
              pattern(10, 0), pattern(300, 0)]
    for length in [252, 253, 254, 255, 256, 507, 508, 509, 510, 1100]:
        letters = bytes(1 + i % 255 for i in range(length))
        frames += [letters, letters + b"\0", b"\0" + letters]
    frames += [pattern(1100), pattern(1100, 31)]
    a, b = cobs(b"\x01\x02\0\x03"), cobs(b"\x09" * 20)
    full = bytes(range(1, 255))
    streams = [
        ("two frames one after the other", a + b, 20),
        ("zeros between frames mean nothing", b"\0\0" + a + b"\0" + b + b"\0", 20),
        ("a frame that has not ended yet", a[:-1], 20),
        ("the first byte of a frame was lost: the rest is shorter than its block says", a[1:] + b, 20),
        ("a byte within a frame was lost", b[:5] + b[6:] + a, 20),
        ("a frame was cut and the next begins without a zero: both are lost, the third is not",
         b[:5] + a + a, 20),
        ("a sender that begins with a zero ends what was cut before", b[:5] + b"\0" + a, 20),
        ("an ending zero was lost: two frames run together, which the checksum has to find",
         a[:-1] + b, 30),
        ("a frame of exactly the longest length", cobs(b"\x07" * 20), 20),
        ("one byte longer is dropped up to its end, and reported once", cobs(b"\x07" * 21) + a, 20),
        ("much longer, with blocks of every kind in what is dropped", cobs(pattern(2000)) + a, 20),
        ("no end for long: reported as soon as it is too long", b"\xff" * 100, 20),
        ("a last block of 254 bytes followed by an empty one is the same frame", b"\xff" + full + b"\x01\0", 254),
        ("only zeros", b"\0" * 9, 20),
        ("the shortest frame of all has no bytes", b"\x01\0", 20),
    ]
    return {
        "source": "Tests/Reference/protocol_reference.py; algorithm: Cheshire & Baker 1999",
        "coded": [{"frame": f.hex(), "stream": cobs(f).hex()} for f in frames],
        "streams": [{"why": why, "maximum": maximum, "stream": stream.hex(),
                     "outcomes": uncobs(stream, maximum)} for why, stream, maximum in streams],
    }


def chunk_body(transfer: int, offset: int, data: bytes) -> bytes:
    return struct.pack("<HI", transfer, offset) + data


def acknowledgement_body(transfer: int, latest: int, contiguous: int, limit: int, selective: int) -> bytes:
    body = struct.pack("<HHII", transfer, latest, contiguous, limit)
    return body + struct.pack("<I", selective) if selective else body


def frame_vectors() -> dict:
    greeting = encode(FIELDS["greeting"], SAMPLES["greeting"][0])
    offer = encode_control("offer", SAMPLES["offer"][0])
    chunk = chunk_body(3, 1084, pattern(48))
    news = acknowledgement_body(3, 0x1234, 1084, 5180, 0b101)
    bodies = [("greeting", 0x5678, 0, greeting), ("control", 0x5678, 1, struct.pack("<H", 0) + offer),
              ("control", 0x5678, 2, struct.pack("<H", 65535) + encode_control("statusRequest", {})),
              ("controlAcknowledgement", 0x5678, 7, struct.pack("<H", 1)),
              ("chunk", 0xFFFF, 0xFFFF, chunk), ("chunkAcknowledgement", 1, 256, news),
              ("chunkAcknowledgement", 1, 257, acknowledgement_body(65535, 0, 0x40000000, 0x40000000, 0)),
              ("unknownSession", 0x0001, 0, b""), ("farewell", 0x5678, 99, b"")]
    frames = []
    for kind, session, sequence, body in bodies:
        whole = frame(KINDS[kind], session, sequence, body)
        frames.append({"kind": kind, "session": session, "sequence": sequence, "body": body.hex(),
                       "frame": whole.hex(), "stream": cobs(whole).hex()})
    good = frame(KINDS["chunk"], 0x5678, 9, chunk)
    small = frame(KINDS["farewell"], 0x5678, 10, b"")
    refused = [("no bytes", b"", "truncated"), ("one byte short of header and checksum", small[:-1], "truncated")]
    refused += [(f"cut after {n} bytes", good[:n], "checksum") for n in [10, 11, len(good) - 4, len(good) - 1]]
    refused += [("a byte more", good + b"\0", "checksum"), ("a wrong checksum", good[:-1] + b"\0", "checksum"),
                ("the checksum of the plain CRC-32 instead of CRC-32C",
                 small[:6] + bytes.fromhex("00000000"), "checksum"),
                ("the checksum most significant byte first", small[:6] + small[:5:-1], "checksum")]
    for position in [0, 1, 2, 5, 6, 30]:
        damaged = bytearray(good)
        damaged[position] ^= 0x10
        refused.append((f"a bit of byte {position} was flipped", bytes(damaged), "checksum"))
    refused += [(f"kind {kind} is none of this version", frame(kind, 1, 2, b"body"), "unknownKind")
                for kind in [0, 10, 255]]
    refused += [(f"there is no key of epoch {epoch}", frame(4, 1, 2, pattern(20), epoch), "unknownKeyEpoch")
                for epoch in [1, 255]]
    acknowledgements = [(3, 0x1234, 1084, 5180, 0b101), (1, 0, 0, 4096, 0), (65535, 65535, 0x40000000, 0x40000000, 0),
                        (2, 9, 100, 4196, 0x80000000), (2, 9, 100, 4196, 0xFFFFFFFF)]
    return {
        "source": "Tests/Reference/protocol_reference.py",
        "frames": frames,
        "refused": [{"why": why, "frame": data.hex(), "error": error} for why, data, error in refused],
        "chunks": [{"transfer": t, "offset": o, "data": d.hex(), "body": chunk_body(t, o, d).hex()}
                   for t, o, d in [(3, 1084, pattern(48)), (1, 0, b"\xaa"), (65535, 0x3FFFFFFF, b"\x01")]],
        "acknowledgements": [{"transfer": t, "latest": s, "contiguous": c, "credit_limit": l, "selective": b,
                              "body": acknowledgement_body(t, s, c, l, b).hex()} for t, s, c, l, b in acknowledgements],
        "acknowledgements_refused": [{"why": f"{n} bytes are neither 12 nor 16", "body": pattern(n).hex()}
                                     for n in [0, 11, 13, 15, 17]],
    }


# Messages (messages.cddl) ---------------------------------------------------------------------------------

U8, U16, U32, U64 = "u8", "u16", "u32", "u64"
LIMITS = {U8: 0xFF, U16: 0xFFFF, U32: 0xFFFFFFFF, U64: 0xFFFFFFFFFFFFFFFF, "length": 0x40000000}


def enumeration(*values):
    return ("enumeration", values)


REASON = enumeration(*range(1, 10))

# name → key → (name of the field, type, required). The answer is checked apart.
FIELDS = {
    "greeting": {1: ("minimum_version", U16, True), 2: ("maximum_version", U16, True), 3: ("session", U32, True),
                 4: ("maximum_frame", U16, True), 5: ("gateway", "text", False), 6: ("time", U64, False)},
    "welcome": {1: ("version", U16, True), 2: ("session", U32, True), 3: ("board", U64, True),
                4: ("maximum_frame", U16, True), 5: ("capabilities", U32, True), 6: ("firmware", "text", True),
                7: ("hardware", "text", True), 8: ("boot", U32, True), 9: ("model", "digest", False),
                10: ("examples", U32, False), 11: ("maximum_parameters", U32, False), 12: ("codings", U32, False)},
    "refusal": {1: ("minimum_version", U16, True), 2: ("maximum_version", U16, True)},
    "statusRequest": {},
    "status": {1: ("phase", enumeration(0, 1, 2, 3, 4), True), 2: ("uptime", U32, True), 3: ("examples", U32, True),
               4: ("model", "digest", False), 5: ("round", U32, False)},
    "offer": {1: ("transfer", U16, True), 2: ("kind", enumeration(1, 2, 3), True), 3: ("digest", "digest", True),
              4: ("length", "length", True), 5: ("round", U32, False)},
    "answer": {1: ("transfer", U16, True), 2: ("refusal", REASON, False), 3: ("held", "length", False),
               4: ("chunk", ("from 1", U16), False), 5: ("credit_limit", "length", False)},
    "confirmation": {1: ("transfer", U16, True), 2: ("refusal", REASON, False)},
    "cancellation": {1: ("transfer", U16, True), 2: ("from_sender", "bool", True), 3: ("reason", REASON, True)},
    "train": {1: ("round", U32, True), 2: ("model", "digest", True), 3: ("epochs", U16, True),
              4: ("batch_size", U16, True), 5: ("learning_rate", "float", True), 6: ("momentum", "float", True),
              7: ("weight_decay", "float", True), 8: ("proximal", "float", True), 9: ("seed", U32, True),
              10: ("coding", U8, False), 11: ("coding_parameter", U16, False), 12: ("run", U32, False)},
    "trainingProgress": {1: ("round", U32, True), 2: ("epoch", U16, True), 3: ("epochs", U16, True),
                         4: ("step", U32, True), 5: ("steps", U32, True), 6: ("loss", "float", True)},
    "stopTraining": {1: ("round", U32, True)},
    "evaluate": {1: ("model", "digest", True)},
    "evaluation": {1: ("model", "digest", True), 2: ("count", U32, True), 3: ("correct", U32, True),
                   4: ("loss", "float", True)},
    "problem": {1: ("code", enumeration(*range(1, 11)), True), 2: ("about", U32, False), 3: ("needed", U32, False),
                4: ("available", U32, False)},
    "logLine": {1: ("level", enumeration(0, 1, 2, 3), True), 2: ("text", "text", True)},
    "cableSecret": {1: ("secret", "octets16", True)},
}

# Control messages travel as [type, fields]; the others are bodies of frames of their own.
TYPES = {"statusRequest": 1, "status": 2, "offer": 10, "answer": 11, "confirmation": 12, "cancellation": 13,
         "train": 20, "trainingProgress": 21, "stopTraining": 22, "evaluate": 23, "evaluation": 24, "problem": 30,
         "logLine": 31, "cableSecret": 40}

DIGEST = hashlib.sha256(b"abc").hexdigest()
OTHER = hashlib.sha256(b"").hexdigest()


def bits(value: float) -> str:
    return struct.pack(">f", value).hex()


def text(value: str) -> str:
    return value.encode().hex()


FULL_TEXT = text("ä" * 32)

# Each is read and written by every implementation: the optional fields that a sender always writes are there.
SAMPLES = {
    "greeting": [
        {"minimum_version": 1, "maximum_version": 1, "session": 0x12345678, "maximum_frame": 1100,
         "gateway": text("pi"), "time": "1800000000"},
        {"minimum_version": 0, "maximum_version": 65535, "session": 0xFFFFFFFF, "maximum_frame": 65535,
         "gateway": FULL_TEXT, "time": str(LIMITS[U64])},
        {"minimum_version": 2, "maximum_version": 3, "session": 0, "maximum_frame": 320, "gateway": "", "time": "0"}],
    "welcome": [
        {"version": 1, "session": 0x12345678, "board": str(0x7F3A21C000000001), "maximum_frame": 1100,
         "capabilities": 3, "firmware": text("0.1.0"), "hardware": text("nano33ble"), "boot": 7, "examples": 100,
         "maximum_parameters": 10000, "codings": 1},
        {"version": 65535, "session": 0xFFFFFFFF, "board": str(LIMITS[U64]), "maximum_frame": 65535,
         "capabilities": 0xFFFFFFFF, "firmware": FULL_TEXT, "hardware": FULL_TEXT, "boot": 0xFFFFFFFF,
         "model": DIGEST, "examples": 0xFFFFFFFF, "maximum_parameters": 0xFFFFFFFF, "codings": 0xFFFFFFFF}],
    "refusal": [{"minimum_version": 1, "maximum_version": 1}, {"minimum_version": 24, "maximum_version": 65535}],
    "statusRequest": [{}],
    "status": [{"phase": 0, "uptime": 0, "examples": 0},
               {"phase": 2, "uptime": 86400, "examples": 1437, "model": DIGEST, "round": 12},
               {"phase": 4, "uptime": 0xFFFFFFFF, "examples": 0xFFFFFFFF, "model": OTHER, "round": 0xFFFFFFFF}],
    "offer": [{"transfer": 1, "kind": 1, "digest": DIGEST, "length": 65412},
              {"transfer": 65535, "kind": 2, "digest": OTHER, "length": 0x40000000, "round": 0xFFFFFFFF},
              {"transfer": 24, "kind": 2, "digest": OTHER, "length": 0, "round": 1},
              {"transfer": 2, "kind": 3, "digest": DIGEST, "length": 140}],
    "answer": [{"transfer": 1, "held": 0, "chunk": 1084, "credit_limit": 4096},
               {"transfer": 65535, "held": 0x40000000, "chunk": 65535, "credit_limit": 0x40000000},
               *({"transfer": 2, "refusal": reason} for reason in REASON[1])],
    "confirmation": [{"transfer": 1}, *({"transfer": 300, "refusal": reason} for reason in REASON[1])],
    "cancellation": [{"transfer": 1, "from_sender": True, "reason": 3},
                     {"transfer": 65535, "from_sender": False, "reason": 8}],
    "train": [{"round": 1, "model": DIGEST, "epochs": 1, "batch_size": 32, "learning_rate": bits(0.1),
               "momentum": bits(0.9), "weight_decay": bits(0.0001), "proximal": bits(0.0), "seed": 42},
              {"round": 0xFFFFFFFF, "model": OTHER, "epochs": 65535, "batch_size": 65535,
               "learning_rate": "00000001", "momentum": bits(0.5), "weight_decay": "7f7fffff", "proximal": "80000000",
               "seed": 0xFFFFFFFF},
              {"round": 7, "model": DIGEST, "epochs": 2, "batch_size": 16, "learning_rate": bits(0.05),
               "momentum": bits(0.0), "weight_decay": bits(0.0), "proximal": bits(0.0), "seed": 1, "coding": 2,
               "coding_parameter": 32, "run": 0x12345678},
              {"round": 7, "model": DIGEST, "epochs": 2, "batch_size": 16, "learning_rate": bits(0.05),
               "momentum": bits(0.0), "weight_decay": bits(0.0), "proximal": bits(0.0), "seed": 1, "coding": 255,
               "coding_parameter": 65535, "run": 0xFFFFFFFF}],
    "trainingProgress": [{"round": 3, "epoch": 1, "epochs": 5, "step": 100, "steps": 7185, "loss": bits(2.302585)},
                         {"round": 3, "epoch": 65535, "epochs": 65535, "step": 0xFFFFFFFF, "steps": 0xFFFFFFFF,
                          "loss": "7f800000"}],
    "stopTraining": [{"round": 3}],
    "evaluate": [{"model": DIGEST}],
    "evaluation": [{"model": DIGEST, "count": 360, "correct": 345, "loss": bits(0.125)},
                   {"model": OTHER, "count": 0, "correct": 0, "loss": "7fc00000"}],
    "problem": [{"code": 1, "about": 99}, {"code": 3, "about": 7, "needed": 65536, "available": 10000}, {"code": 10},
                *({"code": code, "needed": 1} for code in range(2, 10))],
    "logLine": [{"level": 0, "text": ""}, {"level": 1, "text": text("Grüße: \U0001f44b")},
                {"level": 3, "text": FULL_TEXT}],
    "cableSecret": [{"secret": bytes(range(0x10, 0x20)).hex()}, {"secret": "ff" * 16}],
}


def value(kind, notation):
    """The CBOR value of a field."""
    if kind in ("digest", "octets16", "text"):
        content = bytes.fromhex(notation)
        return content.decode() if kind == "text" else content
    if kind == "float":
        return struct.unpack(">f", bytes.fromhex(notation))[0]
    if kind == U64:
        return int(notation)
    return notation


def dumps(item) -> bytes:
    return cbor2.dumps(item, canonical=True)


def by_key(fields: dict, content: dict) -> dict:
    return {key: value(kind, content[name]) for key, (name, kind, _) in fields.items() if name in content}


def encode(fields: dict, content: dict) -> bytes:
    return dumps(by_key(fields, content))


def enveloped(message: str, fields) -> bytes:
    """A whole message whose fields are `fields`, or their encoding if that is bytes."""
    coded = fields if isinstance(fields, bytes) else dumps(fields)
    return b"\x82" + dumps(TYPES[message]) + coded if message in TYPES else coded


def encode_control(message: str, content: dict) -> bytes:
    return enveloped(message, by_key(FIELDS[message], content))


def wrong_values(kind) -> list:
    """Values that a field of this kind refuses, with what is wrong with each."""
    if isinstance(kind, tuple) and kind[0] == "enumeration":
        return [("unknown value", max(kind[1]) + 1), ("text for integer", "1")]
    if isinstance(kind, tuple):
        return [("zero", 0), *wrong_values(kind[1])]
    if kind in LIMITS:
        beyond = [] if kind == U64 else [("too large", LIMITS[kind] + 1)]
        return [*beyond, ("negative", -1), ("text for integer", "1"), ("float for integer", 1.0)]
    return {
        "digest": [("31 bytes", bytes(31)), ("33 bytes", bytes(33)), ("text for bytes", "x" * 32)],
        "octets16": [("15 bytes", bytes(15)), ("17 bytes", bytes(17)), ("text for bytes", "x" * 16),
                     ("integers for bytes", list(range(16)))],
        "text": [("bytes for text", b"pi"), ("integer for text", 7), ("null for text", None)],
        "float": [("integer for float", 1), ("a float that needs 64 bits", 0.1), ("null for float", None)],
        "bool": [("integer for bool", 1), ("null for bool", None)],
    }[kind]


def refused_fields(message: str) -> list:
    """Every required field left out, every field with every kind of wrong value."""
    fields = FIELDS[message]
    whole = {key: item for sample in SAMPLES[message] for key, item in by_key(fields, sample).items()}
    if message == "answer":
        accepted = by_key(fields, SAMPLES["answer"][0])
        refusals = [("no outcome at all", {1: 1}), ("a refusal and an acceptance", {**accepted, 2: 4}),
                    ("an acceptance without held", {k: v for k, v in accepted.items() if k != 3}),
                    ("an acceptance without chunk", {k: v for k, v in accepted.items() if k != 4}),
                    ("an acceptance without credit limit", {k: v for k, v in accepted.items() if k != 5}),
                    ("a refusal with a part of an acceptance", {1: 1, 2: 4, 3: 0}),
                    ("without transfer", {k: v for k, v in accepted.items() if k != 1})]
        for key in [1, 3, 4, 5]:
            refusals += [(f"{fields[key][0]}: {why}", {**accepted, key: wrong})
                         for why, wrong in wrong_values(fields[key][1])]
        return refusals + [(f"refusal: {why}", {1: 1, 2: wrong}) for why, wrong in wrong_values(REASON)]
    refusals = [(f"without {name}", {k: v for k, v in whole.items() if k != key})
                for key, (name, _, required) in fields.items() if required]
    for key, (name, kind, _) in fields.items():
        refusals += [(f"{name}: {why}", {**whole, key: wrong}) for why, wrong in wrong_values(kind)]
    return refusals


def refused_messages() -> list:
    """(message, why, bytes, error, whether the schema accepts it all the same)."""
    refused = []
    for message in FIELDS:
        for why, fields in refused_fields(message):
            refused.append((message, why, enveloped(message, fields), "malformed", False))
    stop = TYPES["stopTraining"]

    def control(why, data, message="stopTraining", accepted=False):
        refused.append((message, why, data, "malformed", accepted))

    control("no bytes", b"")
    control("a map without its envelope", dumps({1: 3}))
    control("the type without fields", dumps([stop]))
    control("a third element", dumps([stop, {1: 3}, 0]))
    control("an empty array", dumps([]))
    control("fields that are an array", dumps([stop, [1, 3]]))
    control("fields that are an integer", dumps([1, 5]), message="statusRequest")
    control("a type that is text", dumps(["22", {1: 3}]))
    control("a negative type", dumps([-1, {1: 3}]))
    control("a key that is text", dumps([stop, {1: 3, "2": 0}]))
    control("a negative key", bytes.fromhex("8216a201032000"))
    control("a key above 32 bits", bytes.fromhex("8216a201031b000000010000000000"))
    control("cut in the middle", bytes.fromhex("8216a101"))
    control("a tag around a value", bytes.fromhex("8216a101c103"))
    control("a byte after the end", dumps([stop, {1: 3}]) + b"\0")
    control("a longer head than needed", bytes.fromhex("8216a1011803"))
    control("an array of indefinite length", bytes.fromhex("9f16a10103ff"))
    control("a map of indefinite length", bytes.fromhex("8216bf0103ff"))
    control("keys in descending order", bytes.fromhex("8216a205000103"))
    control("a key twice", bytes.fromhex("8216a201030104"))
    control("an unknown field that is not deterministic", bytes.fromhex("8216a20103181818ff1800"))
    control("an unknown field nested nine deep", bytes.fromhex("8216a2010305") + b"\x81" * 9 + b"\0", accepted=True)
    control("33 fields", enveloped("stopTraining", {1: 3, **{k: 0 for k in range(100, 132)}}), accepted=True)
    control("text that is not UTF-8", bytes.fromhex("821fa201010262c328"), message="logLine")
    control("a float of 32 bits that 16 hold", bytes.fromhex("8218a40158") + b"\x20" + bytes(32)
            + bytes.fromhex("0200030004fa3f800000"), message="evaluation")
    control("a NaN that is not the one", bytes.fromhex("8218a40158") + b"\x20" + bytes(32)
            + bytes.fromhex("0200030004f97e01"), message="evaluation")
    for unknown in [0, 3, 99, 0xFFFFFFFFFFFFFFFF]:
        refused.append((None, "a type of a later version", dumps([unknown, {1: 3}]), str(unknown), False))
    refused.append((None, "an unknown type whose fields are no map", dumps([99, [1, "two", None]]), "99", False))
    refused.append((None, "an unknown type, cut", dumps([99, {1: 3}])[:-1], "malformed", False))
    for message in ["greeting", "welcome", "refusal"]:
        body = encode(FIELDS[message], SAMPLES[message][0])
        refused += [(message, "no bytes", b"", "malformed", False),
                    (message, "cut before its end", body[:-1], "malformed", False),
                    (message, "a byte after its end", body + b"\0", "malformed", False),
                    (message, "an array", dumps([1, 2]), "malformed", False),
                    (message, "in an envelope", dumps([1, by_key(FIELDS[message], SAMPLES[message][0])]), "malformed", False)]
    return refused


def tolerated_messages() -> list:
    """(message, why, bytes, fields it reads as, whether the schema accepts it): read, but never written so."""
    tolerated = []
    for message in FIELDS:
        content = SAMPLES[message][0]
        fields = by_key(FIELDS[message], content)
        later = {**fields, 50: "later", 1000: [1, {"a": [None, True, 1.5]}, b"\0"], 0xFFFFFFFF: {-1: 0}}
        tolerated.append((message, "fields of a later version are skipped", enveloped(message, later), content, True))
    tolerated.append(("stopTraining", "key 0 is one of a later version as well", dumps([22, {0: 1, 1: 3}]),
                      {"round": 3}, True))
    tolerated.append(("stopTraining", "32 fields", enveloped("stopTraining", {1: 3, **{k: 0 for k in range(100, 131)}}),
                      {"round": 3}, True))
    greeting = SAMPLES["greeting"][0]
    required = {name: greeting[name] for name, _, needed in FIELDS["greeting"].values() if needed}
    tolerated.append(("greeting", "without the fields that are not required", encode(FIELDS["greeting"], required),
                      {**required, "gateway": "", "time": "0"}, True))
    welcome = SAMPLES["welcome"][0]
    required = {name: welcome[name] for name, _, needed in FIELDS["welcome"].values() if needed}
    tolerated.append(("welcome", "without the fields that are not required", encode(FIELDS["welcome"], required),
                      {**required, "examples": 0, "maximum_parameters": 0, "codings": 1}, True))
    tolerated.append(("offer", "round 0 is no round", enveloped("offer", {**by_key(FIELDS["offer"], SAMPLES["offer"][0]),
                                                                          5: 0}), SAMPLES["offer"][0], True))
    long = "x" * 65
    tolerated.append(("logLine", "of a text the first 64 bytes count", enveloped("logLine", {1: 0, 2: long}),
                      {"level": 0, "text": text(long[:64])}, False))
    tolerated.append(("logLine", "control characters become question marks",
                      enveloped("logLine", {1: 0, 2: "a\nb\x1b\x7f\0"}), {"level": 0, "text": text("a?b???")}, True))
    return tolerated


def message_vectors() -> dict:
    messages = []
    for message, samples in SAMPLES.items():
        for content in samples:
            data = enveloped(message, by_key(FIELDS[message], content))
            read = cbor2.loads(data)
            fields = read[1] if message in TYPES else read
            assert dumps(fields) == dumps(by_key(FIELDS[message], content))
            messages.append({"message": message, "hex": data.hex(), "fields": content})
    return {
        "source": "Tests/Reference/protocol_reference.py, with cbor2",
        "messages": messages,
        "tolerated": [{"message": message, "why": why, "hex": data.hex(), "fields": content, "schema_accepts": accepted}
                      for message, why, data, content, accepted in tolerated_messages()],
        "refused": [{"message": message, "why": why, "hex": data.hex(), "schema_accepts": accepted,
                     **({"error": "malformed"} if error == "malformed" else {"error": "unknownType", "type": error})}
                    for message, why, data, error, accepted in refused_messages()],
    }


# Objects (objects.md) -------------------------------------------------------------------------------------


def description(inputs: int, layers: list, scale: str | None = None, zero_point: int = 0) -> bytes:
    data = struct.pack("<BB", 1, 0)
    if scale is None:
        data += b"\0"
    else:
        data += b"\x01" + bytes.fromhex(scale)[::-1] + struct.pack("<b", zero_point)
    data += struct.pack("<HB", inputs, len(layers))
    return data + b"".join(struct.pack("<HB", outputs, activation) for outputs, activation in layers)


def parameter_count(inputs: int, layers: list) -> int:
    count = 0
    for outputs, _ in layers:
        count += inputs * outputs + outputs
        inputs = outputs
    return count


def snapshot(version: int, coded: bytes, parameters: bytes) -> bytes:
    padding = bytes(-len(coded) % 4)
    return b"FBM\x01" + struct.pack("<IHH", version, len(coded), 0) + coded + padding + parameters


def floats(count: int) -> list:
    special = ["00000000", "80000000", "3f800000", "7f800000", "7fc00000", "00000001", "7f7fffff"]
    return [special[i] if i < len(special) else bits((i * 37 % 101 - 50) / 64) for i in range(count)]


def little_endian(parameters: list) -> bytes:
    return b"".join(bytes.fromhex(p)[::-1] for p in parameters)


SCALE = bits(0.0625)
MODELS = [
    (1, [(1, 0)], None, 0), (64, [(10, 0)], None, 0), (4, [(3, 1), (2, 0)], SCALE, -128),
    (2, [(2, 1), (2, 1), (2, 0), (1, 1), (3, 0), (2, 0)], None, 0), (4096, [(4096, 0)], SCALE, 127),
]


def object_vectors() -> dict:
    descriptions, snapshots = [], []
    for inputs, layers, scale, zero_point in MODELS:
        coded = description(inputs, layers, scale, zero_point)
        fields = {"input_width": inputs, "layers": [{"outputs": o, "activation": a} for o, a in layers],
                  "parameters": parameter_count(inputs, layers)}
        if scale:
            fields |= {"scale": scale, "zero_point": zero_point}
        descriptions.append({"hex": coded.hex(), **fields})
        if fields["parameters"] < 100:
            parameters = floats(fields["parameters"])
            whole = snapshot(len(snapshots), coded, little_endian(parameters))
            snapshots.append({"hex": whole.hex(), "version": len(snapshots), "description": coded.hex(),
                              "header_length": len(whole) - 4 * len(parameters), "parameters": parameters,
                              "digest": hashlib.sha256(whole).hexdigest()})
    simple = description(4, [(3, 1), (2, 0)])
    quantised = description(4, [(3, 0)], SCALE, 5)

    def changed(data: bytes, at: int, new: bytes) -> bytes:
        return data[:at] + new + data[at + len(new):]

    bad_descriptions = [("no bytes", b"", "malformed"), ("a later format", changed(simple, 0, b"\x02"), "unsupportedVersion"),
                        ("format 0", changed(simple, 0, b"\0"), "unsupportedVersion"),
                        ("an unknown loss", changed(simple, 1, b"\x01"), "malformed"),
                        ("an unknown input format", changed(simple, 2, b"\x02"), "malformed"),
                        ("no inputs", changed(simple, 3, b"\0\0"), "widthOutOfRange"),
                        ("4097 inputs", changed(simple, 3, b"\x01\x10"), "widthOutOfRange"),
                        ("no layers", changed(simple, 5, b"\0")[:6], "noLayers"),
                        ("seven layers", description(1, [(1, 0)] * 7), "tooManyLayers"),
                        ("a layer of no outputs", changed(simple, 6, b"\0\0"), "widthOutOfRange"),
                        ("a layer of 4097 outputs", changed(simple, 6, b"\x01\x10"), "widthOutOfRange"),
                        ("an unknown activation", changed(simple, 8, b"\x02"), "malformed"),
                        ("fewer layers than bytes", changed(simple, 5, b"\x01"), "malformed"),
                        ("more layers than bytes", changed(simple, 5, b"\x03"), "malformed"),
                        ("a byte after the end", simple + b"\0", "malformed"),
                        ("a scale of 0", changed(quantised, 3, bytes(4)), "malformed"),
                        ("a negative scale", changed(quantised, 3, bytes.fromhex("000080bf")), "malformed"),
                        ("an infinite scale", changed(quantised, 3, bytes.fromhex("0000807f")), "malformed"),
                        ("a scale that is no number", changed(quantised, 3, bytes.fromhex("0000c07f")), "malformed")]
    bad_descriptions += [(f"cut after {n} bytes", data[:n], "malformed")
                         for data in [simple, quantised] for n in range(1, len(data))]

    whole = snapshot(7, simple, little_endian(floats(23)))
    bad_snapshots = [("another magic", changed(whole, 2, b"U"), "malformed"),
                     ("a later format", changed(whole, 3, b"\x02"), "unsupportedVersion"),
                     ("reserved bytes that are not 0", changed(whole, 10, b"\x01"), "malformed"),
                     ("a description that is longer than the object", changed(whole, 8, b"\xff\xff"), "malformed"),
                     ("a description of no bytes", changed(whole, 8, b"\0"), "description"),
                     ("a description with a wrong layer", changed(whole, 20, b"\x09"), "description"),
                     ("padding that is not 0", snapshot(1, quantised, b"").replace(quantised + b"\0", quantised + b"\x01")
                      + bytes(60), "malformed"),
                     ("a byte short", whole[:-1], "wrongLength"), ("a byte more", whole + b"\0", "wrongLength"),
                     ("a parameter short", whole[:-4], "wrongLength")]
    bad_snapshots += [(f"cut after {n} bytes", whole[:n], "malformed") for n in [0, 1, 3, 4, 8, 11, 12, 20, 23]]

    def refusals(items):
        return [{"why": why, "hex": data.hex(), "error": error} for why, data, error in items]

    return {
        "source": "Tests/Reference/protocol_reference.py",
        "descriptions": descriptions, "descriptions_refused": refusals(bad_descriptions),
        "snapshots": snapshots, "snapshots_refused": refusals(bad_snapshots),
    }


# Files ----------------------------------------------------------------------------------------------------


def lines(vectors: dict) -> str:
    """JSON with one vector a line."""
    parts = []
    for name, content in vectors.items():
        if isinstance(content, list):
            items = ",\n".join("  " + json.dumps(item) for item in content)
            parts.append(f" {json.dumps(name)}: [\n{items}\n ]")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(content)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true")
    choice.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = {"cobs": cobs_vectors(), "frames": frame_vectors(), "messages": message_vectors(), "objects": object_vectors()}
    differences = 0
    for name, vectors in made.items():
        file = VECTORS / f"{name}.json"
        if arguments.write:
            file.write_text(lines(vectors))
        elif not file.exists() or file.read_text() != lines(vectors):
            print(f"{file} is not what this script makes", file=sys.stderr)
            differences += 1
    count = sum(len(content) for vectors in made.values() for content in vectors.values() if isinstance(content, list))
    print(f"{count} vectors" + (f", {differences} files differ" if arguments.check else " written"))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
