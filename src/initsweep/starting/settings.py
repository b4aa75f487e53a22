"""The options of `init` that stand for keys of params.yaml: one table, of which all else is made.

Whoever runs `init` has no params.yaml yet. So what is wrong is said in the words of the command
line, although the code that reads the data knows the keys only.
"""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from initsweep.core.errors import ParamsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An option that sets one key.

    Attributes:
        option: As it is typed.
        key: The dotted key of params.yaml.
        help: What it is for.
        value: Makes the key's value from the text.
        choices: The texts there are, None for any.
        further: Other keys that the text sets.
        is_flag: Whether it is given alone, and then means true.
    """

    option: str
    key: str
    help: str
    value: Callable[[str], object] = str
    choices: tuple[str, ...] | None = None
    further: Callable[[str], Mapping[str, object]] = lambda _: {}
    is_flag: bool = False

    @property
    def name(self) -> str:
        """The attribute under which the command line keeps it."""
        return self.option.removeprefix("--").replace("-", "_")


def _column(text: str) -> str | int:
    """Return a column as params.yaml names it; a whole number is a position."""
    return int(text) if re.fullmatch("-?[0-9]{1,9}", text) else text


def _parts(text: str) -> list[str]:
    """Return what stands between commas; with commas in it, it is quoted as in a CSV file."""
    parts = next(csv.reader([text], skipinitialspace=True), [])
    return [part.strip() for part in parts if part.strip()]


def _joined(parts: Sequence[object]) -> str:
    """Return what `_parts` takes apart."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(parts)
    return stream.getvalue()


def _columns(text: str) -> list[str | int]:
    return list(map(_column, _parts(text)))


def _missing(text: str) -> str | list[str]:
    return text if text in {"auto", "empty"} else _parts(text)


def _truth(text: str) -> str | bool:
    return text if text == "auto" else text == "true"


def _delimiter(text: str) -> str:
    if text in {"\\t", "tab"}:
        return "\t"
    if text != "auto" and len(text) != 1:
        raise ParamsError(f"--delimiter: received {text!r}; use one character, or tab.")
    return text


TASK = Setting(
    option="--task",
    key="data.task",
    help="what the target is (default: text and few whole numbers are classes)",
    choices=("auto", "classification", "regression"),
)
BY = Setting(
    option="--by",
    key="task.select_by",
    help="what rates and schemes are chosen by: loss, or a score such as accuracy (default: loss)",
    value=lambda text: "loss" if text == "loss" else "score",
    further=lambda text: {} if text == "loss" else {"task.score": text},
)
TABLE = (
    Setting(
        option="--target",
        key="data.table.target",
        help="the column to predict, by name or position from 0 (default: the last one)",
        value=_column,
    ),
    Setting(
        option="--drop",
        key="data.table.drop",
        help="columns to leave out, comma-separated",
        value=_columns,
    ),
    Setting(
        option="--categorical",
        key="data.table.categorical",
        help="all columns that are categories, comma-separated (default: the columns of text)",
        value=_columns,
    ),
    Setting(
        option="--encoding",
        key="data.table.encoding",
        help="of categories (default: onehot)",
        choices=("onehot", "ordinal"),
    ),
    Setting(
        option="--header",
        key="data.table.header",
        help="whether the first line names the columns (default: if it looks like it)",
        value=_truth,
        choices=("auto", "true", "false"),
    ),
    Setting(
        option="--delimiter",
        key="data.table.delimiter",
        help="what stands between columns: one character, or tab (default: found)",
        value=_delimiter,
    ),
    Setting(
        option="--missing",
        key="data.table.missing",
        help="what stands for a missing value beside the usual, comma-separated; or 'empty', for "
        "empty fields only",
        value=_missing,
    ),
    Setting(
        option="--quote",
        key="data.table.quote",
        help="what quotes fields (default: found); none takes quotation marks for text",
        choices=("auto", "none", '"', "'"),
    ),
    Setting(
        option="--decimal",
        key="data.table.decimal",
        help="the decimal mark (default: found)",
        choices=("auto", ".", ","),
    ),
    Setting(
        option="--drop-missing-target",
        key="data.table.drop_missing_target",
        help="leave out rows without a target, and say how many",
        value=_truth,
        is_flag=True,
    ),
    Setting(
        option="--test-file",
        key="data.table.test_file",
        help="a second file with the same columns, whose rows are the test rows",
    ),
    Setting(
        option="--split-column",
        key="data.table.split_column",
        help="a column that says train, validation or test",
        value=_column,
    ),
)
"""For tables only."""

