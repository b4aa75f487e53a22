"""The team's decisions on disk, and this study against the last one.

`decisions/` is kept in git: `champion.json` is the decision that holds, `log.jsonl` all of them,
oldest first, one a line.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from initsweep.core import artifacts
from initsweep.core.decisions import Challenge, Decision
from initsweep.core.errors import ArtifactError
from initsweep.core.params import Params, fingerprint
from initsweep.core.records import RunRow, Schema, SchemeRow
from initsweep.promotion.champion import Candidate, Terms, challenge
from initsweep.statistics.thresholds import Thresholds

DECISIONS = Path("decisions")
CHAMPION = DECISIONS / "champion.json"
LOG = DECISIONS / "log.jsonl"
CHALLENGE = artifacts.COMPARE / "champion.json"

PROTOCOL = ("data", "task", "model", "optimizer", "training", "tune", "confirm", "decide")
"""Settings that shape results, and the rules of deciding.

Machines and threads move rounding only, which seeds cover.
"""


def last_decision() -> Decision | None:
    """Return the decision that holds, None if there is none.

    Raises:
        ArtifactError: If its file is damaged.
    """
    if not CHAMPION.exists():
        return None
    try:
        return artifacts.read_record(CHAMPION, Decision)
    except ArtifactError as error:
        reason = str(error).removesuffix(" Run `dvc repro` again.")
        raise ArtifactError(f"{reason} Restore it from git: git checkout {CHAMPION}.") from None


def record(decision: Decision) -> None:
    """Make this the decision that holds, and add it to the log."""
    before = LOG.read_text(encoding="utf-8") if LOG.exists() else ""
    artifacts.write_text(LOG, before + json.dumps(asdict(decision), allow_nan=False) + "\n")
    artifacts.write_json(CHAMPION, decision)


def challenge_of(params: Params, scheme: str | None, rows: Sequence[SchemeRow]) -> Challenge:
    """Compare a scheme of this study, whose results are on disk, with the last decision.

    Args:
        params: The parameters of the study.
        scheme: The scheme, None if the study recommends none.
        rows: The verdict table.

    Returns:
        How it stands.
    """
    schema = artifacts.read_record(artifacts.SCHEMA, Schema).judged
    terms = Terms(
        data_sha=schema.data_sha,
        loss_name=schema.loss_name,
        settings=flat_settings(params, PROTOCOL),
        margin=Thresholds.of(schema, params.decide).margin("test"),
        alpha=params.decide.alpha,
    )
    row = next((row for row in rows if row.scheme == scheme), None)
    candidate = None if row is None else candidate_of(row, schema)
    return challenge(last_decision(), candidate, terms)


def candidate_of(row: SchemeRow, schema: Schema) -> Candidate:
    """Return a scheme of this study with its test losses.

    Its results are told by those of the first seeds: how many more it got depends on the others.
    """
    losses = _test_losses(artifacts.fresh_folder(row.scheme))
    first = _test_losses(artifacts.train_folder(row.scheme))
    identity = [schema.data_sha, row.scheme, row.learning_rate, sorted(first.items())]
    return Candidate(
        scheme=row.scheme,
        learning_rate=row.learning_rate,
        losses=losses,
        results_sha=fingerprint(identity),
    )


def _test_losses(folder: Path) -> dict[int, float]:
    """Return the capped test loss of each fresh seed."""
    runs = artifacts.read_rows(folder / "runs.csv", RunRow)
    return {run.seed: run.capped_test_loss for run in runs if run.capped_test_loss is not None}


def flat_settings(params: Params, sections: Sequence[str]) -> dict[str, str]:
    """Return settings as text by dotted key, the same keys for every scheme."""
    content = params.model_dump(mode="json", include=set(sections))
    return {key: value for section in sections for key, value in _flat(section, content[section])}


def _flat(key: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in _flat(f"{key}.{name}", item)]
    return [(key, value if isinstance(value, str) else json.dumps(value))]
