"""OLMo's start: LeCun's scale; residual outputs by the depth at which they are."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("olmo")
class Olmo(Table):
    """N(0, 1 / fan_in), tables N(0, 1 / d); residual outputs over sqrt(2 (layer + 1)).

    The cut at three standard deviations is left out but for what it takes from the std.

    Source: `reset_parameters` of allenai/OLMo, olmo/model.py, with `init_fn: mitchell`; Groeneveld
        et al. 2024 (OLMo).
    """

    summary: ClassVar[str] = (
        "OLMo: normal, 1 / sqrt(fan_in); residual outputs over sqrt(2 (layer + 1))."
    )
    reference: ClassVar[str] = "allenai/OLMo, olmo/model.py (`mitchell`); Groeneveld et al. 2024."
    conditions: ClassVar[str] = "Pre-norm transformers. Width is the units of the first layer."
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"kind": "embedding", "std": "0.986578 / sqrt(width)"},
        {"role": "residual_output", "std": "0.986578 / sqrt(2 * fan_in * (layer + 1))"},
        {"std": "0.986578 / sqrt(fan_in)"},
    )
