"""The rows and verdicts that stages hand to each other: plain, frozen, typed.

These types are the columns of the tables under `results/`. `artifacts` writes and reads them;
MLflow and the report only ever show what stands in them.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

RunStatus = Literal["finished", "diverged"]
TrialKind = Literal["grid", "extension", "refinement", "confirm"]
Outcome = Literal["recommended", "better", "worse", "equivalent", "inconclusive", "untrainable"]
Standing = Literal["tied", "undecided", "worse", "untrainable"]
Censored = Literal["no", "low", "high"]
OptionValue = bool | int | float | str | None
ModelOption = OptionValue | list[int]
SchemeOption = JsonValue
"""An option of an initializer: mostly a single value, but also a table of rules."""

EvaluationSplit = Literal["validation", "test"]
JudgedBy = Literal["loss", "score"]
Decision = Literal["winner", "lead", "tie", "cannot_tell", "none_trainable"]
Quantity = Literal[
    "basin_width",
    "global_basin_width",
    "largest_stable_rate",
    "first_unstable_rate",
    "safety_margin",
    "regret",
    "tuned_gap",
    "sensitivity",
    "wortsman_sensitivity",
    "divergence_rate",
    "time_to_target",
    "area_under_curve",
    "probability_better_validation",
    "probability_better_test",
]
Unit = Literal["decades", "learning rate", "loss", "share", "epochs", "probability"]
IntervalMethod = Literal["bootstrap", "range", "order statistics", "mean", "score", "none"]


DIVERGENCE_FACTOR = 1000.0
"""A run has diverged when a loss exceeds this many times what it (or a constant) started from."""

DIGITS = 9
"""Of the numbers in records: all that float32 holds. Sums and logarithms in float64 differ from
processor to processor in their last digits, which say nothing."""


def rounded(value: float, digits: int = DIGITS) -> float:
    """Return a number as records have it; with fewer digits where it is known less well."""
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with a confidence interval."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One training of one network: the result of one lane.

    Losses are None where the run had diverged before they could be measured. `capped_loss` is
    always finite: the validation loss after the last epoch, at most the loss of the constant
    predictor, and exactly that for a diverged run; with `task.select_by: score` it is 1 minus the
    score instead, here and in all tables that follow from it. `diverged_at_step` counts updates
    made. The test columns are filled for confirm runs only.

    Where each seed draws its own validation rows, `constant_loss` is what the constant predictor
    that knows the seed's training rows has there. A loss is then compared as a share of it, in the
    unit of the study's constant: else a network that is no better than guessing would look better
    on seeds with easy rows, and be cut on those with hard ones.
    """

    scheme: str
    kind: TrialKind
    trial: int
    learning_rate: float
    seed: int
    status: RunStatus
    diverged_at_step: int | None
    initial_loss: float | None
    train_loss: float | None
    validation_loss: float | None
    validation_score: float | None
    capped_loss: float
    test_loss: float | None
    test_score: float | None
    capped_test_loss: float | None
    constant_loss: float | None = None


