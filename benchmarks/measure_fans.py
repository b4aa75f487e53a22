"""Measures fan_in and fan_out of every kind of layer, and compares them with the computed ones.

A layer is filled with independent weights and fed independent numbers of variance 1. The mean
square of its output over that of its weights is then fan_in; that of the gradient at its input,
for output gradients of variance 1, is fan_out. Convolutions are measured away from the border,
over whole periods of the stride. Blocks of rows (projections of attention, gates) are cut out of
the module's own parameter and used as what the module uses them for, a matrix.

    python -m benchmarks.measure_fans                               # that of docs/initializers.md
    python -m benchmarks.measure_fans --layers 'Linear(256, 128)'   # tiny
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.init import _calculate_fan_in_and_fan_out

from benchmarks.common import parser_of
from initsweep.core.randomness import torch_stream
from initsweep.initializers.layers import Layer
from initsweep.initializers.slots import slots_of

CASES: dict[str, nn.Module] = {
    "Linear(256, 128)": nn.Linear(256, 128),
    "Conv1d(64, 96, 5)": nn.Conv1d(64, 96, 5),
    "Conv2d(32, 48, 3)": nn.Conv2d(32, 48, 3),
    "Conv3d(16, 24, 3)": nn.Conv3d(16, 24, 3),
    "Conv2d(64, 128, 4, stride=2)": nn.Conv2d(64, 128, 4, stride=2),
    "Conv2d(64, 64, 3, stride=2)": nn.Conv2d(64, 64, 3, stride=2),
    "Conv2d(64, 64, 3, dilation=2)": nn.Conv2d(64, 64, 3, dilation=2),
    "Conv2d(64, 128, 3, groups=4)": nn.Conv2d(64, 128, 3, groups=4),
    "Conv2d(64, 128, 3, groups=64), depthwise": nn.Conv2d(64, 128, 3, groups=64),
    "ConvTranspose1d(64, 32, 4, stride=2)": nn.ConvTranspose1d(64, 32, 4, stride=2),
    "ConvTranspose2d(64, 32, 3)": nn.ConvTranspose2d(64, 32, 3),
    "ConvTranspose2d(64, 64, 4, stride=2)": nn.ConvTranspose2d(64, 64, 4, stride=2),
    "ConvTranspose2d(64, 32, 4, stride=2, groups=4)": nn.ConvTranspose2d(
        64, 32, 4, stride=2, groups=4
    ),
    "ConvTranspose3d(16, 8, 3)": nn.ConvTranspose3d(16, 8, 3),
    "Embedding(1000, 64)": nn.Embedding(1000, 64),
    "EmbeddingBag(1000, 64), one row": nn.EmbeddingBag(1000, 64, mode="sum"),
    "Bilinear(48, 32, 64)": nn.Bilinear(48, 32, 64),
    "MultiheadAttention(96, 4)": nn.MultiheadAttention(96, 4),
    "MultiheadAttention(96, 4, kdim=48, vdim=32)": nn.MultiheadAttention(96, 4, kdim=48, vdim=32),
    "RNN(64, 96)": nn.RNN(64, 96),
    "LSTM(64, 96)": nn.LSTM(64, 96),
    "LSTM(64, 96, proj_size=48)": nn.LSTM(64, 96, proj_size=48),
    "GRU(64, 96)": nn.GRU(64, 96),
    "GRUCell(64, 96)": nn.GRUCell(64, 96),
}
_POSITIONS = 12  # whole periods of strides 1 to 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One layer of one module: computed fans, measured ones, and torch's count."""

    module: str
    layer: Layer
    fan_in: float
    fan_out: float
    torch_fans: tuple[int, int]


def measurements(descriptions: Sequence[str] = tuple(CASES)) -> Iterator[Measurement]:
    """Measure every layer of cases.

    Yields:
        In the order of the descriptions.
    """
    for description in descriptions:
        module = CASES[description]
        for layer, weight in _weights(module, description):
            forward, backward = _measure(
                module, layer, weight, torch_stream(description, layer.name)
            )
            power = float(weight.double().square().mean())
            packed = {slot.name: slot.shape for slot in slots_of(module, {})}
            shape = next((s for n, s in packed.items() if _in(layer, n)), layer.weight_shape)
            yield Measurement(
                module=description,
                layer=layer,
                fan_in=forward / power,
                fan_out=backward / power,
                torch_fans=_calculate_fan_in_and_fan_out(torch.empty(shape)),
            )


