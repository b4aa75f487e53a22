"""Files of all kinds, and the parameters to read them with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from initsweep.core.params import Data, load_params
from initsweep.datasets import Dataset
from initsweep.datasets.loading import load
from tests.conftest import ROOT

DATA = load_params(ROOT / "params.yaml").data


@pytest.fixture
def settings(tmp_path) -> Callable[..., Data]:
    """Return the section `data`, table options by keyword: settings("csv:a.csv", target="y")."""

    def build(
        source: str, *, task="auto", scaling="auto", validation="fixed", **table: Any
    ) -> Data:
        return DATA.model_copy(
            update={
                "source": source,
                "task": task,
                "scaling": scaling,
                "validation": validation,
                "watch": str(tmp_path),
                "table": DATA.table.model_copy(update=table),
            }
        )

    return build


@pytest.fixture
def written(tmp_path) -> Callable[..., Path]:
    """Write a file of lines (text) or of bytes."""

    def write(content: str | list[str] | bytes, name: str = "my.csv") -> Path:
        if isinstance(content, list):
            content = "\n".join(content) + "\n"
        if isinstance(content, str):
            content = content.encode()
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def loaded(written, settings) -> Callable[..., Dataset]:
    """Write a CSV file and load it."""

    def read(content: str | list[str] | bytes, *, kind: str = "csv", **options: Any) -> Dataset:
        return load(settings(f"{kind}:{written(content)}", **options))

    return read


@pytest.fixture
def people() -> list[str]:
    """A small table of mixed columns: lines of text with a header."""
    jobs = ("clerk", '"smith, black"', "teacher")
    return [
        "age,income,job,answer",
        *(
            f"{20 + row % 40},{1000.5 + 13 * (row % 31)},{jobs[row % 3]},{('no', 'yes')[row % 2]}"
            for row in range(60)
        ),
    ]
