import gzip

import numpy as np
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load, prepare


def test_numbers_categories_and_classes_are_told_apart(loaded, people):
    dataset = loaded(people)
    assert dataset.feature_names == ("age", "income", "job")
    assert dataset.categories == {"job": ("clerk", "smith, black", "teacher")}
    assert dataset.class_names == ("no", "yes")
    assert dataset.task == "classification"
    assert dataset.features[1].tolist() == [21, 1013.5, 1]
    assert dataset.targets[:3].tolist() == [0, 1, 0]
    assert dataset.notices == ()


@pytest.mark.parametrize(
    ("options", "features", "classes"),
    [
        ({"target": "job"}, ("age", "income", "answer"), ("clerk", "smith, black", "teacher")),
        ({"target": 2}, ("age", "income", "answer"), ("clerk", "smith, black", "teacher")),
        ({"target": -2, "drop": ("age", 3)}, ("income",), ("clerk", "smith, black", "teacher")),
        ({"drop": (0,)}, ("income", "job"), ("no", "yes")),
    ],
)
def test_columns_are_named_or_counted(loaded, people, options, features, classes):
    dataset = loaded(people, **options)
    assert dataset.feature_names == features
    assert dataset.class_names == classes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(loaded, delimiter):
    rows = [f"{row}{delimiter}{row % 7}.5{delimiter}{'ab'[row % 2]}" for row in range(30)]
    dataset = loaded(
        [delimiter.join(("x", "a, b; c|d", "y")), *rows] if delimiter == "\t" else rows
    )
    assert dataset.features.shape == (30, 2)
    assert loaded(rows, delimiter=delimiter).features.shape == (30, 2)


def test_tsv_is_cut_at_tabs_whatever_else_there_is(loaded):
    rows = [f"{row},5\t{'ab'[row % 2]}" for row in range(30)]
    dataset = loaded(rows, kind="tsv")
    assert dataset.features[:3, 0].tolist() == [0.5, 1.5, 2.5]
    assert dataset.notices[-1].endswith("'0,5' in 'column 0' is 0.5.")


@pytest.mark.parametrize(
    ("header", "first", "names"),
    [
        ("auto", "x,y", ("x",)),
        ("auto", "1.0,a", ("column 0",)),
        (False, "1.0,a", ("column 0",)),
        (True, "7,y", ("7",)),
        ("auto", '"a\nheader",y', ("a\nheader",)),
        ("auto", ",y", ("column 0",)),
    ],
)
def test_a_header_is_recognized(loaded, header, first, names):
    rows = [f"{row}.5,{'ab'[row % 2]}" for row in range(30)]
    dataset = loaded([first, *rows], header=header)
    assert dataset.feature_names == names
    assert len(dataset.features) == 30 + (first == "1.0,a")


def test_a_table_of_text_has_a_header_if_its_words_do_not_recur(loaded):
    rows = [f"{'pqr'[row % 3]},{'ab'[row % 2]}" for row in range(30)]
    assert loaded(["letter,answer", *rows]).feature_names == ("letter",)
    assert loaded(["p,a", *rows]).feature_names == ("column 0",)


def test_missing_values_are_known_by_many_names(loaded):
    markers = ["", "NA", " n/a ", "?", "NaN", "NULL", '"NA"']
    rows = [f"{row}.5,w{row % 2},{'ab'[row % 2]}" for row in range(30)]
    dataset = loaded(["x,word,y", *(f"{m},{m},a" for m in markers), *rows])
    assert np.isnan(dataset.features[: len(markers)]).all()
    assert not np.isnan(dataset.features[len(markers) :]).any()
    assert dataset.categories == {"word": ("w0", "w1")}


def test_numbers_are_read_as_people_write_them(loaded):
    values = ["+5", " 1e3", "-.5", "7.", "1E-2"]
    dataset = loaded(["x,y", *(f"{v},a" for v in values), *(f"{i},b" for i in range(30))])
    assert dataset.features[:5, 0].tolist() == [5, 1000, -0.5, 7, 0.01]
    assert loaded(["x,y", "1_000,a", *(f"{i},b" for i in range(30))]).features[0, 0] == 1000


def test_a_declared_category_may_look_like_a_number(loaded):
    rows = [f"{10 + row % 3},{'ab'[row % 2]}" for row in range(30)]
    assert loaded(["zip,y", *rows], categorical=("zip",)).categories == {"zip": ("10", "11", "12")}


