from initsweep.views.figures import budget, marks


def test_lines_hold_the_table_and_the_recommended_scheme_has_a_band(study, looks, losses):
    axes = budget.draw(study.budget, study.schemes, looks, **losses).axes[0]
    lines = [line for line in axes.lines if line.get_label() == "budget"]
    trainable = [row for row in study.schemes if row.trainable]
    for line, scheme in zip(lines, reversed(trainable), strict=True):
        rows = sorted((r for r in study.budget if r.scheme == scheme.scheme), key=lambda r: r.n)
        assert list(line.get_xdata()) == [row.n for row in rows]
        assert list(line.get_ydata()) == [row.expected_best for row in rows]
    assert len(axes.collections) == 1


def test_every_point_can_be_read(study, looks, losses):
    figure = budget.draw(study.budget, study.schemes, looks, **losses)
    trainable = {row.scheme for row in study.schemes if row.trainable}
    assert len(marks.marks_of(figure)) == sum(row.scheme in trainable for row in study.budget)


def test_without_a_trainable_scheme_it_says_so(study, looks, losses):
    rows = [row for row in study.schemes if not row.trainable]
    figure = budget.draw(study.budget, rows, looks, **losses)
    assert "No scheme is trainable" in figure.texts[0].get_text()
