"""T5's start: LeCun's scale, queries smaller, tables large."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from initsweep.core.params import Count
from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.table import Table


@INITIALIZERS.register("t5")
class T5(Table):
    """N(0, 1 / fan_in); queries N(0, 1 / (fan_in head)); tables and an untied head N(0, 1).

    Attention in T5 divides by nothing, so the queries are smaller by sqrt(head), the width of one
    head. Tables of relative positions, N(0, 1 / d), are told by their name.

    Source: Raffel et al. 2020; `_init_weights` of T5PreTrainedModel in huggingface/transformers,
        after google-research/text-to-text-transfer-transformer (mesh_tensorflow).
    """

    summary: ClassVar[str] = (
        "T5: normal, 1 / sqrt(fan_in); queries 1 / sqrt(fan_in `head_width`); tables 1."
    )
    reference: ClassVar[str] = "Raffel et al. 2020; transformers (T5), `_init_weights`."
    conditions: ClassVar[str] = (
        "Transformers whose attention does not divide by sqrt(head), as T5's. Queries that are a "
        "layer of their own are told by its name (`q`, `q_proj`, `query`)."
    )
    rows: ClassVar[Sequence[Mapping[str, SchemeOption]]] = (
        {"match": "*relative_attention_bias*", "std": "1 / sqrt(width)"},
        {"kind": "embedding", "std": 1.0},
        {"role": "output", "std": 1.0},
        {"role": "query", "std": "1 / sqrt(fan_in * head_width)"},
        {"match": ["*.q", "*.q_proj", "*.query"], "std": "1 / sqrt(fan_in * head_width)"},
        {"std": "1 / sqrt(fan_in)"},
    )

    head_width: Count = 64
