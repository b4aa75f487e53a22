"""Torchtitan's start of Llama: residual outputs by the depth at which they are."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("torchtitan")
class Torchtitan(Table):
    """N(0, 0.02²); residual outputs, and what a gate multiplies, over sqrt(2 (layer + 1)).

    Tables N(0, 1); the head N(0, 1 / d), its cut at three standard deviations left out but for what
    it takes from the std. The cuts of all others, at ±2, cut nothing off.

    Source: `init_weights` of pytorch/torchtitan, torchtitan/models/llama3/model/model.py, with
        `depth_init`; the depth scaling after Zhang, Titov and Sennrich 2019, equation 7.
    """

    summary: ClassVar[str] = (
        "Llama in torchtitan: normal 0.02; residual outputs 0.02 / sqrt(2 (layer + 1))."
    )
    reference: ClassVar[str] = (
        "pytorch/torchtitan, llama3/model.py (`depth_init`); Zhang, Titov and Sennrich 2019."
    )
    conditions: ClassVar[str] = (
        "Pre-norm transformers. A gated unit's plain half is told by its name (`w3`, `up_proj`)."
    )
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"kind": "embedding", "std": 1.0},
        {"role": "output", "std": "0.986578 / sqrt(fan_in)"},
        {"role": "residual_output", "std": "0.02 / sqrt(2 * (layer + 1))"},
        {"match": ["*.w3", "*.up_proj"], "std": "0.02 / sqrt(2 * (layer + 1))"},
        {"std": 0.02},
    )
