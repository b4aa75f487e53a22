"""Wine: 178 wines, 13 chemical measurements, three cultivars."""

from initsweep.datasets import DATASETS, Dataset
from initsweep.datasets._sklearn import from_bunch


@DATASETS.register("wine")
def load() -> Dataset:
    """Return the wine data set."""
    from sklearn.datasets import load_wine

    return from_bunch(
        load_wine(),
        "classification",
        "Aeberhard & Forina 1992, UCI Wine",
    )
