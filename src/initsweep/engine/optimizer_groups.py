"""Updates the blocks of a stack, each at its factors on rate and decay."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager

from torch import Tensor

from initsweep.core.multipliers import Multipliers
from initsweep.core.params import Optimizer
from initsweep.engine.muon import StackedMuon
from initsweep.engine.newer_optimizers import StackedLion, StackedSgdW
from initsweep.engine.optimizers import (
    StackedAdam,
    StackedAdamW,
    StackedOptimizer,
    StackedRmsprop,
    StackedSgd,
)
from initsweep.engine.schedule_free import StackedScheduleFreeAdamW, StackedScheduleFreeSgd
from initsweep.engine.stack import Stack

STACKED_OPTIMIZERS: Mapping[str, type[StackedOptimizer]] = {
    "sgd": StackedSgd,
    "sgdw": StackedSgdW,
    "adam": StackedAdam,
    "adamw": StackedAdamW,
    "rmsprop": StackedRmsprop,
    "lion": StackedLion,
    "muon": StackedMuon,
    "schedule_free_sgd": StackedScheduleFreeSgd,
    "schedule_free_adamw": StackedScheduleFreeAdamW,
}
"""Those that train stacks; `muon` the hidden weights only, with `adamw` for the rest."""


class OptimizerGroups:
    """One optimizer for the blocks of each pair of factors, as torch has parameter groups."""

    def __init__(
        self, stack: Stack, settings: Optimizer, *, carried: bool, hidden: Set[str] = frozenset()
    ) -> None:
        """Start with all moments at zero.

        Args:
            stack: What is trained.
            settings: The optimizer's settings, for factors of 1.
            carried: As for `StackedOptimizer`.
            hidden: The parameters that Muon trains, if it does; each has a block of its own.
        """
        self._places: dict[tuple[Multipliers, str], list[int]] = {}
        for place, (own, names) in enumerate(zip(stack.multipliers, stack.names, strict=True)):
            beside = settings.name == "muon" and not hidden >= set(names)
            group = own, "adamw" if beside else settings.name
            self._places.setdefault(group, []).append(place)
        self._optimizers = {
            (own, name): STACKED_OPTIMIZERS[name](
                [stack.blocks[place] for place in places],
                settings.model_copy(update={"weight_decay": settings.weight_decay * own.decay}),
                carried=carried,
            )
            for (own, name), places in self._places.items()
        }

    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Make one update, as `StackedOptimizer.step`."""
        for group, places in self._places.items():
            theirs = [gradients[place] for place in places]
            self._optimizers[group].step(theirs, rates * group[0].rate)

    def keep(self, slots: Tensor, blocks: Sequence[Tensor]) -> None:
        """Go on with the lanes in these slots only, whose parameters are now in `blocks`."""
        for group, places in self._places.items():
            self._optimizers[group].keep(slots, [blocks[place] for place in places])

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Have in the blocks what is to be evaluated inside this.

        Yields:
            Nothing.
        """
        with ExitStack() as inside:
            for one in self._optimizers.values():
                inside.enter_context(one.averaged())
            yield

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
