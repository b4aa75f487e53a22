"""Whatever labels hold, every picture shows them as they are, without a formula or a warning."""

import dataclasses
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.image import imread

from initsweep.core import spelling
from initsweep.views.figures import errors, style
from initsweep.views.packet import render
from initsweep.views.packet.figures_shown import PICTURES, looks_of, pictures_of
from tests.made_study import changed
from tests.nasty import ALPHABET, TEXTS, hidden
from tests.stages.nasty_study import read_study, with_classes, with_text

FEW = 30  # classes: each has a label, and every count a cell
SOME = {f"{start} to": TEXTS[start : start + FEW] for start in range(0, len(TEXTS), FEW)}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    return read_study(tmp_path_factory.mktemp("study"), "regression")


@pytest.fixture(scope="module")
def classification(tmp_path_factory):
    return read_study(tmp_path_factory.mktemp("study"))


def written(svg):
    """Return the texts of an SVG file, which must be XML without any element that acts."""
    root = ET.fromstring(svg)
    drawn = {element.tag for element in root.iter()}
    assert not drawn & {f"{SVG}{tag}" for tag in ("script", "foreignObject", "a", "animate")}
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("texts", SOME.values(), ids=SOME)
@pytest.mark.parametrize(
    "picture", [p for p in PICTURES if not p.applies], ids=lambda one: one.name
)
def test_any_text_anywhere_breaks_no_picture(picture, texts, classification):
    shown = with_classes(with_text(classification, "".join(texts)), texts)
    for draw in filter(None, (picture.draw, picture.linear)):
        figure = draw(shown, looks_of(shown))
        svg = style.to_svg(figure, "name")
        assert not any(hidden(one) or "mathdefault" in one for one in written(svg))
        in_page = str(render._svg_in_page(svg, "name", "title"))
        assert written(in_page.replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1)) == written(svg)
        assert style.to_png(figure)


@pytest.mark.parametrize("texts", SOME.values(), ids=SOME)
def test_classes_are_written_as_they_are_and_each_as_itself(texts, classification):
    shown = with_classes(classification, texts)
    figure = errors.draw(shown.predictions, shown.schema, looks_of(shown)["he_normal"])
    found = written(style.to_svg(figure, "name"))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(set(labels)) == len(texts)
    for text, label in zip(texts, labels, strict=True):
        assert found.count(label) >= 2  # once at each axis
        whole = spelling.legible(text)
        assert label in {whole, f"'{whole}'"} or label.strip("'").startswith(whole[:4])


@pytest.mark.parametrize("text", TEXTS, ids=ALPHABET)
def test_a_target_is_written_as_it_is(text, regression):
    schema = dataclasses.replace(regression.schema, target_name=text)
    figure = errors.draw(regression.predictions, schema, looks_of(regression)["he_normal"])
    (name,) = spelling.distinct([text or "target"], 36).values()
    found = written(style.to_svg(figure, "name"))
    assert f"true {name}" in found
    assert found.count(f"predicted {name}") == 2


@pytest.mark.parametrize("text", ["日本語の分類です", "W" * 40, "m" * 5000, "日" * 40, "$" * 40])
def test_long_labels_stay_within_the_picture(text, classification, regression):
    shown = with_classes(classification, [text, f"{text}."])
    for study, schema in (
        (shown, shown.schema),
        (regression, dataclasses.replace(regression.schema, target_name=text)),
    ):
        figure = errors.draw(study.predictions, schema, looks_of(study)["he_normal"])
        pixels = imread(io.BytesIO(style.to_png(figure)))[..., :3]
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert edge.min() == 1.0  # white


def test_schemes_that_begin_alike_have_names_of_their_own(classification):
    names = [f"a_scheme_with_a_name_that_is_long_{end}" for end in "abcd"]
    old = [row.scheme for row in classification.schemes]
    shown = renamed(classification, dict(zip(old, names, strict=True)))
    for picture in pictures_of(shown):
        figure = picture.draw(shown, looks_of(shown))
        found = [text for text in written(style.to_svg(figure, "name")) if "a_scheme" in text]
        told = [text.removeprefix("★ ").partition(" (rec")[0] for text in found]
        whole = [text for text in told if ":" not in text and "minus" not in text]
        axes = max(1, sum(axes.get_label() in PAIRS for axes in figure.axes))
        assert len(set(whole)) * axes == len(whole), picture.name


PAIRS = {"forward", "backward", "effective_rank", "stable_rank"}  # name every scheme once each


def renamed(study, names):
    def swap(value):
        if dataclasses.is_dataclass(value):
            fields = {f.name: swap(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return dataclasses.replace(value, **fields)
        if isinstance(value, list):
            return [swap(one) for one in value]
        if isinstance(value, dict):
            return {swap(key): swap(one) for key, one in value.items()}
        return names.get(value, value) if isinstance(value, str) else value

    params = study.params.model_copy(update={"schemes": [names[n] for n in study.params.schemes]})
    tables = ("verdict", "schemes", "pairs", "response", "curves", "layers", "diagnosis",
              "budget", "quantities", "measures", "retunes", "alternatives")  # fmt: skip
    own = {names[name]: one for name, one in study.by_scheme.items()}
    return changed(
        study, params=params, by_scheme=own, **{name: swap(getattr(study, name)) for name in tables}
    )
