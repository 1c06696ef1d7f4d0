"""Timers, the interconnect, ciphers, the watchdog, pins, and what a strict model refuses."""

from __future__ import annotations

import pytest
from nrf52840 import MICROSECOND, MILLISECOND, SECOND, Machine, NotModelled, Reason, Violation, registers
from nrf52840.ciphers import aes
from nrf52840.units import low_frequency_time

RAM = 0x2000_0000
ON = 1


def machine_that_sleeps() -> Machine:
    """Whose processor does nothing: the registers are the test's."""
    return Machine()


def address(name: str) -> int:
    block_name, _, register = name.partition(".")
    block = registers.blocks()[block_name]
    return block.base + next(each.offset for each in block.registers if str(each) == register)


def write(machine: Machine, name: str, value: int) -> None:
    machine.bus.write(address(name), 4, value)


def read(machine: Machine, name: str) -> int:
    return machine.bus.read(address(name), 4)


def test_a_timer_counts_microseconds_and_matches_and_starts_over() -> None:
    machine = machine_that_sleeps()
    for name, value in (("BITMODE", 3), ("PRESCALER", 4), ("CC[0]", 1000), ("SHORTS", 1), ("TASKS_START", ON)):
        write(machine, f"TIMER1.{name}", value)
    machine.run_for(999 * MICROSECOND)
    assert read(machine, "TIMER1.EVENTS_COMPARE[0]") == 0
    machine.run_for(251 * MICROSECOND)
    assert read(machine, "TIMER1.EVENTS_COMPARE[0]") == 1
    write(machine, "TIMER1.TASKS_CAPTURE[2]", ON)
    assert read(machine, "TIMER1.CC[2]") == 250


def test_a_capture_calls_off_the_compare_of_its_register() -> None:
    machine = machine_that_sleeps()
    for name, value in (("BITMODE", 3), ("CC[1]", 100), ("TASKS_START", ON)):
        write(machine, f"TIMER0.{name}", value)
    machine.run_for(50 * MICROSECOND)
    write(machine, "TIMER0.TASKS_CAPTURE[1]", ON)
    machine.run_for(MILLISECOND)
    assert read(machine, "TIMER0.EVENTS_COMPARE[1]") == 0


def test_events_drive_tasks_through_the_interconnect() -> None:
    machine = machine_that_sleeps()
    write(machine, "TIMER2.MODE", 1)
    write(machine, "TIMER2.BITMODE", 3)
    write(machine, "PPI.CH.EEP[3]", address("EGU1.EVENTS_TRIGGERED[5]"))
    write(machine, "PPI.CH.TEP[3]", address("TIMER2.TASKS_COUNT"))
    write(machine, "PPI.FORK.TEP[3]", address("TIMER2.TASKS_CAPTURE[0]"))
    write(machine, "PPI.CHENSET", 1 << 3)
    for _ in range(5):
        write(machine, "EGU1.TASKS_TRIGGER[5]", ON)
    assert read(machine, "TIMER2.CC[0]") == 5
    write(machine, "PPI.CHENCLR", 1 << 3)
    write(machine, "EGU1.TASKS_TRIGGER[5]", ON)
    assert read(machine, "TIMER2.CC[0]") == 5


def test_the_low_frequency_clock_takes_its_time_and_counts_true() -> None:
    machine = machine_that_sleeps()
    write(machine, "CLOCK.LFCLKSRC", 1)
    write(machine, "CLOCK.TASKS_LFCLKSTART", ON)
    machine.run_for(249 * MILLISECOND)
    assert read(machine, "CLOCK.EVENTS_LFCLKSTARTED") == 0
    machine.run_for(2 * MILLISECOND)
    assert read(machine, "CLOCK.EVENTS_LFCLKSTARTED") == 1
    write(machine, "RTC0.TASKS_START", ON)
    machine.run_for(100 * SECOND)
    assert read(machine, "RTC0.COUNTER") == 100 * 32_768
    assert low_frequency_time(100 * 32_768) == 100 * SECOND


