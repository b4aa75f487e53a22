"""Predict rates for a larger network from how schemes were tuned at a few smaller sizes."""

from collections.abc import Sequence
from statistics import fmean

from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, ParamsError
from initsweep.core.params import Params
from initsweep.core.records import RunRow, Schema, SizeResponse
from initsweep.initializers import make_initializer
from initsweep.statistics.transfer import SizeRuns, predict


def run(params: Params, target: int) -> None:
    """Write `transfer/targets/<target>/`: the prediction, and the responses that it rests on.

    Raises:
        ParamsError: If no sizes are asked for.
        ArtifactError: If what varies changes nothing.
    """
    asked, decide = params.transfer, params.decide
    if not asked.sizes:
        raise ParamsError(
            "transfer.sizes is empty, so that nothing can be predicted. Ask for it, such as "
            "`initsweep transfer model.width=32,64,128 --to 512`."
        )
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    runs = {
        (size, scheme): artifacts.read_rows(
            artifacts.size_folder(size, scheme) / "runs.csv", RunRow
        )
        for scheme in params.schemes
        for size in asked.sizes
    }
    first, second = (
        [run.capped_loss for scheme in params.schemes for run in runs[size, scheme]]
        for size in asked.sizes[:2]
    )
    if first == second:
        raise ArtifactError(
            f"{asked.keys[0]} changes nothing: every run has the same loss with {asked.sizes[0]} "
            f"as with {asked.sizes[1]}. Does the network read that option?"
        )
    scales_rates = {scheme: _scales_rates(params, scheme) for scheme in params.schemes}
    found = predict(
        [
            SizeRuns.of(
                size,
                scheme,
                of_one,
                schema.judged.constant_validation_loss,
                scales_rates=scales_rates[scheme],
            )
            for (size, scheme), of_one in runs.items()
        ],
        target,
        tolerance=decide.basin_tolerance,
        margin=decide.margin,
        skill=decide.trainable_skill,
    )
    folder = artifacts.target_folder(target)
    artifacts.write_json(folder / "prediction.json", found)
    rows = [row for (size, _), of_one in runs.items() for row in _responses(size, of_one)]
    artifacts.write_rows(folder / "responses.csv", rows, SizeResponse)


def _scales_rates(params: Params, scheme: str) -> bool:
    """Return whether a scheme puts factors on rates."""
    name, options = params.initializer(scheme)
    return make_initializer(name, options, scheme=scheme).scales_rates


def _responses(size: int, runs: Sequence[RunRow]) -> list[SizeResponse]:
    """Return the losses of each rate, ascending."""
    by_rate: dict[float, list[float]] = {}
    for run in sorted(runs, key=lambda run: run.learning_rate):
        by_rate.setdefault(run.learning_rate, []).append(run.capped_loss)
    return [
        SizeResponse(
            scheme=runs[0].scheme,
            size=size,
            learning_rate=rate,
            mean_loss=fmean(losses),
            best_loss=min(losses),
            worst_loss=max(losses),
            seeds=len(losses),
        )
        for rate, losses in by_rate.items()
    ]
