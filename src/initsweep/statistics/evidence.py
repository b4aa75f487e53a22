"""What earlier stages hand over about each scheme, and whether it belongs together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from initsweep.core.errors import ArtifactError
from initsweep.core.records import Confirmation, CurveRow, RunRow, Schema, Selection
from initsweep.statistics.seeds_tried import uneven

# The cap is read back from the same file it was applied from; only rounding may differ.
_ROUNDING = 1e-6
_NUMBERS = (
    "learning_rate",
    "capped_loss",
    "capped_test_loss",
    "validation_loss",
    "validation_score",
    "test_score",
    "initial_loss",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retune:
    """One re-tuning of a scheme on other seeds, and the fresh runs at the rate it chose."""

    selection: Selection
    tuning: Sequence[RunRow]
    confirm: Sequence[RunRow]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All records of one scheme: its tuning runs and choice, its fresh runs and their epochs.

    Attributes:
        test_rows: Loss of every test row by fresh run, shape (seeds, rows), NaN where one diverged;
            None where runs are compared by score.
        test_targets: Target of every test row, shape (rows,), where the score is made of both.
        fresh_in: The stage that the fresh runs are from, to be named where they are refused.
        other: Fresh runs at the rate of the other criterion; empty where it is the same.
    """

    scheme: str
    selection: Selection
    tuning: Sequence[RunRow]
    confirmation: Confirmation
    confirm: Sequence[RunRow]
    curves: Sequence[CurveRow]
    test_rows: NDArray[np.float64] | None = None
    test_targets: NDArray[np.float64] | None = None
    fresh_in: str = "train"
    other: Sequence[RunRow] = ()
    retunes: Sequence[Retune] = ()


def check_evidence(
    evidence: Sequence[Evidence],
    schema: Schema,
    first: Sequence[int],
    more: Sequence[int] = (),
    *,
    racing: bool = False,
) -> None:
    """Refuse to compare records that do not belong to one study.

    Schemes may have some of `more` fresh seeds after the `first`, raced rates fewer tuning seeds.

    Raises:
        ArtifactError: If a scheme was run on other data, other rates or other seeds than the
            rest, or its tables are incomplete or hold numbers that are not finite.
    """
    for name in ("constant_validation_loss", "constant_test_loss"):
        if not getattr(schema, name) > 0:
            raise ArtifactError(
                f"schema.json: {name} must be above 0, received {getattr(schema, name)!r}: a "
                "constant prediction is already perfect, so no scheme can improve on it."
            )
    for one in evidence:
        _check_names(one)
        _check_data(one, schema)
        _check_numbers(one)
        _check_confirm_runs(one, first, more)
        _check_other_runs(one, first)
        _check_test_rows(one)
        _check_caps(one, schema)
        _check_tuning_seeds(one, racing=racing)
    _check_curves(evidence)
    _check_same_test_rows(evidence)
    _check_same_grid(evidence)
    _check_retunes(evidence, schema, sorted(first), racing=racing)


def _refuse(scheme: str, stage: str, problem: str) -> ArtifactError:
    return ArtifactError(f"results/{stage}/{scheme}: {problem}. Run `dvc repro`.")


def _check_names(one: Evidence) -> None:
    for stage, found in (
        ("tune", {one.selection.scheme, *(run.scheme for run in one.tuning)}),
        (one.fresh_in, {one.confirmation.scheme, *(run.scheme for run in one.confirm)}),
    ):
        if found != {one.scheme}:
            raise _refuse(one.scheme, stage, f"holds results of {', '.join(sorted(found))}")


def _check_data(one: Evidence, schema: Schema) -> None:
    for stage, provenance in (
        ("tune", one.selection.provenance),
        (one.fresh_in, one.confirmation.provenance),
    ):
        if provenance.data_sha != schema.data_sha:
            raise _refuse(
                one.scheme,
                stage,
                f"was computed from other data ({provenance.data_sha}) than schema.json describes "
                f"({schema.data_sha})",
            )


def _check_numbers(one: Evidence) -> None:
    # Files cannot hold NaN, records in memory can; it would pass every comparison below.
    for stage, runs in (("tune", one.tuning), (one.fresh_in, one.confirm)):
        for run in runs:
            for name in _NUMBERS:
                value = getattr(run, name)
                if value is not None and not math.isfinite(value):
                    raise _refuse(
                        one.scheme,
                        stage,
                        f"learning rate {run.learning_rate!r}, seed {run.seed} has {name} "
                        f"{value!r}, which is not a finite number",
                    )


