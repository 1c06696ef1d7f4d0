"""The board's image on a USB cable: hosts that keep to the rules, hosts that do not, and cables that come and go."""

from __future__ import annotations

import random

import pytest
from nrf52840 import CYCLE, MILLISECOND, SECOND, NoAnswer, Reason, Stalled, UsbError
from nrf52840.start import DOUBLE_PRESS_MARK, DOUBLE_PRESS_PLACE, STAY
from nrf52840.usb_descriptors import Configuration
from nrf52840.usb_host import CONFIGURATION, DEVICE, GET_DESCRIPTOR, IN, STRING

from .board import BYTES, GET_LINE_CODING, NOTIFICATIONS, SET_LINE_CODING, SET_LINES, Board, Look, greeting

#: Packets of 64 bytes that a frame of a millisecond has room for.
PACKETS_A_FRAME = 19
#: The device's features.
REMOTE_WAKE_UP, ENDPOINT_HALT = 1, 0
SET_FEATURE, CLEAR_FEATURE, GET_STATUS = 3, 1, 0
TO_ENDPOINT, FROM_ENDPOINT = 2, 0x82


def test_the_function_is_a_serial_port() -> None:
    board = Board.enumerated()
    configuration = board.host.configuration
    assert isinstance(configuration, Configuration)
    assert board.line_coding() == (115_200).to_bytes(4, "little") + bytes((0, 0, 8))
    board.set_rate(9600)
    assert board.line_coding() == (9600).to_bytes(4, "little") + bytes((0, 0, 8))
    # Carrier and data set ready: nobody hangs up.
    assert board.host.read(NOTIFICATIONS, 10) == bytes.fromhex("a1200000000002000300")
    board.assert_works()


