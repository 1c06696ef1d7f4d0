"""Debian's packages for the guest: which ones, in which versions, and their files."""

import dataclasses
import hashlib
import os
import pathlib
import subprocess
import time

from .places import SCRATCH
from .steps import MachineError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

PACKAGES = """
    systemd udev dbus kmod util-linux coreutils bash dash sed grep mawk findutils procps base-files
    openssh-server iproute2 strace usbutils usbip psmisc
    bluez libbluetooth3 modemmanager
    libstdc++6 libsqlite3-0 libudev1 libsystemd0 python3 busybox-static
""".split()

KERNEL = "linux-image-amd64"
"""From the backports: Debian 12's own 6.1 has a bug that kills bluetoothd when a bonded board lost its keys."""

MAXIMUM_AGE = 24 * 3600
"""Seconds until package lists are fetched again."""


@dataclasses.dataclass(frozen=True)
class Archive:
    """One package file, as the signed package lists name it."""

    address: str
    file: str
    sha256: str

    @property
    def path(self) -> pathlib.Path:
        return SCRATCH / "archives" / self.file


def mirror() -> str:
    """The Debian mirror that this system uses itself."""
    if named := os.environ.get("DEBIAN_MIRROR"):
        return named
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
        capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        address, *names = line.split()
        if names == ["Debian", "Debian"]:
            return address
    raise MachineError("no Debian mirror among this system's package sources; run 'apt-get update', or name one with "
                       "DEBIAN_MIRROR")


class Release:
    """Package lists of Debian 12 and its backports, apart from those of the system, which may be another release.

    Needs no privileges, and installs nothing on this system."""

    def __init__(self) -> None:
        self.folder = SCRATCH / "lists"

    def _apt(self, program: str, *words: str) -> str:
        options = {
            "Dir::Etc::sourcelist": self.folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null", "Dir::Etc::preferences": "/dev/null",
            "Dir::State::lists": self.folder / "lists", "Dir::Cache": self.folder / "cache",
            # An empty one: nothing counts as installed, so what is asked for comes with all that it needs.
            "Dir::State::status": self.folder / "status",
            "APT::Sandbox::User": "", "Acquire::ForceHash": "SHA256", "Debug::NoLocking": "1", "APT::Install-Recommends": "0",
            "APT::Architecture": "amd64", "APT::Architectures": "amd64", "Acquire::Languages": "none",
        }
        command = [program, "-qq"] + [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        done = subprocess.run([*command, *words], capture_output=True, text=True)
        if done.returncode:
            raise MachineError(f"{program} {words[0]}: {done.stderr.strip() or done.stdout.strip()}; "
                               "is the Debian mirror reachable?")
        return done.stdout

    def update(self) -> None:
        """Fetches the package lists unless they are of today."""
        source = (f"deb [signed-by={KEYRING}] {mirror()} bookworm main\n"
                  f"deb [signed-by={KEYRING}] {mirror()} bookworm-backports main\n")
        file, marker = self.folder / "sources.list", self.folder / "fetched"
        is_same = file.exists() and file.read_text() == source
        if is_same and marker.exists() and time.time() - marker.stat().st_mtime < MAXIMUM_AGE:
            return
        for name in ("lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        file.write_text(source)
        self._apt("apt-get", "update")
        marker.touch()

    def resolve(self) -> list[Archive]:
        """The files of all packages and the kernel, sorted by name."""
        found = self._named("install", *PACKAGES)
        # The meta package names the kernel; only its image is wanted, not what would install it.
        depends = self._apt("apt-cache", "depends", f"{KERNEL}/bookworm-backports")
        images = [line.split()[1] for line in depends.splitlines() if "Depends: linux-image-" in line]
        if not images:
            raise MachineError(f"{KERNEL} of the backports names no kernel; is the mirror complete?")
        found += self._named("download", images[0])
        return sorted(found, key=lambda archive: archive.file)

    def _named(self, *words: str) -> list[Archive]:
        archives = []
        for line in self._apt("apt-get", "--print-uris", *words).splitlines():
            address, file, _, digest = (line.split() + [""] * 4)[:4]
            if not digest.startswith("SHA256:"):
                raise MachineError(f"{file or line} has no SHA-256 in the package lists; is the mirror complete?")
            archives.append(Archive(address.strip("'"), file, digest.removeprefix("SHA256:")))
        return archives

    def fetch(self, archives: list[Archive]) -> None:
        """Downloads what is not there yet, and checks every file against the signed lists."""
        missing = [archive for archive in archives if not archive.path.exists()]
        folder = SCRATCH / "archives"
        folder.mkdir(parents=True, exist_ok=True)
        names = [archive.file.split("_")[0] + "=" + archive.file.split("_")[1].replace("%3a", ":") for archive in missing]
        if names:
            done = folder / "partial-download"
            done.mkdir(exist_ok=True)
            here = os.getcwd()
            os.chdir(done)
            try:
                self._apt("apt-get", "download", *names)
            finally:
                os.chdir(here)
            for archive in missing:
                os.replace(done / archive.file, archive.path)
        for archive in archives:
            with open(archive.path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != archive.sha256:
                archive.path.unlink()
                raise MachineError(f"{archive.file} is not what the package lists say; it was deleted, try again")
