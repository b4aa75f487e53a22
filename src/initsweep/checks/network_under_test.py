"""A network to check, and how it would be trained."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from initsweep.core.errors import InitsweepError
from initsweep.core.params import Optimizer, Runtime, Training
from initsweep.core.randomness import torch_stream
from initsweep.engine.lanes import Problem, Split
from initsweep.engine.paths import Job
from initsweep.initializers import initial_state, initialize_, make_initializer
from initsweep.metrics import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A network to check.

    Attributes:
        build: Builds it, weights and all, in training mode.
    """

    build: Callable[[], nn.Module]

    def filled(self) -> nn.Module:
        """Return the network under He's scheme; if that does not know it, as it is built."""
        model = self.build()
        try:
            return initialize_(model, "he_normal", 0)
        except InitsweepError:  # reported by the check of the parameters
            return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Built):
    """A network to check, and how it would be trained.

    Attributes:
        n_features: Inputs per example.
        n_outputs: Outputs per example; more than one are classes.
        training: Length, batches, schedule and clipping.
        optimizer: The optimizer and its settings.
        runtime: Where and how.
    """

    n_features: int
    n_outputs: int
    training: Training
    optimizer: Optimizer
    runtime: Runtime

    def batch(self) -> Tensor:
        """Return eight examples, shape (8, n_features)."""
        return torch.randn(8, self.n_features, generator=torch_stream("batch"))

    def job(self, engine: str) -> Job:
        """Return a small job of random examples, as `runtime.engine` would ask for it."""
        model = self.filled()
        loss = "cross_entropy" if self.n_outputs > 1 else "mean_squared_error"
        rows = 2 * self.training.batch_size
        generator = torch_stream("rows")
        features = torch.randn(rows, self.n_features, generator=generator)
        classes = torch.randint(max(self.n_outputs, 2), (rows,), generator=generator)
        split = Split(
            features=features, targets=classes if self.n_outputs > 1 else classes.to(torch.float32)
        )
        scheme = make_initializer("he_normal", {})
        problem = Problem(
            model=model,
            initial_state=lambda seed: initial_state(model, scheme, seed),
            train=split,
            validation=split,
            loss=METRICS.get(loss).function,
            loss_name=loss,
            score=METRICS.get(loss).function,
            constant_loss=1.0,
        )
        runtime = self.runtime.model_copy(update={"engine": engine, "device": "cpu"})
        return Job(
            problem=problem,
            training=self.training,
            optimizer=self.optimizer,
            runtime=runtime,
            keep_states=False,
        )
