"""The review packet as one HTML page and as Markdown."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files

from markupsafe import Markup

from initsweep.core.results import Results
from initsweep.statistics.wording import counted, fresh_seeds
from initsweep.views.figures import style
from initsweep.views.figures.drawing import Drawing
from initsweep.views.packet import first_screen
from initsweep.views.packet.figures_shown import PICTURES, looks_of
from initsweep.views.packet.sections import sections_of
from initsweep.views.packet.templating import html_templates, markdown_templates

_FOLDER = "views/packet/templates"
_SHAPES = {"o": "●", "s": "■", "^": "▲", "D": "◆", "x": "✕"}


def html(study: Results, figures: Mapping[str, Drawing]) -> str:
    """Return the packet as one page that loads nothing.

    Args:
        study: What to report.
        figures: Each figure by name.
    """
    titles = {name: p.title for p in PICTURES for name in (p.name, f"{p.name}_linear")}
    places = {name: place for place, name in enumerate(study.names)}
    marks = {
        name: [[mark.panel, mark.x, mark.y, places[mark.scheme], mark.text] for mark in one.marks]
        for name, one in figures.items()
        if one.marks
    }
    template = html_templates(_FOLDER).get_template("review.html.jinja")
    return template.render(
        **_content(study),
        svgs={name: _svg_in_page(one.svg, name, titles[name]) for name, one in figures.items()},
        page_data=_script_data({"schemes": study.names, "marks": marks}),
        css=_asset("review.css"),
        js=_asset("review.js"),
        light_figures=Markup(style.variables(dark=False)),
        dark_figures=Markup(style.variables(dark=True)),
    )


def markdown(study: Results) -> str:
    """Return the packet as Markdown; figures are linked, not inlined."""
    template = markdown_templates(_FOLDER).get_template("review.md.jinja")
    return template.render(**_content(study))


def _content(study: Results) -> dict[str, object]:
    looks = looks_of(study)
    return {
        "title": f"{study.schema.source}, {study.params.model.name}",
        "verdict": study.verdict,
        "size": f"{counted(len(study.names), 'scheme')}, {fresh_seeds(study.schemes)} each",
        "decision": first_screen.decision(study.verdict),
        "headline": first_screen.headline(study),
        "points": first_screen.points(study),
        "warning": first_screen.warning(study),
        "sections": sections_of(study),
        "pictures": {picture.name: picture for picture in PICTURES},
        "names": study.names,
        "tied": [row.scheme for row in study.schemes if row.in_tie_set],
        "colours": {name: style.variable(look.colour) for name, look in looks.items()},
        "shapes": {name: _SHAPES[look.marker] for name, look in looks.items()},
    }


def _asset(name: str) -> Markup:
    return Markup(
        (files("initsweep.views.packet") / "templates" / name).read_text(encoding="utf-8")
    )


def _script_data(value: object) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.encode(errors="backslashreplace").decode()  # halves of signs, as JSON writes them
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _points(svg: str) -> float:
    """Return the width of a figure as drawn.

    Raises:
        ValueError: If it is no figure of matplotlib's.
    """
    found = re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)
    if found is None:
        raise ValueError("a figure of matplotlib's names its width in points")
    return float(found[1])


def _svg_in_page(svg: str, name: str, title: str) -> Markup:
    """Return an SVG element without what only a file of its own needs."""
    wide = f"--wide:{_points(svg):g}pt"
    body = style.element(svg, data_figure=name, aria_label=title, style=wide)
    return Markup(style.themed(body))
