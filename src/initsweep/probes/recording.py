"""Notes what the weight layers of a network compute while it runs, and what follows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

from initsweep.graph.effects import effect_of_call
from initsweep.graph.vocabulary import DENSE, NORMS, is_matrix
from initsweep.probes.attention import ATTENDS, decided, open_attentions
from initsweep.probes.trunk import SUMS, Node, Sum, noted_sum, varies
from initsweep.probes.written import Pointwise, Written, gains_of, is_norm, seen

PRODUCTS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), ("input", "weight", "bias")),
    "addmm": ("bias", "input", "weight"),
    **dict.fromkeys(("matmul", "mm"), ("input", "weight")),
    "einsum": ("equation", "input", "weight"),
}
"""Functions that multiply by a weight, with their arguments."""

_TURNED = {"addmm", "matmul", "mm"}  # their weight lies the other way round, as (in, out)
_OF_ANYTHING = {"matmul", "mm", "einsum"}  # a product of two signals, too


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
    written: fx.Node | None = None  # where it stands among what the network writes out
    gradient: list[Tensor] = field(default_factory=list)
    # Modules that may be its activation, the last of them at the top; with what they gave.
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
        gains: Scales and shifts of norms that are written out, by their `id`.
        decided: For each call of an attention, the number of uses before it, and the share of
            queries that attend to a single key.
    """

    examples: int
    uses: list[Use] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    sources: set[Node] = field(default_factory=set)
    norms: list[Node] = field(default_factory=list)
    gains: set[int] = field(default_factory=set)
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
        self._written = Written()
        self._turned: dict[int, tuple[Use, Tensor, Node]] = {}  # normalized, axes in other order

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
        name = getattr(func, "__name__", "").strip("_")
        if name in PRODUCTS and self._calls and self._calls[-1].use is None:
            given = dict(zip(PRODUCTS[name], args, strict=False)) | settings
            if name not in _OF_ANYTHING or _is_of(given.get("weight"), self._calls[-1].module):
                self._multiplied(self._calls[-1], given, result, transposed=name in _TURNED)
        elif effect_of_call(func) == "norm" and args and isinstance(result, Tensor):
            self._normalized(args[0], result)
        elif isinstance(result, Tensor):
            self._meet(name, args, settings, result)
        self._write(func, args, settings, result)
        return result

    def _write(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        settings: dict[str, Any],
        result: object,
    ) -> None:
        """Note what a network writes out, and whether that is a norm."""
        node, effect = self._written.noted(func, args, settings, result), effect_of_call(func)
        if not isinstance(result, Tensor):
            return
        if node is not None:
            if is_norm(node):
                self._noted.gains |= {_whole(one) for one in gains_of(node)}
                self._normalized(node.meta["source"].meta["value"], result)
        elif effect in {"arithmetic", "adds"}:
            self._scaled(args, result)
        elif effect == "view" and args and id(args[0]) in self._turned:
            use, _, norm = self._turned.pop(id(args[0]))
            self._noted.norms.remove(norm)
            self._settle(use, result)

    def _scaled(self, args: tuple[Any, ...], result: Tensor) -> None:
        """Follow a normalized signal through a scale or shift of its own."""
        for use in self._uses:
            others = [one for one in args if isinstance(one, Tensor) and one is not use.signal]
            if use.normalized and len(others) == 1 and any(one is use.signal for one in args):
                (other,) = others
                if result.shape == use.signal.shape and not is_matrix(other.shape):
                    self._noted.gains.add(_whole(other))
                    self._follow(use, result)

    def _normalized(self, signal: Tensor, result: Tensor) -> None:
        """Note a norm: of a layer whose signal, a view or a multiple of it was normalized."""
        origin = self._written.origin(signal)
        followed = [use for use in self._uses if origin is use.signal]
        for use in followed:
            self._settle(use, result)
        if not followed and result.grad_fn:
            self._noted.norms.append(result.grad_fn)

    def _settle(self, use: Use, result: Tensor) -> None:
        """Follow a normalized signal once its axes are where its layer's are."""
        if result.shape == use.signal.shape:
            use.normalized = True
            self._follow(use, result)
        elif result.grad_fn:
            self._turned[id(result)] = use, result, result.grad_fn
            self._noted.norms.append(result.grad_fn)

    def _follow(self, use: Use, signal: Tensor) -> None:
        if signal is not use.signal:
            use.follow(signal)
        use.written = self._written.begin(signal)

    def _meet(
        self, name: str, args: tuple[Any, ...], settings: dict[str, Any], result: Tensor
    ) -> None:
        """Note sums of signals, attentions, and lookups of data."""
        noted, place = self._noted, len(self._uses)
        if name in SUMS:
            found = noted_sum(args, result, after=place)
            if found:
                noted.sums.append(found)
                self._written.begin(result)
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
                self._follow(call.use, output)
            return
        if not isinstance(module, DENSE):
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
                self._normalized(args[0], output)
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
                self._follow(call.use, call.use.signal)
                self._uses.append(call.use)


def _may_multiply(module: nn.Module) -> bool:
    """Return whether a module can be a weight layer: torch's, or one with one matrix of its own."""
    if isinstance(module, DENSE):
        return True
    if any(module.children()) or isinstance(module, (*NORMS, torch.jit.ScriptModule)):
        return False
    return sum(one.dim() > 1 for one in module.parameters(recurse=False)) == 1


def _is_of(weight: object, module: nn.Module) -> bool:
    """Return whether a matrix is a parameter of a module, or a view of one."""
    if not isinstance(weight, Tensor) or weight.dim() != 2:
        return False
    return any(_whole(weight) == id(one) for one in module.parameters())


def _whole(part: Tensor) -> int:
    """Return the `id` of a parameter that a tensor is, or is a view of."""
    return id(part if part._base is None else part._base)


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
