import dataclasses
import hashlib
import json
import re

import pytest

from initsweep.core import numbers
from initsweep.core.counted import dvc_hash
from initsweep.core.numbers import MISSING
from initsweep.core.params import Model
from initsweep.core.records import PredictionRow, RetuneRow
from initsweep.core.results import Results
from initsweep.statistics.wording import paired
from initsweep.views.packet import document, facts, first_screen, terms, what_would_change
from initsweep.views.packet.document import SECTIONS, Paragraph, Section
from initsweep.views.packet.sections import cost, measures, mistakes, sections_of
from tests.made_study import changed, make_study, with_scheme


def read(made, folder):
    """Return a made-up study as the report stage reads it."""
    made.write(folder)
    return Results(folder, made.params)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read(make_study(), tmp_path_factory.mktemp("study"))


def cells(table, row):
    return [cell.text for cell in table.rows[row][1]]


def test_sections_stand_in_the_order_of_their_places(study):
    found = sections_of(study)
    assert [one.place for one in found] == sorted(one.place for one in found)
    assert {one.name for one in found} == {*SECTIONS.names()} - {"transfer"}  # not asked for


def test_a_new_section_is_one_function(study, monkeypatch):
    made = Section(place=15, title="Mine", short="Mine", blocks=[Paragraph(text="new")])
    monkeypatch.setitem(document.SECTIONS._entries, "mine", lambda _: made)
    names = [one.name for one in sections_of(study)]
    assert names[names.index("verdict") + 1] == "mine"


def test_a_section_may_have_nothing_to_say(tmp_path):
    made = make_study(names=["zeros", "constant"], decision="none_trainable")
    names = {one.name for one in sections_of(read(made, tmp_path))}
    assert not names & {"changes", "mistakes"}


def test_the_long_line_of_pairs_is_a_table(study):
    pairs = [pair for pair in study.pairs if pair.family == "validation"]
    step = f"Compared with orthogonal: {'; '.join(map(paired, pairs))}."
    verdict = dataclasses.replace(study.verdict, rule=[step, "Another step."])
    stepped = changed(study, verdict=verdict)
    rule = next(one for one in sections_of(stepped) if one.name == "rule")
    (steps,), (grid,) = (fold.blocks for fold in rule.blocks[1:])
    assert steps.texts == ["Compared with orthogonal: see the table below.", "Another step."]
    assert len(grid.table.rows) == len(pairs) + 1
    row = next(row for _, row in grid.table.rows if row[0].text == pairs[0].scheme)
    rows = {one.scheme: one for one in study.schemes}
    found = rows[pairs[0].scheme]
    assert [cell.text for cell in row] == [
        found.scheme,
        found.standing,
        numbers.p_value(pairs[0].p_holm),
        numbers.width(found.basin_width, found.basin_censored),
        found.why,
    ]
    best = next(row for _, row in grid.table.rows if row[0].text == "orthogonal")
    assert [cell.text for cell in best[1:3]] == ["tied", MISSING]
    assert {row[1].text for _, row in grid.table.rows} == {"tied", "undecided", "worse"}


def test_what_would_change_the_decision(study):
    pick, other = study.alternatives[0].pick, study.names[1]
    assert (
        what_would_change.by_seed(study)
        .split(" seeds, ")[1]
        .startswith(
            f"each left out alone, change {pick} to another: {other} without seed 103. Rates"
        )
    )
    assert "none can be left out" in what_would_change.by_tuning_seed(study)
    left = [dataclasses.replace(study.alternatives[0], question="without tuning seed", setting=s)
            for s in "123"]  # fmt: skip
    more = changed(study, alternatives=[*study.alternatives, *left])
    assert f"{pick} comes out without any one of the 3 tuning" in what_would_change.by_tuning_seed(
        more
    )
    assert what_would_change.by_setting(study) == f"{other} at basin tolerance 20 %."
    table = what_would_change.settings_table(study)
    moved = {
        (place, column)
        for place, (_, row) in enumerate(table.rows)
        for column, cell in enumerate(row)
        if cell.role == "changed"
    }
    assert moved == {(1, 5)}
    assert cells(table, 1)[5] == other


