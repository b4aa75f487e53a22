"""Some steps of the real optimizer on the given batch, taken by a twin: does the loss fall?

A network that trains at all lowers the loss of one batch of its data below that of the best
constant prediction within a hundred steps; how clearly that tells the two apart is in
`docs/diagnosis.md`.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from initsweep.core.errors import InitsweepError
from initsweep.core.multipliers import Multipliers, in_groups
from initsweep.diagnosis.constants import constant_loss
from initsweep.diagnosis.subject import failure
from initsweep.graph.forms import Inputs, answer, called, cast, first, tensors_in
from initsweep.graph.torch_generator import private_draws
from initsweep.graph.twins import copy_of
from initsweep.graph.vocabulary import CONVOLUTIONS, DENSE
from initsweep.probes.passing import Loss, typed

State = Mapping[str, Tensor]

STEPS, PATIENT, LAST = 100, 1000, 10
EXAMPLES, FEWEST, SAMPLE = 128, 16, 4
BUDGET = 3e11  # floating-point operations of a trial, some ten seconds of one core
LEARNS = 0.97  # of the constant loss: from there on it goes by itself
STAYS = 1.1  # where targets are random there is little to learn
ENOUGH = 0.5  # nothing is learnt from looking on
STILL, BURST = 1e-3, 1.5
FAR = 1e4  # times a constant's loss: steps so large learn the batch by heart, and nothing else
KEPT = 1.1  # of a loss that was low before

USUAL = {"sgd": (0.01, 0.1), "adam": (1e-3, 1e-2), "adamw": (1e-3, 1e-2), "rmsprop": (1e-3, 1e-2)}
"""Rates to try where none is given; those of most tutorials, and ten times as much."""

TORCH_OPTIMIZERS: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}
_DECAYS = {"adamw": 0.01}  # as torch has it


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial went.

    Attributes:
        start: The batch's loss before it, over that of the best constant prediction.
        end: The same after it; infinite where numbers overflow.
        peak: The largest on the way.
    """

    start: float
    end: float
    peak: float

    @property
    def moved(self) -> bool:
        """Whether the loss has changed at all."""
        return not abs(self.end - self.start) <= STILL * self.start

    @property
    def burst(self) -> bool:
        """Whether the loss has risen far above that of a constant."""
        return self.end > BURST

    @property
    def reached(self) -> float:
        """Where it went to: the peak where that is far above what comes after."""
        return self.peak if self.flew else self.end

    @property
    def flew(self) -> bool:
        """Whether the steps have thrown the loss up beyond all measure, wherever it ends."""
        return self.peak > FAR * max(1.0, self.start)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """Where trials run.

    Attributes:
        network: The network; it is copied for each trial.
        features: Inputs.
        targets: What the loss takes.
        loss: Mean loss from outputs and targets.
        optimizer: The optimizer's name.
        bearable: The share of the constant loss up to which a trial has gone well.
        state: Parameters to start from instead of the network's own.
        multipliers: The scheme's factors on the rates and decays of parameters.
        normalized: Whether the outputs of hidden layers are standardized over the batch.
        examples: How many examples trials of so many steps take, found out once for the network.
    """

    network: nn.Module
    features: Inputs
    targets: Inputs
    loss: Loss
    optimizer: str
    bearable: float = LEARNS
    state: State = field(default_factory=dict)
    multipliers: Mapping[str, Multipliers] = field(default_factory=dict)
    normalized: bool = False
    examples: dict[int, int] = field(default_factory=dict)

    def under(self, state: State) -> "Bench":
        """Return where another scheme, which has no factors, is tried by its values."""
        return replace(self, state=state, multipliers={})

    def run(self, rate: float, steps: int = STEPS) -> Outcome:
        """Return how a trial at this rate goes."""
        twin = copy_of(self.network).train()
        with torch.no_grad():
            for name, own in twin.named_parameters():
                own.copy_(self.state.get(name, own))
        if self.normalized:
            normalize_layers(twin)
        with torch.enable_grad():
            shares = self._shares(twin, rate, steps)
        end = median(shares[-LAST:]) if math.isfinite(shares[-1]) else math.inf
        return Outcome(shares[0], end, max(shares))

    def learns(self, rate: float, steps: int = STEPS) -> bool:
        """Return whether a trial at this rate goes well."""
        return self.went_well(self.run(rate, steps))

    def went_well(self, outcome: Outcome) -> bool:
        """Return whether the loss has fallen, below that of a constant and where it started."""
        fallen = outcome.end <= self.bearable * min(1.0, outcome.start)
        # What had learnt before may have little left to learn, and must not forget.
        return fallen or outcome.end < min(ENOUGH, KEPT * outcome.start)

    def is_affine(self) -> bool:
        """Return whether outputs in the middle of two examples are the middle of their outputs."""
        if not isinstance(self.features, Tensor) or not self.features.is_floating_point():
            return False
        twin, other = copy_of(self.network).eval(), self.features.roll(1, 0)
        with torch.no_grad(), private_draws(0):
            given = (self.features, other, (self.features + other) / 2)
            one, two, middle = (answer(twin(each))[1] for each in given)
        ends = one + two
        return bool(torch.allclose(ends / 2, middle, rtol=1e-3, atol=1e-3 * float(ends.std())))

    def _shares(self, twin: nn.Module, rate: float, steps: int) -> list[float]:
        features, targets = self._batch(steps)
        trained = [(name, one) for name, one in twin.named_parameters() if one.requires_grad]
        groups = in_groups(
            trained,
            self.multipliers,
            learning_rate=rate,
            weight_decay=_DECAYS.get(self.optimizer, 0.0),
        )
        optimizer = TORCH_OPTIMIZERS[self.optimizer](groups)
        shares: list[float] = []
        draws = torch.Generator().manual_seed(0)
        for _ in range(steps):
            optimizer.zero_grad()
            try:
                with private_draws(draws):  # which costs time, so not on the way back
                    outputs = called(twin, cast(features, None))  # it may overwrite them
                    value = self.loss(outputs, targets)
            except Exception as error:  # the user's own code; losses refuse what is no number
                if shares:
                    return [*shares, math.inf]
                words = failure(self.network, self.features, error, with_loss=True)
                raise InitsweepError(words) from error
            if not shares:
                constant = constant_loss(self.loss, outputs, targets)
                floor = constant if constant > 0 else abs(float(value.detach())) or 1.0
            shares.append(float(value.detach()) / floor)
            recent = shares[-LAST:]
            low = ENOUGH * min(1.0, shares[0])
            if not math.isfinite(shares[-1]) or (len(recent) == LAST and max(recent) < low):
                break
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return shares

    def _batch(self, steps: int) -> tuple[Inputs, Inputs]:
        """Return the examples that a trial of so many steps takes."""
        if steps not in self.examples:
            self.examples[steps] = self._bearing(affordable(self.network, self.features, steps))
        return self._first(self.examples[steps])

    def _first(self, examples: int) -> tuple[Inputs, Inputs]:
        own = dict(self.network.named_parameters())
        features, targets = first((self.features, self.targets), examples)
        return typed(own, features, None), typed(own, targets, None)

    def _bearing(self, examples: int) -> int:
        """Return so many examples, or all where network or loss take no fewer."""
        features, targets = self._first(examples)
        try:
            with torch.no_grad(), private_draws(0):
                self.loss(called(copy_of(self.network).train(), cast(features, None)), targets)
        except Exception:  # noqa: BLE001 - a graph, say, or weights of the examples in the loss
            return sys.maxsize
        return examples