def test_compressed_files_byte_order_marks_and_line_ends(loaded, people):
    plain = loaded(people).features
    text = "\n".join(people)
    for content in (
        gzip.compress(text.encode()),
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\n\n").encode(),
    ):
        dataset = loaded(content)
        assert dataset.feature_names[0] == "age"
        assert np.array_equal(dataset.features, plain)


@pytest.mark.parametrize(
    ("values", "task", "classes", "noticed"),
    [
        ([0, 1, 2], "classification", ("0", "1", "2"), "3 different whole numbers"),
        ([1.0, 10.0, 2.0], "classification", ("1", "2", "10"), "taken as classes"),
        ([0.5, 1.5, 2.5], "regression", (), "taken as regression"),
        (list(range(21)), "regression", (), "taken as regression"),
        (["low", "high"], "classification", ("high", "low"), None),
        (["TRUE", "FALSE"], "classification", ("FALSE", "TRUE"), None),
    ],
)
def test_the_task_follows_from_the_target(loaded, values, task, classes, noticed):
    rows = [f"{(row * 7) % 60}.5,{values[row % len(values)]}" for row in range(60)]
    dataset = loaded(["x,y", *rows])
    assert dataset.task == task
    assert dataset.class_names == classes
    assert bool(dataset.notices) is (noticed is not None)
    assert noticed is None or noticed in dataset.notices[0]


def test_the_task_can_be_set(loaded):
    rows = [f"{(row * 7) % 60}.5,{row % 3}" for row in range(60)]
    dataset = loaded(["x,y", *rows], task="regression")
    assert dataset.task == "regression"
    assert dataset.targets[:3].tolist() == [0, 1, 2]
    assert loaded(["x,y", *rows], task="classification").notices == ()


def test_a_split_column_decides_and_is_no_feature(written, settings, people):
    names = ["train"] * 40 + ["Val"] * 10 + ["test"] * 10
    lines = [people[0] + ",part", *(f"{a},{b}" for a, b in zip(people[1:], names, strict=True))]
    chosen = settings(f"csv:{written(lines)}", target="answer", split_column="part")
    dataset, prepared = prepare(chosen)
    assert dataset.feature_names == ("age", "income", "job")
    assert {k: len(v) for k, v in prepared.rows.items()} == {
        "train": 40, "validation": 10, "test": 10,
    }  # fmt: skip
    assert prepared.rows["test"].tolist() == list(range(50, 60))


def test_a_split_that_is_not_given_is_drawn_from_the_training_rows(written, settings, people):
    names = ["train"] * 50 + ["test"] * 10
    lines = [people[0] + ",part", *(f"{a},{b}" for a, b in zip(people[1:], names, strict=True))]
    chosen = settings(f"csv:{written(lines)}", target="answer", split_column="part")
    rows = prepare(chosen)[1].rows
    assert [len(rows[name]) for name in ("train", "validation", "test")] == [40, 10, 10]
    assert rows["test"].tolist() == list(range(50, 60))


def test_a_test_file_gives_the_test_rows(written, settings, people):
    reordered = [",".join(line.split(",")[::-1]) for line in people if "smith" not in line]
    test = written(reordered, "test.csv")
    chosen = settings(f"csv:{written(people)}", target="answer", test_file=str(test))
    dataset, prepared = prepare(chosen)
    assert prepared.rows["test"].tolist() == list(range(60, 60 + len(reordered) - 1))
    assert dataset.features[60].tolist() == [20, 1000.5, 0]


def test_mistakes_in_the_test_file_are_named_with_its_lines(written, settings, people):
    test = written([*people[:5], "30,5,clerk,"], "test.csv")
    with pytest.raises(DataError, match=r"target 'answer' is missing in line 6 of '.*test\.csv'"):
        load(settings(f"csv:{written(people)}", target="answer", test_file=str(test)))
    test = written(["age,pay,job,answer", *people[1:5]], "test.csv")
    with pytest.raises(DataError, match="only one of them has 'income', 'pay'"):
        load(settings(f"csv:{written(people)}", target="answer", test_file=str(test)))


def test_a_class_that_only_the_test_rows_have_is_refused(written, settings, people):
    test = written([people[0], *(f"{i},5,clerk,maybe" for i in range(6))], "test.csv")
    chosen = settings(f"csv:{written(people)}", target="answer", test_file=str(test))
    with pytest.raises(DataError, match="class 'maybe' has no training row, but rows in test"):
        prepare(chosen)
