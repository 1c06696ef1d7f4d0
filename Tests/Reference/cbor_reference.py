#!/usr/bin/env python3
"""Deterministic CBOR by an independent implementation: the cbor2 package, to be compared with ours.

    cbor_reference.py generate --seed S --count N FILE    writes N random items
    cbor_reference.py check FILE                          checks the items that somebody else wrote

A file holds one JSON object a line: {"hex": the encoding, "value": the value}. Values are written as
["integer", "decimal digits"], ["float", "hex of the bits of binary32"], ["bool", true], ["null"],
["bytes", "hex"], ["text", "hex of its UTF-8"], ["array", [values]], ["map", [[key, value], ...]].

Ends with 0 if all is well, 1 at a difference, 2 for a wrong call, 3 if cbor2 is not installed.
"""

import argparse
import json
import random
import struct
import sys

try:
    import cbor2
except ImportError:
    print("cbor2 is not installed; python3 -m pip install cbor2", file=sys.stderr)
    sys.exit(3)


def head(major: int, argument: int) -> bytes:
    """The head of an array or a map, made from that of the integer."""
    encoded = bytearray(cbor2.dumps(argument))
    encoded[0] |= major << 5
    return bytes(encoded)


def encode(value: list) -> bytes:
    """Core deterministic encoding (RFC 8949, 4.2.1).

    Maps are put together here, because cbor2's canonical order of keys is the older one, length first.
    """
    kind = value[0]
    if kind == "array":
        return head(4, len(value[1])) + b"".join(map(encode, value[1]))
    if kind == "map":
        pairs = sorted((encode(key), encode(item)) for key, item in value[1])
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    return cbor2.dumps(leaf(value), canonical=True)


def leaf(value: list):
    """The Python value of an item that holds no others."""
    match value:
        case ["integer", digits]:
            return int(digits)
        case ["float", bits]:
            return struct.unpack(">f", bytes.fromhex(bits))[0]
        case ["bool", truth]:
            return truth
        case ["null"]:
            return None
        case ["bytes", content]:
            return bytes.fromhex(content)
        case ["text", content]:
            return bytes.fromhex(content).decode()
    raise ValueError(f"no such value: {value}")


def notation(item) -> list:
    """The inverse of leaf, for items of every kind that cbor2 reads."""
    match item:
        case None:
            return ["null"]
        case bool():
            return ["bool", item]
        case int():
            return ["integer", str(item)]
        case float():
            if item != item:
                return ["float", "7fc00000"]
            return ["float", struct.pack(">f", item).hex()]
        case bytes():
            return ["bytes", item.hex()]
        case str():
            return ["text", item.encode().hex()]
        case list() | tuple():
            return ["array", [notation(element) for element in item]]
        case dict():
            return ["map", [[notation(key), notation(value)] for key, value in item.items()]]
    raise ValueError(f"unexpected item: {item!r}")


class Generator:
    """Random values in which the edges of every range are frequent."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def integer(self) -> list:
        magnitude = self.random.getrandbits(self.random.choice([3, 5, 8, 9, 16, 17, 32, 33, 63]))
        edge = 1 << self.random.choice([3, 5, 8, 16, 32, 63])
        n = self.random.choice([magnitude, edge - 1, edge, 23, 24, (1 << 64) - 1])
        if n < 1 << 63 and self.random.random() < 0.4:
            n = -1 - n
        return ["integer", str(n)]

    def float(self) -> list:
        bits = self.random.getrandbits(32)
        if self.random.random() < 0.6:
            half = struct.pack(">H", self.random.getrandbits(16))
            bits = struct.unpack(">I", struct.pack(">f", struct.unpack(">e", half)[0]))[0]
        if bits & 0x7FFFFFFF > 0x7F800000:
            bits = 0x7FC00000
        return ["float", f"{bits:08x}"]

    def bytes(self) -> list:
        length = self.random.choices([0, 1, 5, 23, 24, 255, 256], weights=[5, 5, 5, 2, 2, 1, 1])[0]
        return ["bytes", self.random.randbytes(length).hex()]

    def text(self) -> list:
        alphabet = "a?\0\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\u00e4\u6c34"
        text = "".join(self.random.choices(alphabet, k=self.random.choice([0, 1, 3, 12])))
        return ["text", text.encode().hex()]

    def count(self, depth: int) -> int:
        """How many items a container at this depth holds: more than 23, whose head has two bytes, if not deep."""
        return self.random.choice([0, 1, 3, 25 if depth < 2 else 2])

    def map(self, depth: int) -> list:
        keys = [self.random.choice([self.integer, self.integer, self.text, self.bytes])()
                for _ in range(self.count(depth))]
        # In ascending order and each once, so that the notation of a map is as unique as its encoding.
        unique = sorted({tuple(key) for key in keys}, key=lambda key: encode(list(key)))
        return ["map", [[list(key), self.value(depth + 1)] for key in unique]]

    def value(self, depth: int = 0) -> list:
        leaves = [self.integer, self.float, self.bytes, self.text,
                  lambda: ["bool", self.random.random() < 0.5], lambda: ["null"]]
        if depth < 5 and self.random.random() < 0.4 / (depth + 1):
            if self.random.random() < 0.5:
                return self.map(depth)
            return ["array", [self.value(depth + 1) for _ in range(self.count(depth))]]
        return self.random.choice(leaves)()


def generate(arguments) -> int:
    generator = Generator(arguments.seed)
    with open(arguments.file, "w") as file:
        for _ in range(arguments.count):
            value = generator.value()
            file.write(json.dumps({"hex": encode(value).hex(), "value": value}) + "\n")
    return 0


def check(arguments) -> int:
    count = 0
    with open(arguments.file) as file:
        for number, line in enumerate(file, 1):
            item = json.loads(line)
            value, theirs = item["value"], item["hex"]
            ours = encode(value).hex()
            if ours != theirs:
                print(f"{arguments.file}:{number}: {value} is {ours}, not {theirs}", file=sys.stderr)
                return 1
            read = notation(cbor2.loads(bytes.fromhex(theirs)))
            if read != value:
                print(f"{arguments.file}:{number}: {theirs} is {read}, not {value}", file=sys.stderr)
                return 1
            count += 1
    print(f"{count} items agree with cbor2")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    generating = commands.add_parser("generate", help="write random items")
    generating.add_argument("--seed", type=int, required=True)
    generating.add_argument("--count", type=int, required=True)
    generating.add_argument("file")
    generating.set_defaults(run=generate)
    checking = commands.add_parser("check", help="check items against cbor2")
    checking.add_argument("file")
    checking.set_defaults(run=check)
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