def affordable(network: nn.Module, features: Inputs, steps: int) -> int:
    """Return how many examples a trial may have: fewer where one is dear."""
    few = typed(dict(network.named_parameters()), first(features, SAMPLE), None)
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad(), private_draws(0):
            called(copy_of(network), few)
    except AssertionError:  # of the counter: what it costs is not known
        return FEWEST
    except Exception:  # noqa: BLE001 - a network that takes no fewer
        return EXAMPLES
    count = max(map(len, tensors_in(few)))
    each = 3 * steps * counter.get_total_flops() / count  # on the way back twice as much
    return max(FEWEST, min(EXAMPLES, int(BUDGET / max(each, 1.0))))


def normalize_layers(network: nn.Module) -> None:
    """Let a twin's hidden layers give numbers of mean 0 and variance 1 over the batch."""
    layers = [module for module in network.modules() if isinstance(module, DENSE)]

    def standardized(module: nn.Module, _: object, out: Tensor) -> Tensor:
        axis = 1 if isinstance(module, CONVOLUTIONS) else out.dim() - 1
        others = [one for one in range(out.dim()) if one != axis]
        variance, mean = torch.var_mean(out, others, keepdim=True, correction=0)
        return (out - mean) / (variance + 1e-5).sqrt()

    for layer in layers[:-1]:
        layer.register_forward_hook(standardized)
