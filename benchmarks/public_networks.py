"""What initializers make of public networks: what they fill, keep and refuse.

python -m benchmarks.public_networks                        # minutes; of what is installed
python -m benchmarks.public_networks --write                # and into docs/public-networks.md
python -m benchmarks.public_networks --networks gpt2 llama    # tiny

The libraries (transformers, timm, torchvision) are no requirements of ours: install the ones to
look at. Nothing is downloaded: networks are built from their configurations, at small sizes.
"""

import argparse
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.common import ROOT, add_write, parser_of, put, refuse_parts
from initsweep import initialize_
from initsweep.graph.traces import traces_of
from initsweep.graph.twins import twin_of
from initsweep.initializers.kept import describe_free, kept_values
from initsweep.initializers.parts import Slot
from initsweep.initializers.slots import slots_of
from initsweep.initializers.unknown import parameters_by_class, sizes, unknown_weights

PAGE = ROOT / "docs/public-networks.md"

Inputs = Tensor | dict[str, Tensor]
"""What a forward takes: one tensor, or tensors by name."""

WIDTHS = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 99, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
IMAGES = {**WIDTHS, "image_size": 32, "patch_size": 8, "num_labels": 10}
STAGES = {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32], "num_labels": 10}
EXPERTS = {**WIDTHS, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 99}
BART = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
    "vocab_size": 99, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SPEECH = {
    **WIDTHS, "conv_dim": (16, 16), "conv_kernel": (10, 3), "conv_stride": (5, 2),
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
WINDOWS = {
    "image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2],
    "window_size": 4, "num_labels": 10,
}  # fmt: skip
SERIES = {
    "d_model": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32,
    "num_input_channels": 2, "context_length": 32, "patch_length": 8, "patch_stride": 8,
    "prediction_length": 8,
}  # fmt: skip

CONFIGURED: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("CausalLM", WIDTHS), "qwen2": ("CausalLM", WIDTHS), "qwen3": ("CausalLM", WIDTHS),
    "gemma": ("CausalLM", WIDTHS), "gemma2": ("CausalLM", WIDTHS), "mistral": ("CausalLM", WIDTHS),
    "phi": ("CausalLM", WIDTHS), "olmo2": ("CausalLM", WIDTHS), "gpt_neox": ("CausalLM", WIDTHS),
    "stablelm": ("CausalLM", WIDTHS), "granite": ("CausalLM", WIDTHS), "opt": ("CausalLM", WIDTHS),
    "cohere": ("CausalLM", WIDTHS), "smollm3": ("CausalLM", WIDTHS), "bloom": ("CausalLM", WIDTHS),
    "gpt2": ("CausalLM", WIDTHS), "mamba": ("CausalLM", WIDTHS | {"state_size": 4}),
    "falcon_mamba": ("CausalLM", WIDTHS | {"state_size": 4}),
    "mixtral": ("CausalLM", EXPERTS), "qwen3_moe": ("CausalLM", EXPERTS),
    "olmoe": ("CausalLM", EXPERTS), "gpt_oss": ("CausalLM", EXPERTS),
    "bert": ("MaskedLM", WIDTHS), "roberta": ("MaskedLM", WIDTHS),
    "distilbert": ("MaskedLM", WIDTHS), "electra": ("MaskedLM", WIDTHS),
    "albert": ("MaskedLM", WIDTHS), "deberta": ("MaskedLM", WIDTHS),
    "deberta-v2": ("MaskedLM", WIDTHS), "modernbert": ("MaskedLM", WIDTHS),
    "t5": ("Seq2SeqLM", T5), "mt5": ("Seq2SeqLM", T5), "bart": ("Seq2SeqLM", BART),
    "pegasus": ("Seq2SeqLM", BART),
    "vit": ("ImageClassification", IMAGES), "dinov2": ("ImageClassification", IMAGES),
    "beit": ("ImageClassification", IMAGES), "convnext": ("ImageClassification", STAGES),
    "convnextv2": ("ImageClassification", STAGES), "swin": ("ImageClassification", WINDOWS),
    "wav2vec2": ("AudioClassification", SPEECH), "hubert": ("AudioClassification", SPEECH),
    "patchtst": ("", SERIES), "patchtsmixer": ("", SERIES),
}  # fmt: skip
"""Of transformers: the kind of head, and settings, by the name of the model's type."""

CREATED = (
    "resnet18", "resnext50_32x4d", "convnext_atto", "convnextv2_atto", "vit_tiny_patch16_224",
    "deit_tiny_distilled_patch16_224", "mixer_s16_224", "resmlp_12_224", "gmlp_ti16_224",
    "efficientnet_b0", "mobilenetv3_small_050", "regnetx_002", "regnety_002",
    "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "densenet121", "poolformer_s12",
    "cait_xxs24_224", "xcit_nano_12_p16_224", "eva02_tiny_patch14_224", "nfnet_f0", "levit_128s",
    "hiera_tiny_224", "convmixer_768_32", "mambaout_femto", "repvgg_a0", "volo_d1_224",
    "maxvit_pico_rw_256",
)  # fmt: skip
"""Of timm."""

