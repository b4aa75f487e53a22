"""What MLflow's pages show when they are opened by `initsweep ui`: columns, filter, charts.

MLflow keeps a saved view of an experiment as a tag of it: a name and the state of the page, as
its own "Save view" writes them. So everybody who opens the database finds them in its menu.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence

VERDICT = "initsweep-verdict"
TRIALS = "initsweep-trials"
SEEDS = "initsweep-seeds"
SAVED_VIEW = "mlflow.sharedViewState."
_LONGEST = 5000  # MLflow refuses longer tags of experiments
_WIDE = "All at once"  # the section with one chart in a row
_CREATED = 0  # milliseconds since 1970; the views are the same for everybody


def experiment_tags(score: str) -> dict[str, str]:
    """Return the tags of an experiment that hold its views.

    Args:
        score: The name of the score, such as "accuracy".
    """
    views = {
        VERDICT: ("Verdict, one row per scheme", _verdict(score)),
        TRIALS: ("Trials: every learning rate", _trials(score)),
        SEEDS: ("Fresh seeds at the chosen rate", _seeds(score)),
    }
    return view_tags(views)


def view_tags(views: Mapping[str, tuple[str, Mapping[str, object]]]) -> dict[str, str]:
    """Return the tags of an experiment that hold these views: by key, a title and its page."""
    return {
        # Without it MLflow opens its pages for language models.
        "mlflow.experimentKind": "custom_model_development",
        **{f"{SAVED_VIEW}{key}": _envelope(name, state) for key, (name, state) in views.items()},
    }


def _envelope(name: str, state: Mapping[str, object]) -> str:
    text = json.dumps(state, separators=(",", ":"))
    packed = "deflate;" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    value = {"name": name, "createdAt": _CREATED, "updatedAt": _CREATED, "state": packed}
    tag = json.dumps(value)
    if len(tag) > _LONGEST:
        raise ValueError(f"the saved view {name!r} takes {len(tag)} characters")
    return tag


def _verdict(score: str) -> dict[str, object]:
    columns = {
        "outcome": 120,
        "rate": 80,
        "basin": 80,
        "test loss": 170,
        score: 190,
        "diagnosis": 130,
    }
    return page_state(
        role="scheme",
        columns={f"tags.`{name}`": width for name, width in columns.items()},
        order="metrics.`validation_loss`",
        charts=[
            ("Learning rate", _line("lr_response/validation_loss", "Validation loss by rate")),
            ("Learning rate", _line("lr_response/divergence_rate", "Share diverged by rate")),
            ("Learning curves", _line("curve/validation_loss", "Validation loss by epoch")),
            ("Learning curves", _line("curve/train_loss", "Training loss by epoch")),
            ("Comparison", _bar("test_loss")),
            ("Comparison", _bar(f"test_{score}")),
            ("Comparison", _bar("basin_decades")),
            ("Comparison", _scatter("validation_loss", "regret")),
            (_WIDE, _parallel(*_EVERYWHERE)),
        ],
    )


_EVERYWHERE = ("best_lr_log10", "sensitivity", "regret", "validation_loss", "test_loss")
"""Metrics that every scheme has, the untrainable ones too: a run with a gap is not drawn."""


def _trials(score: str) -> dict[str, object]:
    return page_state(
        role="trial",
        columns={
            "metrics.`validation_loss`": 150,
            f"metrics.`validation_{score}`": 150,
            "metrics.`divergence_rate`": 130,
            "params.`scheme`": 170,
            "params.`learning_rate`": 170,
            "tags.`kind`": 100,
        },
        order="metrics.`validation_loss`",
        charts=[(_WIDE, _parallel("learning_rate_log10", "divergence_rate", "validation_loss"))],
    )


def _seeds(score: str) -> dict[str, object]:
    return page_state(
        role="confirm",
        columns={
            "metrics.`validation_loss`": 150,
            "metrics.`test_loss`": 150,
            f"metrics.`test_{score}`": 150,
            "params.`scheme`": 170,
            "params.`learning_rate`": 170,
            "tags.`seed`": 80,
            "tags.`diverged`": 90,
        },
        order="params.`scheme`",
        charts=[
            ("Learning curves", _line("curve/validation_loss", "Validation loss by epoch")),
            (_WIDE, _parallel("validation_loss", "test_loss")),
        ],
    )


Chart = dict[str, object]


def page_state(
    *,
    role: str,
    of: str = "role",
    columns: Mapping[str, int],
    order: str,
    charts: Sequence[tuple[str, Chart]],
) -> dict[str, object]:
    """Return the state of a page with the runs whose tag `of` is `role`.

    Columns come with their width, charts with their section.
    """
    sections = list(dict.fromkeys(section for section, _ in charts))
    return {
        "searchFilter": f"tags.{of} = '{role}'",
        "orderByKey": order,
        "orderByAsc": True,
        "selectedColumns": list(columns),
        "columnOrder": list(columns),
        "columnWidths": dict(columns),
        "isAccordionReordered": True,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": [
            {
                **chart,
                "uuid": f"{role}-{place}",
                "metricSectionId": section,
                "deleted": False,
                "isGenerated": False,
            }
            for place, (section, chart) in enumerate(charts)
        ],
        "compareRunSections": [
            {
                "uuid": section,
                "name": section,
                "display": True,
                "isReordered": True,
                "deleted": False,
                "isGenerated": False,
                "columns": 1 if section == _WIDE else 2,
                "cardHeight": 420,
            }
            for section in sections
        ],
    }


def _line(metric: str, name: str) -> Chart:
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "displayName": name,
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "lineSmoothness": 0,
        "displayPoints": True,
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
        "runsCountToCompare": 20,
    }


def _bar(metric: str) -> Chart:
    return {
        "type": "BAR",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "displayName": metric,
        "runsCountToCompare": 20,
    }


def _scatter(across: str, up: str) -> Chart:
    return {
        "type": "SCATTER",
        "xaxis": {"key": across, "type": "METRIC"},
        "yaxis": {"key": up, "type": "METRIC"},
        "runsCountToCompare": 100,
    }


def _parallel(*metrics: str) -> Chart:
    return {
        "type": "PARALLEL",
        "selectedParams": ["scheme"],
        "selectedMetrics": list(metrics),
        "showAllRuns": True,
        "runsCountToCompare": 100,
    }
