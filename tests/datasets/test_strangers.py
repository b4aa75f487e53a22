"""Tables as strangers bring them: read right, or refused with a remedy that reads them.

Every remedy that is printed is run: commands by the shell, settings as parameters.
"""

import gzip
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from initsweep.core.errors import DataError
from initsweep.datasets.loading import load
from initsweep.datasets.profile import leaks

ROWS = [f"{i * 0.5},{i % 7},{'ab'[i % 2]}" for i in range(60)]
NAMED = ["x,z,y", *ROWS]


def lab(marker: str) -> list[str]:
    """A column of numbers with a marker in more than half of its rows."""
    values = (marker if i % 5 < 3 else str(i * 37 % 211) for i in range(300))
    return ["lab,age,y", *(f"{v},{20 + i * 7 % 60},{'ab'[i % 2]}" for i, v in enumerate(values))]


def changed(lines: list[str], **others: str) -> list[str]:
    """Other lines in their places: `line_3` is the third."""
    numbered = {int(name.removeprefix("line_")): text for name, text in others.items()}
    return [numbered.get(number, line) for number, line in enumerate(lines, 1)]


def remedied(said: str, folder: Path, source: str, options: dict) -> tuple[str, dict]:
    """Do what a refusal says."""
    for command in re.findall(r"`((?:sed|grep|awk|gzip|\S*/python)\b[^`]*)`", said):
        subprocess.run(["sh", "-c", command], check=True, cwd=folder)
        if " > " in command:
            source = f"csv:{folder / command.rpartition(' > ')[2]}"
    found = dict(re.findall(r"`data\.table\.(\w+): (.*?)`[,. ]", f"{said} "))
    if told := re.search(r"Set data\.source: (\S+)\.$", said):
        source = told[1]
    assert found or source or told, said
    changes = {key: json.loads(value) for key, value in found.items()}
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in changes.items()}
    return source, options | lists


def table(names: str, row: Callable[[int], str], count: int = 60) -> list[str]:
    """A line of names, if there are any, and rows by their number."""
    return [*([names] if names else []), *map(row, range(count))]


def yes(i: int) -> str:
    """A class."""
    return "ab"[i % 2]


SEMICOLONS = [line.replace(",", ";") for line in NAMED]
WHOLE = changed(NAMED, line_9='"2,5,""a"""')
ESCAPED = table("x,z,y", lambda i: f'{i},"so \\"{i % 3}, so\\"",{yes(i)}')
NAMELESS = table("kind,note,y,,", lambda i: f"k{i % 3},n{i % 4},{yes(i)},,")
SINGLE = table("x,z,y", lambda i: f"{i},it's,'{yes(i)}, c'")
SINGLE_TOO = table("x,z,y", lambda i: f"{i},{i % 7},'{yes(i)}'")
OPEN_SINGLE = table("x,y", lambda i: f"'tis {i % 3},{yes(i)}")
CAPITALS = table("x,y", lambda i: f"{i},{('B', 'aa', 'bb', 'bb', 'aa', 'Aa')[i % 6]}")
LETTERS = table("x,y", lambda i: f"{i},{'aAbB'[i % 4]}")
PADDED = table("x, z, y", lambda i: f'{i}, "w, {i % 7}", {yes(i)}')
WIDE = table("town      x   y", lambda i: f"New York  {i % 9:3d}   {yes(i)}")
EUROPEAN_SPACES = table("x z y", lambda i: f"{i},5 {i % 7},25 {yes(i)}")
SEVERAL_LINES = table("text,y", lambda i: f'"one, {i % 9}\ntwo, or\nthree",{yes(i)}')


