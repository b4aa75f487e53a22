"""What MLflow runs where a logged model is served: raw feature rows in, answers out.

This file is copied into the model; it needs none of the rest of initsweep. The numbers beside it
are JSON and safetensors, the network is Python source: nothing is pickled.
"""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from safetensors.torch import load_file


class ServedModel(PythonModel):
    """A trained network with its preprocessing before it and its classes or units behind it."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's
        """Read the files that were logged with this one."""
        files = {name: Path(path) for name, path in context.artifacts.items()}
        self.facts = json.loads(files["facts"].read_text(encoding="utf-8"))
        tensors = load_file(files["weights"])
        self.tensors = [tensors[name] for name in self.facts["tensors"]]
        self.forward = runpy.run_path(str(files["network"]))["forward"]

    def predict(
        self,
        context: Any,  # noqa: ANN401, ARG002 - MLflow's
        model_input: pd.DataFrame,
        params: Any = None,  # noqa: ANN401, ARG002 - MLflow's
    ) -> pd.DataFrame:
        """Answer for raw feature rows.

        Args:
            context: Not used.
            model_input: One column per feature, in any order, in the units of the raw data.
            params: Not used.

        Returns:
            Per row the label and the probability of each class, or the prediction in the
            target's own unit.
        """
        with torch.inference_mode():
            outputs = self.forward(self.tensors, torch.from_numpy(self.prepared(model_input)))
        if self.facts["task"] == "classification":
            return self.classified(outputs)
        values = outputs.double().squeeze(-1).numpy()
        values = values * self.facts["target_scale"] + self.facts["target_mean"]
        return pd.DataFrame({"prediction": values})

    def prepared(self, rows: pd.DataFrame) -> np.ndarray:
        """Return what the network was trained on: the columns in order, standardized.

        Raises:
            ValueError: If a value is missing or not finite.
        """
        preprocessing = self.facts["preprocessing"]
        raw = rows[preprocessing["feature_names"]].to_numpy(dtype=np.float64)
        bad = [
            name
            for name, ok in zip(
                preprocessing["feature_names"], np.isfinite(raw).all(axis=0), strict=False
            )
            if not ok
        ]
        if bad:
            raise ValueError(f"Every feature needs a finite number; not so: {', '.join(bad)}.")
        mean, scale = (np.asarray(preprocessing[name]) for name in ("mean", "scale"))
        standardized: np.ndarray = ((raw - mean) / scale).astype(np.float32)
        return standardized

    def classified(self, outputs: torch.Tensor) -> pd.DataFrame:
        """Return labels and probabilities of outputs, shape (batch, classes)."""
        names = self.facts["class_names"]
        probabilities = torch.softmax(outputs.double(), dim=-1).numpy()
        labels = [names[index] for index in outputs.argmax(dim=-1).tolist()]
        columns = {f"probability_{name}": probabilities[:, i] for i, name in enumerate(names)}
        return pd.DataFrame({"label": labels, **columns})


set_model(ServedModel())
