"""Small studies with hand-picked losses; the constant predictor's loss is 1 (2 on test)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from initsweep.core.params import Decide
from initsweep.core.records import Confirmation, CurveRow, Provenance, RunRow, Schema, Selection
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.thresholds import Thresholds

CONSTANT, TEST_CONSTANT = 1.0, 2.0
DECIDE = Decide(margin=0.01, basin_tolerance=0.05, trainable_skill=0.05, alpha=0.05, most_seeds=0)
PROVENANCE = Provenance(params_sha="p", data_sha="d", code_sha="c", versions={"numpy": "2"})
SCHEMA = Schema(
    source="made_up", reference="", task="classification", loss_name="cross_entropy",
    score_name="accuracy", n_features=1, n_outputs=2, rows={"test": 200}, feature_names=[],
    class_names=[], feature_mean=[], feature_scale=[], target_mean=0.0, target_scale=1.0,
    class_counts=[],
        class_weights=[],
        select_by="loss",
        constant_validation_score=0.1,
        constant_test_score=0.1,
        constant_validation_loss=CONSTANT, constant_test_loss=TEST_CONSTANT, data_sha="d",
)  # fmt: skip

THRESHOLDS = Thresholds.of(SCHEMA, DECIDE)
"""A loss up to 0.95 is better than guessing, and a score from 0.1 + 0.05 * 0.9 = 0.145 on."""

Losses = Sequence[float | None]  # None: the run diverged
Curve = Mapping[float, Losses]


def run_row(
    scheme="a", rate=0.1, seed=0, loss=0.5, *, kind="grid", initial=1.0, test=None, score=None
):
    """Return a run whose validation score falls with its loss, 0.1 at the constant's, if not given.

    So such a run is better than guessing by both or by neither.
    """
    confirm, diverged = kind == "confirm", loss is None
    test_loss = None if diverged or not confirm else (2 * loss if test is None else test)
    return RunRow(
        scheme=scheme, kind=kind, trial=0, learning_rate=rate, seed=seed,
        status="diverged" if diverged else "finished",
        diverged_at_step=3 if diverged else None,
        initial_loss=initial, train_loss=loss, validation_loss=loss,
        validation_score=None if diverged else max(1 - 0.9 * loss, 0) if score is None else score,
        capped_loss=CONSTANT if diverged else min(loss, CONSTANT),
        test_loss=test_loss,
        test_score=None if test_loss is None else 1 - test_loss / 4,
        capped_test_loss=min(TEST_CONSTANT if diverged else test_loss, TEST_CONSTANT)
        if confirm
        else None,
    )  # fmt: skip


def curve_runs(grid: Curve, scheme="a", kind="grid", initial=1.0):
    return [
        run_row(scheme, rate, seed, loss, kind=kind, initial=initial)
        for rate, losses in grid.items()
        for seed, loss in enumerate(losses)
    ]


def evidence(
    scheme: str,
    confirm: Losses,
    grid: Curve,
    *,
    extension: Curve | None = None,
    refinement: Curve | None = None,
    rate: float | None = None,
    mean_loss: float | None = None,
    test: Losses | None = None,
    scores: Sequence[float] | None = None,
    tuned_score: float | None = None,
    censored="no",
    provenance=PROVENANCE,
) -> Evidence:
    tuning = curve_runs(grid, scheme)
    tuning += curve_runs(extension or {}, scheme, "extension")
    tuning += curve_runs(refinement or {}, scheme, "refinement")
    if tuned_score is not None:
        tuning = [
            run if run.status == "diverged" else replace(run, validation_score=tuned_score)
            for run in tuning
        ]
    means = {
        r: sum(CONSTANT if loss is None else min(loss, CONSTANT) for loss in losses) / len(losses)
        for r, losses in {**grid, **(extension or {}), **(refinement or {})}.items()
    }
    best = min(means, key=means.__getitem__)
    chosen = best if rate is None else rate
    seeds = [100 + index for index in range(len(confirm))]
    return Evidence(
        scheme=scheme,
        selection=Selection(
            scheme=scheme, initializer=scheme, options={}, learning_rate=chosen,
            other_learning_rate=chosen, mean_loss=means[best] if mean_loss is None else mean_loss,
            grid=sorted({*grid, *(extension or {})}), censored=censored, engine="torch",
            provenance=provenance,
        ),
        tuning=tuning,
        confirmation=Confirmation(
            scheme=scheme, initializer=scheme, options={}, learning_rate=chosen, seeds=seeds,
            median_seed=100, engine="torch", provenance=provenance,
        ),
        confirm=[
            run_row(scheme, chosen, seed, loss, kind="confirm", test=test[i] if test else None,
                    score=scores[i] if scores else None)
            for i, (seed, loss) in enumerate(zip(seeds, confirm, strict=True))
        ],
        curves=epoch_curves(scheme, chosen, dict(zip(seeds, confirm, strict=True))),
    )  # fmt: skip


def epoch_curves(scheme: str, rate: float, losses: Mapping[int, float | None], epochs=4):
    """Return curves that fall from 1 to the given loss in equal steps; None diverges at epoch 2."""
    return [
        CurveRow(
            scheme=scheme, kind="confirm", trial=0, learning_rate=rate, seed=seed, epoch=epoch,
            train_loss=value if epoch else None, validation_loss=value, validation_score=0.5,
        )
        for seed, loss in losses.items()
        for epoch in range((epochs if loss is not None else 1) + 1)
        for value in [1.0 if loss is None else 1.0 + (loss - 1.0) * epoch / epochs]
    ]  # fmt: skip


def flat(losses: Sequence[float], seeds: int = 2, rates=(0.001, 0.01, 0.1, 1.0)) -> Curve:
    """Return a curve whose seeds agree."""
    return {rate: [loss] * seeds for rate, loss in zip(rates, losses, strict=True)}