REFUSED = {
    "a qualifier, which full speed has not got": (IN, GET_DESCRIPTOR, 0x0600, 0, 10, b""),
    "a string that is not there": (IN, GET_DESCRIPTOR, STRING << 8 | 7, 0x0409, 255, b""),
    "another configuration": (0, 9, 2, 0, 0, b""),
    "a third interface": (1, 11, 0, 2, 0, b""),
    "another setting": (1, 11, 1, 1, 0, b""),
    "an endpoint that is not there": (FROM_ENDPOINT, GET_STATUS, 0, 0x83, 2, b""),
    "a test mode": (0, SET_FEATURE, 2, 0x0100, 0, b""),
    "a descriptor from the host": (0, 7, 0x0100, 0, 0, bytes(18)),
    "a vendor's request": (0xC0, 1, 2, 3, 4, b""),
    "a vendor's data": (0x40, 1, 2, 3, 0, bytes(100)),
    "a line coding of 6 bytes": (*SET_LINE_CODING, 0, 0, 0, bytes(6)),
    "a line coding of 8 bytes": (*SET_LINE_CODING, 0, 0, 0, bytes(8)),
    "a line coding of 4096 bytes": (*SET_LINE_CODING, 0, 0, 0, bytes(4096)),
    "a line coding with 9 data bits": (*SET_LINE_CODING, 0, 0, 0, bytes((0, 1, 0, 0, 0, 0, 9))),
    "a line coding for the data interface": (*SET_LINE_CODING, 0, 1, 0, bytes((0, 1, 0, 0, 0, 0, 8))),
    "lines with data": (*SET_LINES, 3, 0, 0, b"x"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_does_not_know_it_refuses_and_goes_on(what: str) -> None:
    board = Board.enumerated()
    kind, request, value, index, length, data = REFUSED[what]
    with pytest.raises(Stalled):
        board.host.finish(
            board.host.begin_control(kind, request, value=value, index=index, length=length, data=data), SECOND)
    assert board.line_coding()[:4] == (115_200).to_bytes(4, "little")
    board.assert_works()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_asked_gets_an_answer(seed: int) -> None:
    chance = random.Random(seed)
    board = Board.enumerated()
    for _ in range(150):
        kind = chance.choice((0, 1, 2, 0x80, 0x81, 0x82, 0x21, 0xA1, 0x40, 0xC0, chance.randrange(256)))
        request = chance.choice((0, 1, 3, 6, 7, 8, 9, 10, 11, 12, 0x20, 0x21, 0x22, 0x23, chance.randrange(256)))
        if (kind, request) == (0, 5):
            # Takes the address from under this host.
            continue
        value, index = (chance.choice((0, 1, 2, 0x0100, 0x0200, 0x0302, chance.randrange(0x10000))) for _ in range(2))
        length = chance.choice((0, 1, 2, 7, 8, 64, 65, 1000))
        if kind & IN:
            transfer = board.host.begin_control(kind, request, value=value, index=index, length=length)
        else:
            transfer = board.host.begin_control(kind, request, value=value, index=index, data=bytes(length))
        try:
            board.host.finish(transfer, SECOND)
        except Stalled:
            pass
    board.host.enumerate()
    board.assert_works()


@pytest.mark.parametrize("packets", [0, 1])
@pytest.mark.parametrize("follows", ["another request", "a reset"])
def test_a_request_that_is_given_up_leaves_no_trace(packets: int, follows: str) -> None:
    board = Board.enumerated()
    host = board.host
    transfer = host.begin_control(IN, GET_DESCRIPTOR, value=CONFIGURATION << 8, length=255)
    assert board.machine.run_while(lambda: transfer.packets < packets or not transfer.stage, SECOND)
    host.cancel(transfer)
    if follows == "a reset":
        host.enumerate()
    assert host.descriptor(DEVICE)[:2] == bytes((18, DEVICE))
    board.assert_works()


@pytest.mark.parametrize("follows", ["another request", "a reset"])
def test_data_that_never_come_leave_no_trace(follows: str) -> None:
    board = Board.enumerated()
    board.machine.usb.setup(bytes((*SET_LINE_CODING, 0, 0, 0, 0, 7, 0)))
    board.run(20 * MILLISECOND)
    if follows == "a reset":
        board.host.enumerate()
    assert board.line_coding()[:4] == (115_200).to_bytes(4, "little")
    board.assert_works()


def test_a_reset_in_the_middle_of_bytes_begins_afresh() -> None:
    board = Board.opened()
    writing = board.host.begin_write(BYTES, bytes(100_000))
    board.run(5 * MILLISECOND)
    board.host.reset()
    assert writing.is_done
    board.host.enumerate()
    board.assert_works()


@pytest.mark.parametrize("endpoint", [BYTES, IN | BYTES, IN | NOTIFICATIONS])
def test_endpoints_can_be_halted(endpoint: int) -> None:
    board = Board.opened()
    host = board.host
    # One packet waits for the host, another one comes from it.
    host.write(BYTES, greeting())
    board.run(20 * MILLISECOND)
    host.control_out(TO_ENDPOINT, SET_FEATURE, value=ENDPOINT_HALT, index=endpoint)
    assert host.control_in(FROM_ENDPOINT, GET_STATUS, index=endpoint, length=2) == b"\1\0"
    with pytest.raises(Stalled):
        if endpoint & IN:
            host.read(endpoint & 0xF, 1)
        else:
            host.write(endpoint, b"\0")
    host.control_out(TO_ENDPOINT, CLEAR_FEATURE, value=ENDPOINT_HALT, index=endpoint)
    assert host.control_in(FROM_ENDPOINT, GET_STATUS, index=endpoint, length=2) == b"\0\0"
    assert board.machine.usb.toggle_of(endpoint & 0xF, bool(endpoint & IN)) == 0
    assert b"nano33ble" in board.frame(2)
    board.assert_works()


def test_suspended_it_sleeps_and_goes_on_where_it_was() -> None:
    board = Board.opened()
    board.greet()
    board.host.suspend()
    board.run(50 * MILLISECOND)
    assert board.machine.usb["LOWPOWER"] == 1
    board.run(SECOND)
    assert board.host.wake_ups == 0, "nobody has allowed it"
    board.host.resume()
    board.run(5 * MILLISECOND)
    assert board.machine.usb["LOWPOWER"] == 0
    board.assert_works()


def test_a_host_that_allows_it_is_woken_when_there_is_something_to_hear() -> None:
    board = Board.opened()
    board.host.control_out(0, SET_FEATURE, value=REMOTE_WAKE_UP)
    board.host.write(BYTES, greeting())
    board.host.suspend()
    assert board.machine.run_while(lambda: board.host.wake_ups == 0, 5 * SECOND)
    assert board.machine.run_while(lambda: board.host.is_suspended, SECOND)
    board.run(5 * MILLISECOND)
    assert b"nano33ble" in board.frame(2)
    board.assert_works()
    assert board.host.wake_ups == 1


def test_a_reset_ends_suspension() -> None:
    board = Board.opened()
    board.host.suspend()
    board.run(50 * MILLISECOND)
    board.host.enumerate()
    board.assert_works()


@pytest.mark.parametrize("away", [0, 1, 500])
def test_a_cable_that_is_pulled_and_put_back(away: int) -> None:
    board = Board.opened()
    writing = board.host.begin_write(BYTES, bytes(100_000))
    board.run(5 * MILLISECOND)
    board.host.unplug()
    assert writing.is_done
    board.run(away * MILLISECOND)
    board.host.plug()
    board.host.enumerate()
    board.assert_works()


def test_a_host_that_stops_reading_costs_nothing_but_its_own_bytes() -> None:
    board = Board.opened()
    for _ in range(40):
        board.host.write(BYTES, greeting())
        board.run(20 * MILLISECOND)
    # It still hears and answers everything else.
    board.set_rate(57_600)
    assert board.line_coding()[:4] == (57_600).to_bytes(4, "little")
    assert board.host.control_in(*GET_LINE_CODING, length=7)[4:] == bytes((0, 0, 8))
    # What it had to say comes in whole frames.
    for _ in range(5):
        assert b"nano33ble" in board.frame(2)
    assert board.machine.resets == [None]


def test_whoever_opens_the_port_next_is_not_confused_by_what_the_last_one_left() -> None:
    board = Board.opened()
    board.host.write(BYTES, greeting())
    # A packet waits in the controller.
    board.run(20 * MILLISECOND)
    board.close()
    board.run(50 * MILLISECOND)
    board.assert_works()


def test_1200_baud_and_closed_it_leaves_for_the_bootloader() -> None:
    board = Board.opened()
    board.set_rate(1200)
    board.run(SECOND)
    assert board.machine.usb.connected, "as long as the port is open nothing happens"
    board.close()
    closed = board.machine.now
    assert board.machine.run_while(lambda: board.machine.usb.connected, SECOND)
    left = board.machine.now - closed
    # The board counts from its answer's beginning, this test from its end.
    assert 199 * MILLISECOND < left < 210 * MILLISECOND
    # Both marks by which the bootloader knows: one survives a reset by software, the other one by the watchdog.
    board.run(MILLISECOND)
    assert board.machine.power.reset_mark == STAY and board.machine.memory.word(DOUBLE_PRESS_PLACE) == DOUBLE_PRESS_MARK
    assert board.machine.run_while(lambda: not board.machine.is_in_bootloader, 3 * SECOND)
    print(f"left the bus after {left / MILLISECOND:.0f} ms, in the bootloader after "
          f"{(board.machine.now - closed) / MILLISECOND:.0f} ms")
    assert board.machine.resets == [None, Reason.WATCHDOG]
    # Nothing is left that would throw it out of there.
    board.run(20 * SECOND)
    assert board.machine.is_in_bootloader and board.machine.resets == [None, Reason.WATCHDOG]


@pytest.mark.parametrize("by", ["opening", "another rate", "a cable"])
def test_the_touch_can_be_taken_back(by: str) -> None:
    board = Board.opened()
    board.set_rate(1200)
    board.close()
    board.run(100 * MILLISECOND)
    if by == "opening":
        board.open()
    elif by == "another rate":
        board.set_rate(115_200)
    else:
        board.host.unplug()
        board.run(10 * MILLISECOND)
        board.host.plug()
        board.host.enumerate()
    board.run(3 * SECOND)
    assert board.machine.resets == [None]
    board.set_rate(115_200)
    board.assert_works()


def test_an_upload_is_no_fault() -> None:
    """The watchdog that led into the bootloader is no reason to report one."""
    board = Board.opened()
    board.set_rate(1200)
    board.close()
    assert board.machine.run_while(lambda: not board.machine.is_in_bootloader, 3 * SECOND)
    # The bootloader ends an upload so.
    board.machine._software_reset()
    board.host.wait_for_device()
    board.host.enumerate()
    assert set(board.watch()) == {Look(), Look(blue=True)}


def frames_of(size: int, count: int) -> bytes:
    """A stream of frames for a session that is not there, with right lengths and wrong checksums."""
    chance = random.Random(1)
    return b"".join(
        b"\xff" + bytes(chance.randrange(1, 256) for _ in range(254)) if index % (size // 255) else b"\0"
        for index in range(count * (size // 255)))


def test_what_comes_in_costs_few_cycles_and_fills_the_bus() -> None:
    board = Board.opened()
    stream = frames_of(1020, 64)
    count, begun, slept = board.count_interrupts(), board.machine.now, board.machine.core.slept
    board.host.write(BYTES, stream)
    time = board.machine.now - begun
    kilobytes = len(stream) / 1024
    cycles = count.cycles / kilobytes
    all_cycles = (time - (board.machine.core.slept - slept)) / CYCLE / kilobytes
    goodput = len(stream) / 64 / (time / MILLISECOND) / PACKETS_A_FRAME
    print(f"in: {cycles:.0f} cycles a kilobyte in the interrupt, {count.entries / kilobytes:.1f} interrupts; "
          f"{all_cycles:.0f} with all that is done to the frames; {goodput:.0%} of the bus")
    assert cycles < 16_000 and goodput > 0.5


def test_what_goes_out_costs_few_cycles_and_fills_the_bus() -> None:
    board = Board.opened()
    for session in range(40):
        board.host.write(BYTES, greeting(0x1234_0000 + session))
        board.run(2 * MILLISECOND)
    frame = board.host.frame
    assert board.machine.run_while(lambda: board.host.frame == frame, SECOND)
    count, begun = board.count_interrupts(), board.machine.now
    # Welcomes, and what came to be said after each: as much as a frame of the bus has room for.
    data = board.host.read(BYTES, 64 * PACKETS_A_FRAME)
    time = board.machine.now - begun
    kilobytes = len(data) / 1024
    print(f"out: {count.cycles / kilobytes:.0f} cycles a kilobyte in the interrupt, {count.entries / kilobytes:.1f} "
          f"interrupts; {PACKETS_A_FRAME} packets in {time / MILLISECOND:.3f} ms")
    assert count.cycles / kilobytes < 16_000 and time <= 1.05 * MILLISECOND


def test_nothing_is_there_without_a_configuration() -> None:
    board = Board.running()
    board.host.plug()
    board.host.wait_for_device()
    board.host.reset()
    for read in (lambda: board.host.read(BYTES, 1), lambda: board.host.write(BYTES, b"\0")):
        with pytest.raises(NoAnswer):
            read()
    with pytest.raises(UsbError):
        board.line_coding()
    board.host.enumerate()
    board.assert_works()
