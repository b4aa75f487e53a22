"""The view depends on results, not on code versions or on who publishes."""

import re
from dataclasses import replace

import pytest

from initsweep.views.mlflow import limits
from initsweep.views.mlflow.commentary import commentary
from initsweep.views.mlflow.view import scheme_views
from tests.made_study import CONSTANT, changed, with_scheme
from tests.views.mlflow.synthetic_study import NAMES, make_study, provenance


def keys(study):
    return [(view.run.key, *(child.key for child in view.children)) for view in scheme_views(study)]


def with_first(study, **changes):
    return with_scheme(study, "zeros", **changes)


def told(study, scheme="zeros"):
    return commentary(study, study.by_scheme[scheme])


@pytest.fixture
def study():
    return make_study(NAMES)


def test_the_best_scheme_comes_first(study):
    assert [view.run.name for view in scheme_views(study)] == ["he_normal", "zeros"]


def test_all_keys_differ(study):
    found = [key for view in keys(study) for key in view]
    assert len(set(found)) == len(found) == 12


def test_other_code_with_the_same_results_is_the_same_run_with_another_comment(study):
    first = study.by_scheme["zeros"]
    other = replace(first.confirmation, provenance=provenance(code_sha="edited"))
    other = with_first(study, confirmation=other)
    assert keys(other) == keys(study)
    before, after = commentary(study, first), told(other)
    assert before.sha != after.sha


def test_another_verdict_is_the_same_run_with_another_comment(study):
    other = with_first(study, row=replace(study.by_scheme["zeros"].row, regret=0.9))
    assert keys(other) == keys(study)
    assert told(study) != told(other)


def test_another_result_or_setting_is_another_run(study):
    run = replace(study.by_scheme["zeros"].fresh_runs[0], capped_test_loss=1.5)
    rerun = with_first(study, fresh_runs=[run, *study.by_scheme["zeros"].fresh_runs[1:]])
    assert not set(keys(rerun)[1]) & set(keys(study)[1])
    assert keys(rerun)[0] == keys(study)[0]
    reset = changed(study, settings={**study.settings, "model.depth": "4"})
    assert not {key for view in keys(reset) for key in view} & {*keys(study)[0], *keys(study)[1]}


def test_where_it_was_published_from_identifies_nothing(study):
    assert keys(changed(study, origin={"dvc.exp": "odd-name"})) == keys(study)


def test_a_diverged_trial_is_marked_and_finite():
    views = {view.run.name: view for view in scheme_views(make_study(NAMES))}
    trial = next(c for c in views["he_normal"].children if c.name == "he_normal/lr=0.1")
    metrics = {point.key: point.value for point in trial.metrics}
    assert trial.tags["diverged"] == "true"
    assert metrics["divergence_rate"] == 1.0
    assert metrics["validation_loss"] == CONSTANT
    assert "validation_accuracy" not in metrics


def test_the_note_tells_the_verdict_and_fits_into_a_tag(study):
    note = told(study).tags["mlflow.note.content"]
    assert note.startswith("**zeros: untrainable: no better than guessing, by loss and by score, ")
    assert "One data set, one split" in note
    scaled = changed(study, verdict=replace(study.verdict, holds_for="scaled inputs"))
    note = told(scaled).tags["mlflow.note.content"]
    assert re.search(r"- chosen learning rate \S+, for scaled inputs\n", note)
    wordy = changed(study, verdict=replace(study.verdict, caveats=["x" * 100] * 200))
    clipped = told(wordy).tags["mlflow.note.content"]
    assert len(clipped) <= limits.NOTE


def test_where_a_scheme_stands_and_why_is_in_tags_and_note(study):
    tags = told(study, "he_normal").tags
    assert (tags["standing"], tags["why"], tags["firm"]) == ("tied", "lowest mean", "true")
    assert "in_tie_set" not in tags
    assert "- on validation tied: lowest mean" in tags["mlflow.note.content"]
    other = with_first(study, row=replace(study.by_scheme["zeros"].row, why="something else"))
    assert keys(other) == keys(study)
    assert told(other) != told(study)


def test_the_report_goes_to_the_recommended_scheme_or_else_to_the_first(study):
    assert study.headliner == "he_normal"
    none = replace(study.verdict, recommended=None, best_on_validation=None)
    assert changed(study, verdict=none).headliner == "zeros"
