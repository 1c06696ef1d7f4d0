"""The guest's side, against a folder that looks like vhci_hcd's in sysfs. What a kernel does with it, guests show."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ..cables import AttachFailed, Cables
from .support import PATIENCE, asynchronous, served

SCRIPT = Path(__file__).parents[2] / "guest" / "attach.py"


def load(folder: Path) -> ModuleType:
    # As for a program that is run: what lies beside it can be imported.
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("guest_attach", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["guest_attach"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    setattr(module, "VHCI", folder / "vhci_hcd.0")
    return module


class Sysfs:
    """Controllers with a number of ports of each speed, numbered in one row as the kernel does."""

    def __init__(self, folder: Path, controllers: int, ports: int) -> None:
        self.folder = folder
        self.ports = ports
        for controller in range(controllers):
            for half in (0, 1):
                (folder / f"vhci_hcd.{controller}" / f"usb{2 * controller + half + 1}").mkdir(parents=True)
            self.write(controller, {})
        (folder / "vhci_hcd.0" / "usbip_debug").touch()
        (folder / "vhci_hcd.0" / "attach").touch()

    def write(self, controller: int, used: dict[int, int]) -> None:
        first = controller * 2 * self.ports
        lines = ["hub port sta spd dev      sockfd local_busid"]
        for index in range(2 * self.ports):
            kind, device = "hs" if index < self.ports else "ss", used.get(index, 0)
            state = 6 if device else 4
            lines.append(f"{kind}  {first + index:04} {state:03} 000 {device:08x} 000000 0-0")
        name = f"status.{controller}" if controller else "status"
        # Renamed into place: sysfs never shows half a file.
        (self.folder / "new").write_text("\n".join(lines) + "\n")
        (self.folder / "new").rename(self.folder / "vhci_hcd.0" / name)

    @property
    def attached(self) -> list[int]:
        """The kernel's port, device id and speed of the latest attachment."""
        port, _, device, speed = (self.folder / "vhci_hcd.0" / "attach").read_text().split()
        return [int(port), int(device), int(speed)]


@pytest.mark.parametrize(("ports", "wanted", "kernel", "path"), [
    (8, 0, 0, "1-1"), (8, 7, 7, "1-8"), (8, 8, 16, "3-1"), (8, 17, 33, "5-2"),
    (15, 14, 14, "1-15"), (15, 17, 32, "3-3"),
])
@asynchronous
async def test_a_port_is_found_whatever_the_kernel_s_number_of_ports(
    tmp_path: Path, ports: int, wanted: int, kernel: int, path: str
) -> None:
    sysfs, script = Sysfs(tmp_path, 3, ports), load(tmp_path)
    async with served() as (device, server):
        found = await asyncio.to_thread(script.attach, ("127.0.0.1", server.port), "1-1", wanted)
        assert (found["port"], found["kernel_port"], found["path"]) == (wanted, kernel, path)
        assert sysfs.attached == [kernel, 0x10001, 2]
        # No kernel has taken the connection over, so it is gone with the script's descriptor of it.
        await device.until(lambda d: d.attach_count == 1 and not d.is_attached, PATIENCE)


@asynchronous
async def test_the_first_free_port_is_taken_if_none_is_named(tmp_path: Path) -> None:
    sysfs, script = Sysfs(tmp_path, 2, 8), load(tmp_path)
    sysfs.write(0, dict.fromkeys(range(8), 0x10001))
    async with served() as (_, server):
        found = await asyncio.to_thread(script.attach, ("127.0.0.1", server.port), "1-1")
        assert (found["port"], found["kernel_port"]) == (8, 16)


@asynchronous
async def test_a_device_is_not_imported_before_its_port_is_free(tmp_path: Path) -> None:
    sysfs, script = Sysfs(tmp_path, 1, 8), load(tmp_path)
    sysfs.write(0, {3: 0x10007})
    async with served() as (device, server):
        attaching = asyncio.create_task(asyncio.to_thread(script.attach, ("127.0.0.1", server.port), "1-1", 3))
        done, _ = await asyncio.wait([attaching], timeout=0.2)
        assert not done and device.attach_count == 0
        sysfs.write(0, {})
        assert (await attaching)["port"] == 3


@asynchronous
async def test_what_does_not_work_is_said_in_words(tmp_path: Path) -> None:
    Sysfs(tmp_path, 1, 8)
    script = load(tmp_path)
    async with served() as (_, server):
        address = ("127.0.0.1", server.port)
        for bus_id, port, words in (("1-9", 0, "import of 1-9 refused"), ("1-1", 8, "no port 8; there are 0 to 7")):
            with pytest.raises(script.Failure, match=words):
                await asyncio.to_thread(script.attach, address, bus_id, port)
        with pytest.raises(script.Failure, match=r"nobody answers at 127\.0\.0\.1:1: Connection refused"):
            await asyncio.to_thread(script.attach, ("127.0.0.1", 1), "1-1", 0)
        (tmp_path / "vhci_hcd.0").rename(tmp_path / "none")
        with pytest.raises(script.Failure, match="modprobe"):
            await asyncio.to_thread(script.attach, address, "1-1")


@asynchronous
async def test_it_follows_a_hub_until_that_ends_and_reports_failures(tmp_path: Path) -> None:
    sysfs, script = Sysfs(tmp_path, 2, 8), load(tmp_path)
    async with served() as (_, server):
        async with Cables(server.port) as cables:
            following = asyncio.create_task(asyncio.to_thread(script.follow, ("127.0.0.1", cables.port), PATIENCE))
            await cables.guest(PATIENCE)
            assert (await cables.attach("1-1", 9))["path"] == "3-2"
            assert sysfs.attached == [17, 0x10001, 2]
            with pytest.raises(AttachFailed, match="refused"):
                await cables.attach("1-9", 0)
            with pytest.raises(AttachFailed, match="no port 99"):
                await cables.attach("1-1", 99)
        await following
