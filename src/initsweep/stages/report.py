"""Write the review packet: one self-contained HTML page, a Markdown summary, all figures."""

from initsweep import artifacts
from initsweep.decisions import Challenge
from initsweep.figures import style
from initsweep.params import Params
from initsweep.records import (
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    PairRow,
    ResponseRow,
    Schema,
    SchemeRow,
    Selection,
    Verdict,
)
from initsweep.reporting import render
from initsweep.reporting.pictures import PICTURES, looks_of
from initsweep.reporting.study import Study, ranked


def run(params: Params) -> None:
    """Write `reports/review.html`, `reports/review.md` and `reports/figures/`."""
    study = _read(params)
    looks = looks_of(study)
    svgs = {}
    for picture in PICTURES:
        figure = picture.draw(study, looks)
        svgs[picture.name] = style.to_svg(figure, picture.name)
        file = artifacts.REPORTS / "figures" / picture.name
        artifacts.write_text(file.with_suffix(".svg"), svgs[picture.name])
        artifacts.write_bytes(file.with_suffix(".png"), style.to_png(figure))
    artifacts.write_text(artifacts.REPORTS / "review.html", render.html(study, svgs))
    artifacts.write_text(artifacts.REPORTS / "review.md", render.markdown(study))


def _read(params: Params) -> Study:
    compare, diagnose = artifacts.COMPARE, artifacts.DIAGNOSE
    tuned = {name: artifacts.tune_folder(name) for name in params.schemes}
    trained = {name: artifacts.train_folder(name) for name in params.schemes}
    return Study(
        params=params,
        schema=artifacts.read_record(artifacts.SCHEMA, Schema),
        profile=artifacts.read_json(artifacts.PREPARED / "profile.json"),
        verdict=artifacts.read_record(compare / "verdict.json", Verdict),
        schemes=ranked(artifacts.read_rows(compare / "schemes.csv", SchemeRow)),
        pairs=artifacts.read_rows(compare / "pairs.csv", PairRow),
        response=artifacts.read_rows(compare / "response.csv", ResponseRow),
        curves=[
            row
            for folder in trained.values()
            for row in artifacts.read_rows(folder / "curves.csv", CurveRow)
        ],
        layers=artifacts.read_rows(diagnose / "layers.csv", LayerRow),
        diagnosis=artifacts.read_rows(diagnose / "schemes.csv", DiagnosisRow),
        challenge=artifacts.read_record(compare / "champion.json", Challenge),
        selections={
            name: artifacts.read_record(folder / "selection.json", Selection)
            for name, folder in tuned.items()
        },
        confirmations={
            name: artifacts.read_record(folder / "record.json", Confirmation)
            for name, folder in trained.items()
        },
    )
