#!/usr/bin/env python3
"""The source of the test vectors of cryptography.

    cryptography_reference.py --write    writes Protocols/vectors/cryptography.json
    cryptography_reference.py --check    makes it again and compares; exit status 1 if it differs

What the standards print as examples stands here as they print it, and is held against OpenSSL (by the package
cryptography) before it is written; the rest is computed by OpenSSL, but for the generator of random bits, which is
written here from SP 800-90A. Nothing is random, so the file is the same everywhere. All byte strings are in
hexadecimal, most significant byte first.

Ends with 0 if all is well, 1 at a difference, 2 for a wrong call, 3 if the package cryptography is not installed.
"""

import argparse
import hashlib
import json
import pathlib
import sys

try:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.cmac import CMAC
except ImportError:
    print("cryptography is not installed; pip install -r Tests/Reference/requirements.txt", file=sys.stderr)
    sys.exit(3)

FILE = pathlib.Path(__file__).resolve().parents[2] / "Protocols" / "vectors" / "cryptography.json"

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)

# FIPS 197 appendix B and C.1; SP 800-38A F.1.1.
AES = [
    ("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"),
    ("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"),
    ("2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"),
    ("2b7e151628aed2a6abf7158809cf4f3c", "ae2d8a571e03ac9c9eb76fac45af8e51", "f5d3d58503b9699de785895a96fdbaaf"),
    ("2b7e151628aed2a6abf7158809cf4f3c", "30c81c46a35ce411e5fbc1191a0a52ef", "43b1cd7f598ece23881b00e3ed030688"),
    ("2b7e151628aed2a6abf7158809cf4f3c", "f69f2445df4f9b17ad2b417be66c3710", "7b0c785e27e8ad3f8223207104725dd4"),
]

