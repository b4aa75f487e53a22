"""The factors of a scheme on rates and decays, as an optimizer takes them."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import NONE, Multipliers, OptimizerKind, in_groups, kind_of
from initsweep.initializers.apply import multipliers_of
from initsweep.initializers.arguments import AnyInitializer, check_network
from initsweep.initializers.unknown import Unknown

Key = TypeVar("Key")


def parameter_groups(
    model: nn.Module,
    scheme: AnyInitializer,
    *,
    learning_rate: float,
    optimizer: str,
    weight_decay: float = 0.0,
) -> list[dict[str, Any]]:
    """Return the parameters as `torch.optim` takes them, at the factors of a parametrization.

    Schemes such as muP are initial values and factors on the rate and the weight decay of single
    parameters. Those of equal factors share a group; a scheme without factors makes one group.

    Args:
        model: The network, before it is compiled or wrapped.
        scheme: What it was filled by, as for `initialize_`.
        learning_rate: The base rate, which the factors multiply: what a study tunes.
        optimizer: The optimizer's name, such as "sgd" or "AdamW", as factors depend on how its
            updates follow the size of gradients. For one of your own, a known one whose do so in
            the same way: "sgd" (in proportion), "adam" (entry by entry, whatever their size) or
            "muon" (the same matrix by matrix, of AdamW's size: `adjust_lr_fn="match_rms_adamw"`).
        weight_decay: The base weight decay.

    Returns:
        Groups with `params`, their `names`, `lr` and `weight_decay`.

    Raises:
        InitsweepError: If the scheme refuses the network, a number cannot be used, or the
            optimizer is not known and factors depend on it.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import Initializer, initialize_, make_initializer, parameter_groups
        >>> from initsweep.initializers import Multipliers
        >>> he_normal = make_initializer("he_normal", {})
        >>> class SlowReadout(Initializer):
        ...     def weight(self, layer, generator):
        ...         return he_normal.weight(layer, generator)
        ...     def multipliers(self, network, kind):
        ...         return {"2.weight": Multipliers(rate=0.25)}
        >>> network = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
        >>> network = initialize_(network, SlowReadout(), seed=0)
        >>> groups = parameter_groups(
        ...     network, SlowReadout(), learning_rate=0.01, optimizer="adamw", weight_decay=0.1
        ... )
        >>> [(group["names"], group["lr"]) for group in groups]
        [(['0.weight', '0.bias', '2.bias'], 0.01), (['2.weight'], 0.0025)]
        >>> optimizer = torch.optim.AdamW(groups)
    """
    for name, value in {"learning_rate": learning_rate, "weight_decay": weight_decay}.items():
        if not (isinstance(value, int | float) and 0 <= value < math.inf):
            raise InitsweepError(f"{name}: received {value!r}. Give a number from 0, such as 0.01.")
    if not isinstance(optimizer, str):
        raise InitsweepError(
            f"optimizer: received {optimizer!r}. Give the optimizer's name, such as 'adamw'."
        )
    check_network(model)
    return in_groups(
        model.named_parameters(),
        multipliers_under(model, scheme, optimizer, unknown="keep"),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
    )


def multipliers_under(
    model: nn.Module, initializer: AnyInitializer, optimizer: str, *, unknown: Unknown = "refuse"
) -> dict[str, Multipliers]:
    """Return the factors that a scheme puts on rates and decays under an optimizer, by parameter.

    Args:
        model: As for `multipliers_of`.
        initializer: As for `multipliers_of`.
        optimizer: Its name.
        unknown: As for `multipliers_of`.

    Returns:
        Those of parameters whose factors are not both 1.

    Raises:
        InitsweepError: As `multipliers_of`; also if the optimizer is not known, and the factors
            depend on it.
    """
    kind = kind_of(optimizer)
    return one_of(multipliers_by_kind(model, initializer, kind, unknown=unknown), optimizer)


def multipliers_by_kind(
    model: nn.Module,
    initializer: AnyInitializer,
    kind: OptimizerKind | None = None,
    *,
    unknown: Unknown = "refuse",
) -> dict[OptimizerKind, dict[str, Multipliers]]:
    """Return the same for each kind of optimizers, or for the one that is asked for."""
    kinds = get_args(OptimizerKind) if kind is None else (kind,)
    found = {one: multipliers_of(model, initializer, one, unknown=unknown) for one in kinds}
    return {
        one: {name: own for name, own in factors.items() if own != NONE}
        for one, factors in found.items()
    }


def one_of(
    by_kind: Mapping[OptimizerKind, dict[Key, Multipliers]], optimizer: str
) -> dict[Key, Multipliers]:
    """Return those of an optimizer.

    Raises:
        InitsweepError: If the optimizer is not known, and they depend on its kind.
    """
    if (kind := kind_of(optimizer)) is not None:
        return by_kind[kind]
    first, *others = by_kind.values()
    if any(one != first for one in others):
        raise InitsweepError(
            f"optimizer: the scheme's factors on rates depend on how updates follow the size of "
            f"gradients, and of {optimizer!r} that is not known. Name one whose do so in the same "
            "way: 'sgd' (in proportion), 'adam' (entry by entry, whatever their size) or 'muon' "
            "(the same matrix by matrix)."
        )
    return first
