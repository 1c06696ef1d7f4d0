"""An air of emulated chips around a Linux guest: the guest's adapter is a link-layer controller that we did not write.

    async with EmulatedAir() as air:
        adapter = await air.adapter(guest)
        await adapter.plug()                      # hciN in the guest
        board = air.world.add("board", start=by_bootloader)
        board.load(Path("build/firmware/nano33ble.bin"))
        board.power_on()
        …
        audit(air.world.air.log, air.keys)

Other than `radio`, this has link layers: every packet is in the air for its time, and may get lost there. BlueZ lives in
real time, so virtual time is paced by it; when this machine is too slow it is virtual time that lags behind.

    air         the world, in real time
    controller  Zephyr's, with HCI over its serial port
    adapter     an adapter of the guest with such a controller: HCI goes between it and the guest's kernel
    board       our host and runtime as a process, with such a controller
    peripheral  somebody to find and to connect to, with nothing above ATT
"""

import sys

from machine.places import PROJECT

sys.path.append(str(PROJECT / "Tests" / "Emulation"))

from .adapter import EmulatedAdapter  # noqa: E402
from .air import EmulatedAir  # noqa: E402
from .board import HostedBoard  # noqa: E402
from .peripheral import Peripheral  # noqa: E402

__all__ = ["EmulatedAdapter", "EmulatedAir", "HostedBoard", "Peripheral"]
