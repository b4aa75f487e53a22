"""A profile of the data: what a person should know before trusting a study on it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets.in_messages import legible_names, quoted
from initsweep.datasets.splitting import Prepared, constant_columns

MOST_COMMON = 10
SAMPLE_ROWS = 2000
"""So many rows show what a column tells."""

FEWEST_TOLD = 20
TELLS_ALL = 0.95
"""Of what a feature can tell of the target; measured features stay below."""

TELLS_MUCH = 0.8
"""Of the class: more than a whole number that nearly every row has for itself should tell."""

NEARLY_UNIQUE = 0.9
CELLS_AT_A_TIME = 1 << 22


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
        what += f", {len(dataset.class_names)} classes ({legible_names(dataset.class_names)})"
    said = [f"Target: {name}{what}."]
    if dataset.is_table:
        numbers = [one for one in dataset.feature_names if one not in dataset.categories]
        kinds = [f"{one} ({len(values)})" for one, values in dataset.categories.items()]
        said += [f"Numbers: {len(numbers)} columns: {legible_names(numbers)}."] if numbers else []
        said += [f"Categories: {len(kinds)} columns: {legible_names(kinds)}."] if kinds else []
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


def leaks(dataset: Dataset) -> list[str]:
    """Return sentences on columns that may give the target away; none on images.

    Numbers of rows are whole numbers that rise or fall strictly, or nearly unique ones without a
    name: where rows were sorted by the target they tell it, and say nothing of new rows. So may
    nearly unique ones that tell the class.
    """
    if dataset.shape or len(dataset.features) < FEWEST_TOLD:
        return []
    told, numbers = tells(dataset), []
    for column, name in enumerate(dataset.feature_names):
        values = dataset.features[:, column]
        if name in dataset.categories or not np.all(values == np.round(values)):  # NaN is not
            continue
        steps = np.diff(values)
        known = name in dataset.unnamed
        known |= dataset.task == "classification" and told[column] > TELLS_MUCH
        unique = known and len(np.unique(values)) > NEARLY_UNIQUE * len(values)
        if unique or np.all(steps > 0) or np.all(steps < 0):
            numbers.append(column)
    alone = [one for one in np.flatnonzero(told > TELLS_ALL) if one not in numbers]
    remedy = "list under data.table.drop" if dataset.is_table else "leave out"
    ranks = (
        "numbers the rows, and gives the target away if they were sorted; what is no measurement"
    )
    tells_all = "tells the target nearly alone; what is not known before the target is"
    return [
        f"Column {legible_names([dataset.feature_names[one] for one in columns])} {what}, {remedy}."
        for columns, what in ((numbers, ranks), (alone, tells_all))
        if columns
    ]


def tells(dataset: Dataset) -> np.ndarray:
    """Return how much each feature alone tells of the target, shape (features,): 0 nothing, 1 all.

    Chatterjee's xi: rows are sorted by the feature, and neighbours compared, by the difference of
    ranks, or by whether their classes differ; both as a share of what independence would give.

    Source: Chatterjee 2021, A new coefficient of correlation, equation 1.1 (arXiv 1909.10140).
    """
    generator = np.random.default_rng(0)
    rows = generator.permutation(len(dataset.targets))[:SAMPLE_ROWS]  # ties in random order
    targets = dataset.targets[rows]
    step = max(1, CELLS_AT_A_TIME // len(rows))
    width, classes = dataset.features.shape[1], dataset.task == "classification"
    parts = [
        _xi(dataset.features[rows, start : start + step], targets, classes=classes)
        for start in range(0, width, step)
    ]
    return np.concatenate(parts)


def _xi(features: np.ndarray, targets: np.ndarray, *, classes: bool) -> np.ndarray:
    order = np.argsort(features, axis=0, kind="stable")
    if classes:
        shares = np.unique(targets, return_counts=True)[1] / len(targets)
        differ = (np.diff(targets[order], axis=0) != 0).mean(axis=0)
        told: np.ndarray = 1 - differ / (1 - (shares**2).sum())
        return told
    ranks = np.unique(targets, return_inverse=True)[1]
    spread = np.abs(ranks[:, None] - ranks).mean()
    alike: np.ndarray = 1 - np.abs(np.diff(ranks[order], axis=0)).mean(axis=0) / spread
    return alike
