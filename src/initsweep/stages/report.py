"""Write the review packet: one self-contained HTML page, a Markdown summary, all figures."""

from dataclasses import asdict
from functools import partial

from initsweep.core import artifacts
from initsweep.core.params import Params
from initsweep.core.results import Results
from initsweep.views.figures.drawing import Drawing, drawings
from initsweep.views.packet import first_screen, render
from initsweep.views.packet.figures_shown import looks_of, pictures_of


def run(params: Params) -> None:
    """Write `review.html`, `review.md`, `verdict.json` and `figures/` under `reports/`."""
    study = Results(params=params)
    drawn = _draw(study, params.runtime.n_workers)
    artifacts.write_text(artifacts.REPORTS / "review.html", render.html(study, drawn))
    artifacts.write_text(artifacts.REPORTS / "review.md", render.markdown(study))
    said = {
        "headline": first_screen.headline(study),
        "warning": first_screen.warning(study),
        "why_not": dict(first_screen.why_not(study)),
    }
    artifacts.write_json(artifacts.REPORTS / "verdict.json", said | asdict(study.verdict))


def _draw(study: Results, workers: int) -> dict[str, Drawing]:
    """Write all figures as SVG and PNG.

    Returns:
        What the page needs of them, by name.
    """
    looks = looks_of(study)
    figures = {
        picture.name + ending: partial(draw, study, looks)
        for picture in pictures_of(study)
        for ending, draw in (("", picture.draw), ("_linear", picture.linear))
        if draw is not None
    }
    drawn = drawings(figures, workers)
    for name, one in drawn.items():
        file = artifacts.REPORTS / "figures" / name
        artifacts.write_text(file.with_suffix(".svg"), one.svg)
        artifacts.write_bytes(file.with_suffix(".png"), one.png)
    return drawn
