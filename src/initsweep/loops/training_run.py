"""What a user's training function is given: the scheme, the rate, the seed, and whom to tell."""

import math
import random
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn, optim

from initsweep.core.errors import InitsweepWarning, RunError
from initsweep.core.multipliers import in_groups
from initsweep.core.randomness import stream_seed, torch_stream
from initsweep.core.records import DIVERGENCE_FACTOR
from initsweep.graph.forms import Inputs
from initsweep.initializers import initialize_, make_initializer
from initsweep.loops.factors import Factors
from initsweep.loops.optimizer_names import optimizer_called
from initsweep.loops.reports import report_of, rows_of
from initsweep.loops.run_data import RunData
from initsweep.loops.saved import FILES, Saved
from initsweep.loops.spec import Outcome, Report, RunSpec, TestReport

AnyModule = TypeVar("AnyModule", bound=nn.Module)
Tell = Callable[[Report], None]
Offer = Callable[[nn.Module, object, Callable[..., Tensor]], None]
Keep = Callable[[nn.Module, Path], None]


class Options(dict[str, Any]):
    """What `training.options` holds."""

    def __missing__(self, key: str) -> object:
        """Say what to write.

        Raises:
            RunError: Always.
        """
        raise RunError(
            f"run.options has no '{key}'. Write it under training.options, or give --option "
            f"{key}=VALUE"
        )


class RunOver(BaseException):
    """The run has ended: it diverged, or as many epochs were asked for as it has reported."""