def in_study_unit(loss: float, own_constant: float | None, constant: float) -> float:
    """Return a loss as a share of the constant predictor's on the same rows, times the study's.

    Args:
        loss: On a run's validation rows.
        own_constant: The constant predictor's there; None where all runs share the rows.
        constant: The study's.
    """
    return loss if own_constant is None else loss * (constant / own_constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One Optuna trial: one learning rate of one scheme, averaged over the tuning seeds."""

    scheme: str
    trial: int
    kind: TrialKind
    learning_rate: float
    mean_loss: float
    best_loss: float
    worst_loss: float
    diverged: int
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRow:
    """One epoch of one run. Epoch 0 is the untrained network and has no training loss."""

    scheme: str
    kind: TrialKind
    trial: int
    learning_rate: float
    seed: int
    epoch: int
    train_loss: float | None
    validation_loss: float | None
    validation_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """One measure of one fresh run on one split, None where it is not defined or the run diverged.

    Scores and, beside them, the recall of the rarest class, or errors in the raw targets' units.
    """

    scheme: str
    seed: int
    split: EvaluationSplit
    measure: str
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSummary:
    """One measure of one scheme on test rows: the mean over fresh runs with its 95 % interval.

    Runs in which the measure is not defined (diverged ones are the usual case) are left out;
    `runs` says how many are in. The numbers are None if there is none.
    """

    scheme: str
    measure: str
    runs: int
    low: float | None
    estimate: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRow:
    """One test example seen by the median-seed model of a scheme."""

    example: int
    target: float
    prediction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a record was computed from. Equal hashes mean equal inputs.

    The git revision is not part of it: a result is a function of parameters, data and code,
    and must not change because an unrelated file was committed.
    """

    params_sha: str
    data_sha: str
    code_sha: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What tuning found for one scheme.

    Attributes:
        learning_rate: The rate with the lowest mean capped validation loss.
        other_learning_rate: The rate that the other of loss and score would choose.
        mean_loss: That loss, averaged over the tuning seeds.
        grid: All rates of the shared grid and its extensions, ascending.
        censored: Which end of the evaluated rates the best rate still sits on, after extension.
        engine: The path that trained the runs, with the reason if it was a fallback.
    """

    scheme: str
    initializer: str
    options: dict[str, SchemeOption]
    learning_rate: float
    other_learning_rate: float
    mean_loss: float
    grid: list[float]
    censored: Censored
    engine: str
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the fresh seeds of one scheme were trained with, and which one is kept as model.

    `median_seed` is the seed of the kept model, None if every run diverged.
    """

    scheme: str
    initializer: str
    options: dict[str, SchemeOption]
    learning_rate: float
    seeds: list[int]
    median_seed: int | None
    engine: str
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One block of more fresh seeds for a scheme: how many it has then, and why it got them."""

    scheme: str
    seeds: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeResponse:
    """A rate that a scheme was tuned at, at one size of the network: losses over the seeds."""

    scheme: str
    size: int
    learning_rate: float
    mean_loss: float
    best_loss: float
    worst_loss: float
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRow:
    """One point of a learning-rate response: capped validation loss over the tuning seeds.

    `low` and `high` bound a 95 % interval of the mean over seeds. `failure_rate` counts the runs
    that diverged or ended with a loss too close to the constant predictor's. A rate that left a
    race was trained on fewer `seeds` than others, and its `mean_loss` allows for that.
    """

    scheme: str
    learning_rate: float
    kind: TrialKind
    low: float
    mean_loss: float
    high: float
    best_loss: float
    worst_loss: float
    failure_rate: float
    divergence_rate: float
    in_basin: bool
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeRow:
    """One scheme's line of the verdict table. Widths are in decades of the learning rate.

    `outcome` compares test losses with the recommended scheme's on the same fresh seeds;
    `standing` is where it stands on validation, `why` how far behind the best it is, and why it is
    in the tie set or not. `behind` is that distance over the seeds that both have, where means may
    be over other seeds. A scheme is `trainable` if it is better than guessing, by loss or by
    score. `pareto` marks the front of `validation_loss` and `regret`, as point estimates.
    `runs`, `failed_runs` and `overconfident_runs` count the fresh runs: a run failed if it
    diverged or is no better than guessing by loss and by score, and is overconfident if it is
    better by score alone; `failed_share_high` is the most that may fail (95 %, one-sided).
    `divergence_rate` is the share of the tuning runs on the shared grid that diverged.
    `basin_censored` names the ends at which the basin reaches the end of the evaluated rates,
    so that the true width is at least the one given. `safety_margin` is the distance in decades
    from the chosen rate up to the first rate at which a run failed. None means: not defined
    for this scheme (an untrainable scheme has no basin) or not observed on this grid.
    """

    scheme: str
    outcome: Outcome
    trainable: bool
    standing: Standing
    why: str
    pareto: bool
    learning_rate: float
    validation_loss: float
    validation_low: float
    validation_high: float
    behind: float | None
    test_loss: float
    test_low: float
    test_high: float
    test_score: float | None
    test_score_low: float | None
    test_score_high: float | None
    failed_runs: int
    failed_share_high: float
    overconfident_runs: int
    runs: int
    basin_width: float | None
    basin_low: float | None
    basin_high: float | None
    basin_censored: Literal["no", "low", "high", "both"]
    global_basin_width: float | None
    largest_stable_rate: float | None
    first_unstable_rate: float | None
    safety_margin: float | None
    regret: float
    tuned_gap: float
    sensitivity: float
    wortsman_sensitivity: float
    divergence_rate: float

    @property
    def distance(self) -> float:
        """What ranks schemes: how far behind the best; of an untrainable one its loss."""
        return self.validation_loss if self.behind is None else self.behind

    @property
    def in_tie_set(self) -> bool:
        """Whether it is as good as the best on validation, as far as matters."""
        return self.standing == "tied"

    @property
    def in_basin(self) -> bool:
        """Whether the chosen rate lies in the basin, to the three digits that are written.

        Two rates may be equally good with worse ones in between, as scores of few rows are.
        """
        if self.basin_low is None or self.basin_high is None:
            return False
        return 0.995 * self.basin_low <= self.learning_rate <= 1.005 * self.basin_high


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """One paired comparison: loss of `scheme` minus loss of `reference`, seed by seed.

    `p_value` is the two-sided sign-flip p, exact up to 20 seeds, `p_holm` the same after Holm's
    correction over the family; `probability_better` is the probability that a run of `scheme` has
    the lower loss; `outcome` is said of `scheme`.
    """

    family: Literal["validation", "test"]
    reference: str
    scheme: str
    seeds: int
    low: float
    mean_difference: float
    high: float
    p_value: float
    p_holm: float
    probability_better: float
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """What trying `n` different rates of the shared grid, drawn at random, leads to.

    `expected_best` is the expected lowest mean validation loss among them, over all draws; `low`
    and `high` bound its interval over the tuning seeds. At n = 1 it is the average over the grid,
    at the largest n the loss at the best rate of the grid.
    """

    scheme: str
    n: int
    expected_best: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RetuneRow:
    """What one tuning of one scheme led to: tuning 0 is the study's own, others are re-tunings.

    `validation_loss` is the mean over the fresh seeds at the rate which that tuning chose.
    `picked` marks the scheme that the rule of the decision picks if all schemes are tuned so.
    """

    scheme: str
    tuning: int
    learning_rate: float
    validation_loss: float
    basin_width: float
    trainable: bool
    in_tie_set: bool
    picked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceRow:
    """How many tuning runs diverged at one rate, and a 95 % interval of that share over seeds."""

    scheme: str
    learning_rate: float
    kind: TrialKind
    runs: int
    diverged: int
    low: float
    divergence_rate: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityRow:
    """One quantity of one scheme with its uncertainty over seeds.

    A quantity that is not defined for a scheme has no row. `low` and `high` are None where nothing
    bounds the quantity on that side, or where a single seed says nothing about spread. `censored`
    names the sides on which the true value may lie beyond `estimate`: "high" means that it is at
    least that, "low" at most that. `against` is the loss that the quantity is measured against:
    the threshold of a basin, the target of `time_to_target`. `method` says what `low` and `high`
    are.
    `probability_better_*` compares with the reference of that family in `pairs.csv`.
    """

    scheme: str
    quantity: Quantity
    unit: Unit
    low: float | None
    estimate: float
    high: float | None
    censored: Literal["no", "low", "high", "both"]
    against: float | None
    seeds: int
    method: IntervalMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """The decision made again from the same records with one thing changed.

    `pick` is the scheme that the rule leaves, recommended or (too few seeds) the best guess.
    """

    question: str
    setting: str
    decision: Decision
    pick: str | None
    tied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededSeeds:
    """How many fresh seeds an inconclusive pair would need, if mean and spread stay as they are.

    `settles` says as what; `needed` is None, and `settles` empty, where no number is in sight.
    """

    family: Literal["validation", "test"]
    reference: str
    scheme: str
    seeds: int
    needed: int | None
    settles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCriterion:
    """What the other of loss and score would have chosen, on the same seeds.

    Each scheme brings the rate that this criterion tunes it to; the scheme is chosen on the tuning
    seeds and compared with the recommended pair on the fresh ones, seed by seed, on validation.

    Attributes:
        criterion: Its name.
        low: Of the 95 % interval of the difference, small being good: below 0 it is better than
            the recommended pair.
        better: Whether the whole interval lies below 0.
        test: Its mean on test rows, in the criterion's own unit.
        recommended_test: That of the recommended pair.
    """

    criterion: str
    scheme: str
    learning_rate: float
    low: float
    difference: float
    high: float
    better: bool
    test: float
    recommended_test: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, in words and in numbers.

    `statement` is a few sentences; `usable_rates` are the ends of the recommended scheme's basin,
    within which its mean loss on the tuning seeds is within `basin_tolerance` of its best; `rule`
    says step by step how it was reached, with its inputs; `caveats` lists everything that limits
    it. `tie_set` holds the schemes as good as the best as far as matters, `undecided` those that
    are neither that nor shown to be worse. `picks` is how often other studies of the same data
    would pick each scheme, as redrawing the seeds shows, `repicked` that of the recommended one;
    it is `firm` if most would. `holds_for` says what inputs and targets the rates are for.
    """

    decision: Decision
    statement: str
    recommended: str | None
    learning_rate: float | None
    usable_rates: tuple[float, float] | None
    best_on_validation: str | None
    tie_set: list[str]
    undecided: list[str]
    repicked: float
    firm: bool
    picks: dict[str, float]
    other: OtherCriterion | None
    untrainable: list[str]
    rule: list[str]
    caveats: list[str]
    margin: float
    basin_tolerance: float
    constant_loss: float
    loss_name: str
    score_name: str
    seeds: int
    provenance: Provenance
    holds_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """Signal statistics of one layer of one untrained scheme, over the diagnosis seeds.

    Measured quantities are means over seeds; `_low` and `_high` are the lowest and highest seed.
    `forward_std` is the standard deviation of the layer's pre-activations, `backward_std` that of
    the loss gradient with respect to them; the predicted ones come from the propagation of moments
    and are None where theory has nothing to say. `saturated`, `dead`, `skewed` and
    `distinct_units` are shares; `effective_rank`, `stable_rank` and `cosine` (mean over pairs of
    examples) are of the activations.
    """

    scheme: str
    layer: int
    name: str
    forward_std: float
    forward_low: float
    forward_high: float
    forward_predicted: float | None
    backward_std: float
    backward_low: float
    backward_high: float
    backward_predicted: float | None
    weight_gradient_norm: float
    saturated: float
    saturated_low: float
    saturated_high: float
    dead: float
    dead_low: float
    dead_high: float
    skewed: float
    distinct_units: float
    effective_rank: float
    effective_rank_low: float
    effective_rank_high: float
    stable_rank: float
    cosine: float
    cosine_low: float
    cosine_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRow:
    """One scheme's verdict before any training, with the number behind it.

    `gradient_norm` is of all parameters together, `sharpness` the largest eigenvalue of the loss's
    Hessian (None where it overflows), `rate_ceiling` 2 / sharpness, the rate above which plain
    gradient descent on that quadratic diverges; `ceiling_reliable` says whether it can be expected
    to hold. `chi` and `depth_scale` are mean-field theory's, for plain networks. `_low` and
    `_high` are the lowest and highest seed. `unseen` lists parameters that were not looked at.
    Where an own training loop offers no batch to look at, there are no numbers.
    """

    scheme: str
    verdict: str
    reason: str
    first_bad_layer: str | None
    initial_loss: float | None
    initial_loss_low: float | None
    initial_loss_high: float | None
    constant_loss: float | None
    forward_ratio: float | None
    backward_ratio: float | None
    gradient_norm: float | None
    gradient_norm_low: float | None
    gradient_norm_high: float | None
    sharpness: float | None
    sharpness_low: float | None
    sharpness_high: float | None
    rate_ceiling: float | None
    ceiling_reliable: bool
    chi: float | None
    depth_scale: float | None
    unseen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRow:
    """What short runs of an own training loop showed before the study.

    `deterministic` says whether the same run gave the same losses twice, to the last digit;
    `passed_over` what the schemes left as the network has it, `same_draws` whether batches and
    dropout are the same under every seed.
    """

    function: str
    deterministic: bool
    parameters: int
    passed_over: list[str]
    same_draws: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What the prepared data is: everything later stages need besides the arrays.

    `feature_mean` and `feature_scale` standardize raw features, `target_mean` and
    `target_scale` raw regression targets (0 and 1 for classification). `class_counts` are training
    rows, `class_weights` what the loss multiplies each class by, [] if nothing. The constant
    predictor knows the training targets only: it gives every example the training class
    frequencies, or the training mean, or what else is best for the loss or score. `shape` is that
    of one example before it was flattened, (channels, height, width) for images, and empty for rows
    of a table. `caveats` are sentences about the data that limit what a study of it can say.
    `target_name` is the column that is predicted, "" if it has no name. Of data that a training
    function brings itself, task `own`, nothing is known here but the losses of the constant
    predictor, and its scores where they are stated.

    `validation` is "fixed" if all seeds share one validation split. It is "rotating" if each draws
    its own from the *development* rows, by `split_seed` and itself. `rows` are then those of each
    seed, and `scaling` is how its own training rows scale its features; for all else above read
    development rows for training and for validation rows, so that there is one number for all
    seeds: a constant predictor's validation loss is its loss on the rows it knows.
    """

    source: str
    reference: str
    task: Literal["classification", "regression", "own"]
    loss_name: str
    score_name: str
    n_features: int
    n_outputs: int
    rows: dict[str, int]
    feature_names: list[str]
    class_names: list[str]
    feature_mean: list[float]
    feature_scale: list[float]
    target_mean: float
    target_scale: float
    class_counts: list[int]
    class_weights: list[float]
    select_by: JudgedBy
    constant_validation_loss: float
    constant_test_loss: float
    constant_validation_score: float | None
    constant_test_score: float | None
    data_sha: str
    validation: Literal["fixed", "rotating"] = "fixed"
    split_seed: int = 0
    scaling: Literal["feature", "channel", "none"] = "feature"
    shape: list[int] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    target_name: str = ""

    @property
    def rows_known(self) -> str:
        """What rows are called that constants, counts and weights are of."""
        return "training" if self.validation == "fixed" else "development"

    def value(self, loss: float | None, score: float | None) -> float | None:
        """Return what a run is compared by: its loss, or how far its score stays below 1."""
        if self.select_by == "loss":
            return loss
        return None if loss is None or score is None else 1 - score

    @property
    def other(self) -> "Schema":
        """The schema of a study that selects by the other of loss and score."""
        return replace(self, select_by="loss" if self.select_by == "score" else "score")

    def capped(
        self, loss: float | None, score: float | None, own_constant: float | None = None
    ) -> float:
        """Return what a run is compared by on validation, at most the constant predictor's.

        Args:
            loss: Its loss, None if it diverged.
            score: Its score.
            own_constant: The constant predictor's loss on the run's own validation rows, if it has
                some: the loss counts as a share of that.
        """
        constant, value = self.judged.constant_validation_loss, self.value(loss, score)
        if value is not None and self.select_by == "loss":
            value = in_study_unit(value, own_constant, constant)
        return constant if value is None else min(value, constant)

    def capped_of(self, run: RunRow) -> float:
        """Return what a finished run is compared by on validation."""
        return self.capped(run.validation_loss, run.validation_score, run.constant_loss)

    def capped_test(self, loss: float | None, score: float | None) -> float:
        """Return the same on test, whose rows are those of all runs."""
        constant, value = self.judged.constant_test_loss, self.value(loss, score)
        return constant if value is None else min(value, constant)

    @property
    def criterion(self) -> str:
        """What runs are compared by, by name."""
        return self.loss_name if self.select_by == "loss" else self.score_name

    @property
    def judged(self) -> "Schema":
        """The schema with what runs are compared by in the place of the loss.

        That is the loss itself, or how far the score stays below 1; so small is good either way.
        """
        if self.select_by == "loss":
            return self
        return replace(
            self,
            loss_name=f"1 - {self.score_name}",
            constant_validation_loss=1 - (self.constant_validation_score or 0.0),
            constant_test_loss=1 - (self.constant_test_score or 0.0),
        )