VISION = (
    "resnet18", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "swin_t", "vit_b_16",
    "regnet_y_400mf", "shufflenet_v2_x0_5",
)  # fmt: skip
"""Of torchvision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What initializers do with one network.

    Attributes:
        parameters: How many there are.
        filled: How many are filled.
        kept: The others that are no weights, with their values.
        refused: The weights that are refused unless asked to be kept.
        run: How a forward pass of the filled network ends.
    """

    parameters: int
    filled: int
    kept: str
    refused: str
    run: str


def _configured(name: str) -> tuple[nn.Module, Inputs]:
    transformers: Any = import_module("transformers")
    head, settings = CONFIGURED[name]
    config = transformers.AutoConfig.for_model(name, **settings)
    kind = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
    model: nn.Module = kind.from_config(config)
    words = torch.randint(3, 99, (2, 12))
    named: Mapping[str, Inputs] = {
        "Seq2SeqLM": {"input_ids": words, "decoder_input_ids": words},
        "ImageClassification": {"pixel_values": torch.randn(2, 3, 32, 32)},
        "AudioClassification": {"input_values": torch.randn(2, 800)},
        "": {"past_values": torch.randn(2, 32, 2)},
    }
    return model, named.get(head, {"input_ids": words})


def _created(name: str) -> tuple[nn.Module, Inputs]:
    model: nn.Module = import_module("timm").create_model(name, num_classes=10)
    return model, torch.randn(2, *model.pretrained_cfg["input_size"])


def _vision(name: str) -> tuple[nn.Module, Inputs]:
    model: nn.Module = import_module("torchvision").models.get_model(name, num_classes=10)
    return model, torch.randn(2, 3, 224, 224)


NETWORKS: dict[str, Callable[[], tuple[nn.Module, Inputs]]] = {
    **{name: partial(_configured, name) for name in CONFIGURED},
    **{f"timm/{name}": partial(_created, name) for name in CREATED},
    **{f"torchvision/{name}": partial(_vision, name) for name in VISION},
}
"""By name: what builds a network, and a batch that it takes."""


def library_of(name: str) -> str:
    """Return what a network is built by."""
    return name.partition("/")[0] if "/" in name else "transformers"


def check_installed(names: Iterable[str]) -> None:
    """Check that what some networks are built by is there.

    Raises:
        SystemExit: If a library is not installed.
    """
    for library in dict.fromkeys(map(library_of, names)):
        if find_spec(library) is None:
            raise SystemExit(f"{library} is missing: pip install {library}")


def stock_of(name: str) -> Stock:
    """Return what becomes of a network's parameters."""
    torch.manual_seed(0)
    model, inputs = NETWORKS[name]()
    slots = slots_of(twin_of(model), {})
    weights = unknown_weights(model, slots, partial(traces_of, model))
    rest = [slot for slot in slots if slot not in weights]
    kept = describe_free(model, rest, kept_values(model, rest))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        initialize_(model, "he_normal", 0, unknown="keep")
    return Stock(
        parameters=_count(slots),
        filled=_count(slot for slot in slots if not slot.kept),
        kept=kept,
        refused=parameters_by_class(model, weights, sizes),
        run=_run(model.eval(), inputs),
    )


def _count(slots: Iterable[Slot]) -> int:
    return sum(prod(slot.shape) for slot in slots)


def _run(model: nn.Module, inputs: Inputs) -> str:
    try:
        with torch.no_grad():
            model(**inputs) if isinstance(inputs, dict) else model(inputs)
    except Exception as error:  # noqa: BLE001 - of other people's code; it is printed
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return "runs"


def table(stocks: Mapping[str, Stock], *, short: bool) -> str:
    """Return a row per network of which not all is filled, and the names of the others.

    Args:
        stocks: By name.
        short: Whether to name those of which nothing is refused in a sentence.
    """
    shares = {name: 100 * one.filled / one.parameters for name, one in stocks.items()}
    named: dict[str, list[str]] = {"Filled whole": [], "Filled but for what is no weight": []}
    lines = ["| network | filled | keeps its values | refused by default |", "|---|---:|---|---|"]
    for name, stock in stocks.items():
        if stock.filled == stock.parameters:
            named["Filled whole"].append(name)
        elif short and not stock.refused:
            named["Filled but for what is no weight"].append(f"{name} ({shares[name]:.1f} %)")
        else:
            lines.append(f"| {name} | {shares[name]:.1f} % | {stock.kept} | {stock.refused} |")
    for title, names in named.items():
        lines += ["", f"{title} ({len(names)}): {', '.join(names)}."] if names else []
    failed = [f"{name} ({one.run})" for name, one in stocks.items() if one.run != "runs"]
    lines += ["", f"Does not run: {', '.join(failed)}."] if failed else []
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--networks", nargs="+", choices=NETWORKS, metavar="NAME")
    add_write(made, PAGE)
    return made


def main() -> None:
    """Print the table, and write it into the documentation if asked."""
    options = parser().parse_args()
    refuse_parts(parser(), write=options.write, parts=options.networks is not None)
    names = options.networks or NETWORKS
    check_installed(names)
    stocks = {name: stock_of(name) for name in names}
    print(table(stocks, short=False))
    if options.write:
        put(PAGE, {"public networks": table(stocks, short=True)})


if __name__ == "__main__":
    main()
