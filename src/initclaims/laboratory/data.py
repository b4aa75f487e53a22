"""Data for experiments: what ships with scikit-learn, MNIST from files that lie here, draws."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from initsweep.core.errors import DataError
from initsweep.core.params import Fractions
from initsweep.datasets import DATASETS, Dataset, Task
from initsweep.datasets.readers.arrays import read_idx
from initsweep.datasets.splitting import SPLITS, constant_loss, split_rows, standardize
from initsweep.engine.kernels.recorded import recorded_loss
from initsweep.engine.lanes import MetricFunction, Split
from initsweep.metrics import METRICS, loss_of, recorded, score_of

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A split, standardized data set, ready to train on.

    Attributes:
        splits: "train", "validation" and "test".
        constant_loss: By split, the loss of the best constant predictor.
        loss_name: The registered loss of the task.
        score_name: The registered score of the task.
        shape: Of one image (height, width), or None.
    """

    name: str
    splits: Mapping[str, Split]
    constant_loss: Mapping[str, float]
    loss_name: str
    score_name: str
    n_features: int
    n_outputs: int
    shape: tuple[int, int] | None = None

    @property
    def loss(self) -> MetricFunction:
        """The loss that is minimized."""
        return METRICS.get(self.loss_name).function

    @property
    def recorded_loss(self) -> MetricFunction:
        """The same as losses are recorded."""
        return recorded_loss(self.loss_name, recorded(METRICS.get(self.loss_name)))

    @property
    def score(self) -> MetricFunction:
        """The score that is reported."""
        return recorded(METRICS.get(self.score_name))

    @property
    def train(self) -> Split:
        """The rows that are trained on."""
        return self.splits["train"]


@lru_cache(maxsize=16)
def content_sha(data: Data) -> str:
    """Return a short SHA-256 over all rows and the losses that runs are capped at.

    Kept trainings are found by it, so that they outlive changes of the code that reads data.
    """
    digest = hashlib.sha256(repr(sorted(data.constant_loss.items())).encode())
    for name, split in sorted(data.splits.items()):
        for values in (split.features, split.targets):
            digest.update(f"{name}:{values.dtype}:{tuple(values.shape)}:".encode())
            digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def registered(name: str) -> Data:
    """Return one of the data sets that ship with scikit-learn."""
    shape = (8, 8) if name == "digits" else None
    return prepared(name, DATASETS.get(name)(), shape)


def mnist(folder: Path) -> Data:
    """Return MNIST's 10 000 test images, split in three as any other data set.

    Args:
        folder: Where the two files `t10k-…-ubyte` lie, packed (`.gz`) or not.

    Raises:
        DataError: If they are not there or are not what their headers say.
    """
    images = _bytes(folder, IMAGES, 3)
    labels = _bytes(folder, LABELS, 1)
    if len(images) != len(labels):
        raise DataError(f"{folder}: {len(images)} images but {len(labels)} labels.")
    flat = images.reshape(len(images), -1).astype(np.float64)
    dataset = Dataset(
        task="classification",
        features=flat,
        targets=labels.astype(np.int64),
        feature_names=tuple(f"pixel_{index}" for index in range(flat.shape[1])),
        class_names=tuple(str(digit) for digit in range(10)),
        reference="LeCun et al. 1998, MNIST, the 10 000 test images",
    )
    return prepared("mnist", dataset, (images.shape[1], images.shape[2]))


def drawn(name: str, task: Task, features: np.ndarray, targets: np.ndarray) -> Data:
    """Return features and targets that were drawn at random, split and standardized."""
    classes = int(targets.max()) + 1 if task == "classification" else 0
    dataset = Dataset(
        task=task,
        features=features,
        targets=targets,
        feature_names=tuple(f"x{index}" for index in range(features.shape[1])),
        class_names=tuple(str(label) for label in range(classes)),
        reference="drawn at random",
    )
    return prepared(name, dataset, None)


def guessing(splits: Mapping[str, Split], classes: int) -> dict[str, float]:
    """Return by split the cross-entropy, in nats, of guessing the training classes' frequencies.

    For classification data of which rows or classes were left out after preparing.
    """
    counts = splits["train"].targets.bincount(minlength=classes).double()
    logs = (counts / counts.sum()).log()
    return {name: -float(logs[split.targets].mean()) for name, split in splits.items()}


def prepared(name: str, dataset: Dataset, shape: tuple[int, int] | None) -> Data:
    """Return a data set split 60 : 20 : 20 and standardized by its training rows."""
    fractions = Fractions(validation_fraction=0.2, test_fraction=0.2, split_seed=0)
    ready = standardize(dataset, split_rows(name, dataset, fractions))
    return Data(
        name=name,
        splits={split: _split(ready.features[split], ready.targets[split]) for split in SPLITS},
        constant_loss={split: constant_loss(dataset, ready, split) for split in SPLITS},
        loss_name=loss_of(dataset.task).name,
        score_name=score_of(dataset.task).name,
        n_features=dataset.features.shape[1],
        n_outputs=len(dataset.class_names) or 1,
        shape=shape,
    )


def _split(features: np.ndarray, targets: np.ndarray) -> Split:
    return Split(features=torch.from_numpy(features), targets=torch.from_numpy(targets))


def _bytes(folder: Path, name: str, dimensions: int) -> np.ndarray:
    """Return what an IDX file of unsigned bytes holds.

    Raises:
        DataError: If the file is missing, or holds something else.
    """
    found = [file for file in (folder / name, folder / f"{name}.gz") if file.is_file()]
    if not found:
        raise DataError(
            f"mnist: '{folder}' holds neither {name} nor {name}.gz. Give the folder that holds "
            "MNIST's test files, or null to do without."
        )
    values = read_idx(found[0], "mnist")
    if values.dtype != np.uint8 or values.ndim != dimensions:
        raise DataError(
            f"'{found[0]}' holds {values.dtype} in {values.ndim} dimensions, "
            f"not bytes in {dimensions}."
        )
    return values
