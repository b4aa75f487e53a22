"""Reads Parquet files as typed columns, and believes what they say only after looking."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from initsweep.datasets._files import check_width
from initsweep.datasets._given import Table
from initsweep.datasets._headers import check_names
from initsweep.datasets._kinds import HEAD_BYTES, described
from initsweep.datasets._table import BYTES_PER_CELL
from initsweep.datasets._wording import in_one_line
from initsweep.errors import DataError
from initsweep.user_files import checked, refuse_large

MAGIC = b"PAR1"
ROWS_AT_A_TIME = 1 << 12
PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(path: Path, key: str) -> Table:
    """Read a Parquet file.

    Args:
        path: The file.
        key: The parameter that names it, for messages.

    Returns:
        The table.

    Raises:
        DataError: If it is not Parquet, is damaged, or holds something else than it declares.
    """
    columns = _with_classes(_read(checked(path, key)))
    columns, notices = _without_index(columns, str(path))
    names = check_names(columns.column_names, str(path), "the schema")
    return Table(
        path=str(path),
        columns=columns.rename_columns(names),
        place=lambda row: f"row {row + 1} of '{path}'",
        notices=notices,
    )


def _without_index(columns: Any, path: str) -> tuple[Any, tuple[str, ...]]:  # noqa: ANN401
    """Leave out pandas' numbers of rows, which stand last, where a target is expected.

    Returns:
        The other columns, and what to say.
    """
    index = [name for name in columns.column_names if PANDAS_INDEX.fullmatch(name)]
    if not index:
        return columns, ()
    said = f"'{path}': {index[0]} is pandas' number of each row, and is left out."
    return columns.drop_columns(index), (said,)


def _with_classes(columns: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Put names of classes in place of their numbers, where the `datasets` library left some.

    Returns:
        The columns.
    """
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
    """Refuse a file that does not begin or end as Parquet does.

    Raises:
        DataError: With what it looks like.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(max(0, path.stat().st_size - len(MAGIC)))
        tail = stream.read()
    if not head.startswith(MAGIC):
        kind = described(path, head)
        raise DataError(f"'{path}' is no Parquet file; it looks like {kind.what}. {kind.remedy}.")
    if tail != MAGIC:
        raise DataError(f"'{path}' is a Parquet file that was cut short; write or copy it again.")


def _read(path: Path) -> Any:  # noqa: ANN401 - pyarrow is untyped
    _refuse_other_kinds(path)
    try:
        schema = parquet.read_schema(path)
        texts = [field.name for field in schema if _is_text(field.type)]
        # Text by its different values: one long text may stand in a million rows.
        with parquet.ParquetFile(path, read_dictionary=texts) as file:
            declared, width = file.metadata.num_rows, file.metadata.num_columns
            check_width(path, width)
            refuse_large(f"'{path}'", declared * sum(_width(field.type) for field in schema))
            columns = _columns(path, file)
        for position, field in enumerate(schema):  # two may have the same name
            if _is_text(field.type):
                whole = columns.column(position).cast(field.type)
                columns = columns.set_column(position, field.name, whole)
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


def _columns(path: Path, file: Any) -> Any:  # noqa: ANN401 - pyarrow is untyped
    """Return what is in a file, which may unpack to far more than it declares."""
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME):
        batches.append(batch)
        size += sum(_size(column) for column in batch.columns)
        refuse_large(f"'{path}'", size)
    return pa.Table.from_batches(batches, file.schema_arrow)


def _size(column: Any) -> int:  # noqa: ANN401 - pyarrow is untyped
    """Return how many bytes a column takes, text written out."""
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return int(column.nbytes)
    lengths = compute.binary_length(column.dictionary)
    return int(compute.sum(lengths.take(column.indices)).as_py() or 0)


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow is untyped
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _width(kind: Any) -> int:  # noqa: ANN401 - pyarrow is untyped
    """Return how many bytes a cell takes at least."""
    is_wide = pa.types.is_fixed_size_binary(kind)
    return max(BYTES_PER_CELL, kind.byte_width if is_wide else 0)
