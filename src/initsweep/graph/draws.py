"""Draws from torch's global generator, which belongs to the whole process, are turned aside."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode


@contextmanager
def private_draws(seed: int, *, follow: bool = False) -> Iterator[None]:
    """Let this thread draw as if the global generator had this seed, without touching it.

    Of what is drawn on the CPU; every operation gives the numbers that it gives after
    `torch.manual_seed(seed)`.

    Args:
        seed: The seed.
        follow: Whether to follow code that calls `torch.manual_seed` itself, and to take that
            back in the end. If another thread does, just before a draw, that is followed too.

    Yields:
        Nothing.
    """
    state, mode = torch.get_rng_state(), _Redirected(seed, follow=follow)
    _push_mode(mode)  # not `with`, which besides sets flags of the whole process
    try:
        yield
    finally:
        _pop_mode()
        if mode.followed:
            torch.set_rng_state(state)


class _Redirected(TorchDispatchMode):
    """Gives operations that draw on the CPU a generator; a mode is its thread's own.

    Attributes:
        followed: Whether the global generator was seeded meanwhile, and that was followed.
    """

    def __init__(self, seed: int, *, follow: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator, self._follow = torch.Generator().manual_seed(seed), follow
        self._known, self.followed = torch.default_generator.initial_seed(), False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to be skipped, the compiler would have to be imported

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation returns
        """Return what the operation gives."""
        given = dict(kwargs or {})
        if not _draws_on_the_cpu(func, args, given):
            return func(*args, **given)
        if self._follow:
            self._follow_seed()
        return func.overloadpacket(*args, **given | {"generator": self._generator})

    def _follow_seed(self) -> None:
        seed = torch.default_generator.initial_seed()
        afresh = torch.Generator().manual_seed(seed)
        # Where there were draws since, it was another thread that seeded.
        if seed != self._known and torch.equal(torch.get_rng_state(), afresh.get_state()):
            self._known, self._generator, self.followed = seed, afresh, True


def _draws_on_the_cpu(operation: OpOverload, args: Sequence[Any], given: Mapping[str, Any]) -> bool:
    """Return whether an operation would draw from the global generator."""
    if torch.Tag.nondeterministic_seeded not in operation.tags or given.get("generator"):
        return False
    device = next((one.device for one in args if isinstance(one, Tensor)), given.get("device"))
    return torch.device(device or "cpu").type == "cpu" and _takes_generator(operation)


def _takes_generator(operation: OpOverload) -> bool:
    packet = operation.overloadpacket
    schemas = [getattr(packet, name)._schema for name in packet.overloads()]
    return any(one.name == "generator" for schema in schemas for one in schema.arguments)
