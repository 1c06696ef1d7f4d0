"""USB as the chip has it: a driver that was not made for the model through what a bus can do, and the rules of USBD."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nrf52840 import MILLISECOND, SECOND, Machine, NoAnswer, Stalled, UsbHost, Violation, World, registers
from nrf52840.usb_bus import Handshake
from nrf52840.usb_descriptors import Configuration, WrongDescriptor
from nrf52840.usb_host import Stage
from peers import controllers

from .program import start


def controller(image: controllers.Image = controllers.USB) -> tuple[Machine, UsbHost]:
    machine = Machine()
    machine.power.crystal_start = MILLISECOND
    machine.load(image.path())
    machine.power_on()
    host = UsbHost(machine)
    host.plug()
    return machine, host


def hci_reset(host: UsbHost) -> bytes:
    """The event that answers a command."""
    host.control_out(0x20, 0, data=bytes.fromhex("030c00"))
    return host.read(1, 6)


RESET_COMPLETE = bytes.fromhex("0e0401030c00")


def test_a_device_is_enumerated_and_says_the_same_again_after_a_reset_of_the_bus() -> None:
    _, host = controller()
    first = host.enumerate()
    serial = host.string(first.strings[2])
    assert len(serial) >= 8
    host.reset()
    assert host.enumerate() == first
    assert host.string(first.strings[2]) == serial
    assert hci_reset(host) == RESET_COMPLETE


def test_what_a_device_does_not_know_it_refuses() -> None:
    _, host = controller()
    host.enumerate()
    with pytest.raises(Stalled):
        host.descriptor(3, 99, language=0x0409)
    with pytest.raises(NoAnswer, match="no endpoint"):
        host.read(5, 1)
    assert hci_reset(host) == RESET_COMPLETE


@pytest.mark.parametrize("stage", [Stage.SETUP, Stage.DATA, Stage.STATUS])
def test_a_reset_of_the_bus_in_the_middle_of_a_control_transfer_does_no_harm(stage: Stage) -> None:
    machine, host = controller()
    host.enumerate()
    transfer = host.begin_control(0x80, 6, value=0x0200, length=255)
    assert machine.run_while(lambda: transfer.stage is not stage, SECOND)
    host.reset()
    with pytest.raises(NoAnswer, match="reset"):
        transfer.result()
    assert host.enumerate().vendor == 0x2FE3
    assert hci_reset(host) == RESET_COMPLETE


def test_a_device_sleeps_and_wakes_with_the_bus() -> None:
    machine, host = controller()
    host.enumerate()
    for _ in range(3):
        host.suspend()
        machine.run_for(50 * MILLISECOND)
        assert machine.usb.is_suspended
        host.resume()
        assert not machine.usb.is_suspended
        assert hci_reset(host) == RESET_COMPLETE


def test_a_cable_that_is_pulled_and_plugged_in_again() -> None:
    machine, host = controller()
    for _ in range(3):
        host.enumerate()
        assert hci_reset(host) == RESET_COMPLETE
        transfer = host.begin_read(1, 16)
        machine.run_for(10 * MILLISECOND)
        host.unplug()
        with pytest.raises(NoAnswer):
            transfer.result()
        machine.run_for(100 * MILLISECOND)
        assert not machine.usb.connected
        host.plug()


def test_frames_come_each_millisecond_and_have_room_for_19_packets() -> None:
    """By a device whose endpoint takes everything at once: only the bus is in the way."""
    machine, host = ready_endpoints()
    host.begin_frames()
    before = host.frame
    transfer = host.begin_write(2, bytes(64 * 400))

    def serve() -> None:
        """What a program does with a packet, without a processor's delay."""
        if machine.usb.outward[2].packet is not None:
            write(machine, "EPOUT.MAXCNT", 2, len(machine.usb.outward[2].packet))
            machine.usb.trigger("STARTEPOUT", 2)
        machine.core.at(machine.now + 5_000_000, serve)

    serve()
    assert machine.run_while(lambda: not transfer.is_done, SECOND)
    # The first frame had begun.
    assert 400 / 19 - 1 <= host.frame - before <= 400 / 19 + 1


def write(machine: Machine, name: str, index: int | None, value: int) -> None:
    register = next(
        each for each in registers.blocks()["USBD"].registers if (each.name, each.index) == (name, index))
    machine.bus.write(0x4002_7000 + register.offset, 4, value)


def ready_endpoints() -> tuple[Machine, UsbHost]:
    """USBD on the bus with endpoint 2 in both directions, set up by hand: the processor only sleeps."""
    machine = start("reset: wfi\n b reset")
    host = UsbHost(machine)
    host.plug()
    machine.bus.write(0x4000_0000, 4, 1)
    machine.run_for(5 * MILLISECOND)
    for address, value in ((0x4006_EC00, 0x9375), (0x4006_EC14, 0xC0), (0x4006_ED14, 3), (0x4006_EC00, 0x9375)):
        machine.bus.write(address, 4, value)
    write(machine, "ENABLE", None, 1)
    machine.run_for(MILLISECOND)
    write(machine, "USBPULLUP", None, 1)
    assert machine.usb.connected
    machine.usb.bus_reset()
    write(machine, "EPINEN", None, 5)
    write(machine, "EPOUTEN", None, 5)
    write(machine, "SIZE.EPOUT", 2, 0)
    for way in ("EPIN", "EPOUT"):
        write(machine, f"{way}.PTR", 2, 0x2000_0100)
        write(machine, f"{way}.MAXCNT", 2, 64)
    return machine, host


