"""Write the review packet: one self-contained HTML page, a Markdown summary, all figures."""

from dataclasses import asdict

from initsweep.core import artifacts
from initsweep.core.params import Params
from initsweep.core.results import Results
from initsweep.views.figures import marks, style
from initsweep.views.packet import first_screen, render
from initsweep.views.packet.figures_shown import PICTURES, looks_of


def run(params: Params) -> None:
    """Write `review.html`, `review.md`, `verdict.json` and `figures/` under `reports/`."""
    study = Results(params=params)
    drawn = _draw(study)
    artifacts.write_text(artifacts.REPORTS / "review.html", render.html(study, drawn))
    artifacts.write_text(artifacts.REPORTS / "review.md", render.markdown(study))
    said = {
        "headline": first_screen.headline(study),
        "warning": first_screen.warning(study),
        "why_not": dict(first_screen.why_not(study)),
    }
    artifacts.write_json(artifacts.REPORTS / "verdict.json", said | asdict(study.verdict))


def _draw(study: Results) -> dict[str, render.Drawing]:
    """Write all figures as SVG and PNG.

    Returns:
        What the page needs of them, by name.
    """
    looks, drawn = looks_of(study), {}
    for picture in PICTURES:
        for ending, draw in (("", picture.draw), ("_linear", picture.linear)):
            if draw is not None:
                name, figure = picture.name + ending, draw(study, looks)
                svg, file = style.to_svg(figure, name), artifacts.REPORTS / "figures" / name
                drawn[name] = render.Drawing(svg=svg, marks=marks.marks_of(figure))
                artifacts.write_text(file.with_suffix(".svg"), svg)
                artifacts.write_bytes(file.with_suffix(".png"), style.to_png(figure))
    return drawn
