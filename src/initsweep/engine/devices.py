"""Where trainings run, and the settings that keep their bits the same."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from initsweep.core.errors import ParamsError

MATMUL_SETTING = ("MKL_CBWR", "AVX2")
"""Environment variable and value that make MKL's batched matrix products independent of where a
matrix lies in memory. Without it a lane's last bits depend on its slot, for odd shapes."""


def pin_matmul() -> None:
    """Ask MKL for reproducible matrix products, unless the user has chosen a mode already.

    MKL reads the variable at its first product, so call this before any tensor is multiplied.
    It costs nothing measurable, and also makes results the same
    for any number of lanes in a stack.
    """
    os.environ.setdefault(*MATMUL_SETTING)


def keep_freed_memory() -> None:
    """Ask the C library not to hand freed memory back to the system between steps.

    Autograd frees and allocates megabytes at every layer, and fresh pages cost 15 % of a step of a
    convolutional network. Only glibc is asked; the setting stays, as it does not tell the old one.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    for setting, value in _GLIBC_MEMORY.items():
        mallopt(setting, value)


_GLIBC_MEMORY = {
    -3: 32 * 1024 * 1024,  # M_MMAP_THRESHOLD, at its largest
    -1: 512 * 1024 * 1024,  # M_TRIM_THRESHOLD
    -2: 64 * 1024 * 1024,  # M_TOP_PAD
}


def resolve_device(name: str) -> torch.device:
    """Return the device called "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:N".

    Raises:
        ParamsError: If CUDA is asked for and that device is not there.
    """
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not available):
        return torch.device("cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= available:
        found = f"it finds {available}" if available else "it finds none"
        raise ParamsError(
            f"runtime.device: received '{name}', but torch cannot use that CUDA device ({found}). "
            "Use `cpu` or `auto`, or install a CUDA build of torch and its driver."
        )
    return torch.device("cuda", index)


@contextmanager
def numerics(device: torch.device, threads: int) -> Iterator[None]:
    """Use full float32 and this many threads per operation inside the block.

    Yields:
        Nothing.
    """
    before = torch.get_num_threads()
    if device.type == "cuda":
        # Convolutions use TF32 unless told otherwise; matrix products do not.
        torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