def dma_twice(machine: Machine) -> None:
    machine.usb.token_out(2, bytes(64))
    write(machine, "TASKS_STARTEPOUT", 2, 1)
    write(machine, "TASKS_STARTEPIN", 2, 1)


def overwrite(machine: Machine) -> None:
    write(machine, "TASKS_STARTEPIN", 2, 1)
    machine.run_for(MILLISECOND)
    write(machine, "TASKS_STARTEPIN", 2, 1)


def arm_twice(machine: Machine) -> None:
    write(machine, "SIZE.EPOUT", 2, 0)


def take_nothing(machine: Machine) -> None:
    write(machine, "TASKS_STARTEPOUT", 2, 1)


def take_too_much(machine: Machine) -> None:
    machine.usb.token_out(2, b"abc")
    write(machine, "TASKS_STARTEPOUT", 2, 1)


def send_from_flash(machine: Machine) -> None:
    write(machine, "EPIN.PTR", 2, 0x1000)
    write(machine, "TASKS_STARTEPIN", 2, 1)


def look_during_dma(machine: Machine) -> None:
    write(machine, "TASKS_STARTEPIN", 2, 1)
    machine.bus.read(0x4002_74A4, 4)


def status_during_dma(machine: Machine) -> None:
    machine.usb.setup(bytes.fromhex("2122030000000000"))
    write(machine, "TASKS_STARTEPIN", 2, 1)
    write(machine, "TASKS_EP0STATUS", None, 1)


def wake_without_leave(machine: Machine) -> None:
    write(machine, "DPDMVALUE", None, 1)
    write(machine, "TASKS_DPDMDRIVE", None, 1)


@pytest.mark.parametrize("wrong", [
    dma_twice, overwrite, arm_twice, take_nothing, take_too_much, send_from_flash, look_during_dma, status_during_dma,
    wake_without_leave])
def test_a_program_that_breaks_a_rule_is_stopped(wrong: Callable[[Machine], None]) -> None:
    machine, _ = ready_endpoints()
    with pytest.raises(Violation):
        wrong(machine)


def test_a_packet_that_comes_twice_is_taken_once_and_one_whose_answer_is_lost_is_sent_again() -> None:
    machine, _ = ready_endpoints()
    toggle = machine.usb.toggle_of(2, is_in=False)
    assert machine.usb.token_out(2, b"1" * 64, toggle=toggle) is Handshake.ACK
    assert machine.usb.token_out(2, b"2" * 64) is Handshake.NAK
    write(machine, "TASKS_STARTEPOUT", 2, 1)
    machine.run_for(MILLISECOND)
    assert machine.usb.token_out(2, b"1" * 64, toggle=toggle) is Handshake.ACK
    assert machine.usb.outward[2].packet is None
    write(machine, "TASKS_STARTEPIN", 2, 1)
    machine.run_for(MILLISECOND)
    assert machine.usb.token_in(2, acknowledged=False) == b"1" * 64
    assert machine.usb.token_in(2) == b"1" * 64
    assert machine.usb.token_in(2) is Handshake.NAK


def test_without_the_work_arounds_usbd_does_not_become_ready() -> None:
    machine = start("reset: wfi\n b reset")
    machine.usb.vbus(True)
    machine.run_for(5 * MILLISECOND)
    write(machine, "ENABLE", None, 1)
    machine.run_for(SECOND)
    assert not machine.usb["EVENTCAUSE"]


def test_remote_wake_up() -> None:
    machine, host = ready_endpoints()
    host.begin_frames()
    machine.run_for(5 * MILLISECOND)
    host.suspend()
    machine.run_for(10 * MILLISECOND)
    write(machine, "LOWPOWER", None, 1)
    write(machine, "LOWPOWER", None, 0)
    machine.run_for(MILLISECOND)
    wake_without_leave(machine)
    machine.run_for(50 * MILLISECOND)
    assert host.wake_ups == 1 and not host.is_suspended
    assert machine.usb.has_happened("SOF")


def test_descriptors_that_do_not_add_up_are_refused() -> None:
    whole = bytes.fromhex("090212000101008032" "09040000000a000000")
    assert Configuration.parse(whole).power == 0x32
    for wrong in (whole[:-1], whole[:4] + b"\x02" + whole[5:], whole[:13] + b"\x01" + whole[14:]):
        with pytest.raises(WrongDescriptor):
            Configuration.parse(wrong)


def test_two_devices_in_a_world_have_hosts_of_their_own() -> None:
    world = World()
    hosts = [controllers.boot(world, name, controllers.USB, bytes(6), 1)[1] for name in ("one", "other")]
    assert [host.command(0x1001)[0] for host in hosts] == [0x0D, 0x0D]