def test_tuning_again_is_counted_or_said_to_be_missing(study):
    assert "tune.retunes" in what_would_change.by_tuning(study)
    shared = {"learning_rate": 0.1, "validation_loss": 0.1, "basin_width": 1.0,
              "trainable": True, "in_tie_set": True, "picked": True}  # fmt: skip
    names = ["orthogonal", "he_normal", "orthogonal", "orthogonal"]
    rows = [RetuneRow(scheme=name, tuning=n, **shared) for n, name in enumerate(names)]
    said = what_would_change.by_tuning(changed(study, retunes=rows))
    assert said.endswith("(3 times in all): orthogonal 2, he_normal 1.")


def test_who_is_next_by_each_criterion(study):
    table = what_would_change.criteria_table(study)
    trainable = [row for row in study.schemes if row.trainable]
    by_regret = [row.scheme for row in sorted(trainable, key=lambda row: row.regret)]
    regret = next(row for _, row in table.rows if row[0].text == "Smallest regret")
    assert [regret[1].text, regret[2].text] == by_regret[:2]
    place = 1 + by_regret.index(study.verdict.recommended)
    assert regret[3].note == f"place {place} of {len(trainable)}"


def test_equal_places_are_said_to_be_shared(study):
    rows = [dataclasses.replace(row, basin_width=0.0) for row in study.schemes if row.trainable]
    table = what_would_change.criteria_table(changed(study, schemes=rows))
    basin = next(row for _, row in table.rows if row[0].text == "Widest basin")
    shared = f"shared with {len(rows) - 1} more"
    assert len(rows) > 2
    assert [cell.note for cell in basin[1:3]] == [f"0.00 decades, {shared}"] * 2
    assert basin[3].note == f"place 1 of {len(rows)}, {shared}"


def test_a_tie_in_spite_of_failures_is_said_above_the_table(study):
    def said(schemes):
        section = SECTIONS.get("verdict")(changed(study, schemes=schemes))
        return section.blocks[0].text

    tied = next(row.scheme for row in study.schemes if row.in_tie_set)
    failing = [
        dataclasses.replace(row, failed_runs=4 if row.scheme == tied else 0, standing="tied")
        for row in study.schemes
    ]
    assert f"though some failed in fresh runs: {tied} (4 of " in said(failing)
    none = [dataclasses.replace(row, failed_runs=0) for row in failing]
    assert "failed in fresh runs" not in said(none)


def test_a_network_without_options_has_no_brackets(study):
    model = study.params.model.model_copy(update={"name": "nets:make"})
    params = study.params.model_copy(update={"model": model})
    shown = dict(facts.protocol(changed(study, params=params)))["Network"]
    assert shown.startswith("nets:make (")
    plain = Model.model_validate({"name": "nets:make"})
    params = study.params.model_copy(update={"model": plain})
    assert dict(facts.protocol(changed(study, params=params)))["Network"] == "nets:make"


def test_results_by_class(study):
    rows = [(0, 0), (0, 1), (1, 1), (1, 1)]
    seen = [PredictionRow(example=i, target=t, prediction=p) for i, (t, p) in enumerate(rows)]
    table = mistakes.class_table(changed(study, predictions=seen))
    assert cells(table, 0) == ["0", "2", "100.0 %", "50.0 %", "66.7 %", "1 (1)"]
    assert cells(table, 1) == ["1", "2", "66.7 %", "100.0 %", "80.0 %", MISSING]
    assert cells(table, 2) == ["2", "0"] + 4 * [MISSING]


def test_other_measures_say_how_many_runs_have_them(study):
    table = measures.table(study)
    assert "accuracy" not in measures.names(study)
    assert table.head == ["Scheme", "Average precision", "Balanced accuracy", "Minority recall"]
    by_scheme = {row[0].text: row for _, row in table.rows}
    untrainable = next(row.scheme for row in study.schemes if not row.trainable)
    assert by_scheme[untrainable][1].text == MISSING
    assert by_scheme[untrainable][1].note == "0 of 10 runs"
    notes = [row[3].note for _, row in table.rows]
    assert sum(note.endswith("9 of 10 runs") for note in notes) == 1


