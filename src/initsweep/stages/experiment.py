"""Names become tensors here and nowhere else.

An `Experiment` knows the prepared data and the parameters. It turns a scheme's name into
weights, an architecture's name into a network, and rows of (learning rate, seed) into trained
lanes, and turns those back into rows.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from initsweep.architectures import build_model
from initsweep.architectures.transfer import head_parameters, transfer_
from initsweep.core import artifacts, own_code
from initsweep.core.errors import each_warning_once
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params, Runtime, fingerprint
from initsweep.core.progress import Progress
from initsweep.core.provenance import Role, of_training
from initsweep.core.records import CurveRow, Provenance, RunRow, Schema, TrialKind
from initsweep.engine.devices import pin_matmul, resolve_device
from initsweep.engine.elsewhere import elsewhere
from initsweep.engine.kernels.recorded import recorded_loss
from initsweep.engine.lanes import Lane, LaneResults, Problem, Split
from initsweep.engine.muon import hidden_weights
from initsweep.engine.train_lanes import predict_rows, train_lanes
from initsweep.engine.workers import Trainer, train_here
from initsweep.initializers import (
    Initializer,
    Multipliers,
    initial_states,
    make_initializer,
    multipliers_under,
)
from initsweep.metrics import METRICS, bound, recorded
from initsweep.preprocessing.prepared import PreparedData, SplitName
from initsweep.running import cluster, inputs
from initsweep.stages.own_loop import OwnLoop
from initsweep.stages.trained import State, Trained, finite


class Experiment:
    """One network on one prepared data set."""

    def __init__(self, params: Params, schema: Schema) -> None:
        self.params = with_network(params, schema)
        self.schema = schema
        self.loss = bound(METRICS.get(schema.loss_name), schema)
        exact = recorded(METRICS.get(schema.loss_name), schema)
        self.recorded_loss = recorded_loss(schema.loss_name, exact, schema.class_weights)
        self.score = recorded(METRICS.get(schema.score_name), schema)
        self.prepared = PreparedData(schema)
        self.constant_loss = cache(self._constant_loss)
        self._splits: dict[SplitName, Split] = {}
        self._said: set[str] = set()  # one warning, not one per seed

    def model(self) -> nn.Module:
        """Return the network as a template; its own weights are never trained."""
        settings, schema = self.params.model, self.schema
        model = build_model(
            settings.name, settings.options,
            n_features=schema.n_features, n_outputs=schema.n_outputs,
        )  # fmt: skip
        return model if settings.transfer is None else transfer_(model, settings.transfer)

    def initial_state(self, scheme: str, seed: int) -> dict[str, Tensor]:
        """Return every parameter of the network under `scheme`, by name."""
        return self.initial_states(scheme)(seed)

    def initial_states(self, scheme: str) -> Callable[[int], dict[str, Tensor]]:
        """Return a function from seeds to every parameter of the network under `scheme`, by name.

        A scheme that measures signals sees the features of the seed's training rows and nothing
        else.
        With a trained backbone the scheme fills the head, and the rest is as in the file.
        """
        initializer, model = self._initializer(scheme), self._model_to_fill()
        features = self._training_features if initializer.needs_inputs else None
        with each_warning_once(self._said):
            state_of = initial_states(model, initializer, inputs=features)

        def state(seed: int) -> dict[str, Tensor]:
            with each_warning_once(self._said):
                return state_of(seed)

        return state

    def multipliers(self, scheme: str) -> dict[str, Multipliers]:
        """Return the factors of a scheme on the rates and decays of parameters, by name.

        What Muon leaves to AdamW has that one's.
        """
        optimizer, initializer = (
            self.params.engine_optimizer(scheme).name,
            self._initializer(scheme),
        )
        found = multipliers_under(self._model_to_fill(), initializer, optimizer)
        if optimizer != "muon":
            return found
        hidden = hidden_weights(self.model())
        rest = multipliers_under(self._model_to_fill(), initializer, "adamw")
        return {
            **{name: own for name, own in rest.items() if name not in hidden},
            **{name: own for name, own in found.items() if name in hidden},
        }

    def _initializer(self, scheme: str) -> Initializer:
        name, options = self.params.initializer(scheme)
        return make_initializer(name, options, scheme=scheme)

    def _model_to_fill(self) -> nn.Module:
        model, transfer = self.model(), self.params.model.transfer
        if transfer is not None:
            new = head_parameters(model, transfer.head)
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name in new)  # schemes leave the frozen alone
        return model

    def size(self) -> int:
        """Return how many numbers the network learns."""
        return sum(one.numel() for one in self.model().parameters() if one.requires_grad)

    def split(self, name: SplitName, seeds: Sequence[int]) -> Split:
        """Return the rows of some seeds; those last asked for are kept.

        Args:
            name: "train"; "validation", on which rates and schemes are chosen; or "test", which
                only the train stage may touch.
            seeds: Seeds of runs. Unless each draws rows of its own, they share them.
        """
        parts, kept = self.prepared.parts(seeds), self._splits.get(name)
        if kept is None or kept.seeds != parts:
            made = [self.prepared.rows(name, seed) for seed in parts or (0,)]
            features, targets = (
                arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
                for arrays in zip(*made, strict=True)
            )
            self._splits[name] = Split(
                features=torch.from_numpy(features),
                targets=torch.from_numpy(targets),
                seeds=parts,
            )
        return self._splits[name]

    def run(
        self,
        scheme: str,
        kind: TrialKind,
        rates: Sequence[tuple[int, float]],
        seeds: Sequence[int],
        *,
        keep_states: bool = False,
        bar: Progress | None = None,
    ) -> Trained:
        """Train every (trial number, learning rate) of `rates` under every seed.

        Returns:
            The runs in the order rates x seeds.

        Raises:
            ArtifactError: If the inputs of the stage were edited since it began.
        """
        plan = [(trial, rate, seed) for trial, rate in rates for seed in seeds]
        role: Role = "confirm" if kind == "confirm" else "tune"
        problem = self.problem(scheme, seeds)
        kept, (trainer, runtime) = self.kept_work(scheme, role), self._trainer(scheme, role, seeds)
        inputs.check()  # code was loaded when the stage began, and its name for kept work is new
        results = train_lanes(
            problem,
            [Lane(learning_rate=rate, seed=seed) for _, rate, seed in plan],
            training=self.params.training,
            optimizer=self.params.engine_optimizer(scheme),
            runtime=runtime,
            keep_states=keep_states,
            on_progress=None if bar is None else lambda lanes, _: bar.advance(lanes),
            checkpoint=kept,
            trainer=trainer,
        )
        keys = [
            {"scheme": scheme, "kind": kind, "trial": trial, "learning_rate": rate, "seed": seed}
            for trial, rate, seed in plan
        ]
        return Trained(
            runs=[self._run_row(key, results, lane) for lane, key in enumerate(keys)],
            curves=[row for lane, key in enumerate(keys) for row in _curve(key, results, lane)],
            states=results.final_states or [None] * len(plan),
            engine=results.engine,
        )

    def _trainer(self, scheme: str, role: Role, seeds: Sequence[int]) -> tuple[Trainer, Runtime]:
        """Return who trains, and how many at the same time: this machine or a cluster."""
        runtime = self.params.runtime
        if (found := cluster.of(runtime)) is None:
            return train_here, runtime
        needs = cluster.needs_of(self.params, resolve_device(runtime.device).type)
        work = {
            "study": cluster.study_files(self.params),
            "params": self.params.model_dump(mode="json"),
            "needs": needs,
            "scheme": scheme,
            "role": role,
            "seeds": list(seeds),
            "code": dataclasses.asdict(self.provenance(scheme, role)),
        }
        slots = cluster.slots(found, needs)
        return elsewhere(found, work), runtime.model_copy(update={"workers": slots})

    def checkpoint(self, scheme: str, role: Role) -> Path:
        """Return the folder for unfinished work of a scheme, named by all that it depends on.

        How it is trained is left out: what of that changes bits is known to the engine.
        """
        known = of_training(self.params, self.schema, scheme, role, how=False)
        key = [dataclasses.asdict(known), self._installed(scheme)]
        return artifacts.SCRATCH / role / scheme / fingerprint(key)

    def kept_work(self, scheme: str, role: Role) -> Path | None:
        """Return where unfinished work is kept; None if we cannot tell whether it is outdated.

        The hashes in its name cover a user's own network or initializer in `own_code` and in
        installed packages, but not where it lies elsewhere.
        """
        return None if None in self._installed(scheme) else self.checkpoint(scheme, role)

    def _installed(self, scheme: str) -> list[list[str] | None]:
        """Return what identifies the packages of network and initializer, those of users."""
        names, own = (
            (self.params.model.name, self.params.initializer(scheme)[0]),
            self.params.own_code,
        )
        return [
            own_code.installed(name)
            for name in names
            if ":" in name and not own_code.holds(own, name)
        ]

    def provenance(self, scheme: str, role: Role) -> Provenance:
        """Return the hashes that identify what the runs of `scheme` were computed from."""
        return of_training(self.params, self.schema, scheme, role)

    def problem(self, scheme: str, seeds: Sequence[int]) -> Problem:
        """Return what the trainings of a scheme under some seeds share."""
        return Problem(
            model=self.model(),
            initial_state=self.initial_states(scheme),
            train=self.split("train", seeds),
            validation=self.split("validation", seeds),
            loss=self.loss,
            loss_name=self.schema.loss_name,
            class_weights=tuple(self.schema.class_weights),
            recorded_loss=self.recorded_loss,
            score=self.score,
            constant_loss=self.schema.constant_validation_loss,
            multipliers=self.multipliers(scheme),
        )

    def outputs(
        self,
        scheme: str,
        name: SplitName,
        seeds: Sequence[int],
        states: Sequence[State],
    ) -> list[Tensor | None]:
        """Return what trained networks make of the rows that their seeds have of a split.

        Args:
            scheme: What they were trained from.
            name: The split.
            seeds: The seed of each.
            states: Parameters and buffers of each, None for one that diverged.

        Returns:
            Shape (rows, outputs) each, None for one that diverged.
        """
        settings = self.params
        made = predict_rows(
            self.problem(scheme, seeds),
            [(seed, state) for seed, state in zip(seeds, states, strict=True) if state is not None],
            self.split(name, seeds),
            training=settings.training,
            optimizer=settings.engine_optimizer(scheme),
            runtime=settings.runtime,
        )
        kept = iter(made)
        return [None if state is None else next(kept) for state in states]

    def _constant_loss(self, seed: int) -> float | None:
        """Return the constant predictor's loss on a seed's own validation rows, if it has some."""
        predictor, weights = METRICS.get(self.schema.loss_name).constant, self.schema.class_weights
        if predictor is None or not self.prepared.parts([seed]):
            return None
        known, held_out = (self.prepared.targets(name, seed) for name in ("train", "validation"))
        own = predictor(known, held_out, np.array(weights or [1.0] * self.schema.n_outputs))
        return own if own > 0 else None  # rows that are all as the predictor says measure nothing

    def _training_features(self, seed: int) -> Tensor:
        return torch.from_numpy(self.prepared.rows("train", seed)[0])

    def _run_row(self, key: Mapping[str, object], results: LaneResults, lane: int) -> RunRow:
        step = int(results.diverged_at_step[lane])
        final = finite(results.validation_loss[lane, -1])
        score = finite(results.validation_score[lane, -1])
        constant = self.constant_loss(int(str(key["seed"])))
        return RunRow(
            **key,  # type: ignore[arg-type]
            status="finished" if step < 0 else "diverged",
            diverged_at_step=None if step < 0 else step,
            initial_loss=finite(results.initial_loss[lane]),
            train_loss=finite(results.train_loss[lane, -1]),
            validation_loss=final,
            validation_score=score,
            capped_loss=self.schema.capped(final, score, constant),
            test_loss=None,
            test_score=None,
            capped_test_loss=None,
            constant_loss=constant,
        )


def load_experiment(params: Params) -> Experiment | OwnLoop:
    """Return who trains on the data that the prepare stage has written."""
    if params.loop is None:
        return engine_experiment(params)
    return OwnLoop.of(params)


def engine_experiment(params: Params) -> Experiment:
    """Return the experiment of the engine on the data that the prepare stage has written."""
    pin_matmul()
    return Experiment(params, artifacts.read_record(artifacts.SCHEMA, Schema))


def _curve(key: Mapping[str, object], results: LaneResults, lane: int) -> list[CurveRow]:
    """Return the epochs of one run, up to the one in which it diverged."""
    rows = []
    for epoch, (loss, score) in enumerate(
        zip(results.validation_loss[lane], results.validation_score[lane], strict=True)
    ):
        train_loss = finite(results.train_loss[lane, epoch - 1]) if epoch else None
        if epoch and train_loss is None and finite(loss) is None:
            break
        rows.append(
            CurveRow(
                **key,  # type: ignore[arg-type]
                epoch=epoch,
                train_loss=train_loss,
                validation_loss=finite(loss),
                validation_score=finite(score),
            )
        )
    return rows
