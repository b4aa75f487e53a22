"""The vision transformer's starts, in the modes of timm."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from initsweep.core.records import SchemeOption
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.rules import Rule, rules_of
from initsweep.initializers.table import Table

_SHARED: Sequence[Mapping[str, SchemeOption]] = (
    {"role": "position", "std": 0.02},
    {"role": "token", "std": 1e-6},
)
_XAVIER = "sqrt(6 / (fan_in + stacked * fan_out))"  # of the whole tensor, as torch counts


@INITIALIZERS.register("vit_timm")
class VitTimm(Table):
    """Linear layers N(0, 0.02²) (mode "timm"), or Xavier's in the modes "jax" and "moco".

    "timm" and "moco" leave convolutions to PyTorch; "jax" gives them LeCun's truncated law, starts
    the head at zero and the biases of hidden layers at N(0, 1e-6²). "moco" counts the projections
    of a packed attention one by one, "jax" as one tensor. Positions N(0, 0.02²), class tokens
    N(0, 1e-6²), all other biases 0. The cuts at ±2 of timm's truncated law cut nothing off here.

    Source: `init_weights_vit_timm`, `init_weights_vit_jax` and `init_weights_vit_moco` of
        huggingface/pytorch-image-models, timm/models/vision_transformer.py; Dosovitskiy et al.
        2021 (jax), Chen, Xie and He 2021 (moco).
    """

    summary: ClassVar[str] = "ViT in timm: normal 0.02, or Xavier's uniform law, by `mode`."
    reference: ClassVar[str] = (
        "huggingface/pytorch-image-models, vision_transformer.py, `weight_init` '', jax and moco."
    )
    conditions: ClassVar[str] = (
        "Vision transformers, of which it fills positions and tokens, too. Biases of hidden layers "
        "are N(0, 1e-6²) in jax, and those of convolutions PyTorch's in timm and moco."
    )
    modes: ClassVar[Mapping[str, Sequence[Mapping[str, SchemeOption]]]] = {
        "timm": ({"kind": "convolution", "scheme": "torch_default"}, {"std": 0.02}),
        "jax": (
            {"role": "output", "scheme": "zeros"},
            {"role": "bias", "match": ["*.mlp.*", "*.fc1.*", "*.fc2.*"], "std": 1e-6},
            {"kind": "convolution", "scheme": "lecun_truncated_normal"},
            {"scheme": "random_uniform", "low": f"-{_XAVIER}", "high": _XAVIER},
        ),
        "moco": (
            {"kind": "convolution", "scheme": "torch_default"},
            {"scheme": "xavier_uniform"},
        ),
    }

    mode: Literal["timm", "jax", "moco"] = "timm"

    @property
    def table(self) -> Sequence[Rule]:
        """The rules of the mode."""
        return rules_of((*_SHARED, *self.modes[self.mode]))
