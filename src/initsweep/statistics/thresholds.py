"""The constant predictor's loss as the unit in which margins and tolerances are measured."""

import math
from dataclasses import dataclass
from typing import Literal

from initsweep.core.params import Decide
from initsweep.core.records import Schema
from initsweep.statistics import looks
from initsweep.statistics.intervals import ANY, Range

Family = Literal["validation", "test"]

_SHARE, _ERROR = (0.0, 1.0), (0.0, math.inf)
POSSIBLE: dict[str, Range] = {
    "accuracy": _SHARE,
    "average_precision": _SHARE,
    "balanced_accuracy": _SHARE,
    "minority_recall": _SHARE,
    "r_squared": (-math.inf, 1.0),
    "mae_original_units": _ERROR,
    "rmse_original_units": _ERROR,
}
"""What a measure can be at least and at most: intervals end there. Of others nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Absolute thresholds of one study, in the unit of the loss.

    Attributes:
        validation_constant: Validation loss of the constant predictor.
        test_constant: Its test loss.
        decide: The margins as shares of these losses.
        scores: What the score can be at least and at most.
        loss_constant: Validation loss of the constant predictor, whatever runs are compared by;
            None stands for `validation_constant`.
        score_constant: Its validation score; None where scores do not enter.
        first_seeds: The fresh seeds of every scheme; 0 where no scheme gets more.
        counted_rows: How many test rows a score counts, where it is the share of them; None where
            it is something else, or unknown.
        by_score: Whether losses are how far the score stays below 1.
    """

    validation_constant: float
    test_constant: float
    decide: Decide
    scores: Range = ANY
    loss_constant: float | None = None
    score_constant: float | None = None
    counted_rows: int | None = None
    by_score: bool = False
    first_seeds: int = 0

    @classmethod
    def of(cls, schema: Schema, decide: Decide, first_seeds: int = 0) -> "Thresholds":
        """Return the thresholds of a prepared data set, in the unit that runs are compared in."""
        judged = schema.judged
        return cls(
            validation_constant=judged.constant_validation_loss,
            test_constant=judged.constant_test_loss,
            decide=decide,
            scores=POSSIBLE.get(schema.score_name, ANY),
            loss_constant=schema.constant_validation_loss,
            score_constant=schema.constant_validation_score,
            first_seeds=first_seeds,
            counted_rows=schema.rows.get("test") if schema.score_name == "accuracy" else None,
            by_score=schema.select_by == "score",
        )

    @property
    def initial_cap(self) -> float:
        """What stands in for a loss at initialization that is not finite, in the loss's unit."""
        return self.validation_constant if self.loss_constant is None else self.loss_constant

    @property
    def ceiling(self) -> float:
        """The highest validation loss of a run that has not failed, and of a trainable scheme."""
        return self.validation_constant * (1 - self.decide.trainable_skill)

    @property
    def loss_ceiling(self) -> float:
        """The same for the loss, whatever runs are compared by."""
        return self.initial_cap * (1 - self.decide.trainable_skill)

    @property
    def score_floor(self) -> float:
        """The lowest validation score better than guessing; infinite where scores do not enter."""
        if self.score_constant is None:
            return math.inf
        return self.score_constant + self.decide.trainable_skill * (1 - self.score_constant)

    @property
    def tolerance(self) -> float:
        """How far above the best a rate may be and belong to the basin."""
        return self.validation_constant * self.decide.basin_tolerance

    @property
    def looks(self) -> list[int]:
        """How many fresh seeds a scheme has at each look; none where none gets more."""
        first, most = self.first_seeds, self.decide.most_seeds
        return looks.sizes(first, most) if 0 < first < most else []

    def level(self, seeds: int) -> float:
        """Return the level of a comparison over so many fresh seeds."""
        if not self.looks:
            return self.decide.alpha
        return looks.level(seeds, self.first_seeds, self.decide.most_seeds, self.decide.alpha)

    def margin(self, family: Family) -> float:
        """Return the smallest difference of practical interest in a family of comparisons."""
        return self.cap(family) * self.decide.margin

    def cap(self, family: Family) -> float:
        """Return the constant predictor's loss, which no capped loss exceeds."""
        return self.validation_constant if family == "validation" else self.test_constant

    def basin_threshold(self, best: float) -> float:
        """Return the highest loss of a rate in the basin around a best loss.

        A rate whose mean loss is above the ceiling belongs to no basin, however close the best is.
        """
        return min(best + self.tolerance, self.ceiling)