def test_aes_and_ccm_give_the_specifications_sample_data() -> None:
    """AES: FIPS 197, C.1. CCM: Core Specification Vol 6 Part C, the first LL_START_ENC_RSP."""
    machine = machine_that_sleeps()
    machine.memory.write(
        RAM, bytes(range(16)) + bytes.fromhex("00112233445566778899aabbccddeeff"), "the test")
    write(machine, "ECB.ECBDATAPTR", RAM)
    write(machine, "ECB.TASKS_STARTECB", ON)
    machine.run_for(10 * MICROSECOND)
    assert read(machine, "ECB.EVENTS_ENDECB") == 1
    assert machine.memory.read(RAM + 32, 16, "the test").hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"
    assert aes(bytes(16), bytes(16)).hex() == "66e94bd4ef8a2c3b884cfa59ca342b2e"

    key, vector = bytes.fromhex("99ad1b5226a37e3e058e3b8e27c2c666"), bytes.fromhex("24abdcbabebaafde")
    machine.memory.write(RAM, key + bytes(8) + b"\x01" + vector, "the test")
    machine.memory.write(RAM + 0x100, bytes.fromhex("0f010006"), "the test")
    for name, value in (
        ("ENABLE", 2), ("MODE", 0), ("CNFPTR", RAM), ("INPTR", RAM + 0x100), ("OUTPTR", RAM + 0x200), ("SHORTS", 1),
        ("TASKS_KSGEN", ON)
    ):
        write(machine, f"CCM.{name}", value)
    machine.run_for(MILLISECOND)
    assert read(machine, "CCM.EVENTS_ENDCRYPT") == 1
    assert machine.memory.read(RAM + 0x200, 8, "the test") == bytes.fromhex("0f05009fcda7f448")


def test_the_watchdog_outlives_a_software_reset_and_bites_who_does_not_feed_it() -> None:
    machine = Machine()
    machine.load((0x2000_1000).to_bytes(4, "little") + (0x101).to_bytes(4, "little"), 0)
    machine.load(bytes.fromhex("30bf fde7"), 0x100)  # wfi, and again
    machine.power_on()
    write(machine, "WDT.CRV", 32_767)
    write(machine, "WDT.CONFIG", 1)
    write(machine, "WDT.TASKS_START", ON)
    machine.run_for(900 * MILLISECOND)
    write(machine, "WDT.RR[0]", 0x6E52_4635)
    machine.run_for(900 * MILLISECOND)
    machine.core.control.write(0xE000_ED0C, 4, 0x05FA_0004)
    machine.run_for(50 * MILLISECOND)
    assert machine.resets == [None, Reason.SOFTWARE]
    machine.run_for(100 * MILLISECOND)
    assert machine.resets == [None, Reason.SOFTWARE, Reason.WATCHDOG]
    assert machine.power.reasons() == Reason.SOFTWARE | Reason.WATCHDOG
    machine.run_for(5 * SECOND)
    assert len(machine.resets) == 3


def test_random_numbers_repeat_with_their_seed_and_differ_without() -> None:
    def numbers(seed: int) -> list[int]:
        machine = Machine(seed=seed)
        write(machine, "RNG.TASKS_START", ON)
        found = []
        for _ in range(16):
            machine.run_for(200 * MICROSECOND)
            found.append(read(machine, "RNG.VALUE"))
        return found

    assert numbers(1) == numbers(1) != numbers(2)
    assert len(set(numbers(1))) > 8


