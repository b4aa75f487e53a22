"""Takes stock of a network: every parameter once, and the layers that its rows belong to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from initsweep.errors import InitsweepError
from initsweep.initializers.fans import Fans, compute_fans
from initsweep.initializers.layers import (
    NORMS,
    RECURRENT,
    Activation,
    Kind,
    Layer,
    kind_of,
)

GATES: Mapping[int, tuple[str, ...]] = {
    1: ("",),
    3: ("[reset]", "[update]", "[new]"),
    4: ("[input]", "[forget]", "[cell]", "[output]"),
}
"""Names of the gates in torch's order: of a plain recurrent layer, a GRU and an LSTM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a parameter that are filled as one layer of their own.

    Attributes:
        layer: The layer.
        role: Whether the rows are its weight or its bias.
        address: Name of the random stream; for a whole parameter the parameter's name.
        rows: How many rows, None for a whole parameter.
    """

    layer: Layer
    role: Literal["weight", "bias"]
    address: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One parameter of the network.

    Attributes:
        name: Its name in the network.
        module: Path of the first module that owns it.
        shape: Its shape.
        parts: The layers that fill it, in the order of its rows; () if it starts at `constant`.
        constant: Its value under every scheme.
        blank_row: A row that stays zero: the padding of a lookup table.
    """

    name: str
    module: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...] = ()
    constant: float = 0.0
    blank_row: int | None = None


class _Around(NamedTuple):
    """Activations after and before layers, by module path."""

    after: Mapping[str, Activation]
    before: Mapping[str, Activation]


_Owners = Mapping[int, list[tuple[str, nn.Module]]]


def slots_of(
    model: nn.Module,
    activations: Mapping[str, Activation],
    incoming: Mapping[str, Activation] | None = None,
    *,
    skip_unknown: bool = False,
) -> tuple[Slot, ...]:
    """Return every parameter once, in the order of `model.named_parameters()`.

    A tied weight is filled once, under its first name, as the layer that sums the most terms: a
    lookup table that is also the output layer gets the output layer's small scale, not its own.

    Args:
        model: The network.
        activations: The activation after each layer, by module path.
        incoming: The activation that each layer reads, by module path.
        skip_unknown: Whether to leave out parameters that no initializer knows how to fill.

    Raises:
        InitsweepError: If a module has parameters that no initializer knows how to fill, or a
            lazy one has no shape yet.
    """
    owners: dict[int, list[tuple[str, nn.Module]]] = {}
    first: list[tuple[str, nn.Module, str, nn.Parameter]] = []
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in owners:
                first.append((path, module, name, parameter))
            owners.setdefault(id(parameter), []).append((path, module))
    around = _Around(activations, incoming or {})
    slots = []
    for entry in first:
        try:
            slots.append(_slot(*entry, owners, around))
        except InitsweepError:
            if not skip_unknown:
                raise
    return tuple(slots)


def _slot(
    path: str,
    module: nn.Module,
    name: str,
    parameter: nn.Parameter,
    owners: _Owners,
    around: _Around,
) -> Slot:
    where = f"{path}.{name}" if path else name
    if isinstance(parameter, UninitializedParameter):
        compute_fans(module, path)  # raises: it has no shape yet
    slot = Slot(name=where, module=path, shape=tuple(parameter.shape))
    if isinstance(module, NORMS):
        return replace(slot, constant=float(name == "weight"))
    if isinstance(module, nn.PReLU):
        return replace(slot, constant=module.init)
    if isinstance(module, nn.MultiheadAttention):
        return replace(slot, parts=tuple(_attention(module, path, name)))
    if isinstance(module, RECURRENT):
        return replace(slot, parts=tuple(_recurrent(module, where, name)))
    if name not in {"weight", "bias"}:
        raise InitsweepError(
            f"'{path or type(module).__name__}' ({type(module).__name__}) has a parameter "
            f"'{name}' that no initializer knows how to fill: only weights and biases of "
            "torch's own layers are."
        )
    layer = _module_layer(path, module, around)
    if name == "weight":
        tied = [_module_layer(p, m, around) for p, m in owners[id(parameter)]]
        layer = replace(max(tied, key=lambda one: one.fan_in), name=path)
    part = Part(layer=layer, role=cast(Literal["weight", "bias"], name), address=where)
    return replace(slot, parts=(part,), blank_row=getattr(module, "padding_idx", None))


