"""Targets and features of text that is meant as something else."""

from datetime import date, timedelta

import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load, prepare
from initsweep.datasets.texts import likeness


def table(value, rows: int = 300) -> list[str]:
    return ["x,z,y", *(f'{row},{row % 7},"{value(row)}"' for row in range(1, rows + 1))]


def day(row: int) -> date:
    return date(2020, 1, 1) + timedelta(row)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (lambda row: f"{row},{row % 9}5", lambda row: row + row % 9 / 10 + 0.05),
        (lambda row: f"1.{row:03d}.{row:03d}", lambda row: 1_000_000 + 1001 * row),
        (lambda row: f"1 {row:03d}", lambda row: 1000 + row),
        (lambda row: f"1'{row:03d}.5", lambda row: 1000.5 + row),
        (
            lambda row: f"1,{row:03d}" if row % 2 else f"{row}.5",
            lambda row: row + (row % 2 or 5e-4) * 1000,
        ),
        (lambda row: f"${1000 + row}.50", lambda row: 1000.5 + row),
        (lambda row: f"{row} €", lambda row: row),
        (lambda row: f"€ 1.{row:03d},20", lambda row: 1000.2 + row),
        (lambda row: f"{row}.5%", lambda row: row + 0.5),
        (lambda row: f"({row}.5)", lambda row: -row - 0.5),
        (lambda row: f"\u2212{row}.5", lambda row: -row - 0.5),
    ],
)
def test_numbers_that_are_written_another_way_are_read(written, settings, value, plain):
    source = f"csv:{written(table(value))}"
    dataset, prepared = prepare(settings(source, target="x", task="regression"))
    expected = [plain(row) for row in range(1, 301)]
    assert np.allclose(dataset.features[:, 1], expected, rtol=1e-12)
    assert f"'{value(1)}' in 'y' is " in dataset.notices[-1]
    target = load(settings(source, task="regression"))
    assert np.allclose(target.targets, expected)
    assert f"'{value(1)}' in 'y' is " in target.notices[-1]
    raw = {"z": [3] * 9, "y": [value(row) for row in range(2, 11)]}
    same = {"z": [3] * 9, "y": [plain(row) for row in range(2, 11)]}
    assert np.allclose(prepared.preprocessing.apply(raw), prepared.preprocessing.apply(same))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda row: f"1,{row:03d}", "with a comma, such as '1,001' in line 2.* thousands .1001."),
        (lambda row: f"{row},5" if row % 2 else f"{row}.5", "decimal comma, others a point"),
        (lambda row: f"{row} {'$€'[row % 2]}", "with several signs, [$] €, such as '1 €'"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"target": "x", "task": "regression"}])
def test_numbers_that_could_be_several_are_refused(loaded, value, said, options):
    with pytest.raises(DataError, match=said):
        loaded(table(value), **options)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda row: f"{row * 2654435761 % 2**32:08x}", "about names and texts of single rows"),
        (lambda row: f"Person {row if row % 3 else 0}", "Join them into fewer classes"),
        (lambda row: str(day(row)), "dates, such as '2020-01-02'. Write numbers"),
        (lambda row: day(row).strftime("%d.%m.%Y"), "dates, such as '01.02.2020'"),
        (lambda row: day(row).strftime("%m/%d/%y 10:30"), "dates, such as '01/02/20 10:30'"),
        (lambda row: f"{row} kg", "numbers with a unit, such as '1 kg'"),
    ],
)
def test_a_target_of_too_many_texts_is_advised_by_what_it_is(loaded, value, expected):
    with pytest.raises(DataError) as caught:
        loaded(table(value))
    text = str(caught.value)
    assert expected in text
    assert "set data.table.target to another column (x, z)" in text
    assert "set data.task: regression" not in text


def test_numbers_that_were_called_classes_are_advised_regression(loaded):
    with pytest.raises(DataError, match=r"quantity, set data\.task: regression; if they number"):
        loaded(table(lambda row: row), task="classification")


