"""A finished study from formulas: what the tune, train, compare and report stages would leave."""

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from ruamel.yaml import YAML
from safetensors.torch import save as to_safetensors

from initsweep import artifacts
from initsweep.params import Params, parse_params
from initsweep.preprocessing import Preprocessing
from initsweep.records import (
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureRow,
    MeasureSummary,
    Provenance,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
    TrialRow,
    Verdict,
)
from initsweep.statistics.measures import summaries
from initsweep.tracking import SchemeResults, Study

ROOT = Path(__file__).parents[2]
NAMES = ("zeros", "he_normal")
GRID = (0.01, 0.1)
CONSTANT = 2.302585


def make_params(
    names: Sequence[str] = NAMES, uri: str = "sqlite:///mlflow.db", epochs: int = 3
) -> Params:
    content = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text())
    content["schemes"] = list(names)
    content["initializers"] = {name: {} for name in names}
    content["training"]["epochs"] = epochs
    content["tracking"]["uri"] = uri
    return parse_params(content)


def make_study(
    names: Sequence[str] = NAMES,
    *,
    grid: Sequence[float] = GRID,
    seeds: Sequence[int] = (100, 101),
    epochs: int = 3,
    settings: dict[str, str] | None = None,
    attachments: dict[str, Path] | None = None,
) -> Study:
    schemes = [_results(name, grid, seeds, epochs) for name in names]
    return Study(
        experiment="digits/mlp-3x128-relu",
        schema=_schema(),
        params={"model.depth": "3", "training.epochs": str(epochs)} | (settings or {}),
        schemes=schemes,
        verdict=_verdict(schemes),
        origin={"git.baseline": "f2e28fd"},
        attachments=attachments or {},
        attachments_sha=artifacts.file_hash(list((attachments or {}).values())),
    )


def write_study(study: Study, root: Path) -> None:
    """Write the study as the stages would."""
    artifacts.write_json(root / artifacts.SCHEMA, study.schema)
    names = tuple(study.schema.feature_names)
    fitted = Preprocessing(
        numeric=names,
        fill=None,
        indicators=(),
        categorical=(),
        dropped=(),
        mean=tuple(study.schema.feature_mean),
        scale=tuple(study.schema.feature_scale),
        shape=(),
    )
    artifacts.write_json(root / artifacts.PREPROCESSING, fitted.to_json())
    artifacts.write_array(root / artifacts.features_file("train"), np.array([[0.5, -1.0]] * 4))
    artifacts.write_array(root / artifacts.targets_file("train"), np.zeros(4))
    artifacts.write_json(root / artifacts.COMPARE / "verdict.json", study.verdict)
    rows = [results.row for results in study.schemes]
    artifacts.write_rows(root / artifacts.COMPARE / "schemes.csv", rows, SchemeRow)
    measured = [row for results in study.schemes for row in results.summaries]
    artifacts.write_rows(root / artifacts.COMPARE / "measures.csv", measured, MeasureSummary)
    diagnoses = [results.diagnosis for results in study.schemes]
    artifacts.write_rows(root / artifacts.DIAGNOSE / "schemes.csv", diagnoses, DiagnosisRow)
    layers = [row for results in study.schemes for row in results.layers]
    artifacts.write_rows(root / artifacts.DIAGNOSE / "layers.csv", layers, LayerRow)
    artifacts.write_text(root / artifacts.REPORTS / "review.html", "<h1>review</h1>")
    artifacts.write_text(root / artifacts.REPORTS / "review.md", "# review")
    for name in ("tradeoff", "signal", "health", "spectrum"):
        artifacts.write_bytes(root / artifacts.REPORTS / "figures" / f"{name}.png", b"png")
    for results in study.schemes:
        tune = root / artifacts.tune_folder(results.scheme)
        train = root / artifacts.train_folder(results.scheme)
        artifacts.write_json(tune / "selection.json", results.selection)
        artifacts.write_rows(tune / "trials.csv", results.trials, TrialRow)
        artifacts.write_rows(tune / "runs.csv", results.tuning_runs, RunRow)
        artifacts.write_json(train / "record.json", results.confirmation)
        artifacts.write_rows(train / "runs.csv", results.confirm_runs, RunRow)
        artifacts.write_rows(train / "curves.csv", results.curves, CurveRow)
        artifacts.write_rows(train / "measures.csv", results.measures, MeasureRow)
        artifacts.write_bytes(train / "model.safetensors", to_safetensors(some_weights()))


