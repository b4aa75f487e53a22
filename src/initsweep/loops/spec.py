"""What one run of an own training loop is, and what comes of it: plain values, as JSON has them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from initsweep.core.records import SchemeOption

Ending = Literal["finished", "diverged", "limited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One training to do.

    Attributes:
        function: `module:attribute` of the loop.
        options: What `training.options` holds.
        own_code: The folder in which Python finds the user's modules.
        scheme: An entry of `initializers`.
        initializer: The registered initializer's name.
        initializer_options: Its options.
        optimizer: The name of an optimizer and its settings, for `TrainingRun.make_optimizer`.
        learning_rate: The rate to train at.
        seed: The seed of weights, batches and dropout.
        final: Whether it is of a fresh seed at the chosen rate, and so may touch test data.
        baseline: The constant predictor's validation loss.
        folder: Where its files may lie.
        data: Whether it is given the prepared arrays.
        gpu: How many GPUs it is given.
        threads: How many cores it may use.
        most_reports: After how many reports it ends; None for no such limit.
        other_draws: Whether batches and dropout are drawn from other seeds than a study's, the
            initial weights from the same.
    """

    function: str
    options: Mapping[str, Any]
    own_code: str
    scheme: str
    initializer: str
    initializer_options: Mapping[str, SchemeOption]
    optimizer: Mapping[str, Any]
    learning_rate: float
    seed: int
    final: bool
    baseline: float
    folder: str
    data: bool = False
    gpu: int = 0
    threads: int = 1
    most_reports: int | None = None
    other_draws: bool = False

    @property
    def called(self) -> str:
        """The run in words."""
        return f"{self.scheme} at rate {self.learning_rate:g}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a loop says of one epoch."""

    train_loss: float | None
    validation_loss: float
    validation_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """What a loop says of the test rows: loss, score, and the loss of each row where it has them.

    `model` says whether the trained weights lie in the run's folder.
    """

    loss: float
    score: float | None
    row_losses: list[float] | None
    model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run.

    Attributes:
        ending: How it ended.
        start: What the loop said of the untrained network, if it did.
        reports: What it said of each epoch before the one in which it diverged.
        test: What it said of the test rows, for a final run that has not diverged.
        asked_rate: Whether it asked for its learning rate.
        asked_scheme: Whether it had a network initialized.
        optimizer_made: Whether it had its optimizer made.
        factors_left: Whether the scheme puts factors on rates that no optimizer was given.
        parameters: How many numbers the network learns, 0 if none was initialized.
        passed_over: Warnings of the initializer, each once.
    """

    ending: Ending
    start: Report | None
    reports: list[Report]
    test: TestReport | None
    asked_rate: bool
    asked_scheme: bool
    optimizer_made: bool
    factors_left: bool
    parameters: int
    passed_over: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that ended in an error: what to say of it, and the last lines that it printed."""

    message: str
    printed: str


_OUTCOME = TypeAdapter(Outcome)


def to_json(outcome: Outcome) -> bytes:
    """Return an outcome as bytes."""
    return json.dumps(asdict(outcome)).encode()  # pydantic would write NaN as null


def from_json(content: bytes) -> Outcome:
    """Return an outcome from bytes.

    Raises:
        ValueError: If they are none.
    """
    return _OUTCOME.validate_json(content)


def as_dict(spec: RunSpec) -> dict[str, Any]:
    """Return what decides a run's results: all of it but where it lies."""
    return {key: value for key, value in asdict(spec).items() if key != "folder"}
