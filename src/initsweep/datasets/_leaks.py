"""Columns that may give the target away: numbers of rows, and features that tell it alone."""

import numpy as np

from initsweep.datasets import Dataset
from initsweep.datasets._wording import listed

SAMPLE_ROWS = 2000
"""So many rows show what a column tells."""

FEWEST_ROWS = 20
TELLS_ALL = 0.95
"""Of what a feature can tell of the target; measured features stay below."""

TELLS_MUCH = 0.8
"""Of the class: more than a whole number that nearly every row has for itself should tell."""

NEARLY_UNIQUE = 0.9
CELLS_AT_A_TIME = 1 << 22


def leaks(dataset: Dataset) -> list[str]:
    """Return sentences on columns that may give the target away; none on images.

    Numbers of rows are whole numbers that rise or fall strictly, or nearly unique ones without a
    name: where rows were sorted by the target they tell it, and say nothing of new rows. So may
    nearly unique ones that tell the class.
    """
    if dataset.shape or len(dataset.features) < FEWEST_ROWS:
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
        f"Column {listed([dataset.feature_names[one] for one in columns])} {what}, {remedy}."
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
