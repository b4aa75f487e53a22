"""What MLflow's pages show when they are opened by `initsweep ui`: columns, filter, charts.

MLflow keeps a saved view of an experiment as a tag of it: a name and the state of the page, as
its own "Save view" writes them. So everybody who opens the database finds them in its menu.
`saved_views.json` has the views, and the settings that all charts of a type share. A chart of
parallel coordinates takes metrics that every run has: a run with a gap is not drawn.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

VERDICT = "initsweep-verdict"
SAVED_VIEW = "mlflow.sharedViewState."
_LONGEST = 5000  # MLflow refuses longer tags of experiments
_WIDE = "All at once"  # the section with one chart in a row
_CREATED = 0  # milliseconds since 1970; the views are the same for everybody


def experiment_tags(score: str) -> dict[str, str]:
    """Return the tags of an experiment that hold its views.

    Args:
        score: The name of the score, such as "accuracy".
    """
    text = files(__package__).joinpath("saved_views.json").read_text(encoding="utf-8")
    known = json.loads(text.replace("{score}", json.dumps(score)[1:-1]))
    views = {}
    for key, view in known["views"].items():
        title = view.pop("title")
        charts = [(section, one | known["charts"][one["type"]]) for section, one in view["charts"]]
        views[key] = title, page_state(**view | {"charts": charts})
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


def page_state(
    *,
    role: str,
    of: str = "role",
    columns: Mapping[str, int],
    order: str,
    charts: Sequence[tuple[str, Mapping[str, object]]],
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
