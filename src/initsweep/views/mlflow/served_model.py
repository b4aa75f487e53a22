"""What MLflow runs where a logged model is served: raw feature rows in, answers out.

This file is copied into the model, with `preprocessing/transform.py` beside it; they need none of
the rest of initsweep. The numbers are JSON and safetensors, the network is Python source: nothing
is pickled.
"""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
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
        reader = runpy.run_path(str(files["preprocessing_code"]))["Preprocessing"]
        self.preprocessing = reader.load(files["preprocessing"])

    def predict(
        self,
        context: Any,  # noqa: ANN401, ARG002 - MLflow's
        model_input: pd.DataFrame,  # or an array of images: MLflow takes one type here
        params: Any = None,  # noqa: ANN401, ARG002 - MLflow's
    ) -> pd.DataFrame:
        """Answer for raw rows.

        Args:
            context: Not used.
            model_input: The columns of the raw data, in any order, as they were before any
                preparation: text, gaps and all. Images are an array of pixels of any type, one
                image per row.
            params: Not used.

        Returns:
            Per row the label and the probability of each class, or the prediction in the
            target's own unit.

        Raises:
            MlflowException: If the rows cannot be used, saying why; a server passes that on.
        """
        try:
            features = self.prepared(model_input)
        except ValueError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from error
        with torch.inference_mode():
            outputs = self.forward(self.tensors, torch.from_numpy(features))
        if self.facts["task"] == "classification":
            return self.classified(outputs)
        values = outputs.double().squeeze(-1).numpy()
        values = values * self.facts["target_scale"] + self.facts["target_mean"]
        return pd.DataFrame({"prediction": values})

    def prepared(self, rows: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Return what the network was trained on, shape (rows, features).

        Raises:
            ValueError: If a column or a value is missing that cannot be filled in, or not finite,
                or if images are of another shape.
        """
        if self.preprocessing.shape:
            features: np.ndarray = self.preprocessing.transform(self.pixels(rows), [])
        else:
            features = self.preprocessing.apply(rows)
        finite = np.isfinite(features).all(axis=0)
        if not finite.all():
            names = self.preprocessing.feature_names
            bad = ", ".join(name for name, ok in zip(names, finite, strict=True) if not ok)
            raise ValueError(f"Every number must be finite; not so: {bad}.")
        return features

    def pixels(self, images: Any) -> np.ndarray:  # noqa: ANN401 - an array, lists or a DataFrame
        """Return images with one row of pixels each, channel by channel.

        Raises:
            ValueError: If they are not numbers, or of another shape than those of the training.
        """
        channels, height, width = shape = tuple(self.preprocessing.shape)
        try:
            values = np.asarray(images, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Images must be one array of numbers: {error}.") from None
        known = {shape, (height, width, channels)}
        if channels == 1:
            known |= {(height, width), (height * width,)}
        if values.shape[1:] not in known:
            listed = " or ".join(str(("rows", *one)).replace("'", "") for one in sorted(known))
            raise ValueError(f"Images must be of shape {listed}; received {values.shape}.")
        if values.shape[1:] == (height, width, channels) != shape:
            values = np.moveaxis(values, -1, 1)
        flat: np.ndarray = values.reshape(len(values), -1)
        return flat

    def classified(self, outputs: torch.Tensor) -> pd.DataFrame:
        """Return labels and probabilities of outputs, shape (batch, classes)."""
        names = self.facts["class_names"]
        probabilities = torch.softmax(outputs.double(), dim=-1).numpy()
        labels = [names[index] for index in outputs.argmax(dim=-1).tolist()]
        columns = {f"probability_{name}": probabilities[:, i] for i, name in enumerate(names)}
        return pd.DataFrame({"label": labels, **columns})


set_model(ServedModel())
