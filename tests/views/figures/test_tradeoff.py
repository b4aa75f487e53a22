import itertools

from matplotlib.text import Text
from matplotlib.transforms import Bbox

from initsweep.views.figures import style, tradeoff


def test_points_stand_where_the_table_says_and_untrainable_schemes_do_not(study, looks, line_of):
    figure = tradeoff.draw(study.schemes, looks, loss_name="cross_entropy")
    axes = figure.axes[0]
    for row in study.schemes:
        if row.trainable:
            point = line_of(axes, f"point-{row.scheme}")
            assert list(point.get_xdata()) == [row.regret]
            assert list(point.get_ydata()) == [row.validation_loss]
    points = [line for line in axes.lines if line.get_label().startswith("point-")]
    assert len(points) == sum(row.trainable for row in study.schemes)
    assert "constant, zeros" in figure.texts[-1].get_text()


def test_the_front_passes_through_the_pareto_schemes_only(study, looks, line_of):
    axes = tradeoff.draw(study.schemes, looks, loss_name="cross_entropy").axes[0]
    front = line_of(axes, "front")
    corners = set(zip(front.get_xdata(), front.get_ydata(), strict=True))
    for row in study.schemes:
        assert ((row.regret, row.validation_loss) in corners) == row.pareto
    bold = {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"}
    assert bold == {
        row.scheme + (" (recommended)" if row.outcome == "recommended" else "")
        for row in study.schemes
        if row.pareto
    }


def test_every_scheme_is_named_and_no_name_covers_another(study, looks):
    figure = tradeoff.draw(study.schemes, looks, loss_name="cross_entropy")
    texts = [text for text in figure.axes[0].texts if "Pareto" not in text.get_text()]
    assert len(texts) == sum(row.trainable for row in study.schemes)
    figure.canvas.draw()  # annotations find their place when drawn
    boxes = [Text.get_window_extent(text, style.renderer(figure)) for text in texts]
    assert all(Bbox.intersection(a, b) is None for a, b in itertools.combinations(boxes, 2))


def test_without_a_trainable_scheme_it_says_so(study, looks):
    rows = [row for row in study.schemes if not row.trainable]
    figure = tradeoff.draw(rows, looks, loss_name="cross_entropy")
    assert not figure.axes
    assert "No scheme is trainable" in figure.texts[0].get_text()
