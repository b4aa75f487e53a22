"""`arff:FILE`: Weka's tables, as SciPy reads them."""

import io
from functools import partial
from pathlib import Path

import pyarrow as pa

from initsweep.datasets._faults import command
from initsweep.datasets._files import opened, reading
from initsweep.datasets._given import Table
from initsweep.datasets._headers import check_names
from initsweep.datasets._table import with_test
from initsweep.datasets._wording import in_one_line
from initsweep.datasets.readers import READERS, Reader
from initsweep.errors import DataError
from initsweep.user_files import checked


def _read(path: Path, key: str) -> Table:
    """Read a file.

    Returns:
        The table.

    Raises:
        DataError: If SciPy cannot, with the command that makes it CSV.
    """
    from scipy.io import arff

    with reading(path), opened(checked(path, key)) as stream:
        content = stream.read()
    try:
        rows, described = arff.loadarff(io.StringIO(content.decode("utf-8-sig")))
        columns = [
            pa.array([one.decode() for one in rows[name]] if kind == "nominal" else rows[name])
            for name, kind in zip(described.names(), described.types(), strict=True)
        ]
    except (
        NotImplementedError,
        ValueError,
        StopIteration,
        OSError,
    ) as error:  # SciPy's and Arrow's
        made = command(path, ["grep -v '^[@%]'"], suffix=".csv")
        raise DataError(
            f"'{path}' cannot be read: {in_one_line(error)}. Make it a CSV file without names: "
            f"{made}."
        ) from None
    return Table(
        path=str(path),
        columns=pa.table(columns, check_names(described.names(), str(path), "the attributes")),
        place=lambda row: f"row {row + 1} of '{path}'",
    )


READERS.add(
    "arff",
    Reader(
        form="FILE",
        summary="A table of Weka's, with numbers and nominal attributes.",
        files=lambda location: [Path(location)],
        read=partial(with_test, _read),
    ),
)