@pytest.mark.parametrize(
    ("lines", "features", "classes"),
    [
        (["", "", *NAMED], "x z", "a b"),
        (["sep=;", *SEMICOLONS], "x z", "a b"),
        ([",,", ",,", *NAMED], "x z", "a b"),
        (["sep=;", ";;", *SEMICOLONS], "x z", "a b"),
        ([line.replace(",", "~") for line in NAMED], "x z", "a b"),
        ([" " + line.replace(",", "   ") for line in NAMED], "x z", "a b"),
        ([line.replace(",", " \t ") for line in NAMED], "x z", "a b"),
        ([f"{line}," for line in NAMED], "x z", "a b"),
        (["x,z,y", *(f"{line},," for line in ROWS)], "x z", "a b"),
        (WHOLE, "x z", "a b"),
        (ESCAPED, "x z", "a b"),
        (NAMELESS, "kind note", "a b"),
        (SINGLE, "x z", "a, c|b, c"),
        (SINGLE_TOO, "x z", "a b"),
        (OPEN_SINGLE, "x", "a b"),
        (CAPITALS, "x", "B aa bb"),
        (LETTERS, "x", "A B a b"),
        (SEVERAL_LINES, "text", "a b"),
        (WIDE, "town x", "a b"),
        ([*NAMED, ",,", " ,,"], "x z", "a b"),
        (["x,z,y,,", *(line + "," * (i % 3) for i, line in enumerate(ROWS))], "x z", "a b"),
        (PADDED, "x z", "a b"),
        (EUROPEAN_SPACES, "x z", "a b"),
    ],
)
def test_what_can_only_mean_one_thing_is_read(loaded, lines, features, classes):
    dataset = loaded(lines)
    assert dataset.feature_names == tuple(features.split())
    assert dataset.class_names == tuple(classes.split("|" if "|" in classes else None))
    assert len(dataset.features) == 60


MARKERS = ("-", ".", "..", "None", "unknown", "n.a.", "--", "*", "<0.5", "#DIV/0!")
WITH_COMMAS = table("a;y", lambda i: f"{i},5;{i % 2}" if i % 3 else f"-;{i % 2}")
COMMAS = table("", lambda i: f"{3 + i % 7},{i % 10};{9 + i % 3},{i % 7};{i % 2}", 500)
EITHER = table("a,y", lambda i: f'"1,{i:03d}",{i % 2}')
REMARKS = table("y\tr", lambda i: f"{yes(i)}\tfine {i % 9}", 80)
OPEN = changed(REMARKS, line_21='b\t"open', line_25='a\tshut"')
QUOTED = table("r,y", lambda i: f'"t, {i % 9}",{yes(i)}')
OPEN_TOO = changed(QUOTED, line_21='"t 1,b', line_25='"t, 2",a')
R_TABLE = table('"x","y"', lambda i: f'"{i}",{i % 9},"{yes(i)}"')
R_NAMES = table('"x","y"', lambda i: f'"car {i}",{i % 9},"{yes(i)}"')
NAMES = table("t,z,y", lambda i: f"A{i},{i % 7},{yes(i)}")
TICKETS = table("t,z,y", lambda i: f"{'A/5 ' * (i % 3 == 0)}{i * 17},{i % 7},{yes(i)}", 90)
COMMENTED = [line for row in NAMED for line in ("# so", row)][1:]
RECORDS = table("", lambda i: f'{{"x": {i}, "y": "{yes(i)}"}}')
TITLED = ["My data,,", ",,", *NAMED]
TWO_LINES = ["g,g,y", "x,z,name", *ROWS]
NAME_IS_CLASS = ["x,z,y", *table("", lambda i: f"{i * 0.5},{i % 7},{('y', 'yes', 'n')[i % 3]}")]
ARFF = ["@relation r", "@attribute x numeric", "@attribute y {a,b}", "@data"]
ARFF_TEXT = ["@relation r", "@attribute x string", *ARFF[2:]]


