"""Write the review packet: one self-contained HTML page, a Markdown summary, all figures."""

from dataclasses import asdict

from initsweep import artifacts
from initsweep.decisions import Challenge
from initsweep.figures import marks, style
from initsweep.network_choice import with_network
from initsweep.params import Params
from initsweep.records import (
    Alternative,
    BudgetRow,
    Confirmation,
    CurveRow,
    DiagnosisRow,
    LayerRow,
    MeasureSummary,
    NeededSeeds,
    PairRow,
    PredictionRow,
    QuantityRow,
    ResponseRow,
    RetuneRow,
    RunRow,
    Schema,
    SchemeRow,
    Selection,
    Verdict,
)
from initsweep.reporting import first_screen, render
from initsweep.reporting.pictures import PICTURES, looks_of
from initsweep.reporting.study import Study, ranked
from initsweep.running.counted import dvc_hash


def run(params: Params) -> None:
    """Write `review.html`, `review.md`, `verdict.json` and `figures/` under `reports/`."""
    study = _read(params)
    drawn = _draw(study)
    artifacts.write_text(artifacts.REPORTS / "review.html", render.html(study, drawn))
    artifacts.write_text(artifacts.REPORTS / "review.md", render.markdown(study))
    said = {
        "headline": first_screen.headline(study),
        "warning": first_screen.warning(study),
    }
    artifacts.write_json(artifacts.REPORTS / "verdict.json", said | asdict(study.verdict))


def _draw(study: Study) -> dict[str, render.Drawing]:
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
                drawn[name] = render.Drawing(svg=svg, marks=marks.listed(figure))
                artifacts.write_text(file.with_suffix(".svg"), svg)
                artifacts.write_bytes(file.with_suffix(".png"), style.to_png(figure))
    return drawn


def _read(params: Params) -> Study:
    compare, diagnose = artifacts.COMPARE, artifacts.DIAGNOSE
    schema = artifacts.read_record(artifacts.SCHEMA, Schema)
    tuned = {name: artifacts.tune_folder(name) for name in params.schemes}
    trained = {name: artifacts.train_folder(name) for name in params.schemes}
    fresh = {name: artifacts.fresh_folder(name) for name in params.schemes}
    verdict = artifacts.read_record(compare / "verdict.json", Verdict)
    return Study(
        params=with_network(params, schema),
        schema=schema,
        profile=artifacts.read_json(artifacts.PREPARED / "profile.json"),
        verdict=verdict,
        schemes=ranked(artifacts.read_rows(compare / "schemes.csv", SchemeRow)),
        pairs=artifacts.read_rows(compare / "pairs.csv", PairRow),
        response=artifacts.read_rows(compare / "response.csv", ResponseRow),
        budget=artifacts.read_rows(compare / "budget.csv", BudgetRow),
        quantities=artifacts.read_rows(compare / "intervals.csv", QuantityRow),
        measures=artifacts.read_rows(compare / "measures.csv", MeasureSummary),
        retunes=artifacts.read_rows(compare / "retunes.csv", RetuneRow),
        alternatives=artifacts.read_rows(compare / "alternatives.csv", Alternative),
        needed_seeds=artifacts.read_rows(compare / "needed_seeds.csv", NeededSeeds),
        curves=[
            row
            for folder in fresh.values()
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
            for name, folder in fresh.items()
        },
        tuning_runs={
            name: artifacts.read_rows(folder / "runs.csv", RunRow) for name, folder in tuned.items()
        },
        fresh_runs={
            name: artifacts.read_rows(folder / "runs.csv", RunRow) for name, folder in fresh.items()
        },
        predictions=[]
        if verdict.recommended is None
        else artifacts.read_rows(trained[verdict.recommended] / "predictions.csv", PredictionRow),
        hashes={
            path.as_posix(): dvc_hash(path) or ""
            for path in (
                artifacts.PREPARED,
                compare,
                diagnose,
                *tuned.values(),
                *trained.values(),
                artifacts.SETTLE,
            )
        },
    )
