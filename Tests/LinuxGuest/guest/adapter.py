#!/usr/bin/env python3
"""A Bluetooth adapter of this kernel whose controller is elsewhere. Runs in the guest, as root; `modprobe hci_vhci` first.

  adapter.py HOST:PORT [--again] [--patience SECONDS]

Carries HCI between /dev/vhci and the controller's H4 port, and says the adapter's name (hci0) when it is made. The adapter
goes when the controller hangs up; --again: then waits for the next controller there.

Exit status: 0 the controller hung up, 1 nobody answers, or there can be no adapter, 2 wrong use.
"""

import argparse
import os
import select
import socket
import sys
import time

from endpoint import endpoint

MAKE_PRIMARY = b"\xff\x00"
VENDOR = 0xFF
#: By packet type (command, ACL, SCO, event, ISO): octets of the header, and where in it the length is and how long.
HEADERS = {1: (4, 3, 1), 2: (5, 3, 2), 3: (4, 3, 1), 4: (3, 2, 1), 5: (5, 3, 2)}


class Failure(Exception):
    """What did not work, in words."""


def packets(data):
    """The whole packets at the beginning of `data`, of which they are removed: vhci takes one a write."""
    found = []
    start = 0
    while start < len(data):
        if data[start] not in HEADERS:
            raise Failure(f"the controller says a packet of type {data[start]}")
        header, offset, size = HEADERS[data[start]]
        if len(data) < start + header:
            break
        length = int.from_bytes(data[start + offset:start + offset + size], "little")
        end = start + header + (length & 0x3FFF if data[start] == 5 else length)
        if len(data) < end:
            break
        found.append(bytes(data[start:end]))
        start = end
    del data[:start]
    return found


def connect(address, patience):
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = socket.create_connection(address, 5)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failure(f"nobody answers at {address[0]}:{address[1]}: {error.strerror or error}") from error
            time.sleep(0.2)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def carry(connection, adapter):
    """Until the controller hangs up."""
    data = bytearray()
    waiting = select.poll()
    waiting.register(adapter, select.POLLIN)
    waiting.register(connection, select.POLLIN)
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor == adapter:
                packet = os.read(adapter, 4096)
                if packet[0] == VENDOR:
                    print(f"hci{int.from_bytes(packet[2:4], 'little')}", flush=True)
                else:
                    connection.sendall(packet)
            else:
                try:
                    received = connection.recv(65536)
                except ConnectionError:
                    received = b""
                if not received:
                    return
                data += received
                for packet in packets(data):
                    os.write(adapter, packet)


def relay(address, patience):
    with connect(address, patience) as connection:
        adapter = os.open("/dev/vhci", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.write(adapter, MAKE_PRIMARY)
            carry(connection, adapter)
        finally:
            os.close(adapter)


def main():
    parser = argparse.ArgumentParser(
        prog="adapter.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("controller", type=endpoint, metavar="HOST:PORT")
    parser.add_argument("--again", action="store_true", help="wait for another controller when this one has hung up")
    parser.add_argument("--patience", type=float, default=20, metavar="SECONDS", help="how long to try (20)")
    arguments = parser.parse_args()
    relay(arguments.controller, arguments.patience)
    while arguments.again:
        relay(arguments.controller, float("inf"))


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        print(f"adapter.py: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
