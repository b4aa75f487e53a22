"""One pass over a network in which every weight is divided by the spread of what it gives."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional

from initsweep.core.errors import InitsweepError
from initsweep.graph.kinds import is_a, weight_name
from initsweep.graph.vocabulary import RECURRENT, WEIGHTED
from initsweep.initializers.laws.fans import compute_fans

# Below this share of the largest output a spread is rounding noise of a constant.
_NOISE = 1e-6

# The output of a tied weight's place grows as a power between 1 and 2 of the weight's scale (2
# where the weight's other place feeds it unnormalized). This step leaves a third of the error of
# either per pass.
_STEP = 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What to do in a pass, and what was done.

    Attributes:
        frozen: Addresses of the storage of weights that stay as they are.
        ties: Modules whose weight has its scale from another place; see `ties_of`.
        scaled: Addresses of weights that have their scale.
        reached: Paths at which a weight was rescaled.
        still: Paths at which one was not, because the output does not vary.
        changes: By how much tied weights were off, as |log| of the spread.
    """

    frozen: set[int]
    ties: Mapping[str, frozenset[str]]
    scaled: set[int] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    still: list[str] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    @property
    def change(self) -> float:
        """The largest change of a tied weight, 0 for none."""
        return max(self.changes, default=0.0)

    def factor(self, path: str, weight: Tensor, signal: Tensor) -> float:
        """Rescale a weight in place by what it gives.

        Returns:
            The factor: 1 where the weight keeps its scale, or the signal does not vary.

        Raises:
            InitsweepError: If the signal is not finite.
        """
        frozen = weight.untyped_storage().data_ptr() in self.frozen
        if frozen or path in self.ties or weight.data_ptr() in self.scaled:
            return 1.0
        self.scaled.add(weight.data_ptr())
        values = signal.double()
        spread, largest = float(values.std(correction=0)), float(values.abs().max())
        if not math.isfinite(largest):
            raise InitsweepError(
                f"The output of '{path}' is not finite on the examples, so there is no scale to "
                "divide by. Look for a mask without gaps, a division by zero, or examples far out "
                "of range."
            )
        if not spread > _NOISE * largest:
            self.still.append(path)
            return 1.0
        self.reached.add(path)
        tied = any(path in places for places in self.ties.values())
        if tied:
            self.changes.append(abs(math.log(spread)))
        factor = spread ** -(_STEP if tied else 1)
        weight.mul_(factor)
        return factor


def ties_of(model: nn.Module) -> dict[str, frozenset[str]]:
    """Return the modules whose weight gets its scale at another module, and at which.

    That is the one that sums the most terms, as for all schemes (`slots_of`). Modules that sum as
    many are scaled at the one that is called first, and are not listed.
    """
    sharing: dict[int, dict[str, float]] = {}
    for path, module in model.named_modules():
        if is_a(module, WEIGHTED) and not isinstance(module, (nn.MultiheadAttention, *RECURRENT)):
            fans = sharing.setdefault(id(getattr(module, weight_name(module))), {})
            fans[path] = compute_fans(module, path, weight_name(module)).fan_in
    return {
        path: frozenset(one for one, other in fans.items() if other == max(fans.values()))
        for fans in sharing.values()
        for path, fan_in in fans.items()
        if fan_in < max(fans.values())
    }


@contextmanager
def hooked(model: nn.Module, done: Pass) -> Iterator[None]:
    """Let the network's next run be the pass.

    Yields:
        Nothing.
    """
    handles = []
    for path, module in model.named_modules():
        if is_a(module, WEIGHTED) and not isinstance(module, RECURRENT):
            handles.append(module.register_forward_hook(_rescaler(path, done)))
        if isinstance(module, nn.MultiheadAttention):
            before = _projection_rescaler(path, done)
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rescaler(path: str, done: Pass) -> Callable[..., Any]:
    """Return a forward hook that rescales a layer's weight and its output alike."""

    def rescale(module: nn.Module, _: tuple[Tensor, ...], output: Any) -> Any:  # noqa: ANN401
        attention = isinstance(module, nn.MultiheadAttention)
        layer: Any = module.out_proj if attention else module
        signal: Tensor = output[0] if attention else output
        if not isinstance(signal, Tensor):  # a layer's weight, but not what the layer gives
            return output
        factor = done.factor(path, getattr(layer, weight_name(layer)), signal)
        if factor == 1.0:
            return output
        bias: Tensor | None = getattr(layer, "bias", None)
        offset = 0.0 if bias is None else _beside(bias, layer, signal)
        signal = (signal - offset) * factor + offset
        return (signal, *output[1:]) if attention else signal

    return rescale


def _projection_rescaler(
    path: str, done: Pass
) -> Callable[[nn.MultiheadAttention, tuple[Tensor, ...], dict[str, Tensor]], None]:
    """Return a hook that rescales the projections before attention uses them."""

    def rescale(
        module: nn.MultiheadAttention, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]
    ) -> None:
        given = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
        packed = module.in_proj_weight
        for index, (letter, name) in enumerate(zip("qkv", ("query", "key", "value"), strict=True)):
            weight = (
                getattr(module, f"{letter}_proj_weight")
                if packed is None
                else packed.chunk(3)[index]
            )
            signal = functional.linear(given[name], weight)
            done.factor(f"{path}.{letter}_proj", weight, signal)

    return rescale


def _beside(bias: Tensor, layer: nn.Module, signal: Tensor) -> Tensor:
    """Return the bias in a shape that adds to the signal."""
    if is_a(layer, (nn.Linear, nn.Bilinear)):
        return bias
    batched = signal.ndim == cast(Tensor, getattr(layer, weight_name(layer))).ndim
    return bias.reshape(-1, *[1] * (signal.ndim - 1 - batched))
