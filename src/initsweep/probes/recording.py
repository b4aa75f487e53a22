"""Notes what the weight layers of a network compute while it runs, and what follows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from initsweep.probes.attention import ATTENDS, decided, open_attentions
from initsweep.probes.trunk import SUMS, Node, Sum, noted_sum, varies

Pointwise = Callable[[Tensor], Tensor]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
WEIGHT_LAYERS = (nn.Linear, *CONVOLUTIONS)
NORMS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip

# Functions and methods of tensors that are activations; in-place ones end on "_".
FUNCTIONS = frozenset({
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "logsigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "sin", "square",
})  # fmt: skip


PRODUCTS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), ("input", "weight", "bias")),
    "addmm": ("bias", "input", "weight"),
}
"""Functions that multiply by a weight, with their arguments; the weight of `addmm` lies the other
way round, as (in, out)."""
NORMALIZATIONS = frozenset({
    "batch_norm", "layer_norm", "group_norm", "rms_norm", "instance_norm",
})  # fmt: skip
FOLLOWERS = FUNCTIONS | NORMALIZATIONS
SEEN = 1024  # numbers by which a function is recognised as pointwise


@dataclass(slots=True, eq=False)
class Use:
    """One call of a weight layer while the pass is running."""

    name: str
    module: nn.Module
    weight: Tensor
    bias: Tensor | None
    inputs: Tensor
    signal: Tensor  # the very tensor object, to recognise who consumes it
    pre_activations: Tensor  # a copy: an in-place activation overwrites the signal
    node: Node | None = None  # where it stands in torch's graph of the pass
    gradient: list[Tensor] = field(default_factory=list)
    # What may be its activation, modules first, the last of them at the top; with what it gave.
    consumers: list[tuple[Pointwise, Tensor]] = field(default_factory=list)
    normalized: bool = False
    transposed: bool = False  # whether the weight is kept as (in, out)

    def follow(self, signal: Tensor) -> None:
        """Take `signal` as the pre-activation from here on."""
        self.signal, self.node = signal, signal.grad_fn
        self.pre_activations = signal.detach().clone()
        self.gradient = []
        if signal.requires_grad:
            # A hook and not retain_grad, whose gradient moves on when the signal changes in place.
            signal.register_hook(self.gradient.append)  # type: ignore[no-untyped-call]

    def normalize(self, signal: Tensor) -> None:
        """Take `signal`, which a normalization gave, as the pre-activation."""
        self.normalized = True
        self.follow(signal)


@dataclass(slots=True, eq=False)
class _Call:
    """A weight layer that is running, and the product with its weight once that is seen."""

    name: str
    module: nn.Module
    use: Use | None = None


@dataclass(slots=True, eq=False)
class Noted:
    """What is noted while a network runs on a batch.

    Attributes:
        examples: How many examples the batch has.
        uses: Calls of weight layers.
        sums: Additions of two signals.
        sources: Where data enter torch's graph of the pass.
        norms: Results of normalizations that follow no weight layer.
        decided: For each call of an attention, the number of uses before it, and the share of
            queries that attend to a single key.
    """

    examples: int
    uses: list[Use] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    sources: set[Node] = field(default_factory=set)
    norms: list[Node] = field(default_factory=list)
    decided: list[tuple[int, float]] = field(default_factory=list)


@contextmanager
def recorded(model: nn.Module, noted: Noted) -> Iterator[None]:
    """Note the uses of weight layers, and what else `Noted` holds, while a twin runs.

    Yields:
        Nothing.
    """
    watch = _Watch(noted)
    for name, module in model.named_modules():
        if _may_multiply(module):
            module.register_forward_pre_hook(watch.entering(name))
            module.register_forward_hook(watch.left, with_kwargs=True)
        elif not any(module.children()) and not isinstance(module, torch.jit.ScriptModule):
            module.register_forward_hook(watch.passed)
    names = {module: name for name, module in model.named_modules()}

    def projection(
        part: str, module: nn.Module, weight: Tensor, bias: Tensor | None, x: Tensor, out: Tensor
    ) -> None:
        use = record_use(f"{names[module]}.{part}".lstrip("."), module, weight, bias, x, out)
        noted.uses.extend([use] if use else [])

    open_attentions(model, projection)
    with watch:
        yield


class _Watch(TorchFunctionMode):
    """Sees products with weights inside the layers, what follows them, and signals that meet.

    The product itself and not the call of its layer shows what is multiplied: a layer may pad or
    scale its input, or standardize its weight.
    """

    def __init__(self, noted: Noted) -> None:
        super().__init__()
        self._noted, self._uses = noted, noted.uses
        self._calls: list[_Call] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Return what `func` returns, having noted which layer it is of or follows."""
        settings = kwargs or {}
        result = func(*args, **settings)
        name = getattr(func, "__name__", "").rstrip("_")
        if name in PRODUCTS and self._calls and self._calls[-1].use is None:
            given = dict(zip(PRODUCTS[name], args, strict=False)) | settings
            self._multiplied(self._calls[-1], given, result, transposed=name == "addmm")
        elif name in FOLLOWERS and args and isinstance(result, Tensor):
            followed = [use for use in self._uses if args[0] is use.signal]
            for use in followed:
                if name in NORMALIZATIONS:
                    use.normalize(result)
                else:
                    follower = partial(_applied, func, args[1:], settings)
                    use.consumers.append((follower, seen(result)))
            if name in NORMALIZATIONS and not followed and result.grad_fn:
                self._noted.norms.append(result.grad_fn)
        elif isinstance(result, Tensor):
            self._meet(name, args, settings, result)
        return result

    def _meet(
        self, name: str, args: tuple[Any, ...], settings: dict[str, Any], result: Tensor
    ) -> None:
        """Note sums of signals, attentions, and lookups of data."""
        noted, place = self._noted, len(self._uses)
        if name in SUMS:
            found = noted_sum(args, result, after=place)
            noted.sums.extend([found] if found else [])
        elif name in ATTENDS:
            share = decided(name, args, settings, result)
            noted.decided.extend([] if share is None else [(place, share)])
        elif name == "embedding" and varies(args[0], noted.examples) and result.grad_fn:
            noted.sources.add(result.grad_fn)

    def entering(self, name: str) -> Callable[[nn.Module, object], None]:
        """Return a hook that notes that a weight layer starts."""
        return lambda module, _: self._calls.append(_Call(name, module))

    def left(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object
    ) -> None:
        """Note what a weight layer gave; a hook."""
        call = self._calls.pop()
        while call.module is not module:  # it has raised, and the network has gone on
            call = self._calls.pop()
        if call.use is not None:
            if isinstance(output, Tensor) and _changed(call.use.signal, output):
                call.use.follow(output)
            return
        if not isinstance(module, WEIGHT_LAYERS):
            return
        given = next((one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)), None)
        own = {name: getattr(module, name, None) for name in ("weight", "bias")}
        self._multiplied(call, {"input": given, **own}, output)

    def passed(self, module: nn.Module, args: tuple[Any, ...], output: object) -> None:
        """Note which layers a module of another kind follows; a hook."""
        for use in self._uses:
            if not args or args[0] is not use.signal or not isinstance(output, Tensor):
                continue
            if isinstance(module, NORMS):
                use.normalize(output)
            elif output.shape == args[0].shape:
                use.consumers.insert(0, (module, seen(output)))

    def _multiplied(
        self, call: _Call, given: dict[str, Any], output: object, *, transposed: bool = False
    ) -> None:
        x, weight, bias = given["input"], given["weight"], given.get("bias")
        turned = weight.mT if transposed and isinstance(weight, Tensor) else weight
        if isinstance(output, Tensor) and _fit(x, turned, output):
            call.use = record_use(call.name, call.module, weight, bias, x, output)
            if call.use:
                call.use.transposed = transposed
                self._uses.append(call.use)