@pytest.mark.parametrize(
    ("kind", "lines", "said", "shape"),
    [
        *(
            ("csv", lab(one), ["'lab' holds 102 different numbers", "line 2", repr(one)], (300, 2))
            for one in MARKERS
        ),
        ("csv", WITH_COMMAS, ["'-'"], (60, 1)),
        ("tsv", OPEN, ["line 21", "left open", "none"], (80, 1)),
        ("csv", OPEN_TOO, ["line 21", "sed"], (60, 1)),
        ("csv", changed(NAMED, line_30='1.5,"3,a'), ["line 30", "left open"], (60, 2)),
        ("csv", table("x,y", lambda i: f'"{i},{yes(i)}'), ["line 2", "left open"], (60, 1)),
        ("csv", R_TABLE, ["line 1: 2 names for 3 columns", "row names"], (60, 2)),
        ("csv", R_NAMES, ["2 faults", "line 1: 2 names", "'row'", '["row"]'], (60, 1)),
        ("csv", ["# made, by", "# hand", *NAMED], ["line 1: 2 fields", "have 3", "1,2d"], (60, 2)),
        ("csv", COMMENTED, ["grep -v '^#'"], (60, 2)),
        ("csv", [*NAMED, "Total: 60"], ["line 62: 1 fields, 'Total: 60'"], (60, 2)),
        ("csv", [*NAMED, "Total,180,"], ["Line 62", "'Total,180,'", "a total"], (60, 2)),
        ("csv", ["x,z,y", "cm,kg,name", *ROWS], ["Line 2", "'cm,kg,name'"], (60, 2)),
        ("csv", ["x,z,y", "cm,kg,", *ROWS], ["Line 2", "a line of names"], (60, 2)),
        (
            "csv",
            changed(NAMED, line_20="x,z,y", line_40="x,z,y"),
            ["Line 20", "as others"],
            (58, 2),
        ),
        ("csv", TITLED, ["Line 3 of", "'x,z,y'", "'1d'"], (60, 2)),
        ("csv", NAME_IS_CLASS, ["Line 1 of", "'x,z,y'", "`data.table.header: true`"], (60, 2)),
        ("csv", TWO_LINES, ["2 faults", "called 'g'", "Line 2 of", "| sed '2d' >"], (60, 2)),
        ("csv", ["x,x,y", *ROWS], ["columns 0 and 1", "both called 'x'", "x,x.1,y"], (60, 2)),
        ("csv", changed(NAMED, line_9="1,2,3,a"), ["line 9: 4 fields", "needs quotes"], (59, 2)),
        (
            "csv",
            [*NAMED, "1,2,", "1,2,NA"],
            ["'y' is missing in line 62", "(2 such", "NA"],
            (60, 2),
        ),
        ("csv", EITHER, ["'1,000'", "(1000)", "as follows"], (60, 1)),
        ("csv", NAMES, ["'t'", "drop"], (60, 1)),
        ("csv", TICKETS, ["'t' holds 60 different numbers", "drop"], (90, 1)),
        ("csv", changed(NAMED, line_9="inf,1,a"), ["'x' is inf in line 9", '["inf"]'], (60, 2)),
        ("csv", RECORDS, ["JSON"], (60, 1)),
        ("csv", [*ARFF, *(line.partition(",")[2] for line in ROWS)], ["ARFF"], (60, 1)),
        ("arff", [*ARFF_TEXT, *(f"'w {i % 9}',{yes(i)}" for i in range(60))], ["String"], (60, 1)),
    ],
)
def test_what_is_refused_is_read_as_the_refusal_says(
    written, settings, tmp_path, kind, lines, said, shape
):
    source = f"{kind}:{written(lines, f'my.{kind}')}"
    options = {"target": "y"} if lines is OPEN else {}
    with pytest.raises(DataError) as caught:
        load(settings(source, **options))
    for part in said:
        assert part in str(caught.value)
    source, others = remedied(str(caught.value), tmp_path, source, options)
    dataset = load(settings(source, **others))
    assert dataset.features.shape == shape


def test_all_faults_are_in_one_message(written, settings, tmp_path):
    rows = (f"n{i},{'-' if i % 5 == 0 else i},{'ND' if i % 3 == 0 else i * 2}" for i in range(150))
    ends = ["ab"[i % 2] if i % 9 else "" for i in range(150)]
    lines = ["id,x,z,y", *(f"{row},{end}" for row, end in zip(rows, ends, strict=True)), "Sum: 150"]
    source = f"csv:{written(lines)}"
    with pytest.raises(DataError, match="5 faults") as caught:
        load(settings(source))
    source, options = remedied(str(caught.value), tmp_path, source, {})
    assert options["missing"] == ("-", "ND")
    dataset = load(settings(source, **options))
    assert dataset.features.shape == (133, 2)
    assert "17 of 150 rows without a target 'y' are left out." in dataset.notices


