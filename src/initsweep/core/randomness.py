"""Named random streams: every random draw has an address, and nothing else moves it.

A stream is addressed by words and numbers such as `("weights", seed, "hidden.0.weight")`. Its
seed is a hash of that address, so a draw never depends on the order in which modules are
visited, on the device, or on which other networks are trained beside it.

Torch is imported by those who draw with it: that takes a second, and some stages do not.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(*address: str | int) -> int:
    """Return the 63-bit seed of the stream at `address`.

    Each part is length-prefixed, so that ("ab", "c") and ("a", "bc") are different streams.
    """
    digest = hashlib.sha256()
    for part in address:
        encoded = f"{type(part).__name__}:{part}".encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def torch_stream(*address: str | int) -> torch.Generator:
    """Return a CPU torch generator at the start of the stream at `address`."""
    import torch

    return torch.Generator(device="cpu").manual_seed(stream_seed(*address))


def numpy_stream(*address: str | int) -> np.random.Generator:
    """Return a NumPy generator at the start of the stream at `address`."""
    return np.random.default_rng(stream_seed(*address))


def batch_order(seed: int, epoch: int, n_examples: int) -> torch.Tensor:
    """Return the order in which a run visits the training examples in one epoch.

    The order depends on seed and epoch only, so every scheme and every learning rate sees the
    same mini-batches for the same seed: differences between runs of one seed are paired.

    Returns:
        A permutation of `range(n_examples)`, shape (n_examples,), int64.
    """
    import torch

    return torch.randperm(n_examples, generator=torch_stream("batches", seed, epoch))
