"""What an initializer does to one layer, as one call of plain PyTorch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from initsweep.core.errors import InitsweepError
from initsweep.initializers import Initializer, Layer
from initsweep.initializers.base import FunctionInitializer
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.laws.gain_option import resolve_gain
from initsweep.initializers.parts import Part
from initsweep.initializers.schemes.constant import Constant, Zeros
from initsweep.initializers.schemes.delta_orthogonal import DeltaOrthogonal
from initsweep.initializers.schemes.fixed_scale import RandomNormal, RandomUniform, TruncatedNormal
from initsweep.initializers.schemes.identity import Dirac, Identity
from initsweep.initializers.schemes.orthogonal import Orthogonal
from initsweep.initializers.schemes.sinusoidal import Sinusoidal
from initsweep.initializers.schemes.sparse import Sparse
from initsweep.initializers.schemes.torch_default import TorchDefault
from initsweep.initializers.schemes.variance_scaling import VarianceScaling
from initsweep.initializers.schemes.zero_hadamard import ZeroHadamard


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function that fills a tensor, with its arguments but the tensor and the generator.

    Attributes:
        function: Its name in the snippet: `nn.init.normal_`, one of `helpers`, or "" where the
            tensor is a constant.
        arguments: Keyword arguments, as values.
    """

    function: str
    arguments: Mapping[str, object]

    def text(self) -> str:
        """Return the arguments as source."""
        return ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())


def call_for(initializer: Initializer, part: Part) -> Call:
    """Return the call that fills the part as the initializer would, in law.

    Raises:
        InitsweepError: If it refuses the layer.
    """
    layer = part.layer
    if part.role == "bias":
        return _drawn("uniform", cast(float, initializer.bias_std(layer)))
    if reason := initializer.refuses(layer):
        raise InitsweepError(f"{initializer!r} cannot fill '{part.address}': {reason}")
    if isinstance(initializer, VarianceScaling):
        return _drawn(initializer.law.distribution, initializer.weight_std(layer))
    return _PLAIN[type(initializer)](initializer, layer)


def why_not(initializer: Initializer) -> str:
    """Return why an initializer has no form in plain PyTorch, "" if it has one."""
    kind = type(initializer)
    if isinstance(initializer, FunctionInitializer):
        return "it is a function of your own: call that one"
    if initializer.needs_inputs:
        return "it measures signals of examples"
    if kind.complete is not Initializer.complete:
        return "it looks at the network as a whole"
    scaled = isinstance(initializer, VarianceScaling) and kind.weight is VarianceScaling.weight
    biased = kind.bias is not Initializer.bias and kind is not TorchDefault
    if biased or not (scaled or kind in _PLAIN):
        return "there is no short form of it in plain PyTorch"
    return ""


def constant(value: float) -> Call:
    """Return the call for a tensor of one value."""
    return Call(function="", arguments={"value": float(value)})


def _drawn(family: Distribution, std: float, mean: float = 0.0) -> Call:
    if std == 0:
        return constant(mean)
    if family == "uniform":
        reach = math.sqrt(3) * std
        return Call(function="nn.init.uniform_", arguments={"a": mean - reach, "b": mean + reach})
    if family == "normal":
        arguments = {"mean": mean, "std": std} if mean else {"std": std}
        return Call(function="nn.init.normal_", arguments=arguments)
    return Call(function="truncated_normal_", arguments={"std": std})


def _torch_default(initializer: Initializer, layer: Layer) -> Call:
    family: Distribution = "normal" if layer.kind == "embedding" else "uniform"
    return _drawn(family, cast(TorchDefault, initializer).weight_std(layer))


def _orthogonal(initializer: Initializer, layer: Layer) -> Call:
    gain = resolve_gain(cast(Orthogonal, initializer).gain, layer)
    return Call(function="nn.init.orthogonal_", arguments={"gain": gain})


def _delta_orthogonal(initializer: Initializer, layer: Layer) -> Call:
    gain = resolve_gain(cast(DeltaOrthogonal, initializer).gain, layer)
    return Call(function="delta_orthogonal_", arguments={"gain": gain, **_layout(layer)})


def _identity(initializer: Initializer, layer: Layer) -> Call:
    gain = cast(Identity | Dirac, initializer).gain
    return Call(function="identity_", arguments={"gain": gain, **_layout(layer)})


def _sparse(initializer: Initializer, layer: Layer) -> Call:
    sparse = cast(Sparse, initializer)
    incoming, kept = sparse.counts(layer)
    std = sparse.kept_std(layer)
    return Call(
        function="sparse_",
        arguments={"incoming": incoming, "kept": kept, "std": std, **_layout(layer)},
    )


def _sinusoidal(initializer: Initializer, layer: Layer) -> Call:
    std = cast(Sinusoidal, initializer).weight_std(layer)
    return Call(function="sinusoidal_", arguments={"std": std, **_layout(layer)})


def _zero_hadamard(_: Initializer, layer: Layer) -> Call:
    return Call(function="zero_hadamard_", arguments=_layout(layer))


def _layout(layer: Layer) -> dict[str, object]:
    turned = layer.kind in {"transposed", "embedding"}
    return {"blocks": layer.block_shape, **({"turned": True} if turned else {})}


_PLAIN: Mapping[type[Initializer], Callable[[Initializer, Layer], Call]] = {
    Zeros: lambda _, __: constant(0.0),
    Constant: lambda one, _: constant(cast(Constant, one).value),
    RandomNormal: lambda one, _: _drawn(
        "normal", cast(RandomNormal, one).std, cast(RandomNormal, one).mean
    ),
    RandomUniform: lambda one, _: Call(
        function="nn.init.uniform_",
        arguments={"a": cast(RandomUniform, one).low, "b": cast(RandomUniform, one).high},
    ),
    TruncatedNormal: lambda one, _: _drawn("truncated_normal", cast(TruncatedNormal, one).std),
    TorchDefault: _torch_default,
    Orthogonal: _orthogonal,
    DeltaOrthogonal: _delta_orthogonal,
    Identity: _identity,
    Dirac: _identity,
    Sparse: _sparse,
    Sinusoidal: _sinusoidal,
    ZeroHadamard: _zero_hadamard,
}
