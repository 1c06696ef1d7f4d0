#!/usr/bin/env python3
"""A Bluetooth LE central of this kernel below BlueZ: attribute requests octet by octet, and credit-based channels.

  l2cap.py att ADDRESS HEX …            send requests on the attribute channel; prints what is answered, in hexadecimal
  l2cap.py channel ADDRESS [HEX …]      open a channel; prints {"mtu": the board's}, then what is answered to each of these
  l2cap.py channel ADDRESS --flood N    open one and send so many octets in messages of 1000; prints {"bytes", "seconds"}

Addresses are random ones. An error is a last line {"error": "ECONNREFUSED"}, with "bytes" if some had gone, and exit
status 1.
"""

import argparse
import ctypes
import errno
import json
import os
import socket
import struct
import sys
import time

SOL_BLUETOOTH, BT_SECURITY, BT_SNDMTU, BT_RCVMTU = 274, 4, 12, 13
LEVELS = {"low": 1, "medium": 2, "high": 3}
PUBLIC, RANDOM = 1, 2
ATTRIBUTES = 4
#: A command asks for no answer.
COMMAND = 0x40


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
        connection.setsockopt(SOL_BLUETOOTH, BT_RCVMTU, struct.pack("H", 2048))
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


def channel(arguments):
    with connect(arguments, psm=arguments.psm) as connection:
        say(mtu=struct.unpack("H", connection.getsockopt(SOL_BLUETOOTH, BT_SNDMTU, 2))[0])
        for text in arguments.messages:
            connection.send(bytes.fromhex(text))
            print(connection.recv(2048).hex(), flush=True)
        if arguments.flood:
            flood(connection, arguments.flood)


def flood(connection, count):
    begun, sent = time.monotonic(), 0
    try:
        while sent < count:
            sent += connection.send(bytes(1000))
    except OSError as error:
        say(bytes=sent, error=errno.errorcode.get(error.errno, str(error)))
        sys.exit(1)
    say(bytes=sent, seconds=round(time.monotonic() - begun, 3))


def main():
    parser = argparse.ArgumentParser(
        prog="l2cap.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    each = commands.add_parser("att")
    each.add_argument("address")
    each.add_argument("pdus", nargs="+", metavar="HEX")
    each.set_defaults(do=attributes)
    each = commands.add_parser("channel")
    each.add_argument("address")
    each.add_argument("messages", nargs="*", metavar="HEX")
    each.add_argument("--psm", type=lambda text: int(text, 0), default=0x80)
    each.add_argument("--flood", type=int, metavar="N")
    each.set_defaults(do=channel)
    for each in commands.choices.values():
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
