"""A new study of a training function of the user's own: tried in short runs, and timed by one."""

import time
from dataclasses import dataclass, replace

from initsweep.core import artifacts
from initsweep.core.errors import ParamsError, RunError, few
from initsweep.core.name_value import network_values
from initsweep.core.params import OWN_DATA, Params
from initsweep.core.progress import minutes, progress
from initsweep.core.registry import function_from_outside
from initsweep.loops.spec import Failure, Outcome
from initsweep.stages import prepare
from initsweep.stages.diagnose_loop import examined, first_runs
from initsweep.stages.own_loop import OwnLoop
from initsweep.starting.request import Request
from initsweep.starting.time_budget import FIRST_FRESH_SEED
from initsweep.statistics import racing

USUAL_MINUTES = 60.0
_RACED = 0.5  # of the trainings of a full study are left, about, where rates race

SCHEMES = (
    "torch_default", "he_normal", "xavier_uniform", "orthogonal", "lecun_normal", "he_uniform",
    "truncated_normal", "random_normal_small",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """How large a study is."""

    schemes: int
    points: int
    tuning_seeds: int
    refinement: int
    fresh_seeds: int

    @property
    def values(self) -> dict[str, object]:
        """The size as values of params.yaml."""
        fresh = range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + self.fresh_seeds)
        return {
            "schemes": [*SCHEMES[: self.schemes]],
            "tune.seeds": [*range(self.tuning_seeds)],
            "tune.grid.points": self.points,
            "tune.refinement_trials": self.refinement,
            "tune.strategy": "racing",
            "confirm.seeds": [*fresh],
            "decide.most_seeds": 2 * self.fresh_seeds,
            "diagnose.seeds": [*range(self.tuning_seeds)],
        }


_SIZES = (
    _Size(schemes=8, points=9, tuning_seeds=3, refinement=4, fresh_seeds=12),
    _Size(schemes=6, points=9, tuning_seeds=3, refinement=2, fresh_seeds=10),
    _Size(schemes=5, points=7, tuning_seeds=3, refinement=2, fresh_seeds=9),
    _Size(schemes=4, points=5, tuning_seeds=2, refinement=2, fresh_seeds=9),
    _Size(schemes=3, points=5, tuning_seeds=2, refinement=1, fresh_seeds=9),
)


def values(request: Request) -> dict[str, object]:
    """Return the parameters that follow from `--train` and what stands beside it.

    Raises:
        ParamsError: If options do not go together.
    """
    if request.model is not None:
        raise ParamsError("--model: the training function builds its network; leave it out.")
    stated = request.baseline
    baseline = "auto" if stated is None else {"validation_loss": stated, "test_loss": stated}
    found: dict[str, object] = {
        "model": None,
        "optimizer": None,
        "training": {
            "function": request.train,
            "options": network_values(request.options),
            "baseline": baseline,
            "resources": {"cpu": 1, "gpu": 0},
            "silence_limit": 1800.0,
        },
        **_SIZES[1].values,
    }
    return found if request.data is not None else {**found, "data.source": OWN_DATA}


def tried(params: Params, *, largest: float | None) -> tuple[dict[str, object], list[str]]:
    """Try the function of a new study, and fit the study into the time there is.

    Args:
        params: The study so far; its data are not prepared yet.
        largest: Minutes that it may take; None to leave its size as it is.

    Returns:
        What replaces its values, and what to say of it, in lines.

    Raises:
        RunError: If the function fails, or a study of it would measure nothing.
    """
    if params.loop is not None:
        # What it imports may not be copied.
        function_from_outside(params.loop.function, "training.function")
    artifacts.remove_folder(artifacts.SCRATCH)
    prepare.run(params, lambda _: None)
    loop = OwnLoop.of(params)
    short = first_runs(loop)
    with progress(len(short) + 1, "init", "run") as bar:
        found = examined(loop, short, bar)
        bar.note("one whole run")
        seconds, epochs = _timed(loop)
        bar.advance()
    one = seconds / max(1, loop.params.runtime.n_workers // loop.loop.resources.cpu)
    size = None if largest is None else _fitting(one, 60 * largest)
    count = _trainings(params) if size is None else _count(size)
    same = "" if found.deterministic else " The same run twice gives other digits."
    lines = [
        f"Training function: {loop.loop.function}, {found.parameters} numbers are learned in "
        f"{epochs} epochs, {minutes(seconds)} per training.{same}",
        *([f"Left as they are: {few(found.passed_over, 2)}"] if found.passed_over else []),
        f"Plan: about {count:.0f} trainings.",
        f"Estimate: {minutes(one * count)} for `initsweep repro`, if this machine does nothing "
        "else; measured just now.",
    ]
    if largest is not None and one * count > 60 * largest:
        lines.append(
            f"WARNING: that is more than the {largest:g} minutes. It is the smallest study that "
            "can name a winner. Shorter trainings (--option) or more cores take less."
        )
    return {} if size is None else size.values, lines


def _timed(loop: OwnLoop) -> tuple[float, int]:
    """Return how many seconds and epochs a whole run takes.

    Raises:
        RunError: If it fails.
    """
    params, folder = loop.params, artifacts.SCRATCH / "init"
    spec = loop.spec(params.schemes[0], params.tune.grid.low, params.tune.seeds[0], final=False)
    began = time.monotonic()
    with loop.pool() as pool:
        ((_, found),) = pool.run([replace(spec, folder=str(folder))])
    took = time.monotonic() - began
    artifacts.remove_folder(folder)
    if isinstance(found, Failure):
        raise RunError(f"{spec.function} failed for {spec.called}: {found.message}.")
    return took, len(found.reports) if isinstance(found, Outcome) else 0


def _fitting(one: float, most: float) -> _Size:
    """Return the largest study of trainings of `one` second each that takes `most` seconds."""
    return next((size for size in _SIZES if one * _count(size) <= most), _SIZES[-1])


def _count(size: _Size) -> float:
    tuning = (size.points + size.refinement) * size.tuning_seeds * _RACED
    return size.schemes * (tuning + size.fresh_seeds)


def _trainings(params: Params) -> float:
    tune = params.tune
    raced = _RACED if tune.strategy == "racing" else 1.0
    tuning = raced * (tune.grid.points + racing.refinements(tune)) * len(tune.seeds)
    return len(params.schemes) * (tuning + len(params.confirm.seeds))
