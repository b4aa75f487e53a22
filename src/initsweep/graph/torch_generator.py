"""Draws from torch's global generator, which belongs to the whole process, are turned aside."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor, default_generator
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode


@contextmanager
def private_draws(seed: int | torch.Generator) -> Iterator[None]:
    """Let this thread draw as if the global generator had this seed, without touching it.

    Of what is drawn on the CPU; every operation gives the numbers that it gives after
    `torch.manual_seed(seed)`. Code that seeds, reads or sets the global generator itself sees
    and changes that of this thread.

    Args:
        seed: The seed, or the generator of draws that go on.

    Yields:
        Nothing.
    """
    generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
    listening = sys.getprofile()
    if listening is not None and not isinstance(getattr(listening, "__self__", None), _Private):
        # Somebody's profiler is in the only place from which calls are heard. The numbers are the
        # same then, but threads that draw meanwhile are in each other's way.
        with _exchanged(generator):
            yield
        return
    mode = _Private(generator)
    _push_mode(mode)  # not `with`, which besides sets flags of the whole process
    sys.setprofile(mode.hear)  # of this thread
    try:
        yield
    finally:
        sys.setprofile(listening)
        _pop_mode()


class _Private(TorchDispatchMode):
    """Gives operations that draw on the CPU a generator; a mode is its thread's own."""

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
        given = kwargs or {}
        if not _may_draw(func) or not _is_global(given.get("generator")):
            return func(*args, **given)
        device = next((one.device for one in args if isinstance(one, Tensor)), given.get("device"))
        if torch.device(device or "cpu").type != "cpu":
            return func(*args, **given)
        if not _takes_generator(func):
            sys.setprofile(None)  # it would hear the exchange
            try:
                with _exchanged(self._generator):
                    return func(*args, **given)
            finally:
                sys.setprofile(self.hear)
        return func.overloadpacket(*args, **{**given, "generator": self._generator})

    def hear(self, _frame: FrameType, event: str, called: object) -> None:
        """Stand in for the global generator while this thread's code calls a method of it.

        Its methods are C's, which nobody can replace for one thread only.
        """
        if event[:2] == "c_" and getattr(called, "__self__", None) is default_generator:
            _exchange(self._generator)  # before the call, and back after it


def _is_global(generator: torch.Generator | None) -> bool:
    # What an operation is given is another object of Python's, for the same generator.
    return generator is None or generator._cdata == default_generator._cdata  # type: ignore[attr-defined]


def _exchange(generator: torch.Generator) -> None:
    own, shared = generator.get_state(), default_generator.get_state()
    generator.set_state(shared)
    default_generator.set_state(own)


@contextmanager
def _exchanged(generator: torch.Generator) -> Iterator[None]:
    _exchange(generator)
    try:
        yield
    finally:
        _exchange(generator)


@cache
def _may_draw(operation: OpOverload) -> bool:
    """Return whether an operation can draw, and the draws be turned aside."""
    # `rand_like` and its kin could not be told from where before torch 2.10 or so.
    told = _takes_generator(operation) or operation.overloadpacket.__name__.endswith("_like")
    return told and torch.Tag.nondeterministic_seeded in operation.tags


@cache
def _takes_generator(operation: OpOverload) -> bool:
    packet = operation.overloadpacket
    return any(
        one.name == "generator"
        for name in packet.overloads()
        for one in getattr(packet, name)._schema.arguments
    )
