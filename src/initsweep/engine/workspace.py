"""Memory that stays from step to step. Asking the system for it anew costs more than small sums."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor


class Workspace:
    """Tensors of one dtype on one device: some held for good, some handed around."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._dtype, self._device = dtype, device
        self._held: dict[tuple[int, str, tuple[int, ...]], Tensor] = {}
        self._free: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        self._ours: dict[int, Tensor] = {}

    def held(self, owner: object, shape: Sequence[int], purpose: str = "") -> Tensor:
        """Return the tensor that belongs to this owner, purpose and shape; content is kept."""
        key = (id(owner), purpose, tuple(shape))
        if key not in self._held:
            self._held[key] = self._new(key[2])
        return self._held[key]

    def take(self, shape: Sequence[int]) -> Tensor:
        """Return a tensor of any content that nobody else has until it is given back."""
        free = self._free[tuple(shape)]
        if free:
            return free.pop()
        fresh = self._new(tuple(shape))
        self._ours[fresh.data_ptr()] = fresh
        return fresh

    def give(self, tensor: Tensor) -> None:
        """Take back a tensor or a view of it; one that did not come from `take` is left alone."""
        original = self._ours.get(tensor.data_ptr())
        if original is not None:
            self._free[tuple(original.shape)].append(original)

    def _new(self, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=self._dtype, device=self._device)
