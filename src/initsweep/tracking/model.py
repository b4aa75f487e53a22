"""A trained model as files that MLflow loads where initsweep is not installed, nothing pickled."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from initsweep.params import fingerprint

SERVED_CODE = Path(__file__).with_name("served_model.py")
REQUIRED = ("mlflow", "numpy", "pandas", "safetensors", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """The kept model of one scheme, ready to be logged.

    Attributes:
        scheme: Whose it is.
        seed: The seed it was trained with, the one with the median validation loss.
        network: Python source that defines `forward(tensors, features)`.
        weights: Its tensors as safetensors.
        facts: Everything else that an answer needs: preprocessing, task, classes or units.
        example: Raw feature rows, one mapping per row.
    """

    scheme: str
    seed: int
    network: str
    weights: bytes
    facts: Mapping[str, Any]
    example: Sequence[Mapping[str, float]]

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
            "facts.json": json.dumps(self.facts, indent=1, allow_nan=False).encode(),
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
        )
    }
    with warnings.catch_warnings():
        # MLflow warns of its own type hints, and uses pandas in ways that pandas will change.
        warnings.simplefilter("ignore")
        import pandas as pd
        from mlflow import pyfunc

        pyfunc.save_model(
            path=str(folder / "model"),
            python_model=str(folder / "served_model.py"),
            artifacts=artifacts,
            signature=_signature(model),
            input_example=pd.DataFrame(list(model.example)),
            pip_requirements=requirements(),
        )
    return folder / "model"


def _signature(model: ServedModel) -> Any:  # noqa: ANN401 - MLflow's type, imported only when used
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs: list[Any] = [
        ColSpec(DataType.double, name) for name in model.facts["preprocessing"]["feature_names"]
    ]
    if model.facts["task"] == "regression":
        outputs: list[Any] = [ColSpec(DataType.double, "prediction")]
    else:
        classes = model.facts["class_names"]
        outputs = [ColSpec(DataType.string, "label")]
        outputs += [ColSpec(DataType.double, f"probability_{name}") for name in classes]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
