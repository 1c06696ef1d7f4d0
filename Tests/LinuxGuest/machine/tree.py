"""The guest's root file system, unpacked by hand: no maintainer script runs and nothing needs privileges."""

import pathlib
import shutil
import subprocess

from .archive import Archive
from .places import ROOT_FILES

LEFT_OUT = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/i18n",
            "usr/lib/python3/dist-packages/__pycache__"]

MASKED = """
    getty@tty1 serial-getty@ttyS0 systemd-logind systemd-networkd systemd-resolved systemd-timesyncd
    systemd-hwdb-update systemd-firstboot systemd-random-seed systemd-pstore systemd-boot-system-token
    systemd-update-utmp systemd-update-utmp-runlevel systemd-binfmt
""".split()
"""Services that a machine of one boot has no use for."""

MASKED_MOUNTS = ["dev-hugepages.mount", "proc-sys-fs-binfmt_misc.automount", "sys-fs-fuse-connections.mount"]


def unpack(archives: list[Archive], root: pathlib.Path) -> None:
    """Makes `root` from packages."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        unpack_one(archive, root)
    # As directories they are what packages bring; D-Bus clients look for the bus there.
    for name, target in (("var/run", "/run"), ("var/lock", "/run/lock")):
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).symlink_to(target)
    for name in ("proc", "sys", "dev", "run", "tmp", "root", "srv/project", "srv/control", "srv/share", "srv/programs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)


def unpack_one(archive: Archive, root: pathlib.Path) -> None:
    """Lays the files of a package below `root`."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive.path], stdout=subprocess.PIPE) as source:
        subprocess.run(
            ["tar", "-C", root, "-xp", "--keep-directory-symlink", "--no-same-owner"], stdin=source.stdout, check=True)
    if source.returncode:
        raise subprocess.CalledProcessError(source.returncode, "dpkg-deb")


def set_up(root: pathlib.Path) -> None:
    """What maintainer scripts would have done, as files that stand in guest/root."""
    shutil.copytree(ROOT_FILES, root, symlinks=True, dirs_exist_ok=True)
    for unit in [f"{service}.service" for service in MASKED] + MASKED_MOUNTS:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    (root / "usr/bin/awk").symlink_to("mawk")
    # Newer than everything in /usr, so that no boot spends time on what follows an upgrade.
    for name in ("etc/.updated", "var/.updated"):
        (root / name).touch()