def test_the_rarest_class_is_named(study):
    schema = dataclasses.replace(study.schema, class_counts=[5, 2, *[9] * 8])
    said = dict(measures.terms(changed(study, schema=schema)))
    assert said["Minority recall"].endswith("(here 1, 2 training rows)")


def test_residuals_are_in_the_unit_of_the_target(study):
    schema = dataclasses.replace(study.schema, target_scale=10.0, target_mean=100.0)
    seen = [PredictionRow(example=i, target=float(i), prediction=i + 0.5) for i in range(4)]
    pairs = dict(mistakes.residual_facts(changed(study, schema=schema, predictions=seen)))
    assert pairs["Mean residual"] == "5.00 above the truth"
    assert pairs["Root mean squared error"] == "5.00"


def test_cost_counts_updates_until_divergence(study):
    runs = study.runs
    diverged = sum(run.status == "diverged" for run in runs)
    steps = study.params.training.epochs * (1078 // study.params.training.batch_size)
    assert 0 < diverged < len(runs)
    assert cost.updates(study, runs) == (len(runs) - diverged) * steps + 7 * diverged
    assert re.sub(r"\D", "", cost.sentence(study).split(" trainings")[0]) == str(len(runs))


def test_the_headline_holds_the_interval(study):
    row = next(row for row in study.schemes if row.scheme == study.verdict.recommended)
    said = first_screen.headline(study)
    assert said.startswith(f"Use {row.scheme} at learning rate ")
    assert f"{row.test_low:.3g} to {row.test_high:.3g}" in said


def test_a_recommendation_that_fails_on_the_test_rows_is_warned_of(study):
    name, cap = study.verdict.recommended, study.schema.judged.constant_test_loss
    assert "no better than the constant predictor" not in first_screen.warning(study)
    fresh = study.by_scheme[name].fresh_runs
    cut = [dataclasses.replace(run, capped_test_loss=cap) for run in fresh]
    failing = with_scheme(study, name, fresh_runs=cut)
    assert first_screen.warning(failing).startswith(
        f"On test rows {len(cut)} of its {len(cut)} runs are no better than the constant predictor"
    )


def test_failures_are_said_with_their_bound_and_with_the_loss_of_the_other_runs(study):
    name = study.verdict.recommended
    row = next(row for row in study.schemes if row.scheme == name)
    runs = study.by_scheme[name].fresh_runs
    losses = [run.capped_loss for run in runs]
    lost = dataclasses.replace(runs[0], status="diverged", validation_loss=None)
    row = dataclasses.replace(row, failed_runs=1, runs=len(runs), failed_share_high=0.31)
    failing = with_scheme(study, name, fresh_runs=[lost, *runs[1:]])
    failing.schemes = [row if one.scheme == name else one for one in study.schemes]
    alone = f"{sum(losses[1:]) / len(losses[1:]):.4g}"[:5]
    said = first_screen.warning(failing)
    assert f"1 of its {len(runs)} fresh runs failed; up to 31 % may (95 %)." in said
    assert f"Validation loss of the others alone: {alone}" in said


def test_hashes_are_those_of_dvc(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "inside" / "a.txt").write_text("a")
    listing = [
        {"md5": hashlib.md5(text).hexdigest(), "relpath": name}
        for name, text in (("b.txt", b"b"), ("inside/a.txt", b"a"))
    ]
    expected = hashlib.md5(json.dumps(listing).encode()).hexdigest()
    assert dvc_hash(tmp_path) == f"{expected}.dir"
    assert dvc_hash(tmp_path / "b.txt") == listing[0]["md5"]
    assert dvc_hash(tmp_path / "nowhere") is None


def test_intervals_are_said_to_cover_test_rows_only_where_they_do(study):
    losses = dict(terms.of(study)["verdict"])["Losses"]
    assert losses.endswith("interval over seeds, on test over test rows too")
    scores = changed(study, schema=dataclasses.replace(study.schema, select_by="score"))
    assert dict(terms.of(scores)["verdict"])["Losses"].endswith("interval over seeds")
