"""A trained model as files that MLflow loads where initsweep is not installed, nothing pickled."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from initsweep.core.params import fingerprint
from initsweep.preprocessing import transform
from initsweep.preprocessing.transform import Preprocessing

SERVED_CODE = Path(__file__).with_name("served_model.py")
PREPROCESSING_CODE = Path(transform.__file__)
REQUIRED = ("mlflow", "numpy", "pandas", "safetensors", "torch")

RawValue = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The kept model of one scheme, ready to be logged.

    Attributes:
        scheme: Whose it is.
        seed: The seed it was trained with, that with the median validation
            loss of the first fresh seeds.
        network: Python source that defines `forward(tensors, features)`.
        weights: Its tensors as safetensors.
        preprocessing: What turns raw rows into its features.
        facts: Everything else that an answer needs: task, classes or units.
        example: Raw rows, by column; images as an array of pixels.
    """

    scheme: str
    seed: int
    network: str
    weights: bytes
    preprocessing: Preprocessing
    facts: Mapping[str, Any]
    example: Mapping[str, Sequence[RawValue]] | np.ndarray

    @property
    def sha(self) -> str:
        """Changes with anything that changes an answer."""
        files = {name: content.hex() for name, content in self.files().items()}
        return fingerprint([files, requirements()])

    def files(self) -> dict[str, bytes]:
        """Return the logged files by name, without MLflow's own."""
        return {
            "served_model.py": SERVED_CODE.read_bytes(),
            "network.py": self.network.encode(),
            "weights.safetensors": self.weights,
            "facts.json": _json(self.facts),
            "preprocessing.json": _json(self.preprocessing.to_json()),
            "preprocessing.py": PREPROCESSING_CODE.read_bytes(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A decision as the registry shows it.

    Attributes:
        model: The model that was chosen.
        text: Who chose it and why, for the version's page.
        tags: The same for scripts.
    """

    model: ServedModel
    text: str
    tags: Mapping[str, str]


def requirements() -> list[str]:
    """Return the packages that an answer needs, pinned; local builds such as +cpu left open."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIRED]


def save(model: ServedModel, folder: Path) -> Path:
    """Write the model in MLflow's format.

    Args:
        model: What to write.
        folder: An empty folder to work in.

    Returns:
        The folder to log.
    """
    for name, content in model.files().items():
        (folder / name).write_bytes(content)
    artifacts = {
        key: str(folder / name)
        for key, name in (
            ("network", "network.py"),
            ("weights", "weights.safetensors"),
            ("facts", "facts.json"),
            ("preprocessing", "preprocessing.json"),
            ("preprocessing_code", "preprocessing.py"),
        )
    }
    with warnings.catch_warnings():
        # MLflow warns of its own type hints, and uses pandas in ways that pandas will change.
        warnings.simplefilter("ignore")
        from unittest.mock import patch

        from mlflow import pyfunc
        from mlflow.utils import environment

        # It reads what all installed packages consist of, to warn of versions that are not the
        # installed ones: ours are those.
        with patch.object(environment, "warn_dependency_requirement_mismatches", create=True):
            pyfunc.save_model(
                path=str(folder / "model"),
                python_model=str(folder / "served_model.py"),
                artifacts=artifacts,
                signature=_signature(model),
                metadata={"inputs": _described(model)},
                input_example=_example(model),
                pip_requirements=requirements(),
            )
    return folder / "model"


def _signature(model: ServedModel) -> Any:  # noqa: ANN401 - MLflow's type, imported only when used
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    if model.facts["task"] == "regression":
        outputs: list[Any] = [ColSpec(DataType.double, "prediction")]
    else:
        classes = model.facts["class_names"]
        outputs = [ColSpec(DataType.string, "label")]
        outputs += [ColSpec(DataType.double, f"probability_{name}") for name in classes]
    return ModelSignature(inputs=Schema(_inputs(model)), outputs=Schema(outputs))


def _inputs(model: ServedModel) -> list[Any]:
    """Return names without types, for MLflow refuses what is not of the very type it was told.

    A column of whole numbers is an int64 without gaps and a float64 with them; a zip code is a
    number or text, depending on who reads the file; pixels are bytes or floats. The model converts
    what it is given, and says what it cannot use.
    """
    from mlflow.types import ColSpec, TensorSpec
    from mlflow.types.schema import AnyType

    if isinstance(model.example, np.ndarray):
        return [TensorSpec(np.dtype(object), (-1,))]  # MLflow's way to say: any array
    anything = AnyType()  # type: ignore[no-untyped-call]
    return [ColSpec(anything, name) for name in model.preprocessing.columns]


def _described(model: ServedModel) -> dict[str, str] | str:
    """Return what the inputs are, for those who read the model's page."""
    fitted = model.preprocessing
    if isinstance(model.example, np.ndarray):
        return f"array of numbers, shape {('rows', *model.example.shape[1:])}".replace("'", "")
    numbers = dict.fromkeys(fitted.numeric, "number")
    return numbers | {column.name: "category" for column in fitted.categorical}


def _example(model: ServedModel) -> Any:  # noqa: ANN401 - a DataFrame or an array
    import pandas as pd

    if isinstance(model.example, np.ndarray):
        return model.example
    return pd.DataFrame(dict(model.example))


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode()
