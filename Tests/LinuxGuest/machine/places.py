"""Where everything is. Deleting the scratch folder undoes every build."""

import hashlib
import os
import pathlib
import platform

from .steps import MachineError

FOLDER = pathlib.Path(__file__).resolve().parent.parent
"""Tests/LinuxGuest."""

PROJECT = FOLDER.parent.parent

SCRATCH = pathlib.Path(os.environ.get("FEDBRIDGE_GUEST_DIR") or PROJECT / ".build-guest")
"""What is downloaded, built and running."""

ROOT_FILES = FOLDER / "guest" / "root"
"""Files of our own in the guest's root, at their places."""

INIT = FOLDER / "guest" / "init"
"""What the boot image runs first."""


def require_supported() -> None:
    """The programs under test run in the guest, so it has to be of this machine's kind."""
    if platform.machine() != "x86_64":
        raise MachineError(
            f"the guest exists for x86-64 machines only, this one is {platform.machine()}; "
            "run the other test groups, or this one on an x86-64 machine")


def sources_digest() -> str:
    """Of everything of ours that decides what the image becomes."""
    digest = hashlib.sha256()
    build = [pathlib.Path(__file__).parent / name for name in ("archive.py", "tree.py", "modules.py", "image.py")]
    own = [path for path in ROOT_FILES.rglob("*") if path.is_file() or path.is_symlink()]
    for path in sorted([*build, INIT, *own]):
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"{path.relative_to(FOLDER)} {path.lstat().st_mode & 0o111:o} {len(content)}\n".encode() + content)
    return digest.hexdigest()
