#!/usr/bin/env python3
"""Plugs USB/IP devices into this kernel's vhci_hcd. Runs in the guest, as root; `modprobe vhci_hcd cdc_acm` first.

  attach.py attach HOST:PORT BUSID [--port N]   import a device and plug it in, by default into the first free port
  attach.py list                                what is plugged in where
  attach.py detach N … | --all                  unplug from this side
  attach.py follow HOST:PORT                    do as the hub there says, until it ends the connection

Ports are numbered 0, 1, 2, … over all controllers; they take devices of full and high speed.

Exit status: 0 done, 1 it did not work, 2 wrong use.
"""

import argparse
import dataclasses
import itertools
import json
import pathlib
import socket
import struct
import sys
import threading
import time

from endpoint import endpoint

VHCI = pathlib.Path("/sys/devices/platform/vhci_hcd.0")
VERSION, REQUEST_IMPORT, REPLY_IMPORT = 0x0111, 0x8003, 0x0003
SPEEDS = {2: "full", 3: "high"}
FREE = 4  # VDEV_ST_NULL


class Failure(Exception):
    """What did not work, in words for the one who plugs."""


@dataclasses.dataclass
class Port:
    controller: int
    #: Of the controller's USB 2 ports, from 0.
    index: int
    #: The kernel's number, which counts every controller's USB 2 ports and then its USB 3 ones.
    kernel_number: int
    state: int
    device: int

    def path(self):
        """The name of what is plugged in here under /sys/bus/usb/devices."""
        controller = VHCI.with_name(f"vhci_hcd.{self.controller}")
        # A controller has two root hubs, of which the first is the USB 2 one.
        buses = sorted(int(entry.name[3:]) for entry in controller.glob("usb[0-9]*"))
        return f"{buses[0]}-{self.index + 1}" if buses else None


def ports():
    """The USB 2 ports of all controllers; their place in this list is the number they have for our callers."""
    if not VHCI.is_dir():
        raise Failure(f"no {VHCI}: modprobe vhci_hcd")
    found = []
    for controller in itertools.count():
        status = VHCI / ("status" if controller == 0 else f"status.{controller}")
        if not status.exists():
            return found
        index = 0
        for line in status.read_text().splitlines()[1:]:
            kind, number, state, _, device, *_ = line.split()
            if kind == "hs":
                found.append(Port(controller, index, int(number), int(state), int(device, 16)))
                index += 1


def port_numbered(number):
    found = ports()
    if not 0 <= number < len(found):
        raise Failure(f"no port {number}; there are 0 to {len(found) - 1}")
    return found[number]


def wait_for_port(wanted, deadline):
    """A free port and its number: the wanted one once what was in it is gone, or the first free one."""
    while True:
        candidates = list(enumerate(ports())) if wanted is None else [(wanted, port_numbered(wanted))]
        for number, port in candidates:
            if port.state == FREE:
                return number, port
        if time.monotonic() > deadline:
            raise Failure("no port is free" if wanted is None else f"port {wanted} is not free")
        time.sleep(0.02)


def connect(address, timeout):
    try:
        connection = socket.create_connection(address, timeout)
    except OSError as error:
        raise Failure(f"nobody answers at {address[0]}:{address[1]}: {error.strerror or error}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise Failure("the server ended the connection in the middle of its answer")
        data += piece
    return data


def attach(address, bus_id, wanted=None, timeout=20.0):
    """Imports the device and hands its connection to the kernel. Says what is where now."""
    deadline = time.monotonic() + timeout
    # First the port, then the device: nobody shall wait for a device that waits for a port.
    number, port = wait_for_port(wanted, deadline)
    with connect(address, timeout) as connection:
        connection.sendall(struct.pack(">HHI32s", VERSION, REQUEST_IMPORT, 0, bus_id.encode()))
        version, code, status = struct.unpack(">HHI", receive(connection, 8))
        if (version, code) != (VERSION, REPLY_IMPORT):
            raise Failure(f"no USB/IP server: it answers {code:#06x} of version {version:#06x}")
        if status != 0:
            raise Failure(f"import of {bus_id} refused: no such device, or somebody has it")
        bus, device_number, speed = struct.unpack(">III", receive(connection, 312)[288:300])
        if speed not in SPEEDS:
            raise Failure(f"device of speed {speed}, which these ports do not take")
        connection.settimeout(None)
        device = bus << 16 | device_number
        while True:
            try:
                with open(VHCI / "attach", "w") as file:
                    file.write(f"{port.kernel_number} {connection.fileno()} {device} {speed}")
                break
            except OSError as error:
                # Somebody else was quicker with this port.
                if time.monotonic() > deadline:
                    raise Failure(f"port {number} did not take {bus_id}: {error.strerror}") from error
                number, port = wait_for_port(wanted, deadline)
        # The kernel holds the connection now; our descriptor of it may go.
    return {"bus_id": bus_id, "port": number, "kernel_port": port.kernel_number, "device": f"{device:08x}",
            "speed": SPEEDS[speed], "path": port.path()}


def detach(number):
    try:
        (VHCI / "detach").write_text(str(port_numbered(number).kernel_number))
    except OSError as error:
        raise Failure(f"port {number}: {error.strerror}; is anything in it?") from error


def occupied():
    return [(number, port) for number, port in enumerate(ports()) if port.state != FREE]


def follow(address, patience):
    """Does what the hub says, one JSON object a line: {"id": 1, "attach": "1-2", "server": 3240, "port": 0}."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = connect(address, 5)
            break
        except Failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    connection.settimeout(None)
    lock = threading.Lock()

    def obey(order):
        try:
            reply = {"id": order["id"], **attach((address[0], order["server"]), order["attach"], order.get("port"))}
        except Exception as error:  # whatever it is, the hub waits for an answer
            reply = {"id": order["id"], "error": str(error) or repr(error)}
        print(json.dumps(reply), flush=True)
        with lock:
            connection.sendall(json.dumps(reply).encode() + b"\n")

    with connection:
        for line in connection.makefile("rb"):
            # A thread each: one order may have to wait until a port is free while the next can be done.
            threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="attach.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("attach")
    command.add_argument("server", type=endpoint, metavar="HOST:PORT")
    command.add_argument("bus_id", metavar="BUSID")
    command.add_argument("--port", type=int, metavar="N")
    commands.add_parser("list")
    command = commands.add_parser("detach")
    command.add_argument("ports", type=int, nargs="*", metavar="N")
    command.add_argument("--all", action="store_true")
    command = commands.add_parser("follow")
    command.add_argument("hub", type=endpoint, metavar="HOST:PORT")
    command.add_argument("--patience", type=float, default=20, metavar="SECONDS", help="how long to try (20)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    match arguments.command:
        case "attach":
            print(json.dumps(attach(arguments.server, arguments.bus_id, arguments.port)))
        case "list":
            for number, port in occupied():
                print(json.dumps({"port": number, "kernel_port": port.kernel_number, "state": port.state,
                                  "device": f"{port.device:08x}", "path": port.path()}))
        case "detach":
            for number in [number for number, _ in occupied()] if arguments.all else arguments.ports:
                detach(number)
        case "follow":
            follow(arguments.hub, arguments.patience)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        print(f"attach.py: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
