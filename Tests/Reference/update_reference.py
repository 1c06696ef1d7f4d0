#!/usr/bin/env python3
"""An independent statement of updates and deltas, and the source of their test vectors.

    update_reference.py --write    writes Protocols/vectors/updates.json
    update_reference.py --check    makes it again and compares; and decodes Protocols/vectors/codes.json, which holds
                                   what our encoder made, and codes it again; exit status 1 if anything differs

Written from Protocols/update-format.md, not from the Swift sources. Nothing is random, so the file is the same
everywhere. Only the standard library is used: a float32 is a Python float that is one, and what is computed is rounded
to one, which for a single addition or multiplication of two float32 gives the bits that float32 arithmetic gives.

Notation of the vectors: byte strings in hexadecimal, differences as the bytes of little-endian binary32, tags as bytes,
single floats as the hexadecimal bits of binary32.

Ends with 0 if all is well, 1 at a difference, 2 for a wrong call.
"""

import argparse
import json
import math
import pathlib
import struct
import sys

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "Protocols" / "vectors"
WORD = 0xFFFFFFFF


class Refused(Exception):
    """What a reader says to bytes that are none of it."""


# Floats ---------------------------------------------------------------------------------------------------


def float_of(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def rounded(value: float) -> float:
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def bits_of(value: float) -> int:
    return struct.unpack("<I", struct.pack("<f", value))[0]


def words(data: bytes) -> list:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def packed(bits: list) -> bytes:
    return struct.pack(f"<{len(bits)}I", *bits)


# Headers --------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def update_header(coding, parameter, round_, examples, count, loss, base) -> bytes:
    return (start(b"U", coding, parameter) + varint(round_) + varint(examples) + varint(count)
            + bytes.fromhex(loss)[::-1] + bytes.fromhex(base))


def delta_header(coding, parameter, version, count, base, result) -> bytes:
    return start(b"D", coding, parameter) + varint(version) + varint(count) + bytes.fromhex(base) + bytes.fromhex(result)


def start(kind, coding, parameter) -> bytes:
    return b"\xfb" + kind + bytes([1 << 4 | coding]) + (varint(parameter) if coding >= 2 else b"")


# The range coder ------------------------------------------------------------------------------------------


class Model:
    def __init__(self, probability):
        self.fast = self.slow = probability

    def probability(self):
        return (self.fast + self.slow) >> 5

    def learn(self, bit):
        if bit:
            self.fast += (65535 - self.fast) >> 4
            self.slow += (65535 - self.slow) >> 7
        else:
            self.fast -= self.fast >> 4
            self.slow -= self.slow >> 7


def code_end(low, span):
    """The bytes that end a code."""
    if low == 0:
        return b""
    value = (low + 0xFFFFFF) & ~0xFFFFFF
    if value <= WORD and value - low < span:
        return value.to_bytes(4, "big")[:1]
    return ((low + 0xFFFF) & ~0xFFFF).to_bytes(4, "big")[:2]


class Coder:
    """What both directions have in common: the interval, and when a byte leaves it."""

    def __init__(self):
        self.low, self.range = 0, WORD

    def normalise(self):
        while True:
            if self.low ^ (self.low + self.range & WORD) >= 1 << 24:
                if self.range >= 1 << 16:
                    return
                self.range = -self.low & 0xFFFF
            self.shift(self.low >> 24)
            self.low = self.low << 8 & WORD
            self.range = self.range << 8 & WORD

    def decide(self, model, bit_of):
        bound = (self.range >> 12) * model.probability()
        bit = bit_of(bound)
        model.learn(bit)
        if bit:
            self.range = bound
        else:
            self.low = self.low + bound & WORD
            self.range -= bound
        self.normalise()
        return bit

    def raw(self, value, count):
        """`count` bits, eight at a time, the highest first."""
        out = 0
        while count:
            n = min(8, count)
            count -= n
            self.range >>= n
            part = self.part(None if value is None else value >> count & (1 << n) - 1, n)
            out = out << n | part
            self.low = self.low + self.range * part & WORD
            self.normalise()
        return out


class Encoder(Coder):
    def __init__(self):
        super().__init__()
        self.bytes = bytearray()

    def shift(self, byte):
        self.bytes.append(byte)

    def bit(self, model, bit):
        return self.decide(model, lambda _: bool(bit))

    def part(self, value, n):
        return value

    def whole(self):
        return bytes(self.bytes) + code_end(self.low, self.range)


class Decoder(Coder):
    def __init__(self, data):
        super().__init__()
        self.data, self.at = data, 4
        self.code = int.from_bytes((data + bytes(4))[:4], "big")
        self.left = 0

    def shift(self, _):
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        self.code = self.code << 8 & WORD | byte
        if self.at > len(self.data) + 4:
            raise Refused("wrongLength")

    def bit(self, model, _=None):
        return self.decide(model, lambda bound: (self.code - self.low & WORD) < bound)

    def part(self, _, n):
        value = (self.code - self.low & WORD) // self.range
        if value >> n:
            raise Refused("malformed")
        return value

    def end(self):
        end = code_end(self.low, self.range)
        if self.at - 4 + len(end) != len(self.data):
            raise Refused("wrongLength")
        if self.code != int.from_bytes(end.ljust(4, b"\0"), "big"):
            raise Refused("malformed")


# The codings ----------------------------------------------------------------------------------------------
#
# Each runs both ways: given a value it writes it with an Encoder; given None it reads one from a Decoder.


class Lossless:
    def __init__(self, _):
        self.exponent = [Model(32768) for _ in range(256)]
        self.place = [Model(32768) for _ in range(32)]
        self.is_zero, self.sign_of_zero = Model(32768), Model(32768)

    def value(self, coder, bits):
        def wanted(shift, count=1):
            return None if bits is None else bits >> shift & (1 << count) - 1

        known = 1
        for shift in range(30, 22, -1):
            known = known << 1 | coder.bit(self.exponent[known], wanted(shift))
        exponent, fraction, done = known & 0xFF, 0, 0
        if exponent == 0:
            if coder.bit(self.is_zero, bits is not None and bits & 0x7FFFFF == 0):
                return coder.bit(self.sign_of_zero, wanted(31)) << 31
        else:
            while done < 23:
                bit = coder.bit(self.place[(exponent + done) % 32], wanted(done))
                fraction |= bit << done
                done += 1
                if bit:
                    break
        sign = coder.raw(wanted(31), 1)
        fraction |= coder.raw(wanted(done, 23 - done), 23 - done) << done
        if exponent == 0 and fraction == 0:
            raise Refused("malformed")
        return sign << 31 | exponent << 23 | fraction


class Step:
    def __init__(self, _):
        self.zero, self.sign = Model(16384), Model(32768)
        self.length = [Model(10240) for _ in range(17)]
        self.second = [Model(16384) for _ in range(18)]

    def value(self, coder, index):
        size = 0 if index is None else abs(index)
        if not coder.bit(self.zero, size != 0):
            return 0
        negative = coder.bit(self.sign, index is not None and index < 0)
        bits = 1
        while bits < 17 and coder.bit(self.length[bits], size.bit_length() > bits):
            bits += 1
        magnitude = 1
        if bits > 1:
            magnitude = 2 | coder.bit(self.second[bits], size >> bits - 2 & 1)
            magnitude = magnitude << bits - 2 | coder.raw(size & (1 << bits - 2) - 1, bits - 2)
        return -magnitude if negative else magnitude


class Ternary:
    def __init__(self, parameter):
        self.kept, self.sign = Model(max(256, 65536 // parameter)), Model(32768)

    def value(self, coder, index):
        if not coder.bit(self.kept, bool(index)):
            return 0
        return -1 if coder.bit(self.sign, index is not None and index < 0) else 1


CODINGS = {1: Lossless, 2: Step, 3: Ternary}


def encode(coding, parameter, values, scale=None) -> bytes:
    """The code of float bits, or of indices with their scale."""
    if coding == 0:
        return packed(values)
    coder, models = Encoder(), CODINGS[coding](parameter)
    for value in values:
        models.value(coder, value)
    return (b"" if coding == 1 else struct.pack("<H", scale)) + coder.whole()


def decode(coding, parameter, count, data):
    """(scale, symbols, float bits)."""
    if coding == 0:
        if len(data) != 4 * count:
            raise Refused("wrongLength")
        return None, words(data), words(data)
    scale = None
    if coding >= 2:
        if len(data) < 2:
            raise Refused("wrongLength")
        scale, data = data[0] | data[1] << 8, data[2:]
        if scale >= 0xFF00:
            raise Refused("notFinite")
    decoder, models = Decoder(data), CODINGS[coding](parameter)
    symbols, values = [], []
    for _ in range(count):
        symbol = models.value(decoder, None)
        symbols.append(symbol)
        if coding == 1:
            values.append(symbol)
        else:
            value = rounded(symbol * float_of(scale << 15))
            if math.isinf(value):
                raise Refused("notFinite")
            values.append(bits_of(value))
    decoder.end()
    return scale, symbols, values


# Vectors --------------------------------------------------------------------------------------------------

BASE = "00112233445566ff"
RESULT = "ffeeddccbbaa9988"
LARGEST = 16_777_216


def numbers(count, seed):
    """Numbers that look like any (the linear congruential generator of Numerical Recipes)."""
    out = []
    for _ in range(count):
        seed = (1664525 * seed + 1013904223) & WORD
        out.append(seed)
    return out


def header_vectors():
    updates, deltas = [], []
    cases = [(0, 0, 1, 120, 8), (1, 0, 127, 128, 2570), (2, 32, 40, 1000, 2570), (2, 255, 0, 0, 0),
             (3, 18, 16384, 16383, LARGEST), (3, 65535, WORD, WORD, 127), (2, 1, 2097151, 2097152, 128)]
    for coding, parameter, first, second, count in cases:
        loss = f"{bits_of(rounded(first / 64)):08x}" if first < 1000 else "7fc00001"
        data = update_header(coding, parameter, first, second, count, loss, BASE)
        updates.append({"hex": data.hex(), "coding": coding, "parameter": parameter, "round": first, "examples": second,
                        "parameters": count, "loss": loss, "base": BASE})
        data = delta_header(coding, parameter, first, count, BASE, RESULT)
        deltas.append({"hex": data.hex(), "coding": coding, "parameter": parameter, "version": first,
                       "parameters": count, "base": BASE, "result": RESULT})
    refused = []
    for kind, whole in [("update", update_header(3, 18, 3, 120, 2570, "3f400000", BASE)),
                        ("delta", delta_header(3, 18, 3, 2570, BASE, RESULT))]:
        head, rest = whole[:3], whole[4:]
        other = b"D" if kind == "update" else b"U"

        def no(why, data, error="malformed"):
            refused.append({"kind": kind, "why": why, "hex": data.hex(), "error": error})

        no("another magic", b"\xfa" + whole[1:])
        no("the other kind", whole[:1] + other + whole[2:])
        no("a snapshot", b"FBM\x01" + whole)
        no("a later format", whole[:2] + b"\x23" + whole[3:], "unsupportedVersion")
        no("format 0", whole[:2] + b"\x03" + whole[3:], "unsupportedVersion")
        no("an unknown coding", whole[:2] + b"\x14" + whole[3:], "unsupportedCoding")
        no("the last coding there can be", whole[:2] + b"\x1f" + whole[3:], "unsupportedCoding")
        no("a later format of an unknown coding", whole[:2] + b"\x2f" + whole[3:], "unsupportedVersion")
        no("a step of 0", whole[:2] + b"\x12\0" + rest)
        no("a step of 256", whole[:2] + b"\x12\x80\x02" + rest)
        no("one value in 0", head + b"\0" + rest)
        no("one value in 1", head + b"\x01" + rest)
        no("one value in 65536", head + b"\x80\x80\x04" + rest)
        no("an integer of more bytes than it takes", head + b"\x92\0" + rest)
        no("an integer above 32 bits", head + b"\x12" + b"\xff\xff\xff\xff\x1f" + rest[1:])
        no("an integer of six bytes", head + b"\x12" + b"\xff\xff\xff\xff\xff\x01" + rest[1:])
        large = (update_header(3, 18, 3, 120, LARGEST + 1, "3f400000", BASE) if kind == "update"
                 else delta_header(3, 18, 3, LARGEST + 1, BASE, RESULT))
        no("more parameters than any model has", large)
        for n in range(len(whole)):
            no(f"cut after {n} bytes", whole[:n])
    return updates, deltas, refused


SPECIAL = [0, 0x80000000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x3F800000, 0xBF800001, 0x7F7FFFFF, 0x7F800000,
           0xFF800000, 0x7FC00000, 0xFFC12345, 0x7F800001]


def code_vectors():
    codes = []

    def yes(why, coding, parameter, symbols, scale=None):
        data = encode(coding, parameter, symbols, scale)
        back = decode(coding, parameter, len(symbols), data)
        assert back[:2] == (scale, symbols), why
        codes.append({"why": why, "coding": coding, "parameter": parameter, "parameters": len(symbols),
                      "hex": data.hex(), "values": packed(back[2]).hex()})

    noise = numbers(600, 1)
    small = [bits_of(rounded(rounded(1 + (n % 2001 - 1000) / 100_000) - 1)) for n in numbers(300, 2)]
    for coding in (0, 1):
        yes("special values", coding, 0, SPECIAL)
        yes("any bits", coding, 0, noise[:60])
        yes("zeros", coding, 0, [0] * 60)
    yes("small differences of larger numbers", 1, 0, small)
    yes("zeros of either sign", 1, 0, [0x80000000 if n & 0x10000 else 0 for n in noise[:200]])
    yes("many bits", 1, 0, noise)

    unit = bits_of(1.0) >> 15
    shallow = [0 if n >> 16 & 3 else (n >> 20) % 5 - 2 for n in noise]
    yes("zeros", 2, 32, [0] * 500, 0)
    yes("few indices", 2, 32, shallow, unit)
    yes("all lengths, with either sign", 2, 1,
        [s * m for b in range(17) for m in (1 << b, (2 << b) - 1) for s in (1, -1)], unit - 3)
    yes("any indices", 2, 255, [(n >> 8) % 262143 - 131071 for n in noise[:200]], 0x3A55)
    yes("the smallest scale", 2, 32, [0, 1, -1, 131071], 1)
    yes("the largest scale", 2, 32, [0, 1, -1], 0xFEFF)
    yes("a large scale with an index that it bears", 2, 32, [0, -131071, 131071], 0xFE00 - 17 * 256)

    sparse = [0 if n >> 16 & 15 else (1 if n & 0x8000000 else -1) for n in noise]
    yes("some kept", 3, 16, sparse, unit)
    yes("the same, expected to be fewer", 3, 65535, sparse, unit)
    yes("the same, expected to be more", 3, 2, sparse, unit)
    yes("none kept", 3, 18, [0] * 600, 0)
    yes("all kept", 3, 18, [1 if n & 0x10000 else -1 for n in noise[:100]], 0xFEFF)

    # Codes whose end takes no, one and two bytes.
    yes("an end of 0 bytes", 3, 2, [-1] * 40, unit)
    for coding, parameter, scale in [(1, 0, None), (2, 32, unit), (3, 18, unit)]:
        ends = {}
        for n in range(300):
            symbols = {1: noise, 2: shallow, 3: sparse}[coding][n:n + n % 37 + 2]
            coder, models = Encoder(), CODINGS[coding](parameter)
            for symbol in symbols:
                models.value(coder, symbol)
            ends.setdefault(len(code_end(coder.low, coder.range)), symbols)
        for length, symbols in sorted(ends.items()):
            yes(f"an end of {length} bytes", coding, parameter, symbols, scale)
    return codes


def refused_codes():
    """What is no code. "any" is the error where it depends on how far a decoder looks."""
    refused = []

    def no(why, coding, parameter, count, data, error):
        try:
            decode(coding, parameter, count, data)
            raise AssertionError(f"{why} is accepted")
        except Refused as refusal:
            assert error in (str(refusal), "any"), (why, str(refusal))
        refused.append({"why": why, "coding": coding, "parameter": parameter, "parameters": count, "hex": data.hex(),
                        "error": error})

    values = numbers(40, 4)
    plain = encode(0, 0, values)
    no("a byte short", 0, 0, 40, plain[:-1], "wrongLength")
    no("a byte more", 0, 0, 40, plain + b"\0", "wrongLength")
    no("no bytes", 0, 0, 40, b"", "wrongLength")
    unit = bits_of(1.0) >> 15
    indices = [n % 5 - 2 for n in values]
    signs = [n % 3 - 1 for n in values]
    for coding, parameter, code in [(1, 0, encode(1, 0, values)), (2, 32, encode(2, 32, indices, unit)),
                                    (3, 18, encode(3, 18, signs, unit))]:
        for more in (1, 2, 3, 4, 5, 100):
            no(f"{more} zeros after the end", coding, parameter, 40, code + bytes(more), "wrongLength")
        no("a value too few asked for", coding, parameter, 30, code, "any")
        no("values that are not there", coding, parameter, 400, code, "any")
        if coding >= 2:
            no("no bytes", coding, parameter, 40, b"", "wrongLength")
            no("half a scale", coding, parameter, 40, code[:1], "wrongLength")
            no("no range coder's bytes", coding, parameter, 40, code[:2], "any")
            for scale in (b"\0\xff", b"\x01\xff", b"\xff\xff"):
                no("a scale that is no number", coding, parameter, 40, scale + code[2:], "notFinite")
    no("an index that its scale does not bear", 2, 32, 3, encode(2, 32, [0, 0, 131071], 0xFE80), "notFinite")
    # A last byte other than the encoder's, which means the same values.
    ends = encode(2, 32, indices, unit)
    for last in range(256):
        other = ends[:-1] + bytes([last])
        try:
            decode(2, 32, 40, other)
        except Refused as refusal:
            if str(refusal) == "malformed":
                no("another end than the encoder's", 2, 32, 40, other, "malformed")
                break
    # A zero in the way of other values.
    coder, models = Encoder(), Lossless(0)
    known = 1
    for _ in range(8):
        known = known << 1 | coder.bit(models.exponent[known], 0)
    coder.bit(models.is_zero, 0)
    coder.raw(0, 1)
    coder.raw(0, 23)
    no("a zero coded as what is none", 1, 0, 2, coder.whole(), "malformed")
    # Raw bits beyond the last value of the interval.
    no("raw bits that no encoder writes", 1, 0, 400, b"\xff" * 400, "any")
    return refused


def update_vectors() -> dict:
    updates, deltas, refused = header_vectors()
    return {
        "source": "Tests/Reference/update_reference.py",
        "updates": updates, "deltas": deltas, "headers_refused": refused,
        "codes": code_vectors(), "codes_refused": refused_codes(),
    }


def check_codes(vectors: dict) -> int:
    """How many of our encoder's codes are not what they should be."""
    wrong = 0
    for number, vector in enumerate(vectors["codes"]):
        coding, parameter = vector["coding"], vector["parameter"]
        before, left = words(bytes.fromhex(vector["input"])), words(bytes.fromhex(vector["residual"]))
        code = bytes.fromhex(vector["hex"])
        try:
            scale, symbols, values = decode(coding, parameter, len(before), code)
        except Refused as refusal:
            print(f"code {number} ({vector['why']}): {refusal}", file=sys.stderr)
            wrong += 1
            continue
        if coding <= 1:
            rest = [0] * len(before)
            same = values == before
        else:
            rest = [bits_of(rounded(float_of(b) - float_of(v))) if math.isfinite(float_of(b)) else 0
                    for b, v in zip(before, values)]
            same = True
        if not same or rest != left or encode(coding, parameter, symbols, scale) != code:
            print(f"code {number} ({vector['why']}, coding {coding}): another difference, residual or code",
                  file=sys.stderr)
            wrong += 1
    return wrong


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
    vectors = update_vectors()
    count = sum(len(content) for content in vectors.values() if isinstance(content, list))
    file = VECTORS / "updates.json"
    if arguments.write:
        file.write_text(lines(vectors))
        print(f"{count} vectors written")
        return 0
    differences = 0
    if not file.exists() or file.read_text() != lines(vectors):
        print(f"{file} is not what this script makes", file=sys.stderr)
        differences += 1
    codes = json.loads((VECTORS / "codes.json").read_text())
    differences += check_codes(codes)
    print(f"{count} vectors, {len(codes['codes'])} codes of the encoder, {differences} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
