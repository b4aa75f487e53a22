"""What a parametrization does to the updates of a parameter: factors on its rate and its decay."""

from typing import Literal, NamedTuple

OptimizerKind = Literal["sgd", "adam", "muon"]
"""How the size of an update depends on the gradient's: in proportion (SGD), not at all, entry by
entry (Adam, AdamW, RMSprop, Lion), or not at all, matrix by matrix (Muon)."""


class Multipliers(NamedTuple):
    """Factors for one parameter, dimensionless; as a parameter group of `torch.optim` has them.

    Attributes:
        rate: On the learning rate.
        decay: On the optimizer's `weight_decay`, beside what `rate` does to it.
    """

    rate: float = 1.0
    decay: float = 1.0
