"""Reads Parquet files as typed columns, and believes what they say only after looking."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from initsweep.datasets._files import check_width, checked
from initsweep.datasets._sniffing import check_names
from initsweep.datasets._table import Table
from initsweep.errors import DataError


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
    columns = _read(checked(path, key))
    if not columns.num_rows:
        raise DataError(f"'{path}' has columns but no rows.")
    names = check_names(columns.column_names, str(path))
    return Table(
        path=str(path),
        columns=columns.rename_columns(names),
        place=lambda row: f"row {row + 1} of '{path}'",
    )


def _read(path: Path) -> Any:  # noqa: ANN401 - pyarrow is untyped
    try:
        with parquet.ParquetFile(path) as file:
            check_width(path, file.metadata.num_columns)
            declared, columns = file.metadata.num_rows, file.read()
        # Offsets and UTF-8 are not checked by reading.
        columns.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"'{path}' does not hold what a Parquet file declares: {error}. Write it again, or "
            "export it as CSV."
        ) from None
    if columns.num_rows != declared:
        raise DataError(f"'{path}' declares {declared} rows and holds {columns.num_rows}.")
    return columns
