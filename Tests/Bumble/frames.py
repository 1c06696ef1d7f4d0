"""Frames of the link protocol and their fragments, written from Protocols/link.md and Protocols/gatt.md."""
import asyncio

from rig import PATIENCE


def crc32c(octets):
    value = 0xFFFFFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def frame(kind, tag, number, body):
    head = bytes([kind, 0]) + tag.to_bytes(2, "little") + number.to_bytes(2, "little") + body
    return head + crc32c(head).to_bytes(4, "little")


# The body of the greeting in link.md §3; its session is 0x12345678.
GREETING = bytes.fromhex("a60101020103 1a12345678 0419044c 05627069 061a6b49d200".replace(" ", ""))
FRAME_KINDS = {"greeting": 1, "welcome": 2, "control": 4, "farewell": 9}


def greeting(number=0):
    return frame(FRAME_KINDS["greeting"], 0x5678, number, GREETING)


def farewell(number):
    return frame(FRAME_KINDS["farewell"], 0x5678, number, b"")


def cable_secret(number, secret, message=0):
    """The control message of messages.cddl, the first of its session unless it is said otherwise."""
    body = message.to_bytes(2, "little") + bytes.fromhex("821828a10150") + secret
    return frame(FRAME_KINDS["control"], 0x5678, number, body)


def is_welcome(octets):
    return (len(octets) > 10 and octets[0] == FRAME_KINDS["welcome"] and octets[2:4] == bytes([0x78, 0x56])
            and crc32c(octets[:-4]) == int.from_bytes(octets[-4:], "little"))


def stuffed(octets):
    """COBS (link.md §2), with the zero at the end."""
    out = b""
    for block in (octets).split(b"\0"):
        while len(block) >= 254:
            out, block = out + b"\xff" + block[:254], block[254:]
        out += bytes([len(block) + 1]) + block
    return out + b"\0"


def unstuffed(stuffed_octets):
    out, rest = b"", stuffed_octets
    while rest:
        code, block, rest = rest[0], rest[1:rest[0]], rest[max(rest[0], 1):]
        out += block + (b"\0" if code < 255 and rest else b"")
    return out


async def welcomed(frames):
    """Waits for a welcome. A board may say other things between, such as lines for the log."""
    async with asyncio.timeout(PATIENCE):
        while not is_welcome(await frames.get()):
            pass
    return True


def no_welcome(frames):
    """Whether none came; takes out what did."""
    return not any(is_welcome(frames.get_nowait()) for _ in range(frames.qsize()))


class Fragments:
    """One direction of the GATT carrier."""

    def __init__(self):
        self.counter = 0
        self.frame, self.missing, self.expected = b"", 0, None

    def cut(self, octets, limit):
        data, first = octets, True
        while first or data:
            head = bytes([self.counter | (0x80 if first else 0)])
            if first:
                head += len(octets).to_bytes(2, "little")
            room = limit - len(head)
            yield head + data[:room]
            data, first = data[room:], False
            self.counter = (self.counter + 1) % 128

    def take(self, fragment):
        """Returns the frame that this fragment completes, if it does."""
        counter, first = fragment[0] & 127, fragment[0] & 128
        if first:
            self.missing, self.frame = int.from_bytes(fragment[1:3], "little"), b""
            fragment = fragment[2:]
        elif self.expected != counter:
            self.missing, self.expected = 0, None
            return None
        self.frame += fragment[1:]
        self.missing -= len(fragment) - 1
        self.expected = (counter + 1) % 128 if self.missing > 0 else None
        return self.frame if self.missing == 0 else None