def test_what_a_remedy_lists_is_added_to_what_was_listed(loaded):
    lines = ["id,x,z,y", *(f"n{i},{i if i % 3 else '-'},q{i},{'ab'[i % 2]}" for i in range(60))]
    with pytest.raises(DataError) as caught:
        loaded(lines, drop=("id",), missing=("ND",))
    assert '`data.table.drop: ["id", "z"]`' in str(caught.value)
    assert '`data.table.missing: ["ND", "-"]`' in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"decimal": ","}, {"header": False}, {"delimiter": ";"}])
def test_european_files_just_work(loaded, options):
    dataset = loaded(COMMAS, **options)
    assert dataset.features.shape == (500, 2)
    assert dataset.features[0].tolist() == [3, 9]
    assert dataset.features[13].tolist() == [9.3, 10.6]
    thousands = loaded(table("a;y", lambda i: f"1.{i:03d},5;{i % 2}"))
    assert thousands.features[7, 0] == 1007.5


@pytest.mark.parametrize(("decimal", "value"), [(".", 1007), (",", 1.007)])
def test_a_comma_that_could_be_either_is_what_it_was_said_to_be(loaded, decimal, value):
    lines = table("a;y", lambda i: f"1,{i:03d};{i % 2}")
    assert loaded(lines, decimal=decimal).features[7, 0] == value


def test_a_class_may_be_called_na(loaded):
    lines = ["x,y", *(f"{i},{('EU', 'NA')[i % 2]}" for i in range(60))]
    with pytest.raises(DataError, match=r"'NA' is a class, set data\.table\.missing: \"empty\""):
        loaded(lines)
    assert loaded(lines, missing="empty").class_names == ("EU", "NA")


@pytest.mark.parametrize("other", ["cafe\u0301 noir", "café\u00a0noir", "café  noir"])
def test_classes_that_look_alike_are_one(loaded, other):
    lines = table("x,y", lambda i: f"{i},{('café noir', other, 'thé')[i % 3]}")
    dataset = loaded(lines)
    assert len(dataset.class_names) == 2
    assert any("that look alike" in said for said in dataset.notices)
    assert len(loaded(lines, categorical=("y",)).class_names) == 3


def test_capitals_tell_classes_apart_where_that_is_said(loaded):
    lines = ["x,y", *(f"{i},{('Aa', 'aa')[i % 2]}" for i in range(60))]
    notice = loaded(lines).notices[0]
    assert "such as Aa, aa, are taken as one" in notice
    assert loaded(lines, categorical=("y",)).class_names == ("Aa", "aa")


def test_a_first_line_of_texts_that_could_be_data_is_said(loaded):
    rows = [f"word {i},{'ab'[i % 2]}" for i in range(60)]
    assert loaded(["text,label", *rows], categorical=(0,)).notices == ()
    rare = ["some text,new", *(f"t{i % 90},n{i % 90}" for i in range(180))]
    assert "taken as the names" in loaded(rare, encoding="ordinal").notices[0]
    marked = ["-,p,red", *(f"{i},{'pq'[i % 2]},{('red', 'blue')[i % 2]}" for i in range(60))]
    assert loaded(marked, missing=("-",)).feature_names == ("column 0", "column 1")


def test_a_number_that_is_position_and_name_is_refused_with_both(loaded):
    lines = [",0,1,2,y", *(f"{i},{i % 5},{i % 7},{i % 3},{'ab'[i % 2]}" for i in range(60))]
    with pytest.raises(
        DataError, match=r"'2' or the one .* '1'\. .* -2 is the first, -3 the second"
    ):
        loaded(lines, target=2)
    with pytest.raises(DataError, match=r"from the start: 1 is the first, 4 the second"):
        loaded(["a,-1,b,c,y", *lines[1:]], target=-1)
    assert loaded(lines, target=-2).target_name == "2"
    assert loaded(lines, target=-3).target_name == "1"
    assert loaded(lines, target=4).target_name == "y"