def _module_layer(path: str, module: nn.Module, around: _Around) -> Layer:
    """Return the layer that a module with one weight is.

    Raises:
        InitsweepError: If its connections are not known.
    """
    fans = compute_fans(module, path)
    # A parametrized module computes its weight; it has the attribute but not the parameter.
    weight = cast(Tensor, module.weight)
    bias = cast(Tensor | None, getattr(module, "bias", None))
    return Layer(
        name=path,
        weight_shape=tuple(weight.shape),
        bias_shape=None if bias is None else tuple(bias.shape),
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=around.after.get(path),
        incoming=around.before.get(path),
        kind=kind_of(module),
        groups=getattr(module, "groups", 1),
    )


def _attention(module: nn.MultiheadAttention, path: str, name: str) -> Iterator[Part]:
    """Yield the projections in one parameter; packed or separate, they have the same addresses.

    Yields:
        One part, or three for a packed parameter.
    """
    prefix = f"{path}." if path else ""
    width = module.embed_dim
    inputs = {"q": width, "k": module.kdim, "v": module.vdim}
    packed = name.startswith("in_proj")
    for letter in "qkv" if packed else name.removeprefix("bias_")[:1]:
        role: Literal["weight", "bias"] = "bias" if "bias" in name else "weight"
        layer = _block(
            f"{prefix}{letter}_proj",
            Fans(fan_in=inputs[letter], fan_out=width),
            (width, inputs[letter]),
            "attention",
            biased=role == "bias" or module.in_proj_bias is not None,
            # The weights decide; packed biases go with separate weights too.
            stacked=1 if module.in_proj_weight is None else 3,
        )
        end = f"[{letter}]" if packed else ""
        address = f"{prefix}{letter}_proj_weight" if role == "weight" else f"{prefix}{name}{end}"
        yield Part(layer=layer, role=role, address=address, rows=width if packed else None)


def _recurrent(module: nn.Module, where: str, name: str) -> Iterator[Part]:
    """Yield the gates in one parameter, or the projection of an LSTM's output.

    Yields:
        One part per gate.
    """
    hidden = cast(int, module.hidden_size)
    role: Literal["weight", "bias"] = "bias" if name.startswith("bias") else "weight"
    weight = cast(Tensor, getattr(module, name.replace("bias", "weight")))
    if name.startswith("weight_hr"):
        fans = Fans(fan_in=hidden, fan_out=weight.shape[0])
        yield Part(layer=_block(where, fans, tuple(weight.shape)), role=role, address=where)
        return
    gates = GATES[weight.shape[0] // hidden]
    fans = Fans(fan_in=weight.shape[1], fan_out=hidden)
    shape, stem = (hidden, weight.shape[1]), where.replace("bias", "weight")
    for gate in gates:
        layer = _block(
            stem + gate, fans, shape, "recurrent", biased=bool(module.bias), stacked=len(gates)
        )
        yield Part(layer=layer, role=role, address=where + gate, rows=hidden)


def _block(
    name: str,
    fans: Fans,
    shape: tuple[int, ...],
    kind: Kind = "linear",
    *,
    biased: bool = False,
    stacked: int = 1,
) -> Layer:
    return Layer(
        name=name,
        weight_shape=shape,
        bias_shape=shape[:1] if biased else None,
        fan_in=fans.fan_in,
        fan_out=fans.fan_out,
        activation=None,
        kind=kind,
        stacked=stacked,
    )