def _check_confirm_runs(one: Evidence, first: Sequence[int], more: Sequence[int]) -> None:
    chosen = one.selection.learning_rate
    rates = {one.confirmation.learning_rate, *(run.learning_rate for run in one.confirm)}
    if rates != {chosen}:
        raise _refuse(
            one.scheme,
            one.fresh_in,
            f"has learning rates {sorted(rates)}, but tuning chose {chosen!r}",
        )
    found = sorted(run.seed for run in one.confirm)
    expected = sorted([*first, *more[: max(0, len(found) - len(first))]])
    if found != expected or found != sorted(one.confirmation.seeds):
        raise _refuse(
            one.scheme, one.fresh_in, f"has seeds {found}, but confirm.seeds is {expected}"
        )
    for run in one.confirm:
        if run.kind != "confirm" or run.capped_test_loss is None:
            raise _refuse(one.scheme, one.fresh_in, f"seed {run.seed} has no test loss")


def _check_other_runs(one: Evidence, expected: Sequence[int]) -> None:
    rate = one.selection.other_learning_rate
    wanted = [] if rate == one.selection.learning_rate else sorted(expected)
    found = sorted(run.seed for run in one.other)
    if found != wanted or {run.learning_rate for run in one.other} - {rate}:
        raise _refuse(
            one.scheme,
            "train",
            f"other.csv has seeds {found}, expected {wanted} at learning rate {rate!r}",
        )


def _check_test_rows(one: Evidence) -> None:
    if one.test_rows is not None and len(one.test_rows) != len(one.confirm):
        raise _refuse(
            one.scheme,
            one.fresh_in,
            f"test_rows.npy has {len(one.test_rows)} runs, runs.csv {len(one.confirm)}",
        )


def _check_caps(one: Evidence, schema: Schema) -> None:
    validation = schema.constant_validation_loss * (1 + _ROUNDING)
    test = schema.constant_test_loss * (1 + _ROUNDING)
    for stage, runs in (("tune", one.tuning), (one.fresh_in, one.confirm)):
        for run in runs:
            if run.capped_loss > validation or (run.capped_test_loss or 0.0) > test:
                raise _refuse(
                    one.scheme,
                    stage,
                    f"learning rate {run.learning_rate!r}, seed {run.seed} has a capped loss above "
                    "the constant predictor's in schema.json",
                )


def _check_same_test_rows(evidence: Sequence[Evidence]) -> None:
    known = [one for one in evidence if one.test_rows is not None]
    for one in known:
        found, first = (each.test_rows.shape[1] for each in (one, known[0]))  # type: ignore[union-attr]
        if found != first:
            raise _refuse(
                one.scheme,
                one.fresh_in,
                f"has {found} test rows, {known[0].scheme} {first}: the test rows must be the "
                "same for all schemes",
            )


def _check_same_grid(evidence: Sequence[Evidence]) -> None:
    def grid(one: Evidence) -> tuple[set[float], set[int]]:
        runs = [run for run in one.tuning if run.kind == "grid"]
        return {run.learning_rate for run in runs}, {run.seed for run in runs}

    for one in evidence:
        if not any(grid(one)):
            raise _refuse(one.scheme, "tune", "has no runs on the shared grid")
        if grid(one) != grid(evidence[0]):
            raise _refuse(
                one.scheme,
                "tune",
                f"has other grid rates or seeds than {evidence[0].scheme}, so that their "
                "sensitivities cannot be compared",
            )


def _check_tuning_seeds(one: Evidence, *, racing: bool) -> None:
    if problem := uneven(one.tuning, one.selection.learning_rate if racing else None):
        raise _refuse(one.scheme, "tune", problem)


def _check_curves(evidence: Sequence[Evidence]) -> None:
    # Every finished run has all epochs, and as many as those of other schemes.
    epochs = max((row.epoch for one in evidence for row in one.curves), default=0)
    for one in evidence:
        for run in one.confirm:
            found = sorted(row.epoch for row in one.curves if row.seed == run.seed)
            whole = run.status == "diverged" or len(found) == epochs + 1
            if not whole or found != list(range(len(found))):
                raise _refuse(
                    one.scheme,
                    one.fresh_in,
                    f"curves.csv has epochs {found} of seed {run.seed}, expected 0 to {epochs}",
                )


def _check_retunes(
    evidence: Sequence[Evidence], schema: Schema, first: Sequence[int], *, racing: bool
) -> None:
    counts = {one.scheme: len(one.retunes) for one in evidence}
    for one in evidence:
        if counts[one.scheme] != len(evidence[0].retunes):
            raise _refuse(one.scheme, "tune", f"differs in the number of re-tunings: {counts}")
        for number, retune in enumerate(one.retunes, start=1):
            again = replace(
                one, selection=retune.selection, tuning=retune.tuning, confirm=retune.confirm
            )
            _check_names(again)
            _check_data(again, schema)
            _check_tuning_seeds(again, racing=racing)
            _check_numbers(again)
            _check_caps(again, schema)
            rates = {run.learning_rate for run in retune.confirm}
            seeds = sorted(run.seed for run in retune.confirm)
            chosen = retune.selection.learning_rate
            if rates != {chosen} or seeds != first:
                raise _refuse(
                    one.scheme,
                    "train",
                    f"retune_{number} has learning rates {sorted(rates)} and seeds {seeds}, "
                    f"expected {chosen!r} and {first}",
                )
