#!/usr/bin/env python3
"""A Bluetooth LE central of this kernel below BlueZ: attribute requests octet by octet, and credit-based channels.

  l2cap.py att ADDRESS HEX …            send requests on the attribute channel; prints what is answered, in hexadecimal
  l2cap.py att ADDRESS --flood N        agree on an MTU, send so many octets in commands to write; prints as below
  l2cap.py att ADDRESS --drain N        agree on an MTU, take so many octets of notifications; prints as below
  l2cap.py channel ADDRESS [HEX …]      open a channel; prints {"mtu": the board's}, then what is answered to each of these
  l2cap.py channel ADDRESS --flood N    open one and send so many octets in messages of 1000; prints {"bytes", "seconds"}
  l2cap.py channel ADDRESS --drain N    open one and take so many octets

Addresses are random ones. An error is a last line {"error": "ECONNREFUSED"}, with "bytes" if some had gone, and exit
status 1.
"""

import argparse
import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
import sys
import termios
import time

SOL_BLUETOOTH, BT_SECURITY, BT_SNDMTU, BT_RCVMTU = 274, 4, 12, 13
LEVELS = {"low": 1, "medium": 2, "high": 3}
PUBLIC, RANDOM = 1, 2
ATTRIBUTES = 4
#: A command asks for no answer.
COMMAND = 0x40
ERROR, EXCHANGE_MTU, WRITE_COMMAND = 0x01, 0x02, 0x52
LONGEST_MTU = 517


class Address(ctypes.Structure):
    """sockaddr_l2, of which Python's socket module leaves out the kind of address."""

    _fields_ = [("family", ctypes.c_ushort), ("psm", ctypes.c_ushort), ("address", ctypes.c_ubyte * 6),
                ("cid", ctypes.c_ushort), ("kind", ctypes.c_ubyte)]


libc = ctypes.CDLL(None, use_errno=True)


def call(function, connection, text, kind, psm=0, cid=0):
    octets = bytes.fromhex(text.replace(":", ""))[::-1]
    name = Address(socket.AF_BLUETOOTH, psm, (ctypes.c_ubyte * 6)(*octets), cid, kind)
    if function(connection.fileno(), ctypes.byref(name), ctypes.sizeof(name)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def connect(arguments, **channel):
    connection = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP)
    cid = channel.get("cid", 0)
    call(libc.bind, connection, arguments.adapter, PUBLIC, cid=cid)
    connection.setsockopt(SOL_BLUETOOTH, BT_SECURITY, struct.pack("BB", LEVELS[arguments.security], 0))
    if not cid:
        connection.setsockopt(SOL_BLUETOOTH, BT_RCVMTU, struct.pack("H", arguments.mtu))
    call(libc.connect, connection, arguments.address, RANDOM, **channel)
    connection.settimeout(arguments.patience)
    return connection


def say(**words):
    print(json.dumps(words), flush=True)


def attributes(arguments):
    with connect(arguments, cid=ATTRIBUTES) as connection:
        for text in arguments.pdus:
            pdu = bytes.fromhex(text)
            connection.send(pdu)
            if not pdu[0] & COMMAND:
                print(connection.recv(1024).hex(), flush=True)
        if arguments.flood or arguments.drain:
            connection.send(struct.pack("<BH", EXCHANGE_MTU, LONGEST_MTU))
            mtu = min(struct.unpack_from("<H", answer_to(connection, EXCHANGE_MTU), 1)[0], LONGEST_MTU)
            say(mtu=mtu)
            command = struct.pack("<BH", WRITE_COMMAND, arguments.handle)
            if arguments.flood:
                flood(connection, arguments.flood, command, mtu - len(command))
            if arguments.drain:
                drain(connection, arguments.drain, len(command))


def answer_to(connection, request):
    """What answers this request, or refuses it; what else comes is passed over, notifications too."""
    while True:
        pdu = connection.recv(1024)
        if pdu[0] == request + 1 or pdu[:2] == bytes([ERROR, request]):
            return pdu


def channel(arguments):
    with connect(arguments, psm=arguments.psm) as connection:
        say(mtu=struct.unpack("H", connection.getsockopt(SOL_BLUETOOTH, BT_SNDMTU, 2))[0])
        for text in arguments.messages:
            connection.send(bytes.fromhex(text))
            print(connection.recv(2048).hex(), flush=True)
        if arguments.flood:
            flood(connection, arguments.flood)
        if arguments.drain:
            drain(connection, arguments.drain)


def flood(connection, count, beginning=b"", size=1000):
    begun, sent = time.monotonic(), 0
    room = room_to_send(connection)
    try:
        while sent < count:
            sent += connection.send(beginning + bytes(size)) - len(beginning)
        # What still waits when a socket is closed is dropped.
        while room_to_send(connection) < room:
            time.sleep(0.01)
    except OSError as error:
        say(bytes=sent, error=errno.errorcode.get(error.errno, str(error)))
        sys.exit(1)
    say(bytes=sent, seconds=round(time.monotonic() - begun, 3))


def room_to_send(connection):
    """Of the socket's memory; the kernel answers TIOCOUTQ with what is free (net/bluetooth/af_bluetooth.c)."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]


def drain(connection, count, beginning=0):
    begun, received = time.monotonic(), 0
    while received < count:
        received += max(0, len(connection.recv(2048)) - beginning)
    say(bytes=received, seconds=round(time.monotonic() - begun, 3))


def main():
    parser = argparse.ArgumentParser(
        prog="l2cap.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    each = commands.add_parser("att")
    each.add_argument("address")
    each.add_argument("pdus", nargs="*", metavar="HEX")
    each.add_argument("--handle", type=lambda text: int(text, 0), default=0x1F)
    each.set_defaults(do=attributes)
    each = commands.add_parser("channel")
    each.add_argument("address")
    each.add_argument("messages", nargs="*", metavar="HEX")
    each.add_argument("--psm", type=lambda text: int(text, 0), default=0x80)
    each.add_argument("--mtu", type=int, default=2048, metavar="OCTETS", help="the longest message taken")
    each.set_defaults(do=channel)
    for each in commands.choices.values():
        each.add_argument("--flood", type=int, metavar="N")
        each.add_argument("--drain", type=int, metavar="N")
        each.add_argument("--adapter", default="00:00:00:00:00:00", metavar="ADDRESS", help="the adapter's (any)")
        each.add_argument("--security", choices=LEVELS, default="low")
        each.add_argument("--patience", type=float, default=20, metavar="SECONDS")
    arguments = parser.parse_args()
    try:
        arguments.do(arguments)
    except OSError as error:
        say(error=errno.errorcode.get(error.errno, str(error)))
        sys.exit(1)


if __name__ == "__main__":
    main()
