"""What the operations in a traced network do to a signal, as far as initializers care."""

import operator
from collections.abc import Mapping
from types import ModuleType
from typing import Literal

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initsweep.initializers.kinds import is_a
from initsweep.initializers.layers import NORMS, WEIGHTED

Effect = Literal["activation", "arithmetic", "passes", "adds", "reads", "shape", "unknown"]

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
    nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.PReLU, nn.ReLU, nn.ReLU6, nn.SELU, nn.Sigmoid,
    nn.SiLU, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold,
)  # fmt: skip
_PASSING: tuple[type[nn.Module], ...] = (
    *NORMS, nn.LocalResponseNorm, nn.AlphaDropout, nn.Dropout, nn.Dropout1d, nn.Dropout2d,
    nn.Dropout3d, nn.FeatureAlphaDropout, nn.Flatten, nn.Unflatten, nn.Identity, nn.MaxPool1d,
    nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d, nn.Upsample, nn.PixelShuffle,
)  # fmt: skip
_READING: tuple[type[nn.Module], ...] = (*WEIGHTED, nn.Softmax, nn.LogSoftmax, nn.Softmax2d)

_NAMES: Mapping[Effect, str] = {
    "activation": """
        relu relu6 leaky_relu elu selu celu gelu silu mish tanh sigmoid logsigmoid softplus
        softsign hardswish hardsigmoid hardtanh hardshrink softshrink tanhshrink threshold sin cos
        exp erf square abs pow clamp clip clamp_min clamp_max relu_ tanh_ sigmoid_ pow_ square_
        sin_ cos_ exp_ abs_ leaky_relu_ elu_ selu_ celu_ hardtanh_ threshold_ log1p expm1 atan
    """,
    "arithmetic": "mul div true_divide mul_ div_ neg neg_",
    "adds": "add sub add_ sub_",
    "passes": """
        dropout dropout1d dropout2d dropout3d alpha_dropout layer_norm batch_norm group_norm
        rms_norm instance_norm local_response_norm flatten unflatten reshape view view_as
        transpose permute movedim swapaxes contiguous squeeze unsqueeze chunk split unbind narrow
        select cat concat stack clone to float double half bfloat16 type_as expand repeat pad
        max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d
        adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d adaptive_avg_pool3d mean
        interpolate pixel_shuffle roll
    """,
    "reads": """
        linear conv1d conv2d conv3d matmul bmm mm baddbmm einsum softmax log_softmax
        scaled_dot_product_attention embedding bilinear cross_entropy mse_loss
    """,
    "shape": "size dim numel",
}
_HOMES: tuple[ModuleType | type, ...] = (torch, functional, Tensor)
_OPERATORS: Mapping[object, Effect] = {
    operator.mul: "arithmetic", operator.imul: "arithmetic", operator.truediv: "arithmetic",
    operator.itruediv: "arithmetic", operator.neg: "arithmetic", operator.add: "adds",
    operator.iadd: "adds", operator.sub: "adds", operator.isub: "adds",
    operator.pow: "activation", operator.ipow: "activation", operator.getitem: "passes",
    operator.matmul: "reads", getattr: "shape", len: "shape",
}  # fmt: skip


def _effects() -> dict[object, Effect]:
    """Return effects by function, and by name for methods of tensors."""
    table: dict[object, Effect] = dict(_OPERATORS)
    for effect, names in _NAMES.items():
        for name in names.split():
            table[name] = effect
            found = (getattr(home, name, None) for home in _HOMES)
            table |= {function: effect for function in found if function is not None}
    return table


_EFFECTS = _effects()


def effect_of(node: fx.Node, modules: Mapping[str, nn.Module]) -> Effect:
    """Return what the operation does to its first argument.

    Returns:
        "activation" for a nonlinear elementwise function, "arithmetic" for scaling, "adds" for
        sums, "passes" where the values stay what they are, up to normalization, dropout, pooling
        and order, "reads" where a layer or attention takes over, "shape" where only the shape is
        looked at.
    """
    if node.op != "call_module":
        return _EFFECTS.get(node.target, "unknown")
    module = modules[str(node.target)]
    kinds: tuple[tuple[tuple[type[nn.Module], ...], Effect], ...] = (
        (ELEMENTWISE, "activation"),
        (_PASSING, "passes"),
        (_READING, "reads"),
    )
    return next((effect for types, effect in kinds if is_a(module, types)), "unknown")


def inputs_of(node: fx.Node) -> list[fx.Node]:
    """Return the values that a node reads, without parameters, buffers and shapes."""
    return [
        one
        for one in node.all_input_nodes
        if one.op != "get_attr" and _EFFECTS.get(one.target) != "shape"
    ]


def name_of(node: fx.Node) -> str:
    """Return how to call an operation in a message."""
    return f"'{getattr(node.target, '__name__', node.target)}'"
