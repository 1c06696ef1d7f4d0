"""A Bluetooth Low Energy radio for a Linux guest. `python3 -m radio --help` holds one by hand.

    async with Radio(guest) as radio:
        adapter = await radio.adapter()
        await adapter.plug()                      # hci0 in the guest
        board = await radio.board("left", 0xA1, virtual_board, folder, ["--data", …, "--pairing", "just-works"])
        await board.power_on()
        …
        board.in_range = False

What is where, from the air up:

    air       Bumble's link between controllers, with distance, pace and supervision timeouts
    chip      a controller: Bumble's, with what that leaves out
    h4        a controller's end of HCI
    adapter   the guest's adapter: guest/adapter.py carries its packets to the kernel's /dev/vhci
    board     a program with a controller, and a cable if wanted
    radio     all of it

For figures (bench_ble.py): `transcript`, what a board and a gateway said and when; `bare`, a peripheral with nothing above
L2CAP and ATT; `pump`, what a small program in the guest does with it.

What this is not: a link layer. Advertising and control PDUs are objects that go from controller to controller, data go
over as whole packets, without acknowledgement, sequence, checksum or cipher; nothing takes time but what `pace` says, and
nothing gets lost but by order. It shows how hosts behave: BlueZ, and ours.
"""

from .adapter import Adapter, AdapterFailed, GatewayAdapter
from .air import Air
from .board import AirBoard, air_address
from .chip import Chip
from .radio import Radio

__all__ = ["Adapter", "AdapterFailed", "Air", "AirBoard", "Chip", "GatewayAdapter", "Radio", "air_address"]
