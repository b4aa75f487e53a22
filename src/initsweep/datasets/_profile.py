"""A profile of the data: what a person should know before trusting a study on it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._fitting import constant_columns
from initsweep.datasets._splitting import Prepared
from initsweep.datasets._wording import listed, quoted

MOST_COMMON = 10


def profile(dataset: Dataset, prepared: Prepared) -> dict[str, Any]:
    """Describe features, targets and splits, with what may mislead: leaks and constant columns.

    Returns:
        JSON-like. `rows_also_in_train` counts rows of a split whose features occur in a training
        row too, or for splits that seeds draw, in another of the rows that they draw from.
    """
    fitted_on, rows = prepared.fitted_on, prepared.rows
    known = dataset.features[rows[fitted_on]]
    dropped = list(prepared.preprocessing.dropped)
    missing = int(np.isnan(dataset.features).sum()) if dataset.is_table else 0
    return {
        "rows": {name: len(of) for name, of in rows.items()},
        "rows_also_in_train": {
            name: _shared_rows(dataset.features[of], known, times=1 + (name == "development"))
            for name, of in rows.items()
            if name != "train"
        },
        "constant_features": constant_columns(dataset, known),
        "dropped_features": dropped,
        "missing_values": missing,
        "notices": _notices(dataset, fitted_on, dropped, missing),
        "targets": _targets(dataset, prepared),
        "features": [
            {"name": name, **_feature(dataset, name, known[:, column])}
            for column, name in enumerate(dataset.feature_names)
        ],
        "largest_standardized_value": {
            name: float(np.abs(features).max()) for name, features in prepared.features.items()
        },
    }


def decided(dataset: Dataset) -> list[str]:
    """Return what is predicted and what columns were taken for, a line for each kind."""
    name = f"{quoted(dataset.target_name)}, " if dataset.target_name else ""
    what: str = dataset.task
    if dataset.class_names:
        what += f", {len(dataset.class_names)} classes ({listed(dataset.class_names)})"
    said = [f"Target: {name}{what}."]
    if dataset.is_table:
        numbers = [one for one in dataset.feature_names if one not in dataset.categories]
        kinds = [f"{one} ({len(values)})" for one, values in dataset.categories.items()]
        said += [f"Numbers: {len(numbers)} columns: {listed(numbers)}."] if numbers else []
        said += [f"Categories: {len(kinds)} columns: {listed(kinds)}."] if kinds else []
    return said


def caveats(found: dict[str, Any]) -> list[str]:
    """Return sentences about what limits a study of this data, as counted in the profile."""
    shared = {name: n for name, n in found["rows_also_in_train"].items() if n}
    if not shared:
        return []
    counts = " and ".join(f"{n} of {found['rows'][name]} {name}" for name, n in shared.items())
    what = "another development row" if "development" in found["rows"] else "a training row"
    return [
        f"{counts} rows have the same features as {what}: what is measured on them says "
        "nothing about unseen rows."
    ]


def _notices(dataset: Dataset, fitted_on: str, dropped: Sequence[str], missing: int) -> list[str]:
    """Return what was assumed and done that the user may want to know."""
    said, known = list(dataset.notices), "training" if fitted_on == "train" else fitted_on
    if dropped:
        listed = ", ".join(map(quoted, dropped[:5])) + (", ..." if len(dropped) > 5 else "")
        said.append(f"Columns that never vary in the {known} rows are left out: {listed}.")
    if missing:
        said.append(
            f"{missing} values are missing: numbers are filled in with the median of the training "
            "rows, with an indicator; a missing category is a category."
        )
    return said


def _feature(dataset: Dataset, name: str, values: np.ndarray) -> dict[str, object]:
    if not dataset.is_table:
        return {**_summary(values)}
    missing = np.isnan(values)
    present, gaps = values[~missing], {"missing": int(missing.sum())}
    if name not in dataset.categories:
        return {**(_summary(present) if len(present) else {}), **gaps}
    labels = dataset.categories[name]
    counts = np.bincount(present.astype(np.int64), minlength=len(labels))
    common = np.argsort(-counts, kind="stable")[:MOST_COMMON]
    return {
        "categories": int((counts > 0).sum()),
        "most_common": {labels[code]: int(counts[code]) for code in common if counts[code]},
        **gaps,
    }


def _targets(dataset: Dataset, prepared: Prepared) -> dict[str, object]:
    if dataset.task == "regression":
        return {name: _summary(dataset.targets[of]) for name, of in prepared.rows.items()}
    names = dataset.class_names
    return {
        split: dict(zip(names, np.bincount(of, minlength=len(names)).tolist(), strict=True))
        for split, of in prepared.targets.items()
    }


def _summary(values: np.ndarray) -> dict[str, float]:
    values = values.astype(np.float64)  # squares of others may overflow
    return {
        "minimum": float(values.min()),
        "mean": float(values.mean()),
        "maximum": float(values.max()),
        "standard_deviation": float(values.std()),
    }


def _shared_rows(features: np.ndarray, known: np.ndarray, *, times: int) -> int:
    """Return how many of these rows are among the known ones, so many times or more."""
    found = Counter(row.tobytes() for row in known)
    return sum(found[row.tobytes()] >= times for row in features)
