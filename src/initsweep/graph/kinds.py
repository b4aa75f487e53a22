"""What a class of modules is to initializers: a layer of torch's, or declared to be like one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar, overload

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from initsweep.core.errors import InitsweepError
from initsweep.graph.vocabulary import CONVOLUTIONS, NORMS, TRANSPOSED, WEIGHTED

AnyClass = TypeVar("AnyClass", bound=type[nn.Module])

_AXES: Mapping[type[nn.Module], int] = {
    nn.Linear: 2, nn.Embedding: 2, nn.EmbeddingBag: 2, nn.Bilinear: 3,
    **{kind: axes for kinds in (CONVOLUTIONS, TRANSPOSED) for axes, kind in enumerate(kinds, 3)},
}  # fmt: skip
"""Axes of the weight of torch's layers with one weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Which layer of torch's a module is like.

    Attributes:
        like: The class of torch's, None for no layer: the parameters keep their values.
        weights: Names of its weights.
        transposed: Whether the weights of a linear layer are kept as (in, out).
        whole: Whether that holds for all modules inside, too.
    """

    like: type[nn.Module] | None
    weights: tuple[str, ...] = ("weight",)
    transposed: bool = False
    whole: bool = False

    @property
    def is_one_layer(self) -> bool:
        """Whether the module as a whole is one layer."""
        return self.like is not None and len(self.weights) == 1

    def role(self, name: str) -> Literal["weight", "bias", ""]:
        """Return what a parameter of the module is, "" for none of the layer's."""
        if self.like is None:
            return ""
        if name in self.weights:
            return "weight"
        return "bias" if name == "bias" and self.is_one_layer else ""

    def check(self, module: nn.Module, path: str) -> None:
        """Check that a module has what its class is declared to have.

        Raises:
            InitsweepError: If it lacks a weight.
        """
        for name in self.weights if self.like else ():
            if not hasattr(module, name):
                raise InitsweepError(
                    f"layer_kind says that '{path}' ({type(module).__name__}) has a weight "
                    f"'{name}', and it has none. Declare the class with the `weights` it has."
                )

    def shape(self, weight: Tensor, where: str) -> tuple[int, ...]:
        """Return the shape of a weight as torch keeps it, of one layer if it holds several.

        Raises:
            InitsweepError: If it has not the axes of such a weight.
        """
        shape, axes = tuple(weight.shape), _AXES.get(self.like or nn.Module, weight.ndim)
        if self.like is nn.Linear:
            shape = shape[-2:]
        if len(shape) != axes:
            raise InitsweepError(
                f"'{where}' of shape {tuple(weight.shape)} is declared to be like the weight of "
                f"nn.{self.like.__name__ if self.like else ''}, which has {axes} axes. Declare "
                "the class with another `like`, or with other `weights`."
            )
        return shape[::-1] if self.transposed else shape


_TURNED = Likeness(like=nn.Linear, transposed=True)
"""A linear layer whose weight lies the other way round: GPT-2's and its relatives'."""

_PUBLIC = {
    # An adapter starts as its method wants it; LoRA's second matrix, for one, at 0.
    "peft.tuners.tuners_utils.BaseTunerLayer": Likeness(like=None, whole=True),
}
"""Classes of other libraries by their full names, lest these be imported."""

_DECLARED: dict[type[nn.Module], Likeness] = {}


@overload
def layer_kind(
    kind: AnyClass,
    /,
    *,
    like: type[nn.Module] | None,
    transposed: bool = ...,
    weights: tuple[str, ...] = ...,
) -> AnyClass: ...
@overload
def layer_kind(
    kind: None = None,
    /,
    *,
    like: type[nn.Module] | None,
    transposed: bool = ...,
    weights: tuple[str, ...] = ...,
) -> Callable[[AnyClass], AnyClass]: ...
def layer_kind(
    kind: AnyClass | None = None,
    /,
    *,
    like: type[nn.Module] | None,
    transposed: bool = False,
    weights: tuple[str, ...] = ("weight",),
) -> AnyClass | Callable[[AnyClass], AnyClass]:
    """Say that modules of a class are filled like those of one of torch's.

    Like a linear, convolutional, bilinear or lookup layer: by the scheme, its `bias` too. Like a
    normalization layer: weight 1, bias 0. All other parameters of the class keep the values they
    are built with. It holds for classes derived from this one, unless they say otherwise.

    Args:
        kind: The class; left out, a decorator is returned.
        like: The class of torch's, None to keep all of its parameters as they are built.
        transposed: Whether the weight is that of a linear layer kept as (in, out).
        weights: Names of its weights. A linear one may have axes in front that count layers side
            by side, as experts are kept: (experts, out, in).

    Returns:
        The class itself, or the decorator.

    Raises:
        InitsweepError: If the class is none of the user's, or `like` none of torch's layers.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import initialize_, layer_kind
        >>> @layer_kind(like=nn.Linear, transposed=True)
        ... class Product(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.weight = nn.Parameter(torch.zeros(400, 500))  # (in, out)
        ...
        ...     def forward(self, x):
        ...         return x @ self.weight
        >>> round(initialize_(Product(), "he_normal", seed=0).weight.std().item(), 3)
        0.071
    """
    if kind is None:
        return partial(layer_kind, like=like, transposed=transposed, weights=weights)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)) or kind in (*WEIGHTED, *NORMS):
        raise InitsweepError(
            f"layer_kind takes a class of modules that is not torch's own, received {kind!r}."
        )
    if like is not None and like not in (*_AXES, *NORMS):
        raise InitsweepError(
            "layer_kind: `like` must be torch's class of a linear, convolutional, bilinear, lookup "
            f"or normalization layer, such as nn.Linear, or None; received {like!r}."
        )
    if transposed and like is not nn.Linear:
        raise InitsweepError("layer_kind: only a weight like nn.Linear's can be `transposed`.")
    if isinstance(weights, str):
        raise InitsweepError(f"layer_kind: `weights` are several names; write ({weights!r},).")
    _DECLARED[kind] = Likeness(like=like, transposed=transposed, weights=tuple(weights))
    return kind


def declared_of(module: nn.Module) -> Likeness | None:
    """Return what the module's class is declared to be like, None for torch's and unknown ones."""
    names = set()
    for kind in type(module).__mro__:
        if kind in _AXES or kind in NORMS:
            break
        name = f"{kind.__module__}.{kind.__qualname__}"
        if found := _DECLARED.get(kind) or _PUBLIC.get(name):
            return found
        names.add(kind.__name__)
    # GPT-2's, wherever it was copied to; the parameter itself, even while it is being traced.
    weight = module._parameters.get("weight") if "Conv1D" in names else None
    return _TURNED if weight is not None and not is_lazy(weight) and weight.dim() == 2 else None


def likeness_of(module: nn.Module) -> Likeness | None:
    """Return what layer with one weight, or norm, the module is like; None if that is unknown."""
    torchs = isinstance(module, (*_AXES, *NORMS))
    return declared_of(module) or (Likeness(like=type(module)) if torchs else None)


def weight_name(module: nn.Module) -> str:
    """Return the name of the one weight of a module that is one layer."""
    declared = declared_of(module)
    return declared.weights[0] if declared else "weight"


def is_a(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Return whether the module is, or is declared to be like, one of these layers of torch's."""
    declared = declared_of(module)
    like = declared.like if declared and declared.is_one_layer else None
    return issubclass(like or type(module), kinds)