def test_pins_are_driven_and_watched() -> None:
    machine = machine_that_sleeps()
    seen: list[tuple[int, int, bool]] = []
    machine.ports[0].watcher = lambda port, pin, is_high: seen.append((port, pin, is_high))
    write(machine, "P0.OUTSET", 1 << 24)
    write(machine, "P0.DIRSET", 1 << 24 | 1 << 13)
    write(machine, "P0.OUTSET", 1 << 13)
    write(machine, "P0.OUTCLR", 1 << 24)
    assert seen == [(0, 13, False), (0, 24, True), (0, 13, True), (0, 24, False)]
    write(machine, "P1.PIN_CNF[10]", 3 << 2)
    assert read(machine, "P1.IN") >> 10 & 1 == 1
    machine.ports[1].drive(10, False)
    assert read(machine, "P1.IN") >> 10 & 1 == 0


@pytest.mark.parametrize("size, wrong", [
    (4, 0x4000_2FFC), (4, 0x4003_0000), (1, 0x4000_0400), (4, 0x5000_0900)])
def test_registers_that_nobody_knows_are_refused(size: int, wrong: int) -> None:
    machine = machine_that_sleeps()
    with pytest.raises(Violation):
        machine.bus.read(wrong, size)
    with pytest.raises(Violation):
        machine.bus.write(wrong, size, 1)


def test_what_is_only_read_and_what_is_not_there_are_refused() -> None:
    machine = machine_that_sleeps()
    with pytest.raises(Violation, match="only read"):
        write(machine, "UARTE0.RXD.AMOUNT", 1)
    with pytest.raises(Violation, match="no CC"):
        write(machine, "TIMER0.CC[5]", 1)
    with pytest.raises(NotModelled, match="SAADC.TASKS_START"):
        write(machine, "SAADC.TASKS_START", ON)
    with pytest.raises(Violation, match="without the high-frequency crystal"):
        write(machine, "RADIO.TASKS_TXEN", ON)
    with pytest.raises(Violation, match="only reaches RAM"):
        write(machine, "UARTE0.ENABLE", 8)
        write(machine, "UARTE0.RXD.PTR", 0x1000)
        write(machine, "UARTE0.RXD.MAXCNT", 4)
        write(machine, "UARTE0.TASKS_STARTRX", ON)


def test_a_serial_port_takes_its_time_for_bytes_and_says_when_some_are_lost() -> None:
    machine = machine_that_sleeps()
    for name, value in (
        ("BAUDRATE", 0x01D6_0000), ("ENABLE", 8), ("RXD.PTR", RAM), ("RXD.MAXCNT", 4), ("TASKS_STARTRX", ON)
    ):
        write(machine, f"UARTE0.{name}", value)
    machine.uart.send(b"0123456789ABCDEF")
    # 115,200 baud: 87.1 µs a byte.
    machine.run_for(4 * 88 * MICROSECOND)
    assert read(machine, "UARTE0.EVENTS_ENDRX") == 1
    assert machine.memory.read(RAM, 4, "the test") == b"0123"
    machine.run_for(2 * MILLISECOND)
    assert read(machine, "UARTE0.ERRORSRC") == 1
    write(machine, "UARTE0.TASKS_STARTRX", ON)
    assert machine.memory.read(RAM, 4, "the test") == b"4567"


def test_a_serial_port_with_flow_control_loses_nothing() -> None:
    machine = machine_that_sleeps()
    for name, value in (
        ("BAUDRATE", 0x1000_0000), ("CONFIG", 1), ("ENABLE", 8), ("RXD.PTR", RAM), ("RXD.MAXCNT", 4)
    ):
        write(machine, f"UARTE0.{name}", value)
    machine.uart.send(b"0123456789ABCDEF")
    received = b""
    for _ in range(4):
        # The other end waits until somebody receives, and while nobody takes what came.
        machine.run_for(MILLISECOND)
        write(machine, "UARTE0.EVENTS_ENDRX", 0)
        write(machine, "UARTE0.TASKS_STARTRX", ON)
        machine.run_while(lambda: read(machine, "UARTE0.EVENTS_ENDRX") == 0, MILLISECOND)
        received += machine.memory.read(RAM, 4, "the test")
    assert received == b"0123456789ABCDEF"
    assert read(machine, "UARTE0.ERRORSRC") == 0