def _in(layer: Layer, parameter: str) -> bool:
    packed = layer.kind == "attention" and layer.stacked > 1 and parameter == "in_proj_weight"
    return packed or layer.name.split("[")[0] == parameter


def _weights(module: nn.Module, description: str) -> Iterator[tuple[Layer, Tensor]]:
    """Yield each layer with its own rows of the module's parameter, filled at random.

    Yields:
        In the order of the module's parameters.
    """
    parameters = dict(module.named_parameters())
    for parameter in parameters.values():
        nn.init.zeros_(parameter)
    for slot in slots_of(module, {}):
        start = 0
        for part in slot.parts:
            if part.role == "weight":
                rows = part.rows or slot.shape[0]
                weight = parameters[slot.name].data[start : start + rows]
                generator = torch_stream("fan weights", description, part.address)
                weight.copy_(torch.randn(weight.shape, generator=generator))
                start += rows
                yield part.layer, weight


def _measure(
    module: nn.Module, layer: Layer, weight: Tensor, generator: torch.Generator
) -> tuple[float, float]:
    """Return the variance of the output and that of the gradient at the input."""

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    if layer.kind == "embedding":
        return _measure_lookup(module, layer, noise)
    if layer.kind == "bilinear":
        return _measure_bilinear(module, noise)
    if layer.kernel:
        sides = [40 if len(layer.kernel) < 3 else 26] * len(layer.kernel)
        channels = prod(layer.block_shape[:3:2])
        inputs = noise({1: 1024, 2: 24, 3: 8}[len(sides)], channels, *sides)
    else:
        inputs = noise(4096, layer.weight_shape[1])
    inputs.requires_grad_()
    outputs = module(inputs) if layer.kernel else functional.linear(inputs, weight)
    outputs.backward(noise(*outputs.shape))
    return _power(outputs.detach()), _power(inputs.grad)


def _measure_lookup(module: nn.Module, layer: Layer, noise) -> tuple[float, float]:  # noqa: ANN001
    rows, width = layer.weight_shape
    bag = isinstance(module, nn.EmbeddingBag)
    outputs = module(torch.arange(rows)[:, None] if bag else torch.arange(rows))
    # A row number has no gradient; as a one-hot vector times the table it has this one.
    gradient = noise(512, width) @ module.weight.detach().T
    return _power(outputs.detach()), _power(gradient)


def _measure_bilinear(module: nn.Bilinear, noise) -> tuple[float, float]:  # noqa: ANN001
    first = noise(4096, module.in1_features).requires_grad_()
    second = noise(4096, module.in2_features).requires_grad_()
    outputs = module(first, second)
    outputs.backward(noise(*outputs.shape))
    return _power(outputs.detach()), (_power(first.grad) + _power(second.grad)) / 2


def _power(values: Tensor) -> float:
    """Return the mean square over the middle positions of each spatial axis."""
    for axis in range(2, values.ndim):
        values = values.narrow(axis, (values.shape[axis] - _POSITIONS) // 2, _POSITIONS)
    return float(values.double().square().mean())


def table(descriptions: Sequence[str] = tuple(CASES)) -> str:
    """Return the table in Markdown; the gates of one parameter share a row."""
    lines = [
        "| layer | fan_in | measured | fan_out | measured | `torch.nn.init` counts |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows: dict[tuple[str, str], list[Measurement]] = {}
    for one in measurements(descriptions):
        rows.setdefault((one.module, one.layer.name.split("[")[0]), []).append(one)
    for (module, name), gates in rows.items():
        own = f", `{name}`" if name else ""
        each = f", each of {len(gates)} gates" if len(gates) > 1 else ""
        layer = gates[0].layer
        fan_in, fan_out = fmean(g.fan_in for g in gates), fmean(g.fan_out for g in gates)
        theirs = "{} and {}".format(*gates[0].torch_fans)
        lines.append(
            f"| {module}{own}{each} | {layer.fan_in:g} | {fan_in:.1f} "
            f"| {layer.fan_out:g} | {fan_out:.1f} | {theirs} |"
        )
    return "\n".join(lines)


def add_layers(parser: argparse.ArgumentParser) -> None:
    """Let a script measure some layers only."""
    parser.add_argument(
        "--layers", nargs="+", choices=CASES, default=list(CASES), metavar="LAYER",
        help="those of the table, such as 'Linear(256, 128)' (default: all)",
    )  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    add_layers(made)
    return made


def main() -> None:
    """Print the table."""
    print(table(parser().parse_args().layers))


if __name__ == "__main__":
    main()
