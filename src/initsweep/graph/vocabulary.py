"""What networks are made of, by class of module and by name of function: said here alone.

A function of torch, a method of tensors and a module of one name are one thing: `F.leaky_relu`,
`x.leaky_relu_()` and `nn.LeakyReLU` all are "leaky_relu".
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import nn
from torch.nn import functional

NORMS_WITH_STATISTICS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip
NORMS = (*NORMS_WITH_STATISTICS, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
TABLES = (nn.Embedding, nn.EmbeddingBag)
DENSE = (nn.Linear, *CONVOLUTIONS)
"""Modules that multiply by one matrix, as the diagnosis looks at them."""

WEIGHTED = (
    *DENSE, *TRANSPOSED, *TABLES, nn.Bilinear, nn.MultiheadAttention, *RECURRENT,
)  # fmt: skip
"""Modules of torch whose weights initializers fill."""


def is_matrix(shape: Sequence[int]) -> bool:
    """Return whether a parameter of this shape can be a weight: two axes are longer than 1."""
    return sum(side > 1 for side in shape) > 1


Effect = Literal[
    "activation", "piecewise", "arithmetic", "adds", "average", "statistic", "view", "norm",
    "passes", "reads", "shape", "unknown",
]  # fmt: skip
"""What an operation does to its first argument.

"activation" is a nonlinear function of each number, "piecewise" a step in one that is written
out, as are a comparison and a choice; "arithmetic" scales, "adds" sums, "average" and "statistic"
are of many numbers, "view" only orders them otherwise, "norm" sets their scale, "passes" leaves
them what they are up to dropout and pooling, "reads" is a layer or attention, "shape" looks at the
shape alone.
"""

ELEMENTWISE: frozenset[Effect] = frozenset({"activation", "piecewise", "arithmetic", "adds"})
KEEPING: frozenset[Effect] = frozenset({"average", "view", "norm", "passes"})
"""What leaves a signal what it is, up to normalization, dropout, pooling and order."""

_NAMES: Mapping[Effect, str] = {
    "activation": """
        relu relu6 leaky_relu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus
        softsign hardswish hardsigmoid hardtanh hardshrink softshrink tanhshrink threshold sin cos
        exp erf square abs pow clamp clip clamp_min clamp_max log log1p expm1 atan expit
        sqrt rsqrt reciprocal prelu
    """,
    "piecewise": """
        maximum minimum max min where masked_fill logaddexp zeros_like ones_like gt ge lt le
    """,
    "arithmetic": "mul div true_divide truediv neg",
    "adds": "add sub",
    "average": "mean",
    "statistic": "var std var_mean std_mean amax amin sum norm",
    "view": """
        flatten unflatten ravel reshape reshape_as view view_as t transpose permute movedim moveaxis
        swapaxes swapdims contiguous squeeze unsqueeze clone to float double half bfloat16 type_as
        expand getitem
    """,
    "norm": "layer_norm batch_norm group_norm rms_norm instance_norm",
    "passes": """
        dropout dropout# alpha_dropout feature_alpha_dropout identity local_response_norm chunk
        split unbind narrow select cat concat stack repeat pad zero_pad# constant_pad# circular_pad#
        reflection_pad# replication_pad# max_pool# avg_pool# adaptive_avg_pool# adaptive_max_pool#
        interpolate upsample pixel_shuffle pixel_unshuffle channel_shuffle roll
    """,
    "reads": """
        linear conv# matmul bmm mm baddbmm einsum softmax softmax2d log_softmax bilinear embedding
        scaled_dot_product_attention cross_entropy mse_loss
    """,
    "shape": "size dim numel",
}
TURNED = frozenset({"T", "mT", "H", "mH", "data"})
"""Attributes that are views, while all others are looks at the shape."""

EFFECTS: Mapping[str, Effect] = {
    name.replace("#", axes): effect
    for effect, names in _NAMES.items()
    for name in names.split()
    for axes in (("1d", "2d", "3d") if "#" in name else ("",))
}
ACTIVATIONS = tuple(
    name
    for name, effect in EFFECTS.items()
    if effect == "activation" and hasattr(functional, name) and name not in {"threshold", "prelu"}
)
"""Activations as torch names them, but for those that do not go without settings."""
