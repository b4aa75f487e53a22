"""Multi-head attention written out, so that its four projections can be looked at.

`nn.MultiheadAttention` multiplies by its packed weights inside one function, where no hook sees
the signals. While a network is being looked at, the module computes the same in the open.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

ATTENDS = frozenset({"softmax", "scaled_dot_product_attention"})
ONE_HOT = 0.99  # of a query's weight on a single key: its scores have no gradient to speak of

Observer = Callable[[str, nn.Module, Tensor, Tensor | None, Tensor, Tensor], None]
"""Called with part name, module, weight, bias, inputs and output of each input projection."""


def decided(
    name: str, args: Sequence[Any], settings: Mapping[str, Any], result: Tensor
) -> float | None:
    """Return the share of queries that attend to a single key.

    Args:
        name: Function of `ATTENDS` that a network has called.
        args: What it was called with.
        settings: What it was called with by name.
        result: What it gave.

    Returns:
        None for a call that is no attention, such as class probabilities, shape (batch, classes).
    """
    weights = result
    if name == "scaled_dot_product_attention":
        weights = torch._scaled_dot_product_attention_math(*args, **settings)[1]
    if weights.dim() < 3 or weights.shape[-1] < 2:
        return None
    return float((weights.detach().amax(dim=-1) > ONE_HOT).double().mean())


def can_open(module: nn.MultiheadAttention) -> bool:
    """Return whether the module is an attention that can be written out.

    One with extra key and value tokens (`add_bias_kv`, `add_zero_attn`) or without its own
    `forward` is left as it is.
    """
    return (
        type(module).forward is nn.MultiheadAttention.forward
        and module.bias_k is None
        and not module.add_zero_attn
    )


def open_attentions(model: nn.Module, observe: Observer) -> None:
    """Let the attentions of a network, a twin, compute in the open from now on."""
    for module in model.modules():
        if isinstance(module, nn.MultiheadAttention) and can_open(module):
            module.forward = _forward(module, observe)  # type: ignore[method-assign, assignment]
        elif isinstance(module, nn.TransformerEncoder):
            module.enable_nested_tensor = False


class OpenProducts(TorchFunctionMode):
    """Lets `scaled_dot_product_attention` compute in the open too, with a second derivative."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Return what `func` returns."""
        if func is functional.scaled_dot_product_attention:
            return torch._scaled_dot_product_attention_math(*args, **kwargs or {})[0]
        return func(*args, **kwargs or {})


def _forward(attention: nn.MultiheadAttention, observe: Observer) -> Callable[..., object]:
    def forward(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,  # noqa: FBT001, FBT002 - torch's signature
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,  # noqa: FBT001, FBT002
        is_causal: bool = False,  # noqa: FBT001, FBT002, ARG001 - a hint; the mask says the same
    ) -> tuple[Tensor, Tensor | None]:
        unbatched = query.dim() == 2
        inputs = [x.unsqueeze(0) if unbatched else x for x in (query, key, value)]
        if not (attention.batch_first or unbatched):
            inputs = [x.transpose(0, 1) for x in inputs]
        q, k, v = (_heads(x, attention) for x in _projected(attention, inputs, observe))
        scores = q @ k.mT / math.sqrt(attention.head_dim)
        scores = _masked(scores, attn_mask, key_padding_mask)
        weights = functional.dropout(
            scores.softmax(dim=-1), attention.dropout, training=attention.training
        )
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        result = attention.out_proj(mixed)
        if unbatched:
            result, weights = result.squeeze(0), weights.squeeze(0)
        elif not attention.batch_first:
            result = result.transpose(0, 1)
        shown = weights.mean(dim=-3) if average_attn_weights else weights
        return result, shown if need_weights else None

    return forward


def _projected(
    attention: nn.MultiheadAttention, inputs: list[Tensor], observe: Observer
) -> list[Tensor]:
    """Return queries, keys and values, each shape (batch, tokens, width)."""
    if attention.in_proj_weight is None:
        weights = [attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight]
    else:
        weights = list(attention.in_proj_weight.chunk(3))
    biases: list[Tensor | None] = [None] * 3
    if attention.in_proj_bias is not None:
        biases = list(attention.in_proj_bias.chunk(3))
    outputs = []
    for part, weight, bias, x in zip(
        ("query", "key", "value"), weights, biases, inputs, strict=True
    ):
        outputs.append(functional.linear(x, weight, bias))
        observe(part, attention, weight, bias, x, outputs[-1])
    return outputs


def _heads(signal: Tensor, attention: nn.MultiheadAttention) -> Tensor:
    """Return (batch, tokens, width) as (batch, heads, tokens, width of a head)."""
    return torch.unflatten(signal, -1, (attention.num_heads, attention.head_dim)).transpose(1, 2)


def _masked(scores: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor:
    """Return scores of shape (batch, heads, queries, keys) with minus infinity where masked."""
    if padding is not None:
        padding = padding if padding.dim() == 2 else padding.unsqueeze(0)
        scores = _add(scores, padding[:, None, None, :])
    if mask is not None:
        if mask.dim() == 3:
            mask = torch.unflatten(mask, 0, (-1, scores.shape[1]))
        scores = _add(scores, mask)
    return scores


def _add(scores: Tensor, mask: Tensor) -> Tensor:
    if mask.dtype == torch.bool:
        return scores.masked_fill(mask, -math.inf)
    return scores + mask