class TrainingRun:
    """One training: of one scheme, at one rate, under one seed.

    A study calls the function that `training.function` names with one of these for each run, in
    a process of its own. To try the function alone, call it with one made by hand: `TrainingRun(
    scheme="he_normal", learning_rate=0.01, options={...})` prints what is reported.

    Attributes:
        scheme: The name of the scheme under test.
        seed: The seed of the run; torch's, NumPy's and Python's own generators are seeded by it.
        options: What `training.options` holds.
        is_final: Whether it is a fresh seed at the chosen rate: only then may test data be
            touched, and `report_test` has to be called.
        folder: An existing folder for whatever the loop writes; it is the same when an
            interrupted run begins again, and is removed when its stage is done.
        device: The GPU that the run was given, or the CPU.
        initialized: The network, once it has been initialized.

    Examples:
        >>> import torch
        >>> from initsweep import TrainingRun
        >>> def train(run):
        ...     model = run.initialize(torch.nn.Linear(4, 1))
        ...     optimizer = run.make_optimizer(model.parameters())
        ...     inputs = torch.randn(32, 4, generator=run.generator("data"))
        ...     for epoch in range(run.options["epochs"]):
        ...         loss = (model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        ...         optimizer.zero_grad()
        ...         loss.backward()
        ...         optimizer.step()
        ...         run.report(train_loss=loss, validation_loss=loss)
        >>> run = TrainingRun(learning_rate=0.1, options={"epochs": 3}, tell=lambda report: None)
        >>> train(run)
        >>> losses = [report.validation_loss for report in run.reports]
        >>> len(losses), losses == sorted(losses, reverse=True)
        (3, True)
    """

    def __init__(
        self,
        *,
        scheme: str = "he_normal",
        learning_rate: float = 0.01,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        is_final: bool = False,
        folder: str | Path = ".",
        optimizer: Mapping[str, Any] | None = None,
        baseline: float = math.inf,
        tell: Tell | None = None,
    ) -> None:
        """Make a run by hand, to try a function with; a study makes them itself.

        Args:
            scheme: The name of an initializer that needs no options.
            learning_rate: The rate.
            seed: The seed.
            options: What `training.options` would hold.
            is_final: Whether `report_test` is to be called.
            folder: Where files may lie.
            optimizer: Its name and settings, for `make_optimizer`; SGD if not given.
            baseline: The constant predictor's validation loss.
            tell: Called with each report; by default it is printed.
        """
        self._spec = RunSpec(
            function="",
            options=dict(options or {}),
            own_code="",
            scheme=scheme,
            initializer=scheme,
            initializer_options={},
            optimizer=dict(optimizer or {"name": "sgd"}),
            learning_rate=learning_rate,
            seed=seed,
            final=is_final,
            baseline=baseline,
            folder=str(folder),
        )
        self._keep: Keep | None = None
        self._begin(_printed if tell is None else tell, None, Path(folder))

    @classmethod
    def of(
        cls, spec: RunSpec, tell: Tell, offer: Offer | None = None, keep: Keep | None = None
    ) -> "TrainingRun":
        """Return the run of a study.

        Args:
            spec: What to train.
            tell: Called with each report.
            offer: Called with network, batch and loss when the loop offers them.
            keep: Called with the trained network of a final run and the run's folder.
        """
        run = cls.__new__(cls)
        run._spec, run._keep = spec, keep
        # Apart from our own files, which users' may be called like.
        own = Path(spec.folder) / FILES
        own.mkdir(parents=True, exist_ok=True)
        run._begin(tell, offer, own)
        return run

    def _begin(self, tell: Tell, offer: Offer | None, folder: Path) -> None:
        spec = self._spec
        self.scheme, self.seed, self.options = spec.scheme, spec.seed, Options(spec.options)
        self.is_final, self.folder = spec.final, folder
        self.device = torch.device("cuda" if spec.gpu else "cpu")
        self.data = RunData(spec.seed, given=spec.data, test=spec.final)
        self._tell, self._offer = tell, offer
        self._saved = Saved(Path(spec.folder))
        self._generators: dict[str, torch.Generator] = {}
        self._states: dict[str, Tensor] = {}
        self._asked_rate = self._optimizer_made = False
        self._warned: list[str] = []
        self._test: TestReport | None = None
        self._ending: Literal["diverged", "limited"] | None = None
        self._start: Report | None = None
        self.reports: list[Report] = []
        self.initialized: nn.Module | None = None
        self._factors = Factors()
        self._batch: tuple[object, Callable[..., Tensor]] | None = None

    @property
    def learning_rate(self) -> float:
        """The rate to train at: the highest one, where the loop has a schedule of its own."""
        self._asked_rate = True
        return self._spec.learning_rate

    @property
    def asked_rate(self) -> bool:
        """Whether anything has read `learning_rate` yet."""
        return self._asked_rate

    @property
    def is_looked_at(self) -> bool:
        """Whether the untrained network is all that is asked for: `example_batch` ends the run."""
        return self._offer is not None

    def initialize(self, model: AnyModule, *, inputs: Inputs | None = None) -> AnyModule:
        """Fill a network under the scheme, in place.

        Every parameter is seeded by the run's seed and its own name. What no scheme can fill
        (positions, class tokens, scales) keeps what the network has; it is listed in the packet.

        Args:
            model: The network, as built: before it is compiled, wrapped or moved.
            inputs: Examples of what it takes, for schemes that measure signals (`lsuv`).

        Returns:
            The network.

        Raises:
            InitsweepError: If the scheme cannot fill it.
        """
        spec = self._spec
        initializer = make_initializer(
            spec.initializer, spec.initializer_options, scheme=spec.scheme
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InitsweepWarning)
            initialize_(model, initializer, spec.seed, inputs=inputs, unknown="keep")
        ours = (one for one in caught if issubclass(one.category, InitsweepWarning))
        self._warned += [str(one.message) for one in ours]
        self._factors.add(model, initializer)
        self.initialized = model
        self._look()
        return model

    def make_optimizer(
        self,
        parameters: Iterable[Any],
        **settings: Any,  # noqa: ANN401 - of any optimizer
    ) -> optim.Optimizer:
        """Return the optimizer of the scheme, or else of the study, at the run's rate.

        Where the scheme puts factors on the rates and decays of parameters (a parametrization),
        their groups are multiplied by them: `initialize` the network first.

        Args:
            parameters: What `torch.optim` takes: parameters or groups of them, but not those of
                `parameter_groups`. A group's own `lr` counts as a factor on the run's rate.
            settings: More settings of the optimizer.

        Raises:
            InitsweepError: If the scheme's factors depend on the kind of the optimizer, and that
                is not known: make it yourself, from `parameter_groups`.
            RunError: If there is no such optimizer, or it does not take its settings.
        """
        self._optimizer_made = True
        given = {**self._spec.optimizer, **settings}
        name = str(given.pop("name", "sgd"))
        kind = optimizer_called(name)
        groups = [
            {**group, "lr": group["lr"] * self.learning_rate}
            if isinstance(group, dict) and "lr" in group
            else group
            for group in parameters
        ]
        try:
            made = kind(self._factors.split(name, groups), lr=self.learning_rate, **given)
        except TypeError as error:
            raise RunError(f"optimizer '{name}': {error}.") from error
        self._factors.multiply(name, made)
        return made

    def parameter_groups(
        self, model: nn.Module, *, optimizer: str, weight_decay: float = 0.0
    ) -> list[dict[str, Any]]:
        """Return the parameters of the network as `torch.optim` takes them, at the run's rate.

        For an optimizer that you make yourself: `make_optimizer` does this by itself. The factors
        that the scheme puts on rates and decays (a parametrization) are in the groups' `lr` and
        `weight_decay`.

        Args:
            model: What was given to `initialize`, or what wraps it.
            optimizer: As for `initsweep.parameter_groups`.
            weight_decay: Of a parameter whose factor is 1.

        Raises:
            InitsweepError: As `initsweep.parameter_groups`.
            RunError: If the network has not been initialized.
        """
        if self.initialized is None:
            raise RunError("parameter_groups: call run.initialize(model) first.")
        names, parameters = zip(*model.named_parameters(), strict=True)
        return in_groups(
            model.named_parameters(),
            dict(zip(names, self._factors.use(optimizer, parameters), strict=True)),
            learning_rate=self.learning_rate,
            weight_decay=weight_decay,
        )

    def generator(self, name: str) -> torch.Generator:
        """Return a generator of the run's seed, the same for all schemes and rates.

        Args:
            name: What it draws, such as "batches"; there is one of each name.
        """
        if name not in self._generators:
            self._generators[name] = torch_stream("own", name, *self._draws)
            if (state := self._states.get(name)) is not None:
                self._generators[name].set_state(state)
        return self._generators[name]

    @property
    def _draws(self) -> tuple[int, ...]:
        """The address of all draws but those of initial weights."""
        return (self.seed, 1) if self._spec.other_draws else (self.seed,)

    def seed_everything(self) -> None:
        """Seed torch's, NumPy's and Python's own generators by the run; a study has done so."""
        torch.manual_seed(stream_seed("own", "torch", *self._draws) % 2**63)
        np.random.seed(stream_seed("own", "numpy", *self._draws) % 2**32)  # noqa: NPY002 - theirs
        random.seed(stream_seed("own", "python", *self._draws))

    def example_batch(self, batch: object, loss: Callable[..., Tensor]) -> None:
        """Offer what the untrained network is looked at with, before any training.

        Args:
            batch: What the network takes: a tensor, a tuple for several arguments, or a dict of
                keywords.
            loss: Outputs and this batch to a number.
        """
        self._batch = (batch, loss)
        self._look()

    def _look(self) -> None:
        if self._offer is not None and self.initialized is not None and self._batch is not None:
            self._offer(self.initialized, *self._batch)

    def report_start(
        self, *, validation_loss: object, validation_score: object | None = None
    ) -> None:
        """Say what the untrained network is worth; it is where learning curves begin.

        Raises:
            RunError: If epochs have been reported already.
        """
        if self.reports or self._start is not None:
            raise RunError("report_start: it has to come once, before the first epoch.")
        self._start = report_of(None, validation_loss, validation_score)
        if not math.isfinite(self._start.validation_loss):
            self._end("diverged")

    def report(
        self,
        *,
        validation_loss: object = None,
        train_loss: object | None = None,
        validation_score: object | None = None,
        epoch: int | None = None,
    ) -> None:
        """Say what came of an epoch, or of whatever the loop calls one; all runs have as many.

        Args:
            validation_loss: On data that the loop does not train on; small is good.
            train_loss: On the epoch's own batches.
            validation_score: Anything of which more is better, at most 1.
            epoch: Its number, from 0 or from 1, to be checked: none may be left out.

        Raises:
            RunOver: If the run has diverged, or enough is known of it. Let it pass.
            RunError: If the run has ended, or an epoch is missing.
        """
        if self._ending is not None or self._test is not None:
            raise RunError("report: the run has ended, there is nothing more to report.")
        if validation_loss is None:
            raise RunError(
                "report: validation_loss is missing. Rates and schemes are chosen by it, on data "
                "that the loop does not train on."
            )
        found = report_of(train_loss, validation_loss, validation_score)
        self._check_epoch(epoch)
        if self._diverged(found):
            self._end("diverged")
        self.reports.append(found)
        self._tell(found)
        if len(self.reports) >= (self._spec.most_reports or math.inf):
            self._end("limited")

    def _check_epoch(self, epoch: int | None) -> None:
        if epoch is None:
            return
        if not self.reports:
            self._first = epoch
        first = getattr(self, "_first", epoch - len(self.reports))
        if epoch != first + len(self.reports):
            raise RunError(
                f"report: epoch {epoch} follows epoch {first + len(self.reports) - 1}. Report "
                "every epoch once, in order."
            )

    def _diverged(self, report: Report) -> bool:
        seen = self._start or (self.reports[0] if self.reports else report)
        known = [x for x in (seen.validation_loss, self._spec.baseline) if math.isfinite(x)]
        limit = DIVERGENCE_FACTOR * max(map(abs, known), default=math.inf)
        losses = [report.validation_loss, report.train_loss or 0.0]
        return not all(math.isfinite(loss) and loss <= limit for loss in losses)

    def _end(self, ending: Literal["diverged", "limited"]) -> None:
        self._ending = ending
        raise RunOver

    def report_test(
        self,
        *,
        loss: object,
        score: object | None = None,
        row_losses: object | None = None,
        model: nn.Module | None = None,
    ) -> None:
        """Say what the trained network is worth on the test data, once, in a final run.

        Args:
            loss: On the test data.
            score: As for `report`.
            row_losses: The loss of every test example, in a fixed order: intervals then cover the
                choice of test examples too.
            model: The trained network, whose weights are kept.

        Raises:
            RunError: If this is no final run.
        """
        if not self.is_final:
            raise RunError(
                "report_test: only final runs may touch test data. Write `if run.is_final:` "
                "around it."
            )
        if self._test is not None:
            raise RunError("report_test: it has been called before; test data are looked at once.")
        made = report_of(None, loss, score)
        rows = rows_of(row_losses, made.validation_loss)
        if model is not None:
            self._saved.write_weights(model)
            if self._keep is not None:
                self._keep(model, Path(self._spec.folder))
        self._test = TestReport(
            loss=made.validation_loss,
            score=made.validation_score,
            row_losses=rows,
            model=model is not None,
        )

    def checkpoint(self, **parts: Any) -> None:  # noqa: ANN401 - state dicts of all kinds
        """Keep where the run is, so that it goes on from here if it is killed.

        Args:
            parts: State dicts and plain values by name, `model=model.state_dict()` for instance.
                States of torch's, NumPy's and Python's own generators are kept with them.
        """
        states = {name: one.get_state() for name, one in self._generators.items()}
        self._saved.write(parts, self._start, self.reports, states)

    def resume(self) -> dict[str, Any] | None:
        """Return what the last `checkpoint` of this run kept, None if there is none.

        What was reported until then counts as reported, and the generators go on from there.
        """
        found = self._saved.read()
        if found is None:
            return None
        parts, self._start, self.reports, self._states = found
        for name in self._generators.keys() & self._states:
            self._generators[name].set_state(self._states[name])
        return parts

    def outcome(self) -> Outcome:
        """Return what came of the run.

        Raises:
            RunError: If the function left out something.
        """
        if self._ending is None and not self.reports:
            raise RunError("it reported nothing. Call run.report(validation_loss=...) every epoch.")
        if self._ending is None and self.is_final and self._test is None:
            raise RunError(
                "it ended a final run without run.report_test(loss=...). Call it `if run.is_final:`"
            )
        model = self.initialized
        whole = nn.Module() if model is None else model  # a compiled network may have no len()
        learned = [p.numel() for p in whole.parameters() if p.requires_grad]
        return Outcome(
            ending=self._ending or "finished",
            start=self._start,
            reports=self.reports,
            test=None if self._ending else self._test,
            asked_rate=self._asked_rate,
            asked_scheme=model is not None,
            optimizer_made=self._optimizer_made,
            factors_left=self._factors.exist and not self._factors.used,
            parameters=sum(learned),
            passed_over=list(dict.fromkeys(self._warned)),
        )


def _printed(report: Report) -> None:
    sys.stdout.write(f"{report}\n")
