"""Two virtual Bluetooth controllers on one radio, with Bumble's host above one and a board above the other.

The board is a process of its own and speaks HCI (H4) over TCP. Written against one version of Bumble: see patches.py, and
`Central.hide` for what is passed over.
"""
import asyncio
import contextlib
import pathlib
import socket
import tempfile

from bumble import hci
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.keys import MemoryKeyStore
from bumble.transport import open_transport

from patches import Link, require_version

BOARD_ID = 0xC0FFEE01
BOARD_ADDRESS = "C0:00:C0:FF:EE:01"
# Seconds in which anything happens that is to happen, on a machine that has other things to do as well.
PATIENCE = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Board:
    """A virtual board, its controller and what it prints."""

    def __init__(self, program, data, link, acl_length, options):
        self.program, self.data, self.link, self.options = program, data, link, options
        self.acl_length = acl_length
        self.lines = []
        self.said = asyncio.Event()

    async def __aenter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bumble-")
        port = free_port()
        self.transport = await open_transport(f"tcp-server:127.0.0.1:{port}")
        self.controller = Controller(
            "board", host_source=self.transport.source, host_sink=self.transport.sink, link=self.link,
            public_address="C0:FF:EE:00:00:02")
        self.controller.le_acl_data_packet_length = self.acl_length
        self.controller.total_num_le_acl_data_packets = 8
        self.port = port
        await self.start()
        return self

    async def start(self):
        """Starts the process; its bonds are where they were."""
        self.process = await asyncio.create_subprocess_exec(
            self.program, "--hci", f"127.0.0.1:{self.port}", "--data", self.data, "--id", f"{BOARD_ID:x}",
            "--state", str(pathlib.Path(self.folder.name) / "flash"),
            *(option.replace("{folder}", self.folder.name) for option in self.options),
            # An emulated board displays what it has to on standard error.
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        self.reader = asyncio.create_task(self.read(self.process.stdout))

    async def read(self, stream):
        while line := await stream.readline():
            self.lines.append(line.decode().rstrip())
            self.said.set()

    async def line(self, beginning):
        """The next line that begins like this, without its beginning; those before it are dropped."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self.lines:
                    line = self.lines.pop(0)
                    if line.startswith(beginning):
                        return line.removeprefix(beginning).strip()
                self.said.clear()
                await self.said.wait()

    @property
    def notices_pulled_cables(self):
        """A virtual board sees the hang-up of its terminal. An emulated one has a UART, which cannot tell."""
        return self.program.name != "qemu-board"

    @property
    def is_alive(self):
        return self.process.returncode is None

    async def stop(self):
        if self.is_alive:
            self.process.terminate()
        await self.process.wait()
        await self.reader
        # A controller loses power with its board. This one would go on advertising for a board that is not there yet, and
        # take what follows for the rest of a packet that was cut.
        self.controller.on_packet(bytes(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=0)))
        self.transport.source.parser.reset()

    async def __aexit__(self, *_):
        await self.stop()
        await self.transport.close()
        self.folder.cleanup()


class Central:
    """Bumble's host as a gateway's, with raw access to the three fixed channels."""

    def __init__(self, link):
        controller = Controller("central", link=link, public_address="C0:FF:EE:00:00:01")
        controller.le_acl_data_packet_length = 251
        controller.total_num_le_acl_data_packets = 16
        self.device = Device(
            config=DeviceConfiguration(
                name="gateway", address=Address("F0:F1:F2:F3:F4:F5"), irk=bytes(range(1, 17))),
            host=Host(controller, controller))
        self.device.keystore = MemoryKeyStore()

    async def found(self, address=BOARD_ADDRESS):
        """Waits until the board advertises; its advertisement and scan response."""
        advertisements = asyncio.Queue()

        def seen(advertisement):
            if str(advertisement.address).startswith(address):
                advertisements.put_nowait(advertisement)

        self.device.on("advertisement", seen)
        await self.device.start_scanning(active=True, filter_duplicates=False)
        try:
            async with asyncio.timeout(PATIENCE):
                return await advertisements.get()
        finally:
            self.device.remove_listener("advertisement", seen)
            await self.device.stop_scanning()

    async def hide(self):
        """Connects from another private address from now on.

        Device.update_rpa tells its controller the address before.
        """
        address = Address.generate_private_address(self.device.irk)
        await self.device.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=address))
        self.device.random_address = address

    @contextlib.asynccontextmanager
    async def connected(self, address=BOARD_ADDRESS):
        await self.found(address)
        connection = await self.device.connect(Address(address), timeout=PATIENCE)
        gone = asyncio.Event()
        connection.on("disconnection", lambda *_: gone.set())
        try:
            yield connection
        finally:
            if not gone.is_set():
                await connection.disconnect()
                async with asyncio.timeout(PATIENCE):
                    await gone.wait()

    @contextlib.contextmanager
    def raw(self, cid):
        """What comes in on a channel, instead of to what Bumble has there."""
        manager = self.device.l2cap_channel_manager
        received, before = Received(), manager.on_pdu

        def on_pdu(connection, channel, pdu):
            if channel == cid:
                received.queue.put_nowait(bytes(pdu))
            else:
                before(connection, channel, pdu)

        manager.on_pdu = on_pdu
        try:
            yield received
        finally:
            manager.on_pdu = before


class Received:
    """PDUs in the order in which they came."""

    def __init__(self):
        self.queue = asyncio.Queue()

    async def next(self):
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


async def make_radio():
    require_version()
    link = Link()
    central = Central(link)
    await central.device.power_on()
    return link, central


async def lose_link(central, board):
    """Both ends hear nothing any more: a supervision timeout, and nothing said on the air."""
    for controller in (central.device.host.hci_sink, board.controller):
        for connection in list(controller.le_connections.values()):
            controller.on_le_disconnected(connection, hci.HCI_CONNECTION_TIMEOUT_ERROR)
