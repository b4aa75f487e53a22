"""Global generators and settings of the process that nobody may move."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch


def snapshot() -> dict[str, object]:
    """Return the state of every global generator and setting, by what to call it."""
    return {
        "torch's global generator": torch.get_rng_state().numpy().tobytes(),
        "NumPy's global generator": _numpy_state(),
        "Python's `random`": random.getstate(),
        "torch's default dtype": torch.get_default_dtype(),
        "whether torch records gradients": torch.is_grad_enabled(),
        "torch's number of threads": torch.get_num_threads(),
    }


def moved(before: Mapping[str, object]) -> list[str]:
    """Return what has changed since the snapshot."""
    return [name for name, state in snapshot().items() if state != before[name]]


@contextmanager
def global_seeds(seed: int) -> Iterator[None]:
    """Seed every global generator for a while, and put all of them back.

    Yields:
        Nothing.
    """
    python, numpy, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - other people's code may use it
        torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        torch.set_rng_state(torchs)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)


def _numpy_state() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return (kind, bytes(np.asarray(keys).tobytes()), *rest)
