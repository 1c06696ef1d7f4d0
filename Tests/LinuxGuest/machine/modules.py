"""The kernel's modules that the guest needs, with what they depend on."""

import lzma
import pathlib
import shutil
import subprocess

BOOT = "virtio_pci virtio_blk squashfs overlay".split()
"""Those that reach the root."""

WANTED = {
    "machine": "virtio_net virtio_rng 9p 9pnet_virtio autofs4 configfs",
    "usb": "usbip-core vhci-hcd cdc-acm usbserial usbmon",
    "bluetooth": "bluetooth hci_vhci hci_uart uhid",
    # Without the deterministic random generator and SHA-512 the kernel's ECDH self-test fails, and with it LE Secure
    # Connections.
    "crypto": "algif_hash algif_skcipher cmac ccm ecb ctr hmac aes_generic ecdh_generic drbg jitterentropy_rng "
              "sha512_generic sha256_generic crc32c_generic",
}


def _key(name: str) -> str:
    return pathlib.PurePath(name).name.split(".")[0].replace("-", "_")


class ModuleSet:
    """A selection of a kernel package's modules. Names that the kernel has built in are passed over."""

    def __init__(self, kernel: pathlib.Path) -> None:
        """`kernel`: the package's lib/modules/VERSION, with a modules.dep."""
        self.kernel = kernel
        self.depends: dict[str, tuple[str, list[str]]] = {}
        for line in (kernel / "modules.dep").read_text().splitlines():
            path, rest = line.split(":")
            self.depends[_key(path)] = (path, [_key(needed) for needed in rest.split()])

    def closure(self, names: list[str]) -> list[str]:
        """With everything that they need, in an order in which they load."""
        ordered: list[str] = []
        for name in map(_key, names):
            if name not in self.depends:
                continue
            # modules.dep names the first to load last.
            for needed in [*reversed(self.depends[name][1]), name]:
                if needed not in ordered:
                    ordered.append(needed)
        return ordered

    def copy(self, name: str, target: pathlib.Path) -> None:
        """Uncompressed, because the boot image's loader reads nothing else."""
        source = self.kernel / self.depends[name][0]
        target.parent.mkdir(parents=True, exist_ok=True)
        opener = lzma.open if source.suffix == ".xz" else open
        with opener(source, "rb") as compressed, open(target, "wb") as plain:
            shutil.copyfileobj(compressed, plain)

    def install(self, root: pathlib.Path, boot: pathlib.Path) -> int:
        """Puts all wanted modules below `root`/usr/lib/modules and the boot image's into `boot`, named in the order of
        loading. Answers how many."""
        for index, name in enumerate(self.closure(BOOT)):
            self.copy(name, boot / f"{index:02}-{name}.ko")
        every = self.closure(BOOT + " ".join(WANTED.values()).split())
        folder = root / "usr/lib/modules" / self.kernel.name
        for name in every:
            self.copy(name, folder / self.depends[name][0].removesuffix(".xz"))
        for extra in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            shutil.copyfile(self.kernel / extra, folder / extra)
        depmod(root, root, self.kernel.name)
        return len(every)


def depmod(kmod_root: pathlib.Path, base: pathlib.Path, version: str) -> None:
    """Writes the index of the modules below `base`, with the kmod that the guest has."""
    # One program that does what its name says.
    subprocess.run(["depmod", "-b", str(base), version], executable=str(kmod_root / "usr/bin/kmod"), check=True)
