"""What the comparison says of a scheme. It may change while the scheme's own results do not."""

import json
import math
from dataclasses import asdict, dataclass

from initsweep.core import numbers
from initsweep.core.params import fingerprint
from initsweep.core.records import SchemeRow, Verdict
from initsweep.core.results import SchemeResults
from initsweep.core.spelling import prose
from initsweep.views.figures import palette
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.points import Point, finite_points
from initsweep.views.mlflow.publication import Publication
from initsweep.views.packet import first_screen
from initsweep.views.packet.carried import carried

_WORDS = {
    "recommended": "recommended",
    "better": "lower test loss than the recommended scheme",
    "worse": "higher test loss than the recommended scheme",
    "equivalent": "test loss within the practical margin of the recommended scheme's",
    "inconclusive": "the seeds do not decide how its test loss compares",
    "untrainable": "untrainable: no better than guessing, by loss and by score, at any rate of the "
    "grid or on the fresh seeds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commentary:
    """Tags and metrics of a scheme's run that are refreshed when the verdict changes."""

    tags: dict[str, str]
    metrics: tuple[Point, ...]

    @property
    def sha(self) -> str:
        """Changes with any of the tags and metrics."""
        return fingerprint([self.tags, [asdict(point) for point in self.metrics]])


def commentary(study: Publication, results: SchemeResults) -> Commentary:
    """Return the verdict on one scheme as tags, metrics and a note in words."""
    row, score = results.row, study.schema.score_name
    looks = palette.looks(list(study.by_scheme), study.verdict.untrainable)
    tags = {
        "outcome": row.outcome,
        # As text, because MLflow's columns show one bare number each.
        "rate": numbers.rate(row.learning_rate) if row.trainable else numbers.MISSING,
        "basin": numbers.width(row.basin_width, row.basin_censored),
        "test loss": _spread(numbers.loss(row.test_loss), row.test_low, row.test_high),
        score: _spread(
            numbers.score(row.test_score, score), row.test_score_low, row.test_score_high, score
        ),
        "mlflow.runColor": looks[row.scheme].colour,
        "decision": study.verdict.decision,
        "trainable": json.dumps(row.trainable),
        "standing": row.standing,
        "why": row.why,
        "firm": json.dumps(study.verdict.firm),
        "pareto": json.dumps(row.pareto),
        "basin_censored": row.basin_censored,
        "diagnosis": results.diagnosis.verdict,
        "decide.margin": repr(study.verdict.margin),
        "decide.basin_tolerance": repr(study.verdict.basin_tolerance),
        "code.sha": results.confirmation.provenance.code_sha,
        "mlflow.note.content": _note(study, results),
    }
    return Commentary(tags=tags, metrics=tuple(_metrics(study, results)))


def _spread(value: str, low: float | None, high: float | None, score: str | None = None) -> str:
    interval = numbers.interval(low, high, score)
    return f"{value} ({interval})" if interval else value


def experiment_note(study: Publication) -> str:
    """Return the study's verdict in Markdown, for the head of the experiment's page."""
    verdict = study.verdict
    lines = [f"**{first_screen.decision(verdict)}.** **{prose(verdict.statement)}**", ""]
    larger = [one.answer for one in carried(study)]
    others = [f"{title}: {text}" for title, text in first_screen.why_not(study)]
    lines += [
        *_bullets("Larger sizes", larger),
        *_bullets("Other schemes", others),
        *_bullets("How this was decided", verdict.rule),
        *_bullets("Caveats", verdict.caveats),
    ]
    lines += [f"Its runs: `tags.study.sha = '{study.sha}'`; one per scheme: `tags.role = 'scheme'`"]
    return limits.note("\n".join(lines))


def _metrics(study: Publication, results: SchemeResults) -> list[Point]:
    row, score = results.row, study.schema.score_name
    return finite_points(
        {
            **{f"test_{one.measure}": one.estimate for one in results.summaries},
            "validation_loss": row.validation_loss,
            "best_lr": row.learning_rate,
            "best_lr_log10": math.log10(row.learning_rate),  # MLflow's bars have no log axis
            "validation_loss_low": row.validation_low,
            "validation_loss_high": row.validation_high,
            "test_loss": row.test_loss,
            "test_loss_low": row.test_low,
            "test_loss_high": row.test_high,
            f"test_{score}": row.test_score,
            f"test_{score}_low": row.test_score_low,
            f"test_{score}_high": row.test_score_high,
            "failed_runs": row.failed_runs,
            "basin_decades": row.basin_width,
            "global_basin_decades": row.global_basin_width,
            "largest_stable_rate": row.largest_stable_rate,
            "safety_margin_decades": row.safety_margin,
            "regret": row.regret,
            "tuned_gap": row.tuned_gap,
            "sensitivity": row.sensitivity,
            "wortsman_sensitivity": row.wortsman_sensitivity,
            "divergence_rate": row.divergence_rate,
            "initial_loss": results.diagnosis.initial_loss,
            "forward_ratio": results.diagnosis.forward_ratio,
            "backward_ratio": results.diagnosis.backward_ratio,
            **_carried(study, row.scheme),
        }
    )


def _carried(study: Publication, scheme: str) -> dict[str, float]:
    """Return what is predicted of a scheme for larger sizes."""
    found: dict[str, float] = {}
    for one in carried(study):
        at = f"at_{numbers.trimmed(one.found.target, 6)}"
        for law in one.found.schemes:
            if law.scheme == scheme:
                found[f"lr_{at}"], found[f"validation_loss_{at}"] = law.rate, law.loss
                found[f"lr_{at}_low"], found[f"lr_{at}_high"] = law.rate_interval
                if law.trusted:
                    found[f"promised_loss_{at}"] = law.promised_loss
    return found


def _note(study: Publication, results: SchemeResults) -> str:
    row, diagnosis = results.row, results.diagnosis
    told = prose(study.verdict.statement)
    lines = [f"**{row.scheme}: {_WORDS[row.outcome]}.** {told}", ""]
    lines += [f"- on validation {row.standing}: {prose(row.why)}"]
    lines += [f"- {line}" for line in _facts(row, study.verdict)]
    lines += [f"- before training: {diagnosis.verdict}: {prose(diagnosis.reason)}", ""]
    lines += _bullets("How this was decided", study.verdict.rule)
    lines += _bullets("Caveats", study.verdict.caveats)
    return limits.note("\n".join(lines))


def _facts(row: SchemeRow, verdict: Verdict) -> list[str]:
    scope = f", for {prose(verdict.holds_for)}" if verdict.holds_for else ""
    facts = [
        f"chosen learning rate {numbers.rate(row.learning_rate)}{scope}",
        f"test loss {numbers.loss(row.test_loss)} (95 % interval "
        f"{numbers.interval(row.test_low, row.test_high)})",
    ]
    if row.basin_width is not None:
        facts.append(
            f"basin: tuning loss within {numbers.loss(verdict.basin_tolerance)} of its best at "
            f"rates from {numbers.rate_range(row.basin_low, row.basin_high, row.basin_censored)}, "
            f"{numbers.width(row.basin_width, row.basin_censored)} decades"
        )
    if row.failed_runs:
        facts.append(
            f"{row.failed_runs} of {row.runs} fresh runs failed: diverged, or no better than "
            "guessing by loss and by score"
        )
    return facts


def _bullets(title: str, items: list[str]) -> list[str]:
    return [f"{title}:", *(f"- {prose(item)}" for item in items), ""] if items else []
