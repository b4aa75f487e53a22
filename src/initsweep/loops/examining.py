"""Is a training function fit for a study? A few short runs tell: it takes seconds, not a night.

The same run twice, and runs that differ from it in one thing each, end after their first epochs;
what does not change a loss was not used.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from initsweep.core.errors import RunError
from initsweep.loops.pool import Pool
from initsweep.loops.spec import Failure, Outcome, Report, RunSpec

EPOCHS = 2  # a loss that moves can be seen in these


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a function was found to do.

    Attributes:
        deterministic: Whether the same run gave the same losses twice, to the last digit.
        moves: Whether its loss changes from epoch to epoch; None where it reports one.
        unused: What a run was asked to use and did not: "rate", "seed", "initialization". Only what
            a loop that repeats itself leaves out is seen.
        same_draws: Whether batches and dropout are the same whatever the seed.
        parameters: How many numbers its network learns.
        passed_over: What the initializer warned of.
        losses: What the first run reported.
    """

    deterministic: bool
    moves: bool | None
    unused: tuple[str, ...]
    same_draws: bool
    parameters: int
    passed_over: tuple[str, ...]
    losses: tuple[float, ...]


def short_runs(spec: RunSpec, other: RunSpec | None, folder: Path | str) -> dict[str, RunSpec]:
    """Return the runs that show what a function does, by what each differs in from the first.

    Args:
        spec: The run to do twice.
        other: The same run under another scheme, None if there is none.
        folder: Where theirs shall lie.
    """
    short = replace(spec, most_reports=EPOCHS)
    asked = {
        "": short,
        "again": short,
        "rate": replace(short, learning_rate=spec.learning_rate / 3),
        "seed": replace(short, seed=spec.seed + 1),
        "draws": replace(short, other_draws=True),
    }
    if other is not None:
        asked["initialization"] = replace(other, most_reports=EPOCHS)
    return {
        name: replace(one, folder=f"{folder}/short-{place}")
        for place, (name, one) in enumerate(asked.items())
    }


def examine(
    runs: Mapping[str, RunSpec], pool: Pool, on_done: Callable[[], None] = lambda: None
) -> Examined:
    """Return what a function is found to do.

    Args:
        runs: `short_runs` of it.
        pool: Where they are done.
        on_done: Called whenever one has ended.

    Raises:
        RunError: If a run failed.
    """
    found, spec = _done(runs, pool, on_done), runs[""]
    base = found.pop("")
    if base.ending == "diverged":
        raise RunError(
            f"{spec.function} reports a loss that is not finite, or has grown a thousand times, in "
            f"epoch {len(base.reports) + 1} for {spec.called}. With a network and data that are "
            "sound a low rate does not diverge."
        )
    same = {name for name, one in found.items() if _losses(one) == _losses(base)}
    moves = None
    if len(base.reports) > 1:
        moves = base.reports[0] != base.reports[1]
    return Examined(
        deterministic="again" in same,
        moves=moves,
        unused=tuple(name for name in found if name in same - {"again", "draws"}),
        same_draws="draws" in same,
        parameters=base.parameters,
        passed_over=tuple(base.passed_over),
        losses=tuple(one.validation_loss for one in base.reports) or (math.nan,),
    )


def _done(
    placed: Mapping[str, RunSpec], pool: Pool, on_done: Callable[[], None]
) -> dict[str, Outcome]:
    names = {spec.folder: name for name, spec in placed.items()}
    found: dict[str, Outcome] = {}
    for spec, result in pool.run([*placed.values()]):
        on_done()
        if isinstance(result, Failure):
            raise RunError(f"{spec.function} failed for {spec.called}: {result.message}.")
        if isinstance(result, Outcome):
            found[names[spec.folder]] = result
    return {name: found[name] for name in placed}


def _losses(outcome: Outcome) -> Sequence[Report]:
    return [outcome.start, *outcome.reports] if outcome.start is not None else outcome.reports


_REMEDIES = {
    "rate": "does not use `run.learning_rate`: at a third of the rate every loss is the same. "
    "Give it to the optimizer",
    "initialization": "does not use the scheme: under another one every loss is the same. "
    "Call `model = run.initialize(model)` before the optimizer is made",
    "seed": "does not use the seed: under another one every loss is the same. Leave the "
    "generators of torch, NumPy and Python as they are when it is called, or seed them by "
    "`run.seed`",
    "loss": "reports the same losses for its first and second epoch. Does the optimizer step, and "
    "is the loss measured anew?",
}


def remedy(name: str) -> str:
    """Return what a function does wrong that leaves out something, and what to do about it."""
    return _REMEDIES[name]


def refuse_unused(function: str, found: Examined) -> None:
    """Refuse a function that leaves out something without which a study measures nothing.

    Raises:
        RunError: Saying what, and what to write.
    """
    wrong = [*found.unused, *(["loss"] if found.moves is False else [])]
    if wrong:
        raise RunError(f"{function} {remedy(wrong[0])}.")
