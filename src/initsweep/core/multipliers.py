"""What a parametrization does to the updates of a parameter: factors on its rate and its decay."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

OptimizerKind = Literal["sgd", "adam", "muon"]
"""How the size of an update depends on the gradient's: in proportion (SGD), not at all, entry by
entry (Adam, AdamW, RMSprop, Lion), or not at all, matrix by matrix, each of the size that AdamW's
have (Muon with `adjust_lr_fn="match_rms_adamw"`)."""

OPTIMIZER_KINDS: Mapping[str, OptimizerKind] = {
    "sgd": "sgd",
    "sgdw": "sgd",
    "asgd": "sgd",
    "schedule_free_sgd": "sgd",
    "sgdschedulefree": "sgd",
    "adadelta": "adam",
    "adagrad": "adam",
    "adam": "adam",
    "adamax": "adam",
    "adamw": "adam",
    "adamwschedulefree": "adam",
    "lion": "adam",
    "nadam": "adam",
    "prodigy": "adam",
    "radam": "adam",
    "rmsprop": "adam",
    "rprop": "adam",
    "schedule_free_adamw": "adam",
    "sparseadam": "adam",
    "muon": "muon",
}
"""The kinds of optimizers by name, in small letters: those of the engine, of torch, of packages."""


class Multipliers(NamedTuple):
    """Factors for one parameter, dimensionless; as a parameter group of `torch.optim` has them.

    Attributes:
        rate: On the learning rate.
        decay: On the optimizer's `weight_decay`, beside what `rate` does to it.
    """

    rate: float = 1.0
    decay: float = 1.0


NONE = Multipliers()


def kind_of(optimizer: str) -> OptimizerKind | None:
    """Return the kind of an optimizer, None of one that is not known.

    Args:
        optimizer: Its name, in any letters, or `module:name`.
    """
    return OPTIMIZER_KINDS.get(optimizer.rpartition(":")[2].lower())


def in_groups(
    parameters: Iterable[tuple[str, object]],
    multipliers: Mapping[str, Multipliers],
    *,
    learning_rate: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Return parameters as `torch.optim` takes them, those of equal factors in one group.

    Args:
        parameters: With their names.
        multipliers: Factors by name; 1 for those left out.
        learning_rate: The rate of a factor of 1.
        weight_decay: The decay of a factor of 1.

    Returns:
        Groups with `params`, their `names`, `lr` and `weight_decay`, in the order of their first
        parameters.
    """
    groups: dict[Multipliers, dict[str, Any]] = {}
    for name, parameter in parameters:
        own = multipliers.get(name, NONE)
        settings = {"lr": learning_rate * own.rate, "weight_decay": weight_decay * own.decay}
        group = groups.setdefault(own, {"params": [], "names": [], **settings})
        group["params"].append(parameter)
        group["names"].append(name)
    return list(groups.values())
