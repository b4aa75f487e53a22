"""Finds the compiled kernels that fit this processor, or says why there are none."""

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

from initsweep.core.errors import KernelsError, StaleKernelsError
from initsweep.engine.kernels.program import OperationRecord, SettingsRecord
from initsweep.engine.kernels.source_hash import sources_sha

BUILDS = {
    "AVX512": ("avx512", "avx2", "portable"),
    "AVX2": ("avx2", "portable"),
}
"""What torch says of the processor, to the builds that run on it, the fastest first."""

FOLDER = Path(__file__).parent


@cache
def load_library() -> tuple[str, ctypes.CDLL]:
    """Return the name of the build in use, and its functions.

    Raises:
        KernelsError: If none was built when the package was installed, or none can be loaded.
        StaleKernelsError: If the sources have changed since.
    """
    problems: dict[str, None] = {}  # each once, in the order met
    for build in BUILDS.get(torch.backends.cpu.get_cpu_capability(), ("portable",)):
        for suffix in EXTENSION_SUFFIXES:
            file = FOLDER / f"_{build}{suffix}"
            if not file.exists():
                continue
            try:
                return build, _declared(ctypes.CDLL(str(file)))
            except (OSError, AttributeError) as error:
                problems[str(error)] = None
    raise KernelsError(
        "; ".join(problems)
        or "the kernels were not built when initsweep was installed (that takes g++)"
    )


def describe_engines() -> str:
    """Return a line for each value of `runtime.engine`, telling whether the kernels are there."""
    try:
        compiled = f"one network per core in C++, here the build for {load_library()[0]}"
    except KernelsError as error:
        compiled = f"not here: {error}"
    rows = {
        "auto": "the first of these that covers the network, on this machine",
        "compiled": compiled,
        "torch": "many networks side by side in PyTorch, on the CPU or on CUDA",
        "reference": "one network at a time in an ordinary loop, for any network",
    }
    return "\n".join(f"{name:22} {summary}" for name, summary in rows.items())


def registers_peak(rounds: int) -> float:
    """Return the operations of `rounds` rounds of multiply-adds in registers, made meanwhile."""
    _, library = load_library()
    return float(library.registers_multiply_add(rounds))


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """Return the library with the types of its functions declared.

    Raises:
        StaleKernelsError: If it was built from other sources than those beside it.
    """
    library.kernels_sources.restype = ctypes.c_char_p
    if library.kernels_sources() != sources_sha().encode():
        raise StaleKernelsError(
            "The compiled kernels were built from other sources than those here (after a pull?). "
            "Build them again with `make .venv/installed` or `pip install --editable .`, "
            "or set `runtime.engine: torch` to train without them."
        )
    pointer, whole, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
    signatures = {
        "trainer_new": ([ctypes.POINTER(SettingsRecord), ctypes.POINTER(OperationRecord)], pointer),
        "trainer_free": ([pointer], None),
        "trainer_restart": ([pointer], None),
        "trainer_copy": ([pointer, whole, whole, pointer, whole], whole),
        "trainer_memory": ([pointer], size),
        "trainer_remember": ([pointer, ctypes.POINTER(size), pointer, whole], None),
        "trainer_train": (
            [pointer, pointer, pointer, pointer, whole, pointer, ctypes.c_double, pointer],
            whole,
        ),
        "trainer_predict": ([pointer, pointer, size, pointer], None),
        "losses_recorded": (
            [whole, pointer, size, size, size, pointer, size, pointer, pointer],
            whole,
        ),
        "registers_multiply_add": ([size], ctypes.c_double),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library
