"""Replay the result records into MLflow. Runs every time, writes only what is missing there."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from initsweep.core import artifacts
from initsweep.core.decisions import Decision
from initsweep.core.errors import CaptureError, InitsweepWarning
from initsweep.core.numbers import interval, loss, rate
from initsweep.core.params import PACE, Params, fingerprint
from initsweep.core.provenance import code_sha
from initsweep.core.records import Schema, SchemeRow
from initsweep.core.results import Results
from initsweep.core.spelling import prose
from initsweep.promotion import ledger
from initsweep.running import git
from initsweep.views import mlflow as tracking

# Settings that shape a scheme's own results. Those of the comparison are shown with its verdict;
# which other schemes there are, and where and how fast they were trained, changes nothing.
SHAPING = (*(section for section in ledger.PROTOCOL if section != "decide"), "runtime")

TABLES = ("schemes", "layers")  # of the diagnosis
PREDICTION = ("prediction.json", "responses.csv")  # of each target of a transfer
DIAGNOSIS_PICTURES = ("signal", "health", "spectrum")


def run(params: Params) -> None:
    """Make MLflow show the records under `data/`, `results/` and `reports/`."""
    root, content_sha = tracking.project_root(), _content_sha(params)
    if not tracking.is_sealed(content_sha, params, root):
        tracking.publish(publication(params), params, root, content_sha)


def is_shown(params: Params) -> bool:
    """Return whether MLflow surely shows these records already.

    It is not asked, nor imported, where the runs are in a file; a server is asked one question.
    """
    return tracking.is_sealed(_content_sha(params), params, tracking.project_root())


def publication(
    params: Params, served: Mapping[str, tracking.ServedModel] | None = None
) -> tracking.Publication:
    """Return all records of the study that `params` describes, as MLflow is to show them.

    Args:
        params: Of the study.
        served: Models by scheme that are there already: to write one down takes a second.
    """
    from initsweep.architectures import describe  # imports torch, which takes seconds

    study = Results(params=params)
    schema, model = study.schema, study.params.model
    attachments, models = _attachments(params), dict[str, tracking.ServedModel | None](served or {})

    def model_of(scheme: str) -> tracking.ServedModel | None:
        if scheme not in models:
            models[scheme] = _model(study.params, scheme)
        return models[scheme]

    recommended = study.verdict.recommended
    return tracking.Publication(
        params=params,
        experiment=f"{schema.source}/{describe(model.name, model.options)}",
        settings=_settings(study.params),
        origin=_origin(),
        attachments=attachments,
        attachments_sha=artifacts.file_hash(list(attachments.values())),
        model=None if recommended is None else model_of(recommended),
        promotion=_promotion(study.params, study.compared, schema, model_of),
    )


def _content_sha(params: Params) -> str:
    """Return a hash of everything that decides what MLflow should show."""
    shared = [artifacts.SCHEMA, artifacts.PREPROCESSING]
    shared += [artifacts.DIAGNOSE / f"{name}.csv" for name in TABLES]
    shared += [artifacts.COMPARE / name for name in ("schemes.csv", "measures.csv", "verdict.json")]
    files = [*shared, ledger.CHAMPION, *_attachments(params).values()]
    for scheme in params.schemes:
        files += sorted(artifacts.tune_folder(scheme).glob("*.*"))
        files += sorted(artifacts.train_folder(scheme).glob("*.*"))
        files += sorted(artifacts.settle_folder(scheme).glob("*.*"))
    present = [file for file in files if file.is_file()]
    names = [str(file) for file in present]
    code = code_sha(
        [
            "views/mlflow",
            "views/packet",
            "exporting",
            "stages/serving",
            "preprocessing/prepared",
            "preprocessing",
            "core/results",
            "stages/publish",
        ]
    )
    return fingerprint([names, artifacts.file_hash(present), params.model_dump_json(), code])


def _model(params: Params, scheme: str) -> tracking.ServedModel | None:
    """Return the model to log; a network that cannot be written down publishes all but that.

    Raises:
        InitsweepError: If its file, or the code that builds it, is missing or has changed.
    """
    from initsweep.stages.serving import served_model

    try:
        return served_model(params, scheme)
    except CaptureError as error:
        warnings.warn(f"The model of {scheme} is not logged. {error}", InitsweepWarning, 2)
        return None


def _promotion(
    params: Params,
    rows: Sequence[SchemeRow],
    schema: Schema,
    model_of: Callable[[str], tracking.ServedModel | None],
) -> tracking.Promotion | None:
    """Return the decision that holds, if the results that it was made from are these."""
    decision = ledger.last_decision()
    row = next((row for row in rows if decision and row.scheme == decision.scheme), None)
    if decision is None or row is None or row.scheme not in params.schemes:
        return None
    if ledger.candidate_of(row, schema).results_sha != decision.results_sha:
        return None
    model = model_of(row.scheme)
    return None if model is None else promotion_of(decision, model)


def promotion_of(decision: Decision, model: tracking.ServedModel) -> tracking.Promotion:
    """Return a decision as MLflow's registry shows it."""
    lines = [f"**{prose(decision.by)}, {decision.when}:** {prose(decision.because)}"]
    if decision.although:
        lines.append(f"Although: {prose(decision.although)}")
    network = prose(decision.network)
    lines.append(
        f"{decision.scheme} at learning rate {rate(decision.learning_rate)} in {network}: "
        f"test {decision.loss_name} {loss(decision.test_loss)} (95 % interval over seeds "
        f"{interval(decision.test_low, decision.test_high)})."
    )
    tags = {
        "promoted.by": decision.by,
        "promoted.because": decision.because,
        "promoted.although": decision.although,
        "promoted.when": decision.when,
        "verdict.sha": decision.verdict_sha,
        "lock.sha": decision.lock_sha,
        "data.sha": decision.data_sha,
        "git.revision": decision.git_revision,
    }
    shown = {name: value for name, value in tags.items() if value}
    return tracking.Promotion(model=model, text="\n\n".join(lines), tags=shown)


def _attachments(params: Params) -> dict[str, Path]:
    """Return files of report, diagnosis and transfer by their path among the run's artifacts."""
    documents = [artifacts.REPORTS / name for name in ("review.html", "review.md", "verdict.json")]
    figures = sorted((artifacts.REPORTS / "figures").glob("*.png"))
    files = [*(file for file in documents if file.exists()), *figures]
    report = {f"report/{file.relative_to(artifacts.REPORTS).as_posix()}": file for file in files}
    pictures = [file for file in figures if file.stem in DIAGNOSIS_PICTURES]
    tables = [artifacts.DIAGNOSE / f"{name}.csv" for name in TABLES]
    # Again in a folder of their own: the report's show them among all others.
    diagnosis = {f"diagnosis/{file.name}": file for file in [*pictures, *tables]}
    targets = map(artifacts.target_folder, params.transfer.targets)
    predictions = [folder / name for folder in targets for name in PREDICTION]
    return report | diagnosis | {file.as_posix(): file for file in predictions}


def _settings(params: Params) -> dict[str, str]:
    flat, irrelevant = ledger.flat_settings(params, SHAPING), {f"runtime.{key}" for key in PACE}
    return {key: value for key, value in flat.items() if key not in irrelevant}


def _origin() -> dict[str, str]:
    """Return tags that lead back to the DVC experiment and the commit, where there are any."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV") or git.head()
    tags = {
        "dvc.exp": os.environ.get("DVC_EXP_NAME", ""),
        "git.baseline": baseline,
        "mlflow.source.git.commit": baseline,
    }
    return {name: value for name, value in tags.items() if value}
