"""Whether this machine's KVM really runs a guest, and QEMU's command line."""

import os
import pathlib
import subprocess
import time

from .image import Image
from .places import SCRATCH
from .steps import say

PATIENCE = 8
"""Seconds that a boot under KVM may take until its first program; with real hardware support it takes one."""

EMULATION = ["-accel", "tcg,thread=multi", "-cpu", "Haswell-noTSX"]
KVM = ["-accel", "kvm", "-cpu", "host"]


def choose(image: Image) -> list[str]:
    """Software emulation unless `FEDBRIDGE_GUEST_ACCEL` says kvm, or says nothing and a kernel was seen to run.

    That /dev/kvm opens proves nothing: some hosts offer it and then emulate a stock kernel instruction by
    instruction."""
    wanted = os.environ.get("FEDBRIDGE_GUEST_ACCEL", "auto")
    if wanted == "tcg" or (wanted == "auto" and not _probed(image)):
        return EMULATION
    return KVM


def _probed(image: Image) -> bool:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    # Another kernel of the host, or another of the guest, is another question.
    question = f"{os.uname().release} {image.key}"
    answers = SCRATCH / "kvm"
    if answers.exists() and answers.read_text().startswith(question):
        return answers.read_text().endswith("yes\n")
    begun = time.monotonic()
    works = _boots(image, KVM)
    say(f"KVM {'works' if works else 'does not run a kernel here, so the processor is emulated'} "
        f"({time.monotonic() - begun:.1f} s)")
    answers.write_text(f"{question} {'yes' if works else 'no'}\n")
    return works


def _boots(image: Image, accelerator: list[str]) -> bool:
    log = SCRATCH / "probe.log"
    log.unlink(missing_ok=True)
    command = ["qemu-system-x86_64", "-M", "q35", *accelerator, "-m", "256", "-display", "none", "-no-reboot", "-nodefaults",
               "-kernel", str(image.kernel), "-initrd", str(image.boot),
               "-append", "console=ttyS0 quiet panic=-1 fedbridge.probe", "-serial", f"file:{log}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as qemu:
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                if log.exists() and b"fedbridge-probe-ok" in log.read_bytes():
                    return True
                if qemu.poll() is not None:
                    return False
                time.sleep(0.1)
            return False
        finally:
            qemu.kill()


def command_line(image: Image, accelerator: list[str], run: pathlib.Path, shares: dict[str, tuple[pathlib.Path, bool]],
                 programs: pathlib.Path | None, port: int) -> list[str]:
    """QEMU's. `shares`: folder and whether the guest may write, by tag; `programs`: a second disk; `port`: where the
    guest's shell listens on the host's loopback."""
    command = [
        "qemu-system-x86_64", "-name", "fedbridge-guest", "-M", "q35", *accelerator,
        "-smp", "2", "-m", os.environ.get("FEDBRIDGE_GUEST_MEMORY", "1536"),
        "-display", "none", "-nodefaults", "-no-reboot", "-monitor", "none",
        "-kernel", str(image.kernel), "-initrd", str(image.boot),
        "-append", "console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off systemd.show_status=0",
        "-serial", f"file:{run}/serial.log",
        "-drive", f"file={str(image.root).replace(',', ',,')},if=virtio,format=raw,readonly=on",
        "-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:22",
        "-device", "virtio-rng-pci",
    ]
    if programs is not None:
        command += ["-drive", f"file={programs},if=virtio,format=raw,readonly=on"]
    for tag, (folder, may_write) in shares.items():
        path = str(folder).replace(",", ",,")
        command += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap"
                    + ("" if may_write else ",readonly=on")]
    return command
