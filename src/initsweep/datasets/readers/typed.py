"""`parquet:FILE`, `json:FILE` and `arff:FILE`: tables with types."""

import io
import json
import re
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from initsweep.core.errors import DataError
from initsweep.core.user_files import checked, refuse_large
from initsweep.datasets.faults import command
from initsweep.datasets.file_kinds import HEAD_BYTES, described
from initsweep.datasets.from_table import BYTES_PER_CELL, with_test
from initsweep.datasets.in_messages import in_one_line
from initsweep.datasets.opening import check_width, opened, reading
from initsweep.datasets.raw_table import Table, doubled, named
from initsweep.datasets.readers import READERS, Reader
from initsweep.preprocessing.transform import category_of

MAGIC = b"PAR1"
ROWS_AT_A_TIME = 1 << 12
PANDAS_INDEX = re.compile(r"__index_level_\d+__")
TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())

Columns = Any
"""A pyarrow table; pyarrow is untyped."""


def _table(
    path: Path, columns: Columns, where: str, row: str = "row", notices: tuple[str, ...] = ()
) -> Table:
    if (said := doubled(columns.column_names, str(path), where)) is not None:
        raise DataError(said)
    return Table(
        path=str(path),
        columns=columns.rename_columns(named(columns.column_names)),
        place=lambda number: f"{row} {number + 1} of '{path}'",
        notices=notices,
    )


def read_parquet(path: Path, key: str) -> Table:
    """Return the table in a Parquet file, whose word is taken only after looking.

    Pandas' numbers of rows are left out; they stand last, where a target is expected.
    """
    columns = _with_classes(_parquet(checked(path, key)))
    index = [name for name in columns.column_names if PANDAS_INDEX.fullmatch(name)]
    said = [f"'{path}': {one} is pandas' number of each row, and is left out." for one in index]
    return _table(path, columns.drop_columns(index), "the schema", notices=tuple(said[:1]))


def _with_classes(columns: Columns) -> Columns:
    # Names of classes in place of their numbers, where the `datasets` library left some.
    try:
        kept = json.loads((columns.schema.metadata or {})[b"huggingface"])["info"]["features"]
        named = {
            name: pa.array(one["names"], pa.string())
            for name, one in kept.items()
            if isinstance(one, dict) and one.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowInvalid):
        return columns  # somebody else's, or none
    for name, names in named.items():
        if name in columns.column_names and pa.types.is_integer(columns[name].type):
            codes = columns[name].combine_chunks()
            known = compute.and_(compute.greater_equal(codes, 0), compute.less(codes, len(names)))
            chosen = names.take(compute.if_else(known, codes, None))
            columns = columns.set_column(columns.column_names.index(name), name, chosen)
    return columns


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(max(0, path.stat().st_size - len(MAGIC)))
        tail = stream.read()
    if not head.startswith(MAGIC):
        raise DataError(f"'{path}' is no Parquet file; it looks like {described(path, head)}")
    if tail != MAGIC:
        raise DataError(f"'{path}' is a Parquet file that was cut short; write or copy it again.")


def _parquet(path: Path) -> Columns:
    _refuse_other_kinds(path)
    try:
        schema = parquet.read_schema(path)
        texts = [field.name for field in schema if field.type in TEXTS]
        # Text by its different values: one long text may stand in a million rows.
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            declared, width = file.metadata.num_rows, file.metadata.num_columns
            check_width(path, width)
            refuse_large(f"'{path}'", declared * sum(_width(field.type) for field in schema))
            columns = _batches(path, file).cast(pa.schema(map(_read_as, schema), schema.metadata))
        # Offsets and UTF-8 are not checked by reading.
        columns.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"'{path}' does not hold what a Parquet file declares: {in_one_line(error)}. Write it "
            "again, or export it as CSV."
        ) from None
    if columns.num_rows != declared:
        raise DataError(f"'{path}' declares {declared} rows and holds {columns.num_rows}.")
    return columns


def _read_as(field: pa.Field) -> pa.Field:
    # Arrow cannot yet choose rows of views.
    return field.with_type(pa.string()) if field.type == pa.string_view() else field


def _batches(path: Path, file: parquet.ParquetFile) -> Columns:
    # A file may unpack to far more than it declares.
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME):
        batches.append(batch)
        size += sum(map(_size, batch.columns))
        refuse_large(f"'{path}'", size)
    return pa.Table.from_batches(batches, file.schema_arrow)


