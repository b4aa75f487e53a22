"""GPT-NeoX's start: small-init, and wang-init where a branch is added."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("gpt_neox")
class GptNeox(Table):
    """N(0, 2 / (5 d)) everywhere; residual outputs N(0, (2 / n_layers)² / d), with d the width.

    Source: Nguyen and Salazar 2019, "Transformers without tears", section 2.2 (small-init); Wang
        and Komatsuzaki 2021, GPT-J (wang-init); `small_init_init_method` and `wang_init_method`
        of EleutherAI/gpt-neox, megatron/model/init_functions.py. Both are used for the sizes of
        Black et al. 2022, section 2.1.
    """

    summary: ClassVar[str] = (
        "GPT-NeoX: normal, small-init; residual outputs 2 / (n_layers sqrt(width)) (wang-init)."
    )
    reference: ClassVar[str] = (
        "Black et al. 2022, section 2.1; EleutherAI/gpt-neox, init_functions.py."
    )
    conditions: ClassVar[str] = (
        "Transformers with parallel or serial branches. Width is the units of the first layer: the "
        "model's, where tokens are looked up at full size."
    )
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"role": "residual_output", "std": "2 / (n_layers * sqrt(width))"},
        {"std": "sqrt(2 / (5 * width))"},
    )
