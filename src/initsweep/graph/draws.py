"""Torch's global generator, which belongs to the whole process, and code that draws from it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator inside the block, and afterwards put it back.

    For other people's functions, which may seed it themselves. Other threads that come here wait;
    what they draw elsewhere meanwhile is drawn from this seed.

    Yields:
        Nothing.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def private_draws(seed: int) -> Iterator[None]:
    """Let this thread draw as if the global generator had this seed, without touching it.

    For forward passes on the CPU: dropout gives the numbers that it gives after `manual_seed`.

    Yields:
        Nothing.
    """
    # Not `with`, which besides sets flags of the whole process.
    _push_mode(_Redirected(torch.Generator().manual_seed(seed)))
    try:
        yield
    finally:
        _pop_mode()


class _Redirected(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Gives operations that draw on the CPU a generator; modes hold for their own thread only."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator = generator

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
        if _draws_on_the_cpu(func, args, given):
            return func.overloadpacket(*args, **given | {"generator": self._generator})
        return func(*args, **given)


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
