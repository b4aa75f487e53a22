"""Updates the blocks of a stack, each at its factors on rate and decay."""

from collections.abc import Sequence

from torch import Tensor

from initsweep.core.multipliers import Multipliers
from initsweep.core.params import Optimizer
from initsweep.engine.optimizers import STACKED_OPTIMIZERS
from initsweep.engine.stack import Stack


class OptimizerGroups:
    """One optimizer for the blocks of each pair of factors, as torch has parameter groups."""

    def __init__(self, stack: Stack, settings: Optimizer, *, carried: bool) -> None:
        """Start with all moments at zero.

        Args:
            stack: What is trained.
            settings: The optimizer's settings, for factors of 1.
            carried: As for `StackedOptimizer`.
        """
        self._places: dict[Multipliers, list[int]] = {}
        for place, own in enumerate(stack.multipliers):
            self._places.setdefault(own, []).append(place)
        self._optimizers = {
            own: STACKED_OPTIMIZERS[settings.name](
                [stack.blocks[place] for place in places],
                settings.model_copy(update={"weight_decay": settings.weight_decay * own.decay}),
                carried=carried,
            )
            for own, places in self._places.items()
        }

    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Make one update, as `StackedOptimizer.step`."""
        for own, places in self._places.items():
            theirs = [gradients[place] for place in places]
            self._optimizers[own].step(theirs, rates * own.rate)

    def keep(self, slots: Tensor, blocks: Sequence[Tensor]) -> None:
        """Go on with the lanes in these slots only, whose parameters are now in `blocks`."""
        for own, places in self._places.items():
            self._optimizers[own].keep(slots, [blocks[place] for place in places])

    def memory(self) -> list[Tensor]:
        """Return all moments; what is written into them counts."""
        return [moment for one in self._optimizers.values() for moment in one.memory()]

    @property
    def steps(self) -> int:
        """How many updates have been made."""
        return next(iter(self._optimizers.values())).steps

    @steps.setter
    def steps(self, steps: int) -> None:
        for one in self._optimizers.values():
            one.steps = steps