def _size(column: Columns) -> int:
    """Return how many bytes a column takes, text written out."""
    if not pa.types.is_dictionary(column.type) or column.type.value_type not in TEXTS:
        return int(column.nbytes)
    lengths = compute.binary_length(column.dictionary)
    return int(compute.sum(lengths.take(column.indices)).as_py() or 0)


def _width(kind: pa.DataType) -> int:
    """Return how many bytes a cell takes at least."""
    is_wide = pa.types.is_fixed_size_binary(kind)
    return max(BYTES_PER_CELL, kind.byte_width if is_wide else 0)


def read_json(path: Path, key: str) -> Table:
    """Return the table that pandas makes of a list of records, or of a record in each line.

    Raises:
        DataError: If it holds something else, or columns of mixed types.
    """
    import pandas as pd

    content = _content(path, key)
    in_lines = not content[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if in_lines and (made := _as_records(content)):
        written = 'to_json(orient="records", double_precision=15)'
        code = f"import pandas, sys; print({made}.{written})"
        run = command(path, [f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"], "records")
        raise DataError(
            f"'{path}' is no list of records, but holds one by columns or under a name. To read "
            f"it all the same, run {run} and name the new file instead."
        )
    try:
        frame = pd.read_json(io.BytesIO(content), orient="records", lines=in_lines, dtype=False)
        for name in filter(lambda one: pd.api.types.is_object_dtype(frame[one]), frame.columns):
            frame[name] = frame[name].map(_as_text)
        columns = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    except (ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise DataError(
            f"'{path}' is no list of flat records, nor one in each line: {in_one_line(error)}. "
            "Write it as CSV."
        ) from None
    return _table(path, columns, "the records", "record")


def _as_records(content: bytes) -> str:
    """Return the code for a frame of a table that is written otherwise, "" if it is none."""
    try:
        held = json.loads(content)
    except (ValueError, RecursionError):
        return ""  # a record in each line, say
    if not isinstance(held, dict):
        return ""
    read = "pandas.read_json((sys.argv[1:] or [sys.stdin])[0], "
    exact = "dtype=False, convert_dates=False)"
    if isinstance(held.get("columns"), list) and isinstance(held.get("data"), list):
        return f'{read}orient="split", {exact}'
    parts = [one for one in held.values() if isinstance(one, list | dict)]
    if len(parts) == len(held) > 1 and len({len(one) for one in parts}) == 1 < len(parts[0]):
        return f'{read}orient="columns", {exact}'
    for name, one in held.items():
        if isinstance(one, list) and len(one) > 1 and all(isinstance(row, dict) for row in one):
            return f'pandas.DataFrame({read}typ="series", {exact}[{json.dumps(name)}])'
    return ""


def _content(path: Path, key: str) -> bytes:
    with reading(path), opened(checked(path, key)) as stream:
        return stream.read()


def _as_text(value: object) -> object:
    """Return a value of a column of several types, as it would stand in a file of text."""
    nested = isinstance(value, list | dict)
    return value if nested or category_of(value) is None else category_of(value)


def read_arff(path: Path, key: str) -> Table:
    """Return a table of Weka's, as SciPy reads it.

    Raises:
        DataError: If SciPy cannot, with the command that makes it CSV.
    """
    from scipy.io import arff

    content = _content(path, key)
    try:
        rows, described = arff.loadarff(io.StringIO(content.decode("utf-8-sig")))
        columns = [
            pa.array([one.decode() for one in rows[name]] if kind == "nominal" else rows[name])
            for name, kind in zip(described.names(), described.types(), strict=True)
        ]
    except Exception as error:  # noqa: BLE001 - SciPy trusts files; where they end early, too
        made = command(path, ["grep -v '^[@%]'"], suffix=".csv")
        remedy = f"Make it a CSV file without names: {made}"
        if re.search(rb"\n\s*\{", content):
            remedy = "Its rows are sparse; write all of their values, as CSV"
        raise DataError(f"'{path}' cannot be read: {in_one_line(error)}. {remedy}.") from None
    return _table(path, pa.table(columns, described.names()), "the attributes")


for name, read, summary in (
    ("parquet", read_parquet, "A table with typed columns."),
    ("json", read_json, "A list of records, or a record in each line (JSON lines)."),
    ("arff", read_arff, "A table of Weka's, with numbers and nominal attributes."),
):
    READERS.add(name, Reader(summary=summary, read=partial(with_test, read)))