SETTINGS = (TASK, BY, *TABLE)
SAID_OTHERWISE = {
    "data.source": "--data",
    "model.name": "--model",
    "task.score": "--by",
    "model.": "--option ",
    **{setting.key: setting.option for setting in SETTINGS},
}
"""Every key that has an option; one that ends in a dot is the beginning of keys."""

_JSON = r"""(?:true\b|"(?:[^"\\]|\\.)*"|\[(?:(?:"(?:[^"\\]|\\.)*"|-?\d+)(?:, )?)*\])"""
_SUFFIXES = r"(?:csv|tsv|tab|txt|parquet|np[yz]|gz|zip|idx|pt|safetensors|py|yaml)\b"
"""No option of a network: `model.csv` is a file."""


def values_of(given: Mapping[str, str]) -> dict[str, object]:
    """Return what options set, by key; options by attribute, as in `Setting.name`."""
    found: dict[str, object] = {}
    for one in SETTINGS:
        if one.name in given:
            found |= {one.key: one.value(given[one.name]), **one.further(given[one.name])}
    return found


def as_options(message: str, words: Mapping[str, str]) -> str:
    """Return a message with keys in the words of the command line.

    "Set data.task: regression" becomes "Set --task regression", and "data.task: wrong" becomes
    "--task: wrong"; a value in JSON, as in `data.table.drop: ["id"]`, is written for a shell. So is
    a file outside quotation marks, which stands in a command.

    Args:
        message: What was said to someone who has a params.yaml.
        words: What to say for keys and other names, such as `SAID_OTHERWISE`.
    """
    if not words:  # an empty alternative would match everywhere
        return message
    known = "|".join(_found_as(key, words[key]) for key in sorted(words, key=len, reverse=True))
    pattern = (
        rf"(?P<verb>\b(?:[Ss]et|[Ww]rite) )?(?<![\w./-])(?P<key>{known})(?P<colon>: )?"
        rf"(?P<value>(?<=: ){_JSON})?"
    )

    def said(match: re.Match[str]) -> str:
        verb, colon, word = match["verb"] or "", match["colon"] or "", words[match["key"]]
        if word.startswith("--") and match["value"]:
            return verb + _with_value(word, json.loads(match["value"]))
        if word.startswith("--"):
            return f"{verb}{word}{' ' if verb and colon else colon}"
        is_quoted = message[: match.start("key")].endswith("'")
        return f"{verb}{word if is_quoted else shlex.quote(word)}{colon}"

    return re.sub(pattern, said, message)


def _with_value(option: str, value: object) -> str:
    """Return an option with its value, as it is typed into a shell."""
    if value is True:
        flags = [one.option for one in SETTINGS if one.is_flag]
        return option if option in flags else f"{option} true"
    text = _joined(value) if isinstance(value, list) else str(value)
    if text in {"auto", "empty"} and isinstance(value, list):
        text += ","  # no keyword
    return f"{option}{'=' if text.startswith('-') else ' '}{shlex.quote(text)}"


def _found_as(key: str, word: str) -> str:
    """Return the pattern of a key or a file where it stands for itself.

    What stands in quotes is a name that someone chose, so only files are looked for there.
    """
    alone = re.escape(key) + (rf"(?!{_SUFFIXES})(?=[A-Za-z_])" if key[-1] == "." else r"(?!\.?\w)")
    return rf"(?<!['\"]){alone}" if word.startswith("--") else alone
