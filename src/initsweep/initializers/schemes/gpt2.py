"""GPT-2's start: what is added to the residual path is scaled down with depth."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.params import Positive
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("gpt2")
class Gpt2(Table):
    """N(0, 0.02²) everywhere, positions too; residual outputs over sqrt(2 n_layers); biases zero.

    Two residual outputs a block, N in all, of which the paper says 1 / sqrt(N).

    Source: Radford et al. 2019, "Language models are unsupervised multitask learners", section
        2.3; `_init_weights` of karpathy/nanoGPT model.py and of GPT2PreTrainedModel in
        huggingface/transformers. OpenAI's own code starts positions at 0.01.
    """

    summary: ClassVar[str] = "GPT-2: normal, `std`; residual outputs `std` / sqrt(2 n_layers)."
    reference: ClassVar[str] = (
        "Radford et al. 2019, section 2.3; nanoGPT and transformers (GPT2), `_init_weights`."
    )
    conditions: ClassVar[str] = (
        "Made for pre-norm transformers around width 768. The scale does not follow the width: see "
        "`gpt_neox` and `mup`."
    )
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"role": "residual_output", "std": "std / sqrt(2 * n_layers)"},
        {"role": "position", "std": "std"},
        {"std": "std"},
    )

    std: Positive = 0.02
