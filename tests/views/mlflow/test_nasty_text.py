"""MLflow takes and shows whatever people's labels, names and reasons hold."""

import html
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from initsweep.core import spelling
from initsweep.stages.publish import promotion_of
from initsweep.views.mlflow import limits, promote
from initsweep.views.mlflow.commentary import commentary, experiment_note
from initsweep.views.mlflow.model_versions import registered_name
from tests.made_study import changed
from tests.nasty import ALPHABET, TEXTS, hidden
from tests.stages.nasty_study import swapped
from tests.views.mlflow.models import SCALING, make_model, make_promotion
from tests.views.mlflow.synthetic_study import NAMES, make_study

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = "PLACEHOLDER"
JOINED = " ".join(text for text in TEXTS if len(text) < 100)


def with_text(text):
    study = make_study(NAMES)
    schemes = {
        name: changed(
            one,
            selection=swapped(one.selection, text),
            confirmation=swapped(one.confirmation, text),
            diagnosis=swapped(one.diagnosis, text),
        )
        for name, one in study.by_scheme.items()
    }
    return changed(
        study,
        experiment=f"{text}/mlp",
        schema=swapped(study.schema, text),
        by_scheme=schemes,
        verdict=swapped(study.verdict, text),
        settings={**study.settings, "model.name": text, f"model.{text}": "1"},
    )


def notes(text):
    study = changed(with_text(text), experiment="one", settings={})
    promotion = promotion_of(decision(text), make_model())
    return [
        experiment_note(study),
        commentary(study, next(iter(study.by_scheme.values()))).tags["mlflow.note.content"],
        limits.note(promotion.text),
    ]


def decision(text):
    from types import SimpleNamespace

    numbers = dict.fromkeys(("learning_rate", "test_loss", "test_low", "test_high"), 0.1)
    names = dict.fromkeys(("verdict_sha", "lock_sha", "data_sha", "git_revision"), "ab")
    return SimpleNamespace(
        scheme="he_normal", by=text, because=text, although=text, network=text,
        loss_name="cross_entropy", when="2026-01-02T03:04:05+00:00", **numbers, **names,
    )  # fmt: skip


def squeezed(text):
    return "".join(text.replace("`", "").split())


def seen(note):
    rendered = MARKDOWN.render(note)
    text = html.unescape(re.sub(r"<[^>]*>", "", rendered))
    return re.findall(r"<(?!/?code)(\w+)", rendered), squeezed(text)


SHORT = {name: text for name, text in ALPHABET.items() if text.strip() and len(text) < 300}


@pytest.mark.parametrize("text", SHORT.values(), ids=SHORT)
def test_notes_show_any_text_and_nothing_comes_of_it(text):
    told = squeezed(spelling.legible(" ".join(text.split())))
    for note, plain in zip(notes(text), notes(PLAIN), strict=True):
        assert plain.count(PLAIN) >= 4
        assert not hidden(note, keep="\n")
        elements, words = seen(plain)
        assert seen(note) == (elements, words.replace(PLAIN, told))


def test_a_note_has_no_backslash_before_an_angle_which_mlflow_would_show():
    assert "\\<" not in "".join(notes("<b>"))
    assert "&lt;b\\>" in notes("<b>")[0]


@pytest.mark.parametrize("text", [JOINED, *TEXTS[-6:-2]], ids=["all", "1", "2", "3", "4"])
def test_it_is_published_and_promoted_and_then_left_alone(project, text):
    text = text or "x"
    columns = [text, f"{text} too"]
    model = replace(
        make_model(),
        preprocessing=replace(SCALING, numeric=tuple(columns)),
        example={name: [11.0, 10.0] for name in columns},
    )
    names = [text, f"{text} 1", ""]
    model = replace(model, facts={**model.facts, "class_names": names})
    if "\udce9" in text:  # which no table holds, and check_dataset refuses
        model = make_model()
    study = changed(with_text(text), model=model)
    project.publish(study)
    promotion = replace(make_promotion(model), text=text, tags={"promoted.by": text})
    promote(study, promotion, project.params, project.root)
    again = project.publish(study)
    assert (again.created, again.refreshed, again.removed) == (0, 0, 0)
    for run in project.runs():
        everything = {**run.data.tags, **run.data.params, "name": run.info.run_name}
        assert not any(hidden(one, keep="\n\t") for one in everything.values())
        assert max(map(len, run.data.params.values())) <= limits.VALUE
        assert max(map(len, run.data.tags.values())) <= limits.NOTE
        assert max(map(len, everything)) <= limits.NAME


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_names_are_those_that_mlflow_and_its_databases_take(text):
    from mlflow.utils.validation import _validate_model_name, _validate_param_name

    for source in (text, f"csv:data/{text}.csv", f"openml:{text}", f"{text}:load"):
        name = registered_name(source)
        _validate_model_name(name)
        assert len(name) <= limits.NAME
        assert re.fullmatch(r"[\w.-]+", name)
    _validate_param_name(limits.key(text))
    assert len(limits.name(text)) <= limits.NAME


def test_names_that_are_cut_stay_apart():
    assert limits.name("x" * 5000) != limits.name("x" * 5001)
    assert limits.name("x" * limits.NAME) == "x" * limits.NAME