def test_a_marker_means_the_same_in_the_test_file_and_in_a_served_row(written, settings):
    from initsweep.datasets.loading import prepare

    lines = ["lab;job;y", *(f"{i},5;{('clerk', 'ND')[i % 2]};{'ab'[i % 2]}" for i in range(60))]
    lines = changed(lines, line_4="ND;clerk;a")
    test = written([lines[0], "ND;nd;a", "7,25;clerk;b"], "test.csv")
    chosen = settings(f"csv:{written(lines)}", missing=("ND",), test_file=str(test))
    dataset, prepared = prepare(chosen)
    assert np.isnan(dataset.features[[2, 60], 0]).all()
    assert dataset.features[61].tolist() == [7.25, 0]
    fitted = type(prepared.preprocessing).load
    path = written(json.dumps(prepared.preprocessing.to_json()), "preprocessing.json")
    served = fitted(path).apply({"lab": ["ND", "7,25", 7.25], "job": [" nd", "clerk", "clerk"]})
    assert np.array_equal(served[:2], prepared.features["test"])
    assert np.array_equal(served[1], served[2])


def numbered(*, shuffled: bool = False) -> list[str]:
    """Rows sorted by class, with an index that has gaps and two features that tell nothing."""
    generator = np.random.default_rng(0)
    index, noise = np.cumsum(generator.integers(1, 9, 300)), generator.normal(size=(300, 2))
    rows = [
        f"{n},{a:.3f},{b:.3f},{'ab'[int(n > 700)]}" for n, (a, b) in zip(index, noise, strict=True)
    ]
    return [*generator.permutation(rows)] if shuffled else rows


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["id,a,b,y", *numbered()], "Column id numbers the rows"),
        ([",a,b,y", *numbered(shuffled=True)], "Column column 0 numbers the rows"),
        (["id,a,b,y", *numbered(shuffled=True)], "Column id numbers the rows"),
        (table("c,a,y", lambda i: f"{i % 2 * 3},{i % 7},{yes(i)}"), "Column c tells the target"),
        (table("c,a,y", lambda i: f"{i % 11},{i % 7},{i % 11 * 2.5}"), "Column c tells the target"),
        (table("k,a,y", lambda i: f"w{i % 2},{i % 7},{yes(i)}"), "Column k tells the target"),
        (table("c,a,y", lambda i: f"{i % 5},{i % 7},{yes(i)}"), ""),
    ],
)
def test_what_may_give_the_target_away_is_a_caveat(loaded, lines, said):
    found = leaks(loaded(lines))
    assert len(found) == bool(said)
    assert not said or found[0].startswith(said)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "diabetes"])
def test_measured_features_give_nothing_away(settings, name):
    assert leaks(load(settings(name))) == []


@pytest.mark.parametrize("in_lines", [True, False])
def test_records_of_json_are_rows(loaded, in_lines):
    records = [{"x": i if i % 4 else None, "w": f"k{i % 3}", "y": "ab"[i % 2]} for i in range(60)]
    text = "\n".join(map(json.dumps, records)) if in_lines else json.dumps(records)
    dataset = loaded(text, kind="json")
    assert dataset.feature_names == ("x", "w")
    assert np.isnan(dataset.features[:, 0]).sum() == 15
    with pytest.raises(DataError, match="no list of flat records"):
        loaded('{"x": [1, 2', kind="json")
    with pytest.raises(DataError, match=r"'x' is of type struct.*data\.table\.drop"):
        loaded(json.dumps([{"x": {"a": i}, "y": i % 2} for i in range(60)]), kind="json")


@pytest.mark.parametrize("way", ["split", "columns", "list", "name"])
def test_a_table_that_json_holds_otherwise_is_read_as_the_refusal_says(
    tmp_path, written, settings, way
):
    frame = pd.DataFrame({"x": [i / 7 for i in range(60)], "y": [yes(i) for i in range(60)]})
    if way in {"list", "name"}:
        held = frame.to_dict(orient="list" if way == "list" else "records")
        text = json.dumps(held if way == "list" else {"n": 60, "some rows": held})
    else:
        text = frame.to_json(orient=way, double_precision=15)
    source = f"json:{written(text, 'it is.json')}"
    with pytest.raises(DataError, match="by columns or under a name") as caught:
        load(settings(source))
    source, _ = remedied(str(caught.value), tmp_path, source, {})
    dataset = load(settings(source.replace("csv:", "json:")))
    np.testing.assert_allclose(dataset.features[:, 0], frame["x"], rtol=1e-14)


