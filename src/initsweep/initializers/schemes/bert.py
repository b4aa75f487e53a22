"""BERT's start: one small scale for everything."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.params import Positive
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("bert")
class Bert(Table):
    """N(0, 0.02²) for all weights and tables, positions too; biases zero.

    Source: `_init_weights` of BertPreTrainedModel in huggingface/transformers; Devlin et al.'s own
        code (google-research/bert, `create_initializer`) cuts the law at two standard deviations.
    """

    summary: ClassVar[str] = "BERT: normal, `std`, in all weights and tables."
    reference: ClassVar[str] = "Devlin et al. 2019; transformers (BERT), `_init_weights`."
    conditions: ClassVar[str] = (
        "Made for post-norm transformers around width 768; the scale follows neither width nor "
        "depth."
    )
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"role": "position", "std": "std"},
        {"role": "token", "std": "std"},
        {"std": "std"},
    )

    std: Positive = 0.02