def _may_multiply(module: nn.Module) -> bool:
    """Return whether a module can be a weight layer: torch's, or one with one matrix of its own."""
    if isinstance(module, WEIGHT_LAYERS):
        return True
    if any(module.children()) or isinstance(module, (*NORMS, torch.jit.ScriptModule)):
        return False
    return sum(one.dim() > 1 for one in module.parameters(recurse=False)) == 1


def seen(signal: Tensor) -> Tensor:
    """Return some of a signal's numbers, spread over it; always the same for one shape."""
    flat = signal.detach().flatten()
    return flat[:: max(1, len(flat) // SEEN)].clone()


def _applied(
    function: Callable[..., Tensor], rest: tuple[Any, ...], settings: dict[str, Any], z: Tensor
) -> Tensor:
    return function(z, *rest, **settings)


def _changed(signal: Tensor, output: Tensor) -> bool:
    """Return whether a layer has done something to its product: its units are where they were."""
    alike = output.numel() == signal.numel() and output.shape[-1:] == signal.shape[-1:]
    return output is not signal and alike


def _fit(x: object, weight: object, output: Tensor) -> bool:
    """Return whether something can have been multiplied by a weight to give an output."""
    if not isinstance(x, Tensor) or not isinstance(weight, Tensor) or weight.dim() < 2:
        return False
    if not all(one.is_floating_point() for one in (x, weight, output)):
        return False
    if min(x.dim(), output.dim()) < weight.dim() - 1:
        return False
    axis = channel_axis(weight)
    return x.shape[axis] % weight.shape[1] == 0 and output.shape[axis] == weight.shape[0]


def channel_axis(weight: Tensor) -> int:
    """Return the axis of the units: the last one, but for a convolution before its positions."""
    return 1 - weight.dim() if weight.dim() > 2 else -1


def record_use(
    name: str, module: nn.Module, weight: Tensor, bias: Tensor | None, inputs: Tensor, out: Tensor
) -> Use | None:
    """Return a new record of a layer that has just computed `out` from `inputs`, if of anything."""
    if not out.numel():  # of no example, as by an expert that gets none
        return None
    for one in (weight, bias):
        if one is not None and one.requires_grad:
            one.retain_grad()  # does nothing to a leaf; a part or a parametrization is none
    use = Use(name, module, weight, bias, inputs.detach().clone(), out, out)
    use.follow(out)
    return use
