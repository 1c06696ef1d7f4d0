#!/usr/bin/env python3
"""The source of the test vectors of Bluetooth security.

    security_reference.py --write    writes Protocols/vectors/ble_security.json
    security_reference.py --check    makes it again and compares; exit status 1 if it differs

The samples of the Core specification stand here as printed and are held against CMAC by OpenSSL. Whole pairings are
those of Bumble, an independent host stack: its Security Manager plays both sides over a pretended connection, with
every random number drawn as our Security Manager draws it (Protocols/pairing-by-cable.md), so that ours must say the
same octets. Nothing is random. Numbers and keys are in hexadecimal, most significant byte first; PDUs as on the air.

Ends with 0 if all is well, 1 at a difference, 2 for a wrong call, 3 if a package is not installed.
"""

import argparse
import asyncio
import json
import pathlib
import sys

from cryptography_reference import ORDER, RandomBits, aes, cmac, noise

try:
    from bumble import crypto, smp
    from bumble.core import PhysicalTransport
    from bumble.hci import Address, Role
    from bumble.pairing import PairingConfig, PairingDelegate
except ImportError:
    print("bumble is not installed; pip install -r Tests/Reference/requirements.txt", file=sys.stderr)
    sys.exit(3)

FILE = pathlib.Path(__file__).resolve().parents[2] / "Protocols" / "vectors" / "ble_security.json"

# Core specification, Vol 3 Part H appendix D.
U = "20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6"
V = "55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd"
W = "ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698"
N1, N2 = "d5cb8454d177733effffb2ec712baeab", "a6e8e7cc25a75f6e216583f7ff3dc4cf"
A1, A2 = "0056123737bfce", "00a713702dcfc1"
R, FEATURES = "12a3343bb453bb5408da42d20c2d0fc8", "010102"
F4 = "f2c916f107a9bd1cf1eda1bea974872d"
LONG_TERM_KEY, MAC_KEY = "6986791169d7cd23980522b594750a38", "2965f176a1084a02fd3f6a20ce636e20"
F6 = "e3c473989cd0e8c5d26c0b09da958f61"
RESOLVING_KEY, PRAND, HASH = "ec0234a357c8ad05341010a60a397d9b", "708194", "0dfbaa"


def coded(key: str, *parts: str) -> str:
    return cmac(bytes.fromhex(key), bytes.fromhex("".join(parts))).hex()


def samples():
    assert coded(N1, U, V, "00") == F4
    t = coded("6c888391aaf5a53860370bdb5a6083be", W)
    assert coded(t, "00", "62746c65", N1, N2, A1, A2, "0100") == MAC_KEY
    assert coded(t, "01", "62746c65", N1, N2, A1, A2, "0100") == LONG_TERM_KEY
    assert coded(MAC_KEY, N1, N2, R, FEATURES, A1, A2) == F6
    assert aes(bytes.fromhex(RESOLVING_KEY), bytes.fromhex(PRAND.zfill(32))).hex()[-6:] == HASH
    return {
        "f4": {"u": U, "v": V, "x": N1, "z": 0, "value": F4},
        "f5": {"w": W, "n1": N1, "n2": N2, "a1": A1, "a2": A2, "macKey": MAC_KEY, "longTermKey": LONG_TERM_KEY},
        # The features: AuthReq, out-of-band flag, input and output.
        "f6": {"w": MAC_KEY, "n1": N1, "n2": N2, "r": R, "features": FEATURES, "a1": A1, "a2": A2, "value": F6},
        "ah": {"key": RESOLVING_KEY, "random": PRAND, "hash": HASH},
    }


def private_addresses():
    """Resolvable private addresses with the key that made them, and whether the key resolves them."""
    vectors = []
    for i in range(12):
        key = noise(1000 + i, 16)
        # The two top bits say that it is resolvable.
        prand = bytes([noise(1100 + i, 1)[0] & 0x3F | 0x40]) + noise(1200 + i, 2)
        address = prand + aes(key, bytes(13) + prand)[-3:]
        vectors.append({"key": key.hex(), "address": address.hex(), "resolves": True})
        vectors.append({"key": noise(1300 + i, 16).hex(), "address": address.hex(), "resolves": False})
        # A static address that would hash right.
        static = bytes([prand[0] | 0xC0]) + prand[1:]
        address = static + aes(key, bytes(13) + static)[-3:]
        vectors.append({"key": key.hex(), "address": address.hex(), "resolves": False})
    return vectors


