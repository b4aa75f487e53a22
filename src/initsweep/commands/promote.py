"""`initsweep promote`: the team's decision, checked, recorded and shown in MLflow's registry."""

import argparse
import dataclasses
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from initsweep.architectures import describe
from initsweep.core import artifacts, numbers
from initsweep.core.decisions import Challenge, Decision
from initsweep.core.errors import CaptureError, InitsweepError, ParamsError
from initsweep.core.network_choice import with_network
from initsweep.core.params import Params, load_params
from initsweep.core.records import Confirmation, Schema, SchemeRow, Verdict
from initsweep.core.registry import did_you_mean
from initsweep.core.spelling import is_whole
from initsweep.promotion import ledger
from initsweep.running import git
from initsweep.running.lock_file import LOCK
from initsweep.stages.publish import promotion_of, publication
from initsweep.stages.serving import served_model
from initsweep.views import mlflow as tracking
from initsweep.views.mlflow.model import RawValue
from initsweep.views.terminal.freshness import check_results

_VERDICT = artifacts.COMPARE / "verdict.json"
_PORT = 5001


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Promote a scheme and say what was done.

    Returns:
        What to print, and the exit status.

    Raises:
        ParamsError: If it is not said who decided, or why.
        InitsweepError: If something speaks against it; then nothing has been moved or written.
    """
    params = load_params(options.params)
    for name in ("by", "because"):
        if not getattr(options, name).strip():
            raise ParamsError(f"--{name} is empty: the record must say who decided, and why.")
    for name in ("by", "because", "although"):
        if not is_whole(text := getattr(options, name) or ""):
            raise ParamsError(
                f"--{name}: received {text!r}, which is not UTF-8 as the record is. Let the "
                "terminal use UTF-8."
            )
    verdict = artifacts.read_record(_VERDICT, Verdict)
    rows = artifacts.read_rows(artifacts.COMPARE / "schemes.csv", SchemeRow)
    row = _row(options.scheme, params, rows)
    check_results()
    challenge = ledger.challenge_of(params, row.scheme, rows)
    objections = [*_objections(row, verdict), *_against_champion(challenge)]
    if objections and not (options.although or "").strip():
        raise InitsweepError(
            f"{' '.join(objections)} If you want it all the same, say why: --although TEXT. "
            "Nothing was changed."
        )
    decision = _decision(options, params, row, verdict)
    return _carry_out(decision, params, challenge), 0


def _row(scheme: str, params: Params, rows: list[SchemeRow]) -> SchemeRow:
    """Look up the scheme's line of the verdict table.

    Returns:
        The line.

    Raises:
        ParamsError: If the scheme is not part of the study.
        InitsweepError: If it cannot be trained.
    """
    row = next((row for row in rows if row.scheme == scheme), None)
    if row is None or scheme not in params.schemes:
        known = [row.scheme for row in rows if row.scheme in params.schemes]
        raise ParamsError(
            f"'{scheme}' is no scheme of this study.{did_you_mean(scheme, known)} Its schemes: "
            f"{', '.join(known)}."
        )
    if not row.trainable:
        raise InitsweepError(
            f"{scheme} is untrainable in this study (test loss {numbers.loss(row.test_loss)}, the "
            "constant predictor's or nearly so): it cannot be promoted. Nothing was changed."
        )
    return row


def _objections(row: SchemeRow, verdict: Verdict) -> list[str]:
    """Return what this study has against the scheme; none of its tie set is worse than another."""
    if verdict.recommended is None:
        return [f"This study does not recommend any scheme: {verdict.statement}"]
    if row.scheme == verdict.recommended or row.in_tie_set:
        return []
    return [
        f"{row.scheme} is {row.standing} on validation ({row.why}); this study recommends "
        f"{verdict.recommended}. On test: {row.scheme} {numbers.loss(row.test_loss)}, "
        f"{row.outcome} compared with {verdict.recommended}."
    ]


def _against_champion(challenge: Challenge) -> list[str]:
    return [challenge.statement] if challenge.standing == "worse" else []


def _decision(
    options: argparse.Namespace, params: Params, row: SchemeRow, verdict: Verdict
) -> Decision:
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    trained = artifacts.read_record(
        artifacts.train_folder(row.scheme) / "record.json", Confirmation
    )
    candidate, network = ledger.candidate_of(row, schema), with_network(params, schema).model
    seeds = sorted(candidate.losses)
    shared = {field.name for field in dataclasses.fields(Decision)}
    of_row = {name: value for name, value in dataclasses.asdict(row).items() if name in shared}
    return Decision(
        **of_row,
        initializer=trained.initializer,
        options=dict(trained.options),
        network=describe(network.name, network.options),
        source=schema.source,
        decision=verdict.decision,
        loss_name=verdict.loss_name,
        score_name=verdict.score_name,
        seeds=seeds,
        test_losses=[candidate.losses[seed] for seed in seeds],
        settings=ledger.flat_settings(params, ledger.PROTOCOL),
        data_sha=schema.data_sha,
        results_sha=candidate.results_sha,
        verdict_sha=_sha256(_VERDICT),
        lock_sha=_sha256(LOCK),
        git_revision=git.head(),
        by=options.by.strip(),
        because=options.because.strip(),
        although=(options.although or "").strip(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        model_name="",
        model_version="",
    )


def _carry_out(decision: Decision, params: Params, challenge: Challenge) -> str:
    """Move the alias, then write the record: a registry that is down leaves no record behind.

    Returns:
        What to print.
    """
    before = ledger.last_decision()
    decision, served = _registered(decision, params)
    where = f": models:/{decision.model_name}@champion is version {decision.model_version}"
    lines = [
        f"{decision.scheme} at learning rate {numbers.rate(decision.learning_rate)} is the champion"
        f"{where if decision.model_name else ''}.",
        *_before(before, decision, challenge),
        f"Recorded in {ledger.CHAMPION} and {ledger.LOG}. Run `initsweep repro`, so that packet "
        "and summary know it (nothing is trained again); then keep it: "
        f"git add {ledger.DECISIONS} {LOCK} && git commit",
        *served,
    ]
    ledger.record(decision)
    return "\n".join(lines)


def _registered(decision: Decision, params: Params) -> tuple[Decision, list[str]]:
    """Put the model into the registry, if the network can be served.

    Returns:
        The decision with the model's name and version, empty without one; how to serve it, or why
        that is not possible, in lines.
    """
    root = tracking.project_root()
    try:
        model = served_model(params, decision.scheme)
    except CaptureError as error:
        remedy = (
            " For a model to serve, change the network, run `initsweep repro` and promote again."
        )
        return decision, [
            f"NOT SERVED: {error} The decision holds all the same; MLflow's registry does not show "
            "it, and an alias `champion` there stays where it was."
            + (remedy if params.loop is None else "")
        ]
    study = publication(params, {decision.scheme: model})
    tracking.publish(study, params, root)
    name, version = tracking.promote(study, promotion_of(decision, model), params, root)
    return dataclasses.replace(decision, model_name=name, model_version=version), [
        f"Serve it: {tracking.address_setting(params, root)} mlflow models serve "
        f"-m {shlex.quote(f'models:/{name}@champion')} --env-manager local --port {_PORT}",
        f"Ask it: {request(model.example)}",
    ]


def _before(before: Decision | None, decision: Decision, challenge: Challenge) -> list[str]:
    """Return what held until now, and what of it is given up."""
    if before is None:
        return []
    if before.results_sha != decision.results_sha:
        return [f"Before: {challenge.statement}"]
    return [
        f"It was the champion already, since {before.when.partition('T')[0]}, chosen by "
        f"{before.by}: {before.because}. Name and reason are replaced; {ledger.LOG} keeps both."
    ]


def request(example: Mapping[str, Sequence[RawValue]] | np.ndarray) -> str:
    """Return a complete request to the served model, with its first example row."""
    if isinstance(example, np.ndarray):
        whole = bool((example == np.rint(example)).all())  # pixels, mostly; the server makes floats
        rows = example[:1].astype(np.int64) if whole else example[:1]
        body = {"inputs": rows.tolist()}
    else:
        columns = [*example]
        row = [example[name][0] for name in columns]
        body = {"dataframe_split": {"columns": columns, "data": [row]}}
    content = shlex.quote(json.dumps(body, allow_nan=False, separators=(",", ":")))
    address = f"http://127.0.0.1:{_PORT}/invocations"
    return f"curl {address} -H 'Content-Type: application/json' -d {content}"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
