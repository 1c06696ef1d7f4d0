"""RADIO's own timing and rules, by two radios that are set up by hand. What controllers use is in test_controllers."""

from __future__ import annotations

import pytest
from nrf52840 import MICROSECOND, MILLISECOND, Machine, Violation, World
from nrf52840.air import Chain, Fate
from nrf52840.units import NANOSECOND

from .test_peripherals import ON, RAM, read, write

PDU = bytes((0x02, 5)) + b"hello"
READY_START, END_DISABLE, DISABLED_TXEN, ADDRESS_BCSTART = 1 << 0, 1 << 1, 1 << 2, 1 << 6
FAST = 0x201


def radio(world: World, name: str, *, ramp: int = FAST, phy: int = 3, spacing: int = 0) -> Machine:
    """A machine whose radio is on an advertising channel. Its processor does nothing."""
    machine = world.add(name)
    write(machine, "CLOCK.TASKS_HFCLKSTART", ON)
    machine.memory.write(RAM, PDU, "the test")
    for register, value in (
        ("MODE", phy), ("FREQUENCY", 2), ("PCNF0", 0x108), ("PCNF1", 0x0203_0025), ("BASE0", 0x89BE_D600),
        ("PREFIX0", 0x8E), ("RXADDRESSES", 1), ("CRCCNF", 0x103), ("CRCPOLY", 0x65B), ("CRCINIT", 0x555555),
        ("DATAWHITEIV", 37), ("MODECNF0", ramp), ("TIFS", spacing), ("PACKETPTR", RAM),
        ("SHORTS", READY_START | END_DISABLE)
    ):
        write(machine, f"RADIO.{register}", value)
    return machine


def pair(**options: int) -> tuple[World, Machine, Machine]:
    world = World()
    sender, receiver = radio(world, "sender", **options), radio(world, "receiver", **options)
    world.run_for(MILLISECOND)
    receiver.memory.write(RAM, bytes(64), "the test")
    write(receiver, "RADIO.TASKS_RXEN", ON)
    world.run_for(200 * MICROSECOND)
    return world, sender, receiver


def received(machine: Machine) -> bytes:
    return machine.memory.read(RAM, len(PDU), "the test")


@pytest.mark.parametrize("phy, duration", [(3, 8 + 32 + 8 * 10), (4, (16 + 32 + 8 * 10) / 2)])
def test_a_packet_takes_its_time_and_arrives(phy: int, duration: float) -> None:
    world, sender, receiver = pair(phy=phy)
    begun = world.now
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    packet, = world.air.log
    assert (packet.end - packet.start) / MICROSECOND == duration
    assert packet.start - begun == Chain().fast_ramp + Chain().transmit
    assert (received(receiver), read(receiver, "RADIO.CRCSTATUS")) == (PDU, 1)
    assert read(receiver, "RADIO.STATE") == read(sender, "RADIO.STATE") == 0


@pytest.mark.parametrize("register, value", [
    ("CRCINIT", 0x123456), ("DATAWHITEIV", 38), ("CRCPOLY", 0x65D), ("PCNF1", 0x0203_0004)])
def test_ends_that_do_not_agree_get_a_wrong_checksum(register: str, value: int) -> None:
    world, sender, receiver = pair()
    write(receiver, f"RADIO.{register}", value)
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    assert read(receiver, "RADIO.EVENTS_CRCERROR") == 1
    assert received(receiver) != PDU


@pytest.mark.parametrize("register, value", [("FREQUENCY", 3), ("PREFIX0", 0x8F), ("MODE", 4)])
def test_who_listens_elsewhere_hears_nothing(register: str, value: int) -> None:
    world, sender, receiver = pair()
    write(receiver, f"RADIO.{register}", value)
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    assert read(receiver, "RADIO.EVENTS_ADDRESS") == 0


def test_two_who_send_at_once_destroy_each_others_packets() -> None:
    world, sender, receiver = pair()
    other = radio(world, "other")
    world.run_for(MILLISECOND)
    for machine in (sender, other):
        write(machine, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    assert read(receiver, "RADIO.EVENTS_CRCERROR") == 1
    assert received(receiver) != PDU


def test_a_damaged_packet_has_its_address_and_a_wrong_checksum() -> None:
    world, sender, receiver = pair()
    world.air.weather = lambda packet, name: Fate.DAMAGED
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    assert read(receiver, "RADIO.EVENTS_ADDRESS") == read(receiver, "RADIO.EVENTS_CRCERROR") == 1


@pytest.mark.parametrize("ramp", [0x200, FAST])
def test_hardware_keeps_the_inter_frame_space(ramp: int) -> None:
    world, sender, receiver = pair(ramp=ramp, spacing=150)
    write(receiver, "RADIO.SHORTS", READY_START | END_DISABLE | DISABLED_TXEN)
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(MILLISECOND)
    space, = world.air.spaces()
    assert 148 <= space <= 152


def test_a_bit_counter_lets_the_program_see_the_header_before_the_end() -> None:
    world, sender, receiver = pair()
    write(receiver, "RADIO.SHORTS", READY_START | END_DISABLE | ADDRESS_BCSTART)
    write(receiver, "RADIO.BCC", 16)
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_while(lambda: not receiver.radio.has_happened("BCMATCH"), MILLISECOND)
    assert received(receiver)[:2] == PDU[:2] and received(receiver)[2:] == bytes(5)
    assert read(receiver, "RADIO.EVENTS_END") == 0


def test_delays_of_the_radio_can_be_varied() -> None:
    world, sender, _ = pair()
    sender.radio.chain = Chain(transmit=2_600 * NANOSECOND)
    begun = world.now
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_for(300 * MICROSECOND)
    assert world.air.log[0].start - begun == Chain().fast_ramp + 2_600 * NANOSECOND


def test_the_order_of_states_is_kept() -> None:
    _, sender, receiver = pair()
    with pytest.raises(Violation, match="is enabled in state RECEIVING"):
        write(receiver, "RADIO.TASKS_TXEN", ON)
    with pytest.raises(Violation, match="START in state DISABLED"):
        write(sender, "RADIO.TASKS_START", ON)


@pytest.mark.parametrize("control, match", [
    (0x0002, None), (0x0001, 0), (0x0004, 2), (0x0101, None), (0x0800, None)])
def test_a_receiver_looks_for_device_addresses(control: int, match: int | None) -> None:
    """0 and 2 are the sender's, public; of 1 one bit is another, and 3 is the same as a random one."""
    world, sender, receiver = pair()
    address = int.from_bytes(b"\x11\x22\x33\x44\x55\x66", "little")
    pdu = bytes((0x00, 8)) + address.to_bytes(6, "little") + b"ad"
    sender.memory.write(RAM, pdu, "the test")
    for index, value in enumerate((address, address ^ 1 << 47, address, address)):
        write(receiver, f"RADIO.DAB[{index}]", value & 0xFFFF_FFFF)
        write(receiver, f"RADIO.DAP[{index}]", value >> 32)
    write(receiver, "RADIO.DACNF", control)
    write(sender, "RADIO.TASKS_TXEN", ON)
    world.run_while(lambda: not receiver.radio.has_happened("ADDRESS"), MILLISECOND)
    assert not receiver.radio.has_happened("DEVMATCH") and not receiver.radio.has_happened("DEVMISS")
    world.run_for(200 * MICROSECOND)
    assert receiver.radio.has_happened("DEVMATCH") == (match is not None)
    assert receiver.radio.has_happened("DEVMISS") == (match is None and bool(control & 0xFF))
    assert read(receiver, "RADIO.DAI") == (match or 0)