def test_names_of_classes_in_parquet(tmp_path, settings):
    import pyarrow as pa
    from pyarrow import parquet

    features = {"y": {"_type": "ClassLabel", "names": ["no", "yes"]}, "x": {"_type": "Value"}}
    table = pa.table({"x": [float(i) for i in range(60)], "y": [i % 2 for i in range(60)]})
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    parquet.write_table(table.replace_schema_metadata(about), tmp_path / "my.parquet")
    assert load(settings(f"parquet:{tmp_path / 'my.parquet'}")).class_names == ("no", "yes")


def test_images_in_a_folder_for_each_class(tmp_path, settings):
    from PIL import Image

    for i in range(40):
        place = tmp_path / "all" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), i, "u1")).save(place / f"{i}.png")
    dataset = load(settings(f"images:{tmp_path / 'all'}"))
    assert (dataset.shape, dataset.class_names) == ((1, 4, 6), ("a", "b"))
    Image.fromarray(np.zeros((9, 9, 3), "u1")).save(tmp_path / "all/a/z.png")
    with pytest.raises(DataError, match="9 x 9 pixels") as caught:
        load(settings(f"images:{tmp_path / 'all'}"))
    remedied(str(caught.value), tmp_path, "small", {})
    assert load(settings(f"images:{tmp_path / 'small'}")).shape == (3, 32, 32)
    (tmp_path / "all/a/y.png").write_text("no image")
    with pytest.raises(DataError, match=r"y\.png' is no image"):
        load(settings(f"images:{tmp_path / 'all'}"))


def test_packed_records_are_read_too(loaded):
    text = json.dumps([{"x": i, "y": "ab"[i % 2]} for i in range(60)])
    assert loaded(gzip.compress(text.encode()), kind="json").features.shape == (60, 1)


@pytest.mark.parametrize("kind", ["csv", "json", "arff", "parquet", "npz"])
def test_a_file_that_is_not_there_is_said_to_be_so_whatever_it_should_hold(settings, kind):
    with pytest.raises(DataError, match=r"^data\.source: there is no file 'gone'"):
        load(settings(f"{kind}:gone"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*ARFF[:2], "@attribute y {a,"], "Make it a CSV file"),
        ([*ARFF, "{0 1, 1 a}", "{1 b}"], "rows are sparse; write all of their values, as CSV"),
    ],
)
def test_what_scipy_does_not_read_of_weka_s_is_refused(loaded, lines, said):
    with pytest.raises(DataError, match=f"cannot be read: .* {said}"):
        loaded(lines, kind="arff")


def test_names_of_rows_are_all_different_or_another_name_is_missing(loaded):
    with pytest.raises(DataError, match=r"line 1: 3 fields, .* but most records have 4") as caught:
        loaded(table("x,c,y", lambda i: f"{i % 9},red\\, {i % 4},{yes(i)}"))
    assert "row names" not in str(caught.value)


def test_nobody_is_told_to_drop_every_column(loaded):
    lines = table("day,sales", lambda i: f"2020-{1 + i // 28}-{1 + i % 28},{i * 1.5}")
    with pytest.raises(DataError, match=r"'day' .dates, 60 .* no feature is left") as caught:
        loaded(lines)
    assert "To read it all the same" not in str(caught.value)


def test_a_target_of_another_type_is_named_where_rows_without_one_are_left_out(tmp_path, settings):
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"x": range(60), "when": pa.array(range(60), pa.timestamp("s"))}
    parquet.write_table(pa.table(columns), tmp_path / "my.parquet")
    with pytest.raises(DataError, match=r"'when' is of type timestamp.*data\.table\.target to"):
        load(settings(f"parquet:{tmp_path / 'my.parquet'}", drop_missing_target=True))
