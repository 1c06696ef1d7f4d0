"""What is read off the air."""

from __future__ import annotations

import struct

from ..air import Air
from ..chip import Chip
from ..transcript import Frames, Transcript, unsigned


def segments(frame: bytes, mps: int) -> list[bytes]:
    """L2CAP PDUs of a channel (Vol 3 Part A §3.4.3)."""
    data = struct.pack("<H", len(frame)) + frame
    return [struct.pack("<HH", len(piece), 0x40) + piece
            for piece in (data[at:at + mps] for at in range(0, len(data), mps))]


def fragment(opcode: int, handle: int, value: bytes) -> bytes:
    return struct.pack("<HHBH", 3 + len(value), 4, opcode, handle) + value


def test_frames_of_both_carriers_are_put_together() -> None:
    frame = bytes(range(40))
    for mps in (23, 42, 100):
        frames = Frames()
        assert [taken for pdu in segments(frame, mps) * 2 if (taken := frames.take(pdu))] == [frame, frame]
    # The example of Protocols/gatt.md §5, and what is none of these: an answer to a request, another attribute.
    frames = Frames()
    values = [b"\x80\x28\x00" + frame[:17], b"\x01" + frame[17:36], b"\x02" + frame[36:]]
    pdus = [fragment(0x52, 0x1F, value) for value in values]
    pdus[1:1] = [struct.pack("<HHB", 1, 4, 0x13), fragment(0x52, 0x24, bytes(8))]
    assert [frames.take(pdu) for pdu in pdus] == [None, None, None, None, frame]


def control(number: int, message: bytes) -> bytes:
    return struct.pack("<BBHHH", 4, 0, 7, number, number) + message + bytes(4)


async def test_a_transfer_lasts_from_its_offer_to_its_confirmation() -> None:
    air = Air()
    board, gateway = Chip("board", air, "C0:FF:EE:00:00:01"), Chip("gateway", air, "C0:FF:EE:00:00:02")
    transcript = Transcript(air, board)
    offer = bytes.fromhex("820aa4" "0107" "0201" "035820") + bytes(32) + bytes.fromhex("0419ff84")
    chunk = struct.pack("<BBHHHI", 6, 0, 7, 2, 7, 0) + bytes(1024 + 4)

    def say(sender: Chip, receiver: Chip, frame: bytes) -> None:
        for pdu in segments(frame, 498):
            transcript.sent(sender, receiver, pdu)

    say(gateway, board, control(1, offer))
    say(gateway, board, chunk)
    # The board's own transfer of that number, and one that was not kept, are others.
    say(board, gateway, control(1, offer))
    say(gateway, board, control(2, bytes.fromhex("820ca2" "0107" "0205")))
    [down, up] = transcript.transfers
    assert (down.is_down, down.length, len(down.chunks), down.confirmed) == (True, 0xFF84, 1, None)
    assert down.carried > 1040 + 3 * 6 and up.confirmed is None
    say(board, gateway, control(2, bytes.fromhex("820ca1" "0107")))
    assert down.confirmed is not None and down.seconds >= 0 and up.confirmed is None


def test_unsigned_integers_of_cbor() -> None:
    for octets, value in [("17", 23), ("1818", 24), ("190100", 256), ("1a00010000", 65536)]:
        assert unsigned(bytes.fromhex(octets + "ff")) == (value, b"\xff")
