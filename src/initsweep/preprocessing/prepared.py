"""What the prepare stage wrote, as the rows of each seed.

With one validation split for all, the splits lie there ready, and every seed has the same rows.
With a *rotating* one, raw columns lie there: of the test rows, and of the development rows, of
which each seed draws its own training and validation rows, and fits its own preprocessing on
the former. The draw depends on the seed and on `data.split_seed` alone, so that all schemes,
rates and roles share the rows of a seed and differences between runs of one seed stay paired.
"""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from initsweep.core import artifacts
from initsweep.core.randomness import numpy_stream
from initsweep.core.records import Schema
from initsweep.preprocessing.fitting import fit_numbers, silenced
from initsweep.preprocessing.transform import Preprocessing

SplitName = Literal["train", "validation", "test"]

RAW = ("numbers", "codes", "targets")
"""What is written of raw rows: numeric columns (rows, numeric), positions among the categories
of each categorical column (rows, categorical), and targets (rows,), as networks are given them."""


def raw_file(split: str, what: str) -> Path:
    """Return the file with one of `RAW` of "development" or "test"."""
    return artifacts.PREPARED / f"{split}_{what}.npy"


class PreparedData:
    """Rows and preprocessing of any seed. Files are read when they are first asked for."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._raw = cache(_read_raw)
        self._ready = cache(_read_ready)
        self._drawn = cache(self._draw)

    def parts(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """Return whose rows have to be kept apart: all seeds, or none if they share theirs."""
        return tuple(dict.fromkeys(seeds)) if self._schema.validation == "rotating" else ()

    def rows(self, split: SplitName, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that a seed has.

        Args:
            split: Which of them.
            seed: The seed of a run.

        Returns:
            Features, shape (rows, features), float32, scaled by the seed's preprocessing; and
            targets, shape (rows,).
        """
        if not self.parts([seed]):
            return self._ready(split)
        numbers, codes, targets = self._raw_of(split, seed)
        fitted = self._drawn(seed)[1]
        return fitted.transform(numbers, list(codes.T)), targets

    def targets(self, split: SplitName, seed: int) -> np.ndarray:
        """Return the targets of the rows that a seed has, shape (rows,)."""
        return (self._raw_of(split, seed) if self.parts([seed]) else self._ready(split))[-1]

    def _raw_of(self, split: SplitName, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the raw numbers, codes and targets of the rows that a seed draws."""
        if split == "test":
            return self._raw("test")
        numbers, codes, targets = self._raw("development")
        held_out = self._drawn(seed)[0]
        chosen = held_out if split == "validation" else ~held_out
        return numbers[chosen], codes[chosen], targets[chosen]

    def preprocessing(self, seed: int) -> Preprocessing:
        """Return what turns raw rows into the features that the network of a seed was given.

        The layout is that of all development rows; fill, mean and scale are those of the seed's
        training rows, and what these never show counts for nothing.
        """
        return self._drawn(seed)[1] if self.parts([seed]) else self._layout

    @cached_property
    def _layout(self) -> Preprocessing:
        artifacts.read_text(artifacts.PREPROCESSING)  # says what to do where it is missing
        return Preprocessing.load(artifacts.PREPROCESSING)

    def _draw(self, seed: int) -> tuple[np.ndarray, Preprocessing]:
        """Draw the development rows that validate, and fit a preprocessing on the others.

        Returns:
            Which rows validate, shape (rows,), bool; and the preprocessing.
        """
        schema, (numbers, codes, targets) = self._schema, self._raw("development")
        held_out = draw(
            targets if schema.task == "classification" else np.zeros(len(targets), np.int64),
            schema.rows["validation"],
            numpy_stream("validation", schema.split_seed, seed),
        )
        known = numbers[~held_out], list(codes[~held_out].T)
        fitted = fit_numbers(self._layout, schema.scaling, *known)
        return held_out, silenced(fitted, schema.scaling, *known)


def draw(classes: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw rows so that each class has its share among them, and one row at least is left of each.

    Args:
        classes: Shape (rows,), int64; all 0 where rows have no class.
        count: How many rows to draw; as many as there are classes must be left.
        generator: Where the draw comes from.

    Returns:
        Which rows are drawn, shape (rows,), bool.
    """
    sizes = np.bincount(classes)
    taken, rest = np.divmod(sizes * count, len(classes))
    while (missing := count - int(taken.sum())) > 0:
        room = taken < sizes - 1
        nearest = np.lexsort((generator.random(len(sizes)), -rest, ~room))
        taken[nearest[: min(missing, int(room.sum()))]] += 1
    order = generator.permutation(len(classes))
    drawn = np.zeros(len(classes), dtype=bool)
    for one, share in enumerate(taken):
        drawn[order[classes[order] == one][:share]] = True
    return drawn


def _read_ready(split: str) -> tuple[np.ndarray, np.ndarray]:
    files = (artifacts.features_file(split), artifacts.targets_file(split))
    features, targets = map(artifacts.read_array, files)
    return features, targets


def _read_raw(split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers, codes, targets = (artifacts.read_array(raw_file(split, what)) for what in RAW)
    return numbers, codes, targets
