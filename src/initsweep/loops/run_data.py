"""The prepared rows of a run, for loops that train on what `data.source` names."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from initsweep.core import artifacts
from initsweep.core.errors import RunError
from initsweep.core.records import Schema
from initsweep.preprocessing.prepared import PreparedData, SplitName


class Rows(NamedTuple):
    """Features, shape (rows, ...), and targets, shape (rows,)."""

    features: Tensor
    targets: Tensor


class RunData:
    """What a run may see of the prepared data: rows of its own seed, as the engine's runs have."""

    def __init__(self, seed: int, *, given: bool, test: bool) -> None:
        self._given, self._seed, self._test = given, seed, test

    @property
    def train(self) -> Rows:
        """The rows to train on."""
        return self._rows("train")

    @property
    def validation(self) -> Rows:
        """The rows by which rates and schemes are chosen."""
        return self._rows("validation")

    @property
    def test(self) -> Rows:
        """The test rows; there for final runs only.

        Raises:
            RunError: If this is none.
        """
        if not self._test:
            raise RunError(
                "run.data.test: test rows are out of reach while rates are tuned. Use them `if "
                "run.is_final:`."
            )
        return self._rows("test")

    def _rows(self, split: SplitName) -> Rows:
        if not self._given:
            raise RunError(
                "run.data: there are no prepared rows, since data.source is `own`; the function "
                "brings its own data."
            )
        found = _prepared().rows(split, self._seed)
        return Rows(*map(torch.from_numpy, found))


@cache
def _prepared() -> PreparedData:
    return PreparedData(artifacts.read_record(artifacts.SCHEMA, Schema))