def cable_passkey(secret: bytes, board: int, gateway: int) -> int:
    text = b"fedbridge passkey" + board.to_bytes(8, "little") + gateway.to_bytes(8, "little")
    return int.from_bytes(cmac(secret, text), "big") % 1_000_000


def cable_passkeys():
    vectors = [(bytes(16), 0, 0), (b"\xff" * 16, 2**64 - 1, 2**64 - 1)]
    for i in range(12):
        nonces = noise(1500 + i, 16)
        vectors.append((noise(1400 + i, 16), int.from_bytes(nonces[:8], "big"), int.from_bytes(nonces[8:], "big")))
    return [{"secret": s.hex(), "boardNonce": f"{b:016x}", "gatewayNonce": f"{g:016x}",
             "passkey": cable_passkey(s, b, g)} for s, b, g in vectors]


def crc32c(text: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def bonds():
    vectors = []
    for i, (kind, address, authenticated) in enumerate(
            [(0, "00112233aabb", True), (1, "c0ffee000001", False), (1, "f1f2f3f4f5f6", True)]):
        resolving, key = noise(1600 + i, 16) if i else bytes(16), noise(1700 + i, 16)
        octets = (bytes([1, int(authenticated), kind]) + bytes.fromhex(address)[::-1] + resolving + key)
        vectors.append({"kind": kind, "address": address, "isAuthenticated": authenticated,
                        "resolvingKey": resolving.hex(), "longTermKey": key.hex(),
                        "encoded": (octets + crc32c(octets).to_bytes(4, "little")).hex()})
    return vectors


# Pairings by Bumble ---------------------------------------------------------------------------------------


class Draws:
    """What a side draws, by our generator."""

    def __init__(self, seed: bytes):
        self.generator = RandomBits(seed)

    def block(self) -> bytes:
        return self.generator.generate(16)

    def key(self):
        while True:
            number = self.generator.generate(32)
            if 0 < int.from_bytes(number, "big") < ORDER:
                return crypto.EccKey.from_private_key_bytes(number)


class Connection:
    """As much of a connection as a session wants."""

    EVENT_DISCONNECTION, EVENT_CONNECTION_ENCRYPTION_CHANGE = "disconnection", "encryption"
    EVENT_CONNECTION_ENCRYPTION_KEY_REFRESH = "refresh"
    self_resolvable_address = peer_resolvable_address = None
    transport, handle = PhysicalTransport.LE, 1

    def __init__(self, role, self_address, peer_address, send):
        self.role, self.self_address, self.peer_address = role, self_address, peer_address
        self.is_encrypted, self.listeners, self.send = False, {}, send

    def on(self, event, listener):
        self.listeners[event] = listener

    def remove_listener(self, event, listener):
        del self.listeners[event]

    def cancel_on_disconnection(self, awaitable):
        return asyncio.ensure_future(awaitable)

    def send_l2cap_pdu(self, cid, pdu):
        assert cid == smp.SMP_CID
        self.send(pdu)

    async def drain(self):
        pass


class Side:
    """A device with its Security Manager; stands for Bumble's Device, Host and key store."""

    keystore = None

    def __init__(self, config, address, irk, draws):
        self.config, self.irk, self.draws = config, irk, draws
        self.public_address = self.static_address = address
        self.host = self
        self.manager = smp.Manager(self, lambda _: config)
        self.manager._ecc_key = draws.key()
        self.keys = None

    async def send_async_command(self, command):
        self.encrypt(bytes(command.long_term_key))

    def on_pairing_start(self, connection):
        pass

    def on_pairing(self, connection, identity, keys, sc):
        self.keys = identity, keys

    def on_pairing_failure(self, connection, reason):
        raise AssertionError(reason)


class Delegate(PairingDelegate):
    def __init__(self, capability, passkey, bonding):
        super().__init__(capability, PairingDelegate.KeyDistribution(2 if bonding else 0),
                         PairingDelegate.KeyDistribution(0))
        self.passkey = passkey

    async def get_number(self):
        return self.passkey

    async def generate_passkey(self):
        return self.passkey


def passkey_of(block: bytes) -> int:
    return int.from_bytes(block, "big") % 1_000_000


def drawn_by_caller() -> bytes:
    """Each session draws from its own side."""
    frame = sys._getframe(1)
    session = frame.f_locals["self"]
    # After each round Bumble's responder draws a nonce that it replaces by another before it is used.
    if session.is_responder and frame.f_code.co_name == "on_smp_pairing_random_command_secure_connections":
        return bytes(16)
    return session.manager.device.draws.block()[::-1]


async def pairing(number: int, method: str, random_central: bool, bonding: bool):
    """One pairing, as vector: the seeds, who is who, all PDUs in order, and what comes of it."""
    seed = noise(2000 + number, 32)
    board_draws = Draws(seed)
    board_nonce = int.from_bytes(board_draws.block()[:8], "big")
    central_address = Address(("C1:" if random_central else "00:") + "22:33:44:55:66",
                              Address.RANDOM_DEVICE_ADDRESS if random_central else Address.PUBLIC_DEVICE_ADDRESS)
    board_address = Address("D0:0D:BA:11:00:01", Address.RANDOM_DEVICE_ADDRESS)
    secret, gateway_nonce = noise(2100 + number, 16), int.from_bytes(noise(2200 + number, 8), "big")

    key = board_draws.key()
    passkey = None
    if method == "display":
        passkey = passkey_of(board_draws.block())
    elif method == "cable":
        passkey = cable_passkey(secret, board_nonce, gateway_nonce)
        board_draws.block()
    proves = passkey is not None
    capability = PairingDelegate.IoCapability
    board = Side(
        PairingConfig(True, proves, True,
                      Delegate(capability.DISPLAY_OUTPUT_ONLY if proves else capability.NO_OUTPUT_NO_INPUT, passkey, bonding)),
        board_address, bytes(16), Draws(noise(0, 32)))
    board.draws, board.manager._ecc_key = board_draws, key
    central = Side(
        PairingConfig(True, proves, bonding,
                      Delegate(capability.KEYBOARD_INPUT_ONLY if proves else capability.NO_OUTPUT_NO_INPUT, passkey, bonding)),
        central_address, noise(2300 + number, 16), Draws(noise(2400 + number, 32)))

    pdus, waiting = [], asyncio.Queue()

    def sender(to, name):
        def send(pdu):
            pdus.append({"from": name, "pdu": bytes(pdu).hex()})
            waiting.put_nowait((to, bytes(pdu)))
        return send

    c = Connection(Role.CENTRAL, central_address, board_address, sender("board", "central"))
    b = Connection(Role.PERIPHERAL, board_address, central_address, sender("central", "board"))

    def encrypt(long_term_key):
        assert board.manager.get_long_term_key(b, bytes(8), 0) == long_term_key
        for connection in (b, c):
            connection.is_encrypted = True
            connection.listeners[Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE]()

    central.encrypt = encrypt
    crypto.r = drawn_by_caller
    task = asyncio.ensure_future(central.manager.pair(c))
    while not (central.keys and board.keys):
        to, pdu = await asyncio.wait_for(waiting.get(), 5)
        side, connection = (board, b) if to == "board" else (central, c)
        side.manager.on_smp_pdu(connection, pdu)
        for _ in range(20):
            await asyncio.sleep(0)
    await task
    _, keys = board.keys
    return {
        "method": method, "seed": seed.hex(), "secret": secret.hex(), "boardNonce": f"{board_nonce:016x}",
        "gatewayNonce": f"{gateway_nonce:016x}", "passkey": passkey,
        "central": {"kind": int(random_central), "address": bytes(central_address)[::-1].hex()},
        "board": {"kind": 1, "address": bytes(board_address)[::-1].hex()},
        "pdus": pdus, "isBonding": bonding, "longTermKey": keys.ltk.value[::-1].hex(),
        "resolvingKey": central.irk[::-1].hex(),
    }


def pairings():
    cases = [("just works", False, True), ("just works", True, False), ("display", False, True),
             ("display", True, True), ("cable", False, True), ("cable", True, True)]
    return [asyncio.run(pairing(i, *case)) for i, case in enumerate(cases)]


def make() -> str:
    vectors = {
        "source": "the Bluetooth Core specification, Bumble 0.0.236 and Protocols/pairing-by-cable.md; made by "
                  "Tests/Reference/security_reference.py",
        "samples": samples(), "privateAddresses": private_addresses(), "cablePasskeys": cable_passkeys(),
        "bonds": bonds(), "pairings": pairings(),
    }
    return json.dumps(vectors, indent=1) + "\n"


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
