"""Examine a user's training function, and look at its networks before any training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from torch import nn

from initsweep.core import artifacts
from initsweep.core.multipliers import kind_of
from initsweep.core.progress import Progress, progress
from initsweep.core.records import DiagnosisRow, LayerRow, LoopRow
from initsweep.diagnosis.any_batch import read_any
from initsweep.loops.examining import Examined, examine, refuse_unused, short_runs
from initsweep.loops.spec import Failure, RunSpec
from initsweep.probes.averages import diagnosis, layer_table
from initsweep.probes.judgement import NOT_JUDGED
from initsweep.probes.reading import Reading
from initsweep.stages.own_loop import OwnLoop

LAYERS = artifacts.DIAGNOSE / "layers.csv"
SCHEMES = artifacts.DIAGNOSE / "schemes.csv"
LOOP = artifacts.DIAGNOSE / "own_loop.json"

# Curvature costs as much as all the rest; its spread over seeds is seen from a few.
SHARPNESS_SEEDS = 3


def run(loop: OwnLoop) -> None:
    """Write what short runs show, the statistics of every layer, and the verdict on each scheme.

    Raises:
        RunError: If the function fails, or a study of it would measure nothing.
    """
    params, scratch = loop.params, artifacts.SCRATCH / "diagnose"
    layer_rows, scheme_rows = list[LayerRow](), list[DiagnosisRow]()
    artifacts.remove_folder(scratch)  # of a function that was mended since
    short = first_runs(loop)
    total = len(short) + len(params.schemes) * len(params.diagnose.seeds)
    with progress(total, "diagnose", "run") as bar:
        found = examined(loop, short, bar)
        for scheme, readings in _readings(loop, bar):
            if readings and all(isinstance(one, Reading) for one in readings):
                known = [one for one in readings if isinstance(one, Reading)]
                layer_rows += layer_table(scheme, known)
                constant = loop.schema.constant_validation_loss
                scheme_rows.append(diagnosis(scheme, known, constant, _family(loop, scheme)))
            else:
                scheme_rows.append(_not_judged(scheme, readings, loop.loop.function))
    artifacts.remove_folder(scratch)
    artifacts.write_rows(LAYERS, layer_rows, LayerRow)
    artifacts.write_rows(SCHEMES, scheme_rows, DiagnosisRow)
    record = LoopRow(
        function=loop.loop.function,
        deterministic=found.deterministic,
        parameters=found.parameters,
        passed_over=[*found.passed_over],
        same_draws=found.same_draws,
    )
    artifacts.write_json(LOOP, record)


def first_runs(loop: OwnLoop) -> dict[str, RunSpec]:
    """Return short runs by which the function of a study is examined, as `short_runs`."""
    params = loop.params
    rate = params.tune.grid.low  # a high one may diverge, which shows nothing
    drawn = [name for name in params.schemes if params.initializer(name)[0] not in _NOT_DRAWN]
    first = [*drawn, *params.schemes][0]
    laws = {name: params.initializer(name) for name in params.schemes}
    others = [name for name in (*drawn, *laws) if laws[name] != laws[first]]
    base, *other = (
        loop.spec(name, rate, params.tune.seeds[0], final=False) for name in (first, *others[:1])
    )
    return short_runs(base, other[0] if other else None, artifacts.SCRATCH / "diagnose")


def examined(loop: OwnLoop, runs: Mapping[str, RunSpec], bar: Progress) -> Examined:
    """Return what short runs of the function show.

    Raises:
        RunError: If it fails, or a study of it would measure nothing.
    """
    bar.note("short runs")
    with loop.pool() as pool:
        found = examine(runs, pool, bar.advance)
    refuse_unused(loop.loop.function, found)
    return found


_NOT_DRAWN = ("zeros", "constant", "identity", "zero_hadamard")
"""Initializers that a seed does not change."""


def _readings(loop: OwnLoop, bar: Progress) -> Iterator[tuple[str, Sequence[object]]]:
    """Look at every scheme's networks.

    Yields:
        Each scheme with what came of its seeds: readings, None where none was offered, failures.
    """
    seeds, folder = loop.params.diagnose.seeds, artifacts.SCRATCH / "diagnose"
    specs = [
        replace(
            loop.spec(scheme, loop.params.tune.grid.low, seed, final=False),
            folder=str(folder / f"{scheme}-{seed}"),
        )
        for scheme in loop.params.schemes
        for seed in seeds
    ]
    found: dict[str, object] = {}
    look = partial(_look, curved=frozenset(seeds[:SHARPNESS_SEEDS]))
    with loop.pool(look=look) as pool:
        for spec, result in pool.run(specs):
            found[spec.folder] = result
            bar.note(spec.scheme)
            bar.advance()
    for scheme in loop.params.schemes:
        yield scheme, [found[spec.folder] for spec in specs if spec.scheme == scheme]


def _look(
    spec: RunSpec, model: nn.Module, batch: object, loss: object, *, curved: frozenset[int]
) -> Reading:
    return read_any(model, batch, loss, with_sharpness=spec.seed in curved)  # type: ignore[arg-type]


def _family(loop: OwnLoop, scheme: str) -> str:
    """Return the optimizer by whose alarms a scheme is judged; what adapts its steps is as Adam."""
    name = str((loop.params.optimizer_of(scheme) or {"name": "adam"})["name"])
    return name if kind_of(name) else "adam"


def _not_judged(scheme: str, found: Sequence[object], function: str) -> DiagnosisRow:
    failed = next((one.message for one in found if isinstance(one, Failure)), None)
    reason = failed or f"{function} offers no batch to look at (run.example_batch)"
    return DiagnosisRow(
        scheme=scheme, verdict=NOT_JUDGED, reason=reason, first_bad_layer=None,
        initial_loss=None, initial_loss_low=None, initial_loss_high=None, constant_loss=None,
        forward_ratio=None, backward_ratio=None, gradient_norm=None, gradient_norm_low=None,
        gradient_norm_high=None, sharpness=None, sharpness_low=None, sharpness_high=None,
        rate_ceiling=None, ceiling_reliable=False, chi=None, depth_scale=None, unseen="",
    )  # fmt: skip
