"""muP: widths that share their best learning rate, without a change of the network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import ValidationInfo, field_validator

from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.core.params import Positive
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.layers import Layer
from initsweep.initializers.network import Network
from initsweep.initializers.rules import PartRole, Rule, rules_of
from initsweep.initializers.table import Table

_MUON = "sqrt(m_out / m_in) * sqrt(max(fan_out / m_out, fan_in / m_in) / max(fan_out, fan_in))"
_VECTORS: tuple[dict[str, str], ...] = (
    {"role": "bias"}, {"kind": "norm", "role": "bias"}, {"kind": "norm"}, {"kind": "parameter"}
)  # fmt: skip


@INITIALIZERS.register("mup")
class Mup(Table):
    """Another scheme at `base_width`; from there on, scales and rates follow the width.

    The width m times the base's goes into inputs of a layer (m_in = m), into its outputs (m_out =
    m), or both. With the scheme's std at the base:

        part       m_in  m_out   std             Adam's rate   SGD's rate
        input      1     m       base            1             m
        hidden     m     m       base / sqrt(m)  1 / m         1
        output     m     1       base / m        1 / m         1 / m
        bias, norm 1     m       base            1             m

    Which is: std = base / sqrt(m_in), of the output once more, Adam 1 / m_in, SGD m_out / m_in; for
    m below 1 as well.

    The forward multiplier 1 / m of the published table's output is taken into its std and rates,
    so that the network stays as it is: y = a W x is, under Adam, std and rate times a; under SGD,
    std times a and rate times a². With `zero_head` the output starts at 0, as the source advises in
    appendix D.2: its random part, which only wide networks lose, is then gone at all.

    Decay is divided by the rate's factor, so that a step shrinks weights as much at all widths.
    Muon's updates, of the size that AdamW's have (`adjust_lr_fn="match_rms_adamw"`), have a norm
    that goes with the root of the larger side; the width asks for that of outputs over inputs,
    which is 1 / sqrt(m) in hidden layers.

    Source: Yang et al. 2022 (arXiv 2203.03466), tables 3 and 8; multipliers absorbed as in Yang
        and Hu 2021 (arXiv 2011.14522), section on abc-parametrizations; the law in one, and
        Muon's: Yang, Simon and Bernstein 2023 (arXiv 2310.17813), condition 1; decay as in
        `MuAdam` and `MuSGD` of the package mup.
    """

    summary: ClassVar[str] = "muP: `scheme` at `base_width`; with width, rates that carry over."
    reference: ClassVar[str] = (
        "Yang et al. 2022 (Tensor Programs V), tables 3 and 8; package mup; forward multipliers "
        "absorbed as in Yang and Hu 2021."
    )
    conditions: ClassVar[str] = (
        "Networks whose hidden sizes all grow alike; width is the units of the first layer. Needs "
        "an optimizer that takes its rate and decay factors. Attention's factor 1/d instead of "
        "1/sqrt(d) would change the network: build it in yourself. Refuses a head that shares its "
        "weight with a table, whose scales differ. Biases are those of `scheme` at the base."
    )
    example: ClassVar[Mapping[str, SchemeOption]] = {"base_width": 64}

    base_width: Positive
    scheme: str = "he_normal"
    zero_head: bool = False

    @field_validator("scheme")
    @classmethod
    def _fills_layers(cls, scheme: str, info: ValidationInfo) -> str:
        Rule(scheme=scheme).check(str(info.context or "mup"), [])
        return scheme

    @property
    def table(self) -> Sequence[Rule]:
        """One rule for all weights; biases and what is in no layer are not drawn by it."""
        vectors = {
            "rate": {"adam": "1 / m_in", "sgd": "m_out / m_in"},
            "decay": {"adam": "m_in", "sgd": "m_in / m_out"},
        }
        weights = {
            "rate": {**vectors["rate"], "muon": _MUON},
            "decay": {**vectors["decay"], "muon": f"1 / {_MUON}"},
        }
        times = "standard / sqrt(m_in * m_head)"
        rows: list[dict[str, object]] = [{**one, **vectors} for one in _VECTORS]
        if self.zero_head:
            rows.append({"role": "output", "scheme": "zeros", **weights})
        return rules_of([*rows, {"scheme": self.scheme, "times": times, **weights}])

    def values(self, layer: Layer, part: PartRole) -> dict[str, float]:
        """Return what formulas may name.

        `standard` is the scheme's std at the base over that here, `m_head` the growth of the inputs
        of what gives no hidden signal.
        """
        found = super().values(layer, part)
        found["m_head"] = 1.0 if layer.place.gives_hidden else found["m_in"]
        return found | {"standard": self._standard(layer, part, found)}

    def refuses(self, layer: Layer) -> str | None:
        """Return why a tied head cannot be filled, or what the scheme says."""
        return _tied(layer) or super().refuses(layer)

    def multipliers(self, network: Network, kind: OptimizerKind) -> dict[str, Multipliers]:
        """Return the factors.

        Raises:
            InitsweepError: If a head shares its weight with a table.
        """
        for slot in network.slots:
            for part in slot.parts:
                if reason := _tied(part.layer):
                    raise InitsweepError(f"mup has no rate for '{slot.name}': {reason}")
        return super().multipliers(network, kind)

    def _standard(self, layer: Layer, part: PartRole, values: Mapping[str, float]) -> float:
        if layer.place.outside:
            return 1.0
        wider = values["width"] / self.base_width
        ins = wider if layer.place.reads_hidden else 1.0
        outs = wider if layer.place.gives_hidden else 1.0
        scheme = Rule(scheme=self.scheme).filler({})
        base, here = (
            scheme.weight_std(one) if part == "weight" else scheme.bias_std(one)
            for one in (_narrower(layer, ins, outs), layer)
        )
        return base / here if base and here else 1.0


def _narrower(layer: Layer, ins: float, outs: float) -> Layer:
    """Return the layer at the base width."""
    alone = layer.groups > 1 and ins == 1  # every channel: there are more, not larger ones
    if alone or ins == outs == 1:
        return layer
    turned = layer.kind in {"transposed", "embedding"}
    first, second = (ins, outs) if turned else (outs, ins)
    rows, columns, *kernel = layer.weight_shape
    return replace(
        layer,
        weight_shape=(max(1, round(rows / first)), max(1, round(columns / second)), *kernel),
        fan_in=layer.fan_in / ins,
        fan_out=layer.fan_out / outs,
    )


def _tied(layer: Layer) -> str | None:
    """Return why a weight that is both a table and a head has no scale."""
    if not layer.place.tied or not layer.place.roles >= {"input", "output"}:
        return None
    return (
        "it is the input table and the head at once, and muP asks for other scales of the two. "
        "Give the head a weight of its own."
    )