def some_weights() -> dict[str, torch.Tensor]:
    """Weights of the network of `make_params`, without a seed of their own: they are ramps."""
    shapes = [(128, 2), (128, 128), (128, 128), (10, 128)]
    names = ["hidden.0.linear", "hidden.1.linear", "hidden.2.linear", "head"]
    return {
        f"{name}.{kind}": torch.linspace(-0.5, 0.6, math.prod(shape[:size])).reshape(shape[:size])
        for name, shape in zip(names, shapes, strict=True)
        for kind, size in (("weight", 2), ("bias", 1))
    }


def provenance(*, code_sha: str = "c0de") -> Provenance:
    return Provenance(
        params_sha="0123456789abcdef",
        data_sha="fedcba9876543210",
        code_sha=code_sha,
        versions={"python": "3.11.9"},
    )


def _results(name: str, grid: Sequence[float], seeds: Sequence[int], epochs: int) -> SchemeResults:
    best = max(grid) if name == "zeros" else sorted(grid)[(len(grid) - 1) // 2]
    refined = best * 1.2
    rates = [(rate, "grid") for rate in grid] + [(refined, "refinement")]
    tuning = [
        _run(name, kind, trial, rate, seed, loss=_loss(name, rate, best, seed))
        for trial, (rate, kind) in enumerate(rates)
        for seed in (0, 1)
    ]
    confirm = [
        _run(name, "confirm", 0, best, seed, loss=_loss(name, best, best, seed), tested=True)
        for seed in seeds
    ]
    shared = {"scheme": name, "initializer": name, "options": {}, "learning_rate": best}
    shared |= {"engine": "torch", "provenance": provenance()}
    mean = _loss(name, best, best, 1)
    return SchemeResults(
        selection=Selection(
            mean_loss=mean,
            grid=list(grid),
            censored="no",
            other_learning_rate=shared["learning_rate"],
            **shared,
        ),
        trials=[
            _trial(name, trial, kind, rate, [run for run in tuning if run.trial == trial])
            for trial, (rate, kind) in enumerate(rates)
        ],
        tuning_runs=tuning,
        confirmation=Confirmation(seeds=list(seeds), median_seed=seeds[0], **shared),
        confirm_runs=confirm,
        curves=[
            _curve(name, best, seed, epoch, _loss(name, best, best, seed))
            for seed in seeds
            for epoch in range(epochs + 1)
        ],
        measures=_measures(confirm),
        summaries=summaries(_measures(confirm)),
        row=_row(name, best, mean, len(seeds)),
        diagnosis=DiagnosisRow(
            scheme=name,
            verdict="healthy",
            reason="the signal keeps its scale",
            first_bad_layer=None,
            initial_loss=2.31,
            initial_loss_low=2.3,
            initial_loss_high=2.32,
            constant_loss=CONSTANT,
            forward_ratio=1.0,
            backward_ratio=0.9,
            gradient_norm=1.0,
            gradient_norm_low=0.9,
            gradient_norm_high=1.1,
            sharpness=20.0,
            sharpness_low=18.0,
            sharpness_high=22.0,
            rate_ceiling=0.1,
            ceiling_reliable=True,
            chi=1.0,
            depth_scale=None,
            unseen="",
        ),
        layers=[_layer(name, index) for index in range(3)],
    )


def _measures(runs: Sequence[RunRow]) -> list[MeasureRow]:
    return [
        MeasureRow(
            scheme=run.scheme,
            seed=run.seed,
            split=split,
            measure="minority_recall",
            value=None if run.test_score is None else run.test_score / 2,
        )
        for run in runs
        for split in ("validation", "test")
    ]


def _layer(name: str, index: int) -> LayerRow:
    numbers = {field.name: 0.5**index for field in fields(LayerRow)}
    numbers |= {"scheme": name, "layer": index, "name": f"layers.{index}"}
    return LayerRow(**numbers | {"backward_predicted": None})


def _loss(name: str, rate: float, best: float, seed: int) -> float | None:
    """Return a validation loss, None where the run has diverged."""
    if name == "zeros":
        return CONSTANT
    decades = math.log10(rate / best)
    if decades > 0.7:
        return None
    return min(CONSTANT, 0.05 + 0.01 * len(name) + 0.2 * decades**2 + 0.003 * (seed % 5))


def _run(
    name: str,
    kind: str,
    trial: int,
    rate: float,
    seed: int,
    *,
    loss: float | None,
    tested: bool = False,
) -> RunRow:
    capped = CONSTANT if loss is None else loss
    score = None if loss is None else 1 - loss / 4
    return RunRow(
        scheme=name,
        kind=kind,
        trial=trial,
        learning_rate=rate,
        seed=seed,
        status="diverged" if loss is None else "finished",
        diverged_at_step=17 if loss is None else None,
        initial_loss=2.31,
        train_loss=None if loss is None else loss * 0.9,
        validation_loss=loss,
        validation_score=score,
        capped_loss=capped,
        test_loss=loss if tested else None,
        test_score=score if tested else None,
        capped_test_loss=capped if tested else None,
    )


def _trial(name: str, trial: int, kind: str, rate: float, runs: Sequence[RunRow]) -> TrialRow:
    losses = [run.capped_loss for run in runs]
    return TrialRow(
        scheme=name,
        trial=trial,
        kind=kind,
        learning_rate=rate,
        mean_loss=sum(losses) / len(losses),
        best_loss=min(losses),
        worst_loss=max(losses),
        diverged=sum(run.status == "diverged" for run in runs),
        seeds=len(runs),
    )


def _curve(name: str, rate: float, seed: int, epoch: int, final: float | None) -> CurveRow:
    end = CONSTANT if final is None else final
    loss = end + (2.31 - end) * math.exp(-0.4 * epoch)
    return CurveRow(
        scheme=name,
        kind="confirm",
        trial=0,
        learning_rate=rate,
        seed=seed,
        epoch=epoch,
        train_loss=loss * 0.9 if epoch else None,
        validation_loss=loss,
        validation_score=1 - loss / 4,
    )


def _row(name: str, rate: float, loss: float, runs: int) -> SchemeRow:
    trains = name != "zeros"
    return SchemeRow(
        scheme=name,
        outcome="recommended" if name == "he_normal" else "worse" if trains else "untrainable",
        trainable=trains,
        standing="tied" if name == "he_normal" else "worse" if trains else "untrainable",
        why="lowest mean" if name == "he_normal" else "0.1 behind, shown to be worse",
        pareto=name == "he_normal",
        learning_rate=rate,
        validation_loss=loss,
        validation_low=loss * 0.9,
        validation_high=loss * 1.1,
        behind=None,
        test_loss=loss * 1.05,
        test_low=loss * 0.95,
        test_high=loss * 1.15,
        test_score=1 - loss / 4 if trains else None,
        test_score_low=0.9 if trains else None,
        test_score_high=0.99 if trains else None,
        failed_runs=0 if trains else runs,
        failed_share_high=0.2129 if trains else 1.0,
        overconfident_runs=0,
        runs=runs,
        basin_width=1.5 if trains else None,
        basin_low=rate / 10 if trains else None,
        basin_high=rate * 3 if trains else None,
        basin_censored="no",
        global_basin_width=1.0 if trains else None,
        largest_stable_rate=rate * 3 if trains else None,
        first_unstable_rate=rate * 10 if trains else None,
        safety_margin=1.0 if trains else None,
        regret=0.1,
        tuned_gap=0.0,
        sensitivity=0.1,
        wortsman_sensitivity=0.2,
        divergence_rate=0.25 if trains else 0.0,
    )


def _schema() -> Schema:
    return Schema(
        source="digits",
        reference="UCI",
        task="classification",
        loss_name="cross_entropy",
        score_name="accuracy",
        n_features=2,
        n_outputs=10,
        rows={"train": 1078, "validation": 359, "test": 360},
        feature_names=["a", "b"],
        class_names=[str(digit) for digit in range(10)],
        feature_mean=[0.0, 0.0],
        feature_scale=[1.0, 1.0],
        target_mean=0.0,
        target_scale=1.0,
        class_counts=[],
        class_weights=[],
        select_by="loss",
        constant_validation_score=0.1,
        constant_test_score=0.1,
        constant_validation_loss=CONSTANT,
        constant_test_loss=CONSTANT,
        data_sha="fedcba9876543210",
    )


def _verdict(schemes: Sequence[SchemeResults]) -> Verdict:
    names = [results.scheme for results in schemes]
    recommended = "he_normal" if "he_normal" in names else None
    return Verdict(
        decision="winner" if recommended else "none_trainable",
        statement=f"{recommended} at learning rate 0.01 (basin from 0.001 to 0.03).",
        recommended=recommended,
        learning_rate=0.01,
        usable_rates=(0.001, 0.03),
        best_on_validation=recommended,
        tie_set=[name for name in names if name == recommended],
        undecided=[],
        repicked=1.0 if recommended else 0.0,
        firm=recommended is not None,
        picks={recommended: 1.0} if recommended else {},
        other=None,
        untrainable=[name for name in names if name == "zeros"],
        rule=["the lowest validation loss", "then the widest basin"],
        caveats=["one data set, one split"],
        margin=0.023,
        basin_tolerance=0.115,
        constant_loss=CONSTANT,
        loss_name="cross_entropy",
        score_name="accuracy",
        seeds=10,
        provenance=provenance(),
    )