# RFC 4493 §4.
RFC4493_KEY = "2b7e151628aed2a6abf7158809cf4f3c"
RFC4493_TEXT = ("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
RFC4493 = [(0, "bb1d6929e95937287fa37d129b756746"), (16, "070a16b46b4d4144f79bdd9dd04a287c"),
           (40, "dfa66747de9ae63030ca32611497c827"), (64, "51f0bebf7e3b9d92fc49741779363cfe")]

# Private keys with their public ones, as printed.
KEY_PAIRS = [
    # RFC 5903 §8.1
    ("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
     "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180",
     "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3"),
    ("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53",
     "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63",
     "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"),
    # RFC 6979 A.2.5
    ("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
     "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"),
    # Bluetooth Core specification, Vol 2 Part G §7.1.2.1; the first is also the debug key of Vol 3 Part H §2.3.5.6.1
    ("3f49f6d4a3c55f3874c9b3e3d2103f504aff607beb40b7995899b8a6cd3c1abd",
     "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6",
     "dc809c49652aeb6d63329abf5a52155c766345c28fed3024741c8ed01589d28b"),
    ("55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd",
     "1ea1f0f01faf1d9609592284f19e4c0047b58afd8615a69f559077b22faaa190",
     "4c55f33e429dad377356703a9ab85160472d1130e28e36765f89aff915b1214a"),
]

# Both private keys and the shared secret, as printed: RFC 5903 §8.1, and Bluetooth as above, first and second data set.
SHARED = [
    ("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
     "C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53",
     "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"),
    ("3f49f6d4a3c55f3874c9b3e3d2103f504aff607beb40b7995899b8a6cd3c1abd",
     "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd",
     "ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698"),
]


def aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def cmac(key: bytes, text: bytes) -> bytes:
    code = CMAC(algorithms.AES(key))
    code.update(text)
    return code.finalize()


def noise(seed: int, count: int) -> bytes:
    """Bytes that anybody can make again: SHA-256 of a seed and a counter."""
    blocks = (hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(count // 32 + 1))
    return b"".join(blocks)[:count]


def hexed(number: int) -> str:
    return f"{number:064x}"


def private(number: int):
    return ec.derive_private_key(number, ec.SECP256R1())


def public_of(number: int):
    numbers = private(number).public_key().public_numbers()
    return numbers.x, numbers.y


def shared(number: int, point) -> int:
    peer = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    return int.from_bytes(private(number).exchange(ec.ECDH(), peer), "big")


def aes_vectors():
    vectors = []
    for key, text, code in AES:
        assert aes(bytes.fromhex(key), bytes.fromhex(text)).hex() == code
        vectors.append({"key": key, "text": text, "code": code})
    return vectors


def aes_chain():
    """A thousand encryptions, each block the text of the next and each second one the next key."""
    key, block = noise(1, 16), noise(2, 16)
    first = {"key": key.hex(), "text": block.hex()}
    for i in range(1000):
        block = aes(key, block)
        if i % 2 == 1:
            key = bytes(a ^ b for a, b in zip(key, block))
    return first | {"count": 1000, "code": block.hex()}


def cmac_vectors():
    vectors = []
    for length, code in RFC4493:
        text = bytes.fromhex(RFC4493_TEXT)[:length]
        assert cmac(bytes.fromhex(RFC4493_KEY), text).hex() == code
        vectors.append({"key": RFC4493_KEY, "text": text.hex(), "code": code})
    for length in range(0, 90):
        key, text = noise(100 + length, 16), noise(200 + length, length)
        vectors.append({"key": key.hex(), "text": text.hex(), "code": cmac(key, text).hex()})
    return vectors


def key_pairs():
    known = []
    for number, x, y in KEY_PAIRS:
        assert public_of(int(number, 16)) == (int(x, 16), int(y, 16))
        known.append((int(number, 16), int(x, 16), int(y, 16)))
    # Every digit of the recoding at its borders, and both ends of the range.
    numbers = [*range(1, 34), *range(ORDER - 33, ORDER), (ORDER - 1) // 2, (ORDER + 1) // 2]
    numbers += [2**i for i in range(0, 256, 5)] + [2**i - 1 for i in range(6, 256, 7)] + [2**255]
    numbers += [int(digit * 64, 16) % ORDER for digit in "13578af"]
    numbers += [int.from_bytes(noise(300 + i, 32), "big") % ORDER for i in range(20)]
    known += [(number, *public_of(number)) for number in numbers]
    return [{"private": hexed(n), "x": hexed(x), "y": hexed(y)} for n, x, y in known]


def shared_secrets():
    vectors = []
    for ours, theirs, secret in SHARED:
        ours, theirs, secret = int(ours, 16), int(theirs, 16), int(secret, 16)
        assert shared(ours, public_of(theirs)) == shared(theirs, public_of(ours)) == secret
        vectors.append((ours, public_of(theirs), secret))
    for i in range(20):
        ours = int.from_bytes(noise(400 + i, 32), "big") % ORDER
        point = public_of(int.from_bytes(noise(500 + i, 32), "big") % ORDER)
        vectors.append((ours, point, shared(ours, point)))
    return [{"private": hexed(n), "x": hexed(x), "y": hexed(y), "secret": hexed(s)} for n, (x, y), s in vectors]


def on_curve(x: int, y: int) -> bool:
    return x < PRIME and y < PRIME and (y * y - x**3 + 3 * x - B) % PRIME == 0


def root(square: int):
    candidate = pow(square, (PRIME + 1) // 4, PRIME)
    return candidate if candidate * candidate % PRIME == square % PRIME else None


def no_points():
    """Pairs of coordinates that must be refused, with the reason."""
    x, y = BASE
    refused = [("infinity as zeros", 0, 0), ("one bit of y changed", x, y ^ 1), ("x changed", x ^ 1, y),
               ("coordinates exchanged", y, x), ("y of zero: the attack on Bluetooth pairing", x, 0),
               ("x is p", PRIME, y), ("y is p", x, PRIME), ("all ones", 2**256 - 1, 2**256 - 1)]
    # The point with x = 0 written with x + p, which fits in 256 bits, and likewise one with a small y.
    zero_y = root(B)
    refused += [("x not reduced", PRIME, zero_y), ("the negative of it, not reduced", PRIME, PRIME - zero_y)]
    small = next(x for x in range(1, 2**32) if root((x**3 - 3 * x + B) % PRIME) is not None)
    refused.append(("small x not reduced", small + PRIME, root((small**3 - 3 * small + B) % PRIME)))
    # Points of the curve with another b, as an attacker sends who wants a group with small factors.
    for i in range(8):
        x, y = (int.from_bytes(noise(600 + 2 * i + j, 32), "big") % PRIME for j in (0, 1))
        refused.append(("on a curve with another b", x, y))
    assert not any(on_curve(x, y) for _, x, y in refused)
    return [{"why": why, "x": hexed(x), "y": hexed(y)} for why, x, y in refused]


def edge_points():
    """Points with extreme coordinates, which must be accepted."""
    points = []
    for x in [0, *range(1, 12), *range(PRIME - 12, PRIME)]:
        y = root((x**3 - 3 * x + B) % PRIME)
        if y is not None:
            points += [(x, y), (x, PRIME - y)]
    number = int.from_bytes(noise(700, 32), "big") % ORDER
    return [{"private": hexed(number), "x": hexed(x), "y": hexed(y), "secret": hexed(shared(number, (x, y)))}
            for x, y in points]


class RandomBits:
    """CTR_DRBG with AES-128, without derivation function: SP 800-90A §10.2.1."""

    def __init__(self, seed: bytes):
        self.key, self.v = bytes(16), bytes(16)
        self.update(seed)

    def block(self) -> bytes:
        self.v = ((int.from_bytes(self.v, "big") + 1) % 2**128).to_bytes(16, "big")
        return aes(self.key, self.v)

    def update(self, data: bytes):
        both = bytes(a ^ b for a, b in zip(self.block() + self.block(), data))
        self.key, self.v = both[:16], both[16:]

    def generate(self, count: int) -> bytes:
        bits = b"".join(self.block() for _ in range(count // 16))
        self.update(bytes(32))
        return bits


def random_bits():
    vectors = []
    seeds = [noise(800 + i, 32) for i in range(4)]
    # After this one the counter is all ones, so that the first block is that of counter 0.
    start = RandomBits(bytes(32))
    seeds.append(start.key + bytes(255 ^ b for b in start.v))
    for i, seed in enumerate(seeds):
        second = noise(900 + i, 32)
        generator = RandomBits(seed)
        drawn = [generator.generate(16), generator.generate(32), generator.generate(16)]
        generator.update(second)
        drawn += [generator.generate(32), generator.generate(16)]
        vectors.append({"seed": seed.hex(), "reseed": second.hex(), "drawn": [bits.hex() for bits in drawn]})
    return vectors


def make() -> str:
    vectors = {
        "source": "FIPS 197, SP 800-38A, RFC 4493, RFC 5903, RFC 6979 and the Bluetooth Core specification, and "
                  "OpenSSL for the rest; made by Tests/Reference/cryptography_reference.py",
        "aes": aes_vectors(), "aesChain": aes_chain(), "cmac": cmac_vectors(), "keyPairs": key_pairs(),
        "sharedSecrets": shared_secrets() + edge_points(), "noPoints": no_points(),
        "noPrivateKeys": [hexed(n) for n in (0, ORDER, ORDER + 1, 2**256 - 1, PRIME)],
        "randomBits": random_bits(),
    }
    lines = []
    for name, value in vectors.items():
        if isinstance(value, list):
            inner = ",\n".join("  " + json.dumps(item) for item in value)
            lines.append(f' "{name}": [\n{inner}\n ]')
        else:
            lines.append(f' "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the file")
    what.add_argument("--check", action="store_true", help="compare with the file")
    if parser.parse_args().write:
        FILE.write_text(make())
    elif FILE.read_text() != make():
        print(f"{FILE.name} is not what this script makes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
