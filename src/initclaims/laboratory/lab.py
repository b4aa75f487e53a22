"""The bench that experiments are done on: data, networks, trainings with kept work.

An experiment asks the `Lab` for everything, so that its cost follows the budget, its finished
trainings survive an interruption, and the engine does the work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from torch import Tensor, nn

from initclaims.laboratory.data import Data, content_sha, mnist, registered
from initclaims.laboratory.runs import Runs
from initsweep.architectures import build_model
from initsweep.core.params import Optimizer, Runtime, Training, fingerprint
from initsweep.core.progress import progress
from initsweep.core.records import ModelOption, OptionValue
from initsweep.engine.devices import pin_matmul
from initsweep.engine.lanes import Lane, Problem
from initsweep.engine.train_lanes import train_lanes
from initsweep.initializers import (
    Initializer,
    Multipliers,
    initial_states,
    make_initializer,
    multipliers_under,
)

Budget = Literal["full", "quick"]
Choice = TypeVar("Choice")
TUNING_SEED, FRESH_SEED = 0, 100
"""The first seeds that rates are chosen on, and that schemes are tested on."""
SCRATCH = Path("scratch/claims")

_OPTIMIZER: dict[str, object] = {
    "name": "sgd",
    "momentum": 0.9,
    "nesterov": False,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}
_TRAINING: dict[str, object] = {
    "schedule": "constant",
    "warmup_fraction": 0.0,
    "gradient_clip": None,
}
_RUNTIME: dict[str, object] = {
    "device": "cpu",
    "engine": "auto",
    "threads": 1,
    "lanes_per_chunk": "auto",
    "workers": "auto",
    "keep_every_minutes": 5.0,
}
_MLP: dict[str, ModelOption] = {"activation": "relu", "norm": "none", "residual": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One network on one data set, and how it is trained; everything but scheme, rate and seed.

    Attributes:
        data: What it learns.
        network: A name and options of the architectures' registry, or a function that builds one.
        epochs: Passes over the training rows.
        optimizer: Settings that differ from SGD with momentum 0.9 and no weight decay.
        batch_size: Examples per update.
        training: Settings that differ from a constant rate without clipping.
    """

    data: Data
    network: Mapping[str, ModelOption] | Callable[[], nn.Module]
    epochs: int
    optimizer: Mapping[str, object] | None = None
    batch_size: int = 128
    training: Mapping[str, object] | None = None

    def model(self) -> nn.Module:
        """Return the network, waiting for its weights."""
        if callable(self.network):
            return self.network()
        options = dict(self.network)
        name = str(options.pop("name"))
        features, outputs = self.data.n_features, self.data.n_outputs
        return build_model(name, options, n_features=features, n_outputs=outputs)

    def training_params(self) -> Training:
        """Return length, batches and schedule as the engine takes them."""
        told = {"epochs": self.epochs, "batch_size": self.batch_size}
        return Training.model_validate(told | _TRAINING | dict(self.training or {}))

    def optimizer_params(self) -> Optimizer:
        """Return the optimizer as the engine takes it."""
        return Optimizer.model_validate(_OPTIMIZER | dict(self.optimizer or {}))

    def key(self) -> dict[str, object]:
        """Return what identifies it, as a JSON-like value."""
        network: object = repr(self.model()) if callable(self.network) else dict(self.network)
        return {
            "data": [self.data.name, content_sha(self.data)],
            "network": network,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "optimizer": dict(self.optimizer or {}),
            "training": dict(self.training or {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Weights with a name that stands for them.

    Attributes:
        label: What it is called in tables and pictures.
        weights: An initializer, or a function from the seed to all parameters by name.
    """

    label: str
    weights: Initializer | Callable[[int], Mapping[str, Tensor]]

    @classmethod
    def named(cls, name: str, label: str = "", **options: OptionValue) -> "Scheme":
        """Return a registered initializer with these options."""
        told = " ".join([name, *(f"{key}={value}" for key, value in options.items())])
        return cls(label=label or told, weights=make_initializer(name, options))

    def key(self) -> dict[str, object]:
        """Return what identifies it, as a JSON-like value; a function goes by its label."""
        law = None
        if isinstance(self.weights, Initializer):
            law = [type(self.weights).__qualname__, vars(self.weights)]
        return {"label": self.label, "law": law}


class Lab:
    """Carries out the experiment of one claim."""

    def __init__(
        self,
        claim: str,
        budget: Budget,
        *,
        code_sha: str,
        claim_sha: str,
        mnist: Path | None = None,
    ) -> None:
        """Set up the bench.

        Args:
            claim: Its name, for kept work and the progress bar.
            budget: "full", or "quick", which may end in "cannot tell".
            code_sha: Hash of all that computes; kept work of other code is not used.
            claim_sha: Hash of the claim's own file, for work done with networks or weights of its
                own.
            mnist: Folder with MNIST's test files, if there is one.
        """
        pin_matmul()
        self.claim, self.budget = claim, budget
        self._code_sha, self._claim_sha, self._mnist = code_sha, claim_sha, mnist

    def pick(self, full: Choice, quick: Choice) -> Choice:
        """Return what fits the budget."""
        return full if self.budget == "full" else quick

    def seeds(self, full: int, quick: int) -> range:
        """Return the seeds of an experiment without tuning, from 0 up."""
        return range(self.pick(full, quick))

    def data(self, name: str = "digits") -> Data:
        """Return a data set that ships with scikit-learn, by its registered name."""
        return _registered(name)

    def images(self) -> Data:
        """Return MNIST where its files were given, and the digits data otherwise."""
        return self.data() if self._mnist is None else mnist(self._mnist)

    def mlp(self, depth: int, width: int, **options: ModelOption) -> dict[str, ModelOption]:
        """Return a multilayer perceptron for `Setup.network`: ReLU, plain, unless told else."""
        return {"name": "mlp", "depth": depth, "width": width, **_MLP, **options}

    def state(self, setup: Setup, scheme: str | Scheme, seed: int) -> dict[str, Tensor]:
        """Return all parameters of the network under a scheme, by name."""
        return dict(self._states(setup, _scheme(scheme))(seed))

    def train(
        self,
        setup: Setup,
        scheme: str | Scheme,
        rates: Sequence[float],
        seeds: Sequence[int],
        *,
        split: Literal["validation", "test"] = "validation",
        keep_states: bool = False,
    ) -> Runs:
        """Train at every rate under every seed.

        Args:
            setup: Network, data, optimizer.
            scheme: A registered initializer's name, or a `Scheme`.
            rates: Learning rates.
            seeds: Seeds of weights and batches.
            split: The rows that losses and scores are taken on; training rows stay the same.
            keep_states: Whether the final parameters are wanted.

        Returns:
            The runs, as matrices of rates by seeds.
        """
        scheme = _scheme(scheme)
        lanes = [Lane(learning_rate=rate, seed=seed) for rate in rates for seed in seeds]
        title = f"{self.claim}: {scheme.label}"
        with progress(len(lanes), title, "run", is_part=True) as bar:
            results = train_lanes(
                self._problem(setup, scheme, split),
                lanes,
                training=setup.training_params(),
                optimizer=setup.optimizer_params(),
                runtime=Runtime.model_validate(_RUNTIME),
                keep_states=keep_states,
                on_progress=lambda done, _: bar.advance(done),
                checkpoint=self._kept(setup, scheme, split),
            )
        return Runs.of(scheme.label, rates, seeds, results, setup.data, split)

    def _states(self, setup: Setup, scheme: Scheme) -> Callable[[int], Mapping[str, Tensor]]:
        weights = scheme.weights
        if not isinstance(weights, Initializer):
            return weights
        inputs = setup.data.train.features if weights.needs_inputs else None
        return initial_states(setup.model(), weights, inputs=inputs)

    def _multipliers(self, setup: Setup, scheme: Scheme) -> Mapping[str, Multipliers]:
        weights = scheme.weights
        if not isinstance(weights, Initializer):
            return {}
        return multipliers_under(setup.model(), weights, setup.optimizer_params().name)

    def _problem(self, setup: Setup, scheme: Scheme, split: str) -> Problem:
        data = setup.data
        return Problem(
            model=setup.model(),
            initial_state=self._states(setup, scheme),
            train=data.train,
            validation=data.splits[split],
            loss=data.loss,
            loss_name=data.loss_name,
            recorded_loss=data.recorded_loss,
            score=data.score,
            constant_loss=data.constant_loss[split],
            multipliers=self._multipliers(setup, scheme),
        )

    def _kept(self, setup: Setup, scheme: Scheme, split: str) -> Path:
        key = {"code": self._code_sha, "split": split, **scheme.key(), **setup.key()}
        if callable(setup.network) or not isinstance(scheme.weights, Initializer):
            key["claim"] = self._claim_sha  # it has code of its own that computes
        return SCRATCH / self.claim / fingerprint(key)


@lru_cache(maxsize=4)
def _registered(name: str) -> Data:
    return registered(name)


def _scheme(scheme: str | Scheme) -> Scheme:
    return Scheme.named(scheme) if isinstance(scheme, str) else scheme
