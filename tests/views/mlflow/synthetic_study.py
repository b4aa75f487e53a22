"""The made-up study as small as MLflow's tests want it, with a model that can be served."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as to_safetensors

from initsweep.core import artifacts
from initsweep.core.params import Params
from initsweep.core.records import Provenance
from initsweep.preprocessing.transform import Preprocessing
from initsweep.views.mlflow.connection import connection
from initsweep.views.mlflow.location import locate
from tests import made_study
from tests.made_study import PROVENANCE, ROOT, Made, changed

__all__ = ["ROOT"]

NAMES = ("zeros", "he_normal")
GRID = (0.01, 0.1)
BEST, OTHER = (0.08, -2.0, 0.3, -1.6), (0.19, -2.0, 0.3, -1.6)  # diverge at the upper rate


def make_params(
    names: Sequence[str] = NAMES,
    uri: str = "sqlite:///mlflow.db",
    epochs: int = 3,
    artifacts: str | None = None,
) -> Params:
    tracking = {"uri": uri, "artifacts": artifacts}
    return made_study.make_params(names, training={"epochs": epochs}, tracking=tracking)


def empty_database(root: Path) -> None:
    """Make MLflow's database in a folder."""
    with connection(locate(make_params(), root)) as client:
        client.search_experiments()


def make_study(
    names: Sequence[str] = NAMES,
    *,
    grid: Sequence[float] = GRID,
    seeds: Sequence[int] = (100, 101),
    epochs: int = 3,
    settings: Mapping[str, str] | None = None,
    attachments: Mapping[str, Path] | None = None,
) -> Made:
    laws = {name: BEST if name == "he_normal" else OTHER for name in names} | {"zeros": None}
    made = made_study.make_study(
        names=names,
        decision="winner" if {*names} - {"zeros"} else "none_trainable",
        rates=grid,
        seeds=seeds,
        epochs=epochs,
        laws=laws,
    )
    files = attachments or {}
    two = {"feature_names": ["a", "b"], "feature_mean": [0.0] * 2, "feature_scale": [1.0] * 2}
    return changed(
        made,
        schema=replace(made.schema, n_features=2, **two),
        settings=made.settings | (settings or {}),
        attachments=files,
        attachments_sha=artifacts.file_hash(list(files.values())),
    )


def write_study(study: Made, root: Path) -> None:
    """Write the study as the stages would, up to the report."""
    study.write(root)
    fitted = Preprocessing(
        numeric=tuple(study.schema.feature_names),
        fill=None,
        indicators=(),
        categorical=(),
        dropped=(),
        mean=tuple(study.schema.feature_mean),
        scale=tuple(study.schema.feature_scale),
        shape=(),
    )
    artifacts.write_json(root / artifacts.PREPROCESSING, fitted.to_json())
    artifacts.write_array(root / artifacts.features_file("train"), np.array([[0.5, -1.0]] * 4))
    artifacts.write_array(root / artifacts.targets_file("train"), np.zeros(4))
    artifacts.write_text(root / artifacts.REPORTS / "review.html", "<h1>review</h1>")
    artifacts.write_text(root / artifacts.REPORTS / "review.md", "# review")
    for name in ("tradeoff", "signal", "health", "spectrum"):
        artifacts.write_bytes(root / artifacts.REPORTS / "figures" / f"{name}.png", b"png")
    for scheme in study.by_scheme:
        file = root / artifacts.train_folder(scheme) / "model.safetensors"
        artifacts.write_bytes(file, to_safetensors(some_weights()))


def some_weights() -> dict[str, torch.Tensor]:
    """Weights of the network of `make_params`, without a seed of their own: they are ramps."""
    shapes = [(128, 2), (128, 128), (128, 128), (10, 128)]
    names = ["hidden.0.linear", "hidden.1.linear", "hidden.2.linear", "head"]
    return {
        f"{name}.{kind}": torch.linspace(-0.5, 0.6, math.prod(shape[:size])).reshape(shape[:size])
        for name, shape in zip(names, shapes, strict=True)
        for kind, size in (("weight", 2), ("bias", 1))
    }


def provenance(*, code_sha: str = "c0de") -> Provenance:
    return replace(PROVENANCE, code_sha=code_sha)
