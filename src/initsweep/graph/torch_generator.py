"""Draws from torch's global generator, which belongs to the whole process, are turned aside."""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor, default_generator
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

_EXCHANGING = threading.RLock()
"""Held while a thread's own draws are in the place of the global generator."""


@dataclass
class Done:
    """What code in a block of `private_draws` has done.

    Attributes:
        operations: All that were called on the way to numbers.
        drawn: What those that drew were given: the shape of each tensor, and whether it lies in
            memory in the usual order.
        handled: Whether a method of the global generator was called, as to seed it.
    """

    operations: set[OpOverload] = field(default_factory=set)
    drawn: set[tuple[torch.Size, bool]] = field(default_factory=set)
    handled: bool = False


@contextmanager
def private_draws(seed: int | torch.Generator) -> Iterator[Done]:
    """Let this thread draw as if the global generator had this seed, without touching it.

    Of what is drawn on the CPU; every operation gives the numbers that it gives after
    `torch.manual_seed(seed)`. Code that seeds, reads or sets the global generator itself sees
    and changes that of this thread.

    Args:
        seed: The seed, or the generator of draws that go on.

    Yields:
        What the code has done so far, as far as it is heard.
    """
    generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
    mode = _Private([generator])
    listening = sys.getprofile()
    if listening is not None and not isinstance(getattr(listening, "__self__", None), _Private):
        # Somebody's profiler is in the only place from which calls are heard. The numbers are the
        # same then, but threads that draw meanwhile are in each other's way.
        with _exchanged(generator):
            yield mode.done
        return
    with _pushed(mode):
        sys.setprofile(mode.hear)  # of this thread
        try:
            yield mode.done
        finally:
            sys.setprofile(listening)


@contextmanager
def draws_by_lane(generators: Sequence[torch.Generator]) -> Iterator[None]:
    """Let this thread draw for each lane what that would draw alone, from its own generator.

    For code that calls no method of the global generator, and, if there are several lanes, is
    mapped over them by `torch.func.vmap` with `randomness="different"`.

    Args:
        generators: Those of draws that go on.

    Yields:
        Nothing.
    """
    with _pushed(_Private(generators)):
        yield


@contextmanager
def _pushed(mode: "_Private") -> Iterator[None]:
    _push_mode(mode)  # not `with`, which besides sets flags of the whole process
    try:
        yield
    finally:
        _pop_mode()


class _Private(TorchDispatchMode):
    """Gives operations that draw on the CPU a generator; a mode is its thread's own."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generators, self.done = generators, Done()

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
        self.done.operations.add(func)
        if not _may_draw(func) or not _is_global(given.get("generator")):
            return func(*args, **given)
        tensors = [one for one in args if isinstance(one, Tensor)] or [torch.empty(0)]
        self.done.drawn.update((one.shape, one.is_contiguous()) for one in tensors)
        device = next((one.device for one in args if isinstance(one, Tensor)), given.get("device"))
        if torch.device(device or "cpu").type != "cpu":
            return func(*args, **given)
        lanes = len(self._generators)
        if lanes == 1:
            return self._drawn(func, args, given, self._generators[0])
        parts = [
            self._drawn(func, part, given, generator)
            for part, generator in zip(_parts(args, lanes), self._generators, strict=True)
        ]
        return args[0] if func._schema.is_mutable else torch.stack(parts)

    def _drawn(
        self,
        func: OpOverload,
        args: Sequence[Any],
        given: Mapping[str, Any],
        generator: torch.Generator,
    ) -> Any:  # noqa: ANN401 - whatever the operation returns
        if _takes_generator(func):
            return func.overloadpacket(*args, **{**given, "generator": generator})
        heard = sys.getprofile()
        sys.setprofile(None)  # it would hear the exchange
        try:
            with _EXCHANGING, _exchanged(generator):
                return func(*args, **given)
        finally:
            sys.setprofile(heard)

    def hear(self, _frame: FrameType, event: str, called: object) -> None:
        """Stand in for the global generator while this thread's code calls a method of it.

        Its methods are C's, which nobody can replace for one thread only.
        """
        if event[:2] == "c_" and getattr(called, "__self__", None) is default_generator:
            self.done.handled = True
            if event == "c_call":
                _EXCHANGING.acquire()
            _exchange(self._generators[0])  # before the call, and back after it
            if event != "c_call":
                _EXCHANGING.release()


def _parts(args: Sequence[Any], lanes: int) -> list[list[Any]]:
    """Return what an operation's arguments are to each lane: its part of tensors and shapes.

    Raises:
        RuntimeError: If these do not begin with the lanes.
    """
    shapes = [list(getattr(one, "shape", one)) for one in args if isinstance(one, Tensor | list)]
    if {tuple(shape[:1]) for shape in shapes} != {(lanes,)}:
        raise RuntimeError("it draws in a way that cannot be told apart by lane")

    def part(one: Any, lane: int) -> Any:  # noqa: ANN401 - of any operation
        return one[lane] if isinstance(one, Tensor) else one[1:] if isinstance(one, list) else one

    return [[part(one, lane) for one in args] for lane in range(lanes)]


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
