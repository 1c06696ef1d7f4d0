"""Builds what QEMU boots: kernel, boot image and root. The same packages and sources give the same bits."""

import hashlib
import os
import pathlib
import shutil
import subprocess

from . import modules, tree
from .archive import Archive, Release
from .places import INIT, SCRATCH, require_supported, sources_digest
from .steps import MachineError, say, step

EPOCH = "1700000000"
"""Seconds: the time that every file in the image carries."""


class Image:
    """A built image: `kernel`, `boot.cpio`, `root.squashfs` and the `manifest` that it was built from."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.kernel, self.boot = folder / "kernel", folder / "boot.cpio"
        self.root, self.manifest = folder / "root.squashfs", folder / "manifest"

    @property
    def is_complete(self) -> bool:
        return self.manifest.exists()

    @property
    def key(self) -> str:
        """What the image is named by: the digest of its manifest."""
        return self.folder.name


def built() -> Image:
    """The image built last from the sources as they are, without asking the mirror for newer packages."""
    latest = SCRATCH / "image"
    if latest.is_symlink():
        image = Image(latest.resolve())
        if image.is_complete and image.manifest.read_text().startswith(f"sources {sources_digest()}\n"):
            return image
    return build()


def build(again: bool = False) -> Image:
    """Builds the image, if none of this content is there; `again`: in any case."""
    require_supported()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    release = Release()
    with step("package lists"):
        release.update()
        archives = release.resolve()
    manifest = f"sources {sources_digest()}\n" + "".join(f"{each.sha256} {each.file}\n" for each in archives)
    image = Image(SCRATCH / "images" / hashlib.sha256(manifest.encode()).hexdigest()[:16])
    if image.is_complete and not again:
        say(f"image {image.key} is built already")
    else:
        with step(f"{len(archives)} packages"):
            release.fetch(archives)
        _make(image, archives, manifest)
    _select(image)
    return image


def _make(image: Image, archives: list[Archive], manifest: str) -> None:
    work = image.folder.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    root, boot, kernel = work / "root", work / "boot", work / "package"
    for folder in (root, boot, kernel, boot / "modules"):
        folder.mkdir(parents=True)
    images = [each for each in archives if each.file.startswith("linux-image-")]
    with step("unpacking"):
        tree.unpack([each for each in archives if each not in images], root)
        tree.unpack_one(images[0], kernel)
        tree.set_up(root)
    with step("kernel modules"):
        package = next((kernel / "lib/modules").iterdir())
        if not (package / "modules.dep").exists():
            modules.depmod(root, kernel, package.name)
        modules.ModuleSet(package).install(root, boot / "modules")
        shutil.copyfile(kernel / "boot" / f"vmlinuz-{package.name}", work / "kernel")
    with step("images"):
        _boot_image(root, boot, work / "boot.cpio")
        squash([root], work / "root.squashfs")
    for folder in (root, boot, kernel):
        shutil.rmtree(folder)
    (work / "manifest").write_text(manifest)
    shutil.rmtree(image.folder, ignore_errors=True)
    os.rename(work, image.folder)
    size = sum(path.stat().st_size for path in image.folder.iterdir())
    say(f"image {image.key}: kernel {package.name}, {size >> 20} MB")


def _run(*command: object, **options: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)  # type: ignore
    if done.returncode:
        raise MachineError(f"{command[0]} failed: {done.stderr.strip()[-500:]}; is there room on the disk?")


def _boot_image(root: pathlib.Path, boot: pathlib.Path, result: pathlib.Path) -> None:
    for name in ("bin", "dev", "proc"):
        (boot / name).mkdir()
    shutil.copy(next(path for path in (root / "usr/bin/busybox", root / "bin/busybox") if path.exists()), boot / "bin")
    shutil.copyfile(INIT, boot / "init")
    (boot / "init").chmod(0o755)
    names = sorted(str(path.relative_to(boot)) for path in boot.rglob("*"))
    for path in boot.rglob("*"):
        os.utime(path, (int(EPOCH), int(EPOCH)))
    _run("cpio", "--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet", "-F", result, cwd=boot,
         input="\n".join(names))


def squash(sources: list[pathlib.Path], result: pathlib.Path) -> None:
    """Makes a disk image of a folder's content, or of several files and folders."""
    # Uncompressed: an emulated processor takes longer to unpack than the disk takes to read.
    _run("mksquashfs", *sources, result, "-all-root", "-noappend", "-no-progress", "-no-xattrs", "-no-exports",
         "-noI", "-noD", "-noF", "-noX", "-processors", "1", "-all-time", EPOCH, "-mkfs-time", EPOCH)


def _select(image: Image) -> None:
    """Makes it the current one, and forgets the others."""
    link = SCRATCH / "image.new"
    link.unlink(missing_ok=True)
    link.symlink_to(f"images/{image.key}")
    os.replace(link, SCRATCH / "image")
    for other in (SCRATCH / "images").iterdir():
        if other != image.folder:
            shutil.rmtree(other, ignore_errors=True)