def test_a_target_that_is_no_number_here_and_there(loaded):
    with pytest.raises(DataError, match=r"line 11 .* 'unknown' \(6 such.*drop_missing_target"):
        loaded(table(lambda row: row * 3 if row % 50 != 10 else "unknown"))
    few = table(lambda row: row % 5 if row % 50 != 10 else "unknown")
    with pytest.raises(DataError, match=r"set data\.task: classification"):
        loaded(few)
    assert "unknown" in loaded(few, task="classification").class_names


@pytest.mark.parametrize("value", [lambda row: f"Person {row}", lambda row: "ab"[row % 2]])
def test_regression_on_text_is_not_told_to_remove_all_rows(loaded, value):
    with pytest.raises(DataError, match=r"needs numbers\. The column holds text") as caught:
        loaded(table(value), task="regression")
    assert "remove" not in str(caught.value)


def test_rare_classes_are_counted_and_advised_by_what_they_are(written, settings):
    for value, advice in (
        (lambda row: f"c{row % 100}", "Remove such classes or join them with others."),
        (lambda row: f"{row % 10}:{row % 9}0", "The classes look like times, such as '0:00'."),
    ):
        with pytest.raises(DataError) as caught:
            prepare(settings(f"csv:{written(table(value))}"))
        assert "classes have fewer than 5)" in str(caught.value)
        assert advice in str(caught.value)
        assert "regression" not in str(caught.value)


def test_columns_of_prices_are_read_and_dates_noticed(loaded):
    lines = ["when,price,y", *(f"{day(row // 3)},${row}.50,{'ab'[row % 2]}" for row in range(300))]
    notices = loaded(lines).notices
    assert "'$0.50' in 'price' is 0.50" in notices[0]
    assert "Column 'when' holds dates, such as '2020-01-01', and is taken as 100" in notices[1]
    declared = loaded(lines, categorical=("when", "price"))
    assert set(declared.categories) == {"when", "price"}
    assert declared.notices == ()


def test_names_of_rows_are_refused_all_at_once(loaded):
    lines = [f"C{row},{row % 9},{day(row)},{'ab'[row % 2]}" for row in range(300)]
    table = ["customer,age,signup,y", *lines]
    with pytest.raises(DataError) as caught:
        loaded(table)
    said = str(caught.value)
    assert "'customer' (300 different values in 300 rows, such as 'C0')" in said
    assert "'signup' (dates, 300 different values" in said
    assert 'set `data.table.drop: ["customer", "signup"]`' in said
    assert loaded(table, drop=("customer", "signup")).notices == ()
    assert loaded(table, categorical=("customer", "signup")).notices == ()
    assert "as 300 categories." in loaded(table, encoding="ordinal").notices[0]


@pytest.mark.parametrize(("of_each", "said"), [(1.15, 1), (3, 0)])
def test_text_that_is_often_unique_is_noticed(loaded, of_each, said):
    lines = [f"T{int(row / of_each)},{'ab'[row % 2]}" for row in range(300)]
    notices = loaded(["ticket,y", *lines]).notices
    found = sum("'ticket' has 261 different values in 300 rows" in one for one in notices)
    assert found == said
    assert len(notices) == said


def test_few_percentages_are_categories(loaded):
    lines = ["tax,y", *(f"{(7, 19)[row % 2]}%,{'ab'[row % 3 // 2]}" for row in range(60))]
    assert loaded(lines).categories == {"tax": ("19%", "7%")}


@pytest.mark.parametrize(
    "values", [["clerk", "smith"], ["A1", "B2"], ["10-20", "20-30"], ["192.168.0.1"], ["3f2a"], []]
)
def test_labels_are_left_alone(values):
    assert likeness(values) is None


def test_long_values_are_cut_off_in_messages(loaded):
    with pytest.raises(DataError) as caught:
        loaded(table(lambda row: f"{row} " + "word " * 500))
    assert len(str(caught.value)) < 400
