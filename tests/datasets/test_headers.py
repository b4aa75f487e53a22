"""Tables without header, and names of columns that are numbers."""

import re

import pytest

from initsweep.core.errors import DataError

ROWS = [f"{row * 0.37 + 0.1:.2f},{(row * 7) % 10},{'ab'[row % 2]}" for row in range(60)]
NUMBERS = [f"{row * 0.37 + 0.1:.2f},{(row * 7) % 10},{row % 3}" for row in range(60)]


@pytest.mark.parametrize("rows", [ROWS, NUMBERS])
def test_a_table_without_header_is_read_and_said_so(loaded, rows):
    dataset = loaded(rows)
    assert len(dataset.features) == 60
    assert dataset.feature_names == ("column 0", "column 1")
    assert f"'{rows[0]}', is taken as data" in dataset.notices[0]
    assert "set data.table.header: true" in dataset.notices[0]
    assert not any("header" in one for one in loaded(rows, header=False).notices)


@pytest.mark.parametrize(
    ("names", "noticed"),
    [
        ("2019,2020,2021", True),
        ("0,1,2", True),
        ("2019,2020,y", False),
        ("name,2020,2021", False),
        ("2019,2020,label", False),
    ],
)
@pytest.mark.parametrize("rows", [ROWS, NUMBERS])
def test_names_that_count_up_are_names(loaded, names, noticed, rows):
    dataset = loaded([names, *rows])
    assert dataset.feature_names == tuple(names.split(","))[:2]
    assert len(dataset.features) == 60
    assert any("data.table.header: false" in one for one in dataset.notices) is noticed


def test_rows_that_all_count_up_are_data(loaded):
    assert len(loaded([f"{row},{row + 1},{row + 2}" for row in range(60)]).features) == 60


def test_a_number_that_is_no_position_is_a_name(loaded):
    lines = ["2019,2020,2021", *NUMBERS]
    assert loaded(lines, target=2020).feature_names == ("2019", "2021")
    assert loaded(lines, target="2020").feature_names == ("2019", "2021")
    with pytest.raises(DataError, match="3 columns, there is no column 2022; positions begin at 0"):
        loaded(lines, target=2022)


@pytest.mark.parametrize("form", ["{},{:02d}", "${}.{:02d}", "{}.{:02d} %", "{} {:03d}"])
def test_numbers_as_people_write_them_are_no_names(loaded, form):
    rows = [[form.format(a * i % 97 + 1, i) for a in (3, 7, 11)] for i in range(60)]
    dataset = loaded([";".join(row) for row in rows])
    assert dataset.feature_names == ("column 0", "column 1")
    assert len(dataset.features) == 60
    assert loaded(["a;b;c", *(";".join(row) for row in rows)]).feature_names == ("a", "b")


def test_percentages_may_name_numbers(loaded):
    assert loaded(["10%,20%,y", *ROWS]).feature_names == ("10%", "20%")


def test_names_that_look_like_data_are_noticed(loaded):
    notices = loaded(ROWS, header=True).notices
    assert "'0.10,0,a', is taken as the names of columns" in notices[0]
    assert "set data.table.header: false" in notices[0]
    assert loaded(["x,z,y", *ROWS], header=True).notices == ()


@pytest.mark.parametrize(
    ("lines", "options", "expected"),
    [
        (ROWS, {"target": "price"}, "no column 'price'.*set data.table.header: true"),
        (
            ["x,z,y", *ROWS],
            {"header": False},
            "line 1 is 'x,z,y', names above numbers, .* set data.table.header: true, or auto",
        ),
        (["1,1,a", *ROWS], {"header": True}, "both called '1'.*set data.table.header: false"),
    ],
)
def test_errors_that_a_header_explains_say_so(loaded, lines, options, expected):
    with pytest.raises(DataError, match=re.compile(expected)):
        loaded(lines, **options)


def test_a_test_file_whose_header_was_not_found(written, loaded):
    test = written(NUMBERS[:9], "test.csv")
    with pytest.raises(DataError, match=r"only one of them has .*data\.table\.header"):
        loaded(["x,z,y", *NUMBERS], test_file=str(test))
