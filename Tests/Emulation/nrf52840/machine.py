"""One chip: processor, memories, peripherals, and the ways to reset it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import factory, image, power
from .air import Air
from .bus import RANGES, Bus
from .ciphers import BlockCipher, PacketCipher
from .core import Core, LockUp
from .counter import RealTimeCounter, Timer
from .factory import NRF52840, Kind
from .flash import Flash, FlashController
from .generators import RandomGenerator, Thermometer
from .memory import Memory
from .peripheral import Peripheral
from .ports import Absent, PinEvents, Port, SoftwareInterrupts
from .power import Power
from .ppi import Interconnect
from .radio import Radio
from .start import Start, from_vectors
from .uarte import Uarte
from .usbd import Usbd
from .watchdog import Watchdog
from .work_arounds import WorkArounds

#: Peripherals that the program may leave alone or configure, and not start. Those in a line share their registers.
ABSENT = (
    ("SPIM0", "SPI0", "SPIS0", "TWI0", "TWIM0", "TWIS0"), ("SPIM1", "SPI1", "SPIS1", "TWI1", "TWIM1", "TWIS1"),
    ("NFCT",), ("SAADC",), ("QDEC",), ("COMP", "LPCOMP"), ("PDM",), ("MWU",), ("PWM1",), ("PWM2",),
    ("SPIM2", "SPI2", "SPIS2"), ("I2S",), ("FPU",), ("QSPI",), ("PWM3",), ("SPIM3",))
#: Registers without names that start-up code writes in these (anomalies 12, 31, 57, 121).
UNDOCUMENTED = {"COMP": (0x540,), "NFCT": (0x610, 0x688, 0x68C), "QSPI": (0x640,)}
#: Of each timer and real-time counter, how many compare registers the chip has.
TIMERS = {"TIMER0": 4, "TIMER1": 4, "TIMER2": 4, "TIMER3": 6, "TIMER4": 6}
BILLION = 1_000_000_000
REAL_TIME_COUNTERS = {"RTC0": 3, "RTC1": 4, "RTC2": 4}


class Machine:
    """An nRF52840 that runs a program in virtual time. It is off until `power_on`."""

    def __init__(
        self, name: str = "chip", *, kind: Kind = NRF52840, start: Start = from_vectors, flash: Flash | None = None,
        identity: int = 0x0123_4567_89AB_CDEF, address: int = 0xC0DE_0000_0001, seed: int = 1, air: Air | None = None,
        drift: int = 0,
    ) -> None:
        self.name = name
        #: How many billionths its crystal is too fast.
        self.drift = drift
        self.kind = kind
        self.seed = seed
        self._start = start
        #: What it holds stays, over resets and in another machine too.
        self.flash = flash or Flash(kind.flash_bytes)
        self.core = Core(kind.flash_bytes, kind.ram_bytes, self._write_flash, self._software_reset)
        self.flash.move_to(memoryview(self.core.engine.flash).cast("B"))
        self.memory = Memory(self.core.engine)
        self.bus = Bus()
        #: Waits in the bootloader for a new program, and does nothing.
        self.is_in_bootloader = False
        #: Why it was reset, each time; None when the power came.
        self.resets: list[power.Reason | None] = []
        self._map(identity, address)
        self._make_peripherals(seed, air or Air())

    def _map(self, identity: int, address: int) -> None:
        engine = self.core.engine
        engine.map_constants(factory.FICR, factory.factory_page(self.kind, identity, address))
        engine.map_constants(factory.UICR, factory.settings_page(self.kind))
        engine.map_constants(factory.PART_REGISTERS, factory.part_page(self.kind))
        for base, size in RANGES:
            engine.map_registers(base, size, self.bus.read, self.bus.write)

    def _make_peripherals(self, seed: int, air: Air) -> None:
        self.ppi = Interconnect(self)
        self.power = Power(self)
        self.work_arounds = WorkArounds(self)
        self.usb = Usbd(self)
        self.uart = Uarte(self)
        self.uart1 = Uarte(self, ("UARTE1",))
        self.timers = [Timer(self, name, compares) for name, compares in TIMERS.items()]
        self.counters = [RealTimeCounter(self, name, compares) for name, compares in REAL_TIME_COUNTERS.items()]
        self.block_cipher = BlockCipher(self)
        self.packet_cipher = PacketCipher(self)
        self.radio = Radio(self, air)
        self.random = RandomGenerator(self, seed)
        self.thermometer = Thermometer(self)
        self.flash_controller = FlashController(self, self.flash)
        self.watchdog = Watchdog(self)
        self.ports = [Port(self, 0), Port(self, 1)]
        #: Has no model; the bootloader leaves it on.
        self.pulse_width = Absent(self, ("PWM0",))
        self.peripherals: list[Peripheral] = [
            self.ppi, self.power, self.usb, self.uart, self.uart1, *self.timers, *self.counters, self.block_cipher,
            self.packet_cipher, self.radio, self.random, self.thermometer, self.flash_controller, self.watchdog,
            *self.ports, self.pulse_width, PinEvents(self),
            *(SoftwareInterrupts(self, (f"EGU{n}", f"SWI{n}")) for n in range(6)),
            *(Absent(self, names, UNDOCUMENTED.get(names[0], ())) for names in ABSENT)]

    # Programs.

    def load(self, program: Path | bytes, address: int = image.APPLICATION) -> None:
        """Puts a program into flash: a file of one of the known kinds, or bytes that belong at `address`."""
        segments = [image.Segment(address, program)] if isinstance(program, bytes) else image.read(program, address)
        for segment in segments:
            if segment.address + len(segment.data) > self.kind.flash_bytes:
                # Settings, such as the reset pin, are the chip's own here.
                continue
            self.flash.load(segment.address, segment.data)
        self.core.engine.forget_code(0, self.kind.flash_bytes)

    # Resets.

    def power_on(self) -> None:
        """The power comes, maybe after it was cut: RAM holds anything, flash what it held."""
        self.memory.poison(self.seed + len(self.resets))
        self.core.engine.forget_code(0, self.kind.flash_bytes)
        self._reset(None)

    def power_off(self) -> None:
        """Nothing runs any more; flash stays."""
        self._stop(None)
        self.core.sleeping = True

    def press_reset(self) -> None:
        """The button, or the pin."""
        self._reset(power.Reason.PIN)

    def watchdog_bites(self) -> None:
        self._reset(power.Reason.WATCHDOG)

    def _software_reset(self) -> None:
        """After the instruction that asks for it."""
        self.core.at(self.core.now, lambda: self._reset(power.Reason.SOFTWARE))

    def _reset(self, reason: power.Reason | None) -> None:
        self.resets.append(reason)
        self._stop(reason)
        self.power.came_up(reason)
        self._start(self)

    def _stop(self, reason: power.Reason | None) -> None:
        self.is_in_bootloader = False
        self.core.reset()
        if reason not in (power.Reason.SOFTWARE, power.Reason.LOCK_UP):
            self.watchdog.stop()
        for peripheral in self.peripherals:
            peripheral.reset()
        self.work_arounds.reset()

    # Running.

    @property
    def now(self) -> int:
        """Picoseconds since it was made, by its own clock."""
        return self.core.now

    def to_world(self, time: int) -> int:
        """A time of its own as everybody's."""
        return time * BILLION // (BILLION + self.drift)

    def to_local(self, time: int) -> int:
        return -(-time * (BILLION + self.drift) // BILLION)

    def run_until(self, deadline: int, condition: Callable[[], bool] | None = None) -> None:
        """Runs up to a time, or until `condition` is no more true; it is asked whenever something happens that is not
        the processor's doing. A processor that locks up is reset, as the chip does it."""
        while True:
            try:
                self.core.run_until(deadline, condition)
                return
            except LockUp:
                self._reset(power.Reason.LOCK_UP)

    def run_for(self, duration: int) -> None:
        self.run_until(self.now + duration)

    def run_while(self, condition: Callable[[], bool], limit: int) -> bool:
        """Runs while `condition` is true; False if it still is after so much time."""
        self.run_until(self.now + limit, condition)
        return not condition()

    def _write_flash(self, address: int, size: int, value: int) -> bool:
        return self.flash_controller.write(address, size, value)


