"""Small models to log, and a loader that cannot see initsweep."""

import json
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from initsweep.exporting.capture import capture
from initsweep.tracking import Promotion, ServedModel

NAMES = ["height", "width"]
CLASSES = ["no", "yes", "perhaps"]


def weights(outputs: int, bias: float) -> dict[str, torch.Tensor]:
    start = torch.linspace(-1, 1, 2 * outputs).reshape(outputs, 2)
    return {"weight": start, "bias": torch.full((outputs,), bias)}


def make_model(scheme: str = "he_normal", *, bias: float = 0.0, task: str = "classification"):
    """Return a linear model on two features with mean 10 and scale 2."""
    outputs = len(CLASSES) if task == "classification" else 1
    captured = capture(nn.Linear(2, outputs), weights(outputs, bias), 2)
    return ServedModel(
        scheme=scheme,
        seed=100,
        network=captured.source,
        weights=save(captured.tensors),
        facts={
            "task": task,
            "preprocessing": {"feature_names": NAMES, "mean": [10.0, 10.0], "scale": [2.0, 2.0]},
            "tensors": captured.order,
            "class_names": CLASSES if task == "classification" else [],
            "target_mean": 150.0,
            "target_scale": 70.0,
        },
        example=[{"height": 11.0, "width": 9.0}, {"height": 10.0, "width": 10.0}],
    )


def make_promotion(model: ServedModel, by: str = "Ann Lee") -> Promotion:
    return Promotion(model=model, text=f"**{by}:** because", tags={"promoted.by": by})


def expected_outputs(rows: list[dict[str, float]], outputs: int, bias: float = 0.0):
    """What `make_model` computes, worked out by hand from raw rows."""
    raw = torch.tensor([[row[name] for name in NAMES] for row in rows])
    state = weights(outputs, bias)
    return ((raw - 10) / 2) @ state["weight"].T + state["bias"]


def answers_without_initsweep(folder: Path, rows: list[dict[str, float]]) -> list[dict]:
    """Load a logged model in a process in which importing initsweep fails."""
    code = (
        "import sys, json; sys.modules['initsweep'] = None\n"
        "import pandas, mlflow.pyfunc\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "rows = pandas.DataFrame(json.loads(sys.argv[2]))\n"
        "print(model.predict(rows).to_json(orient='records'))\n"
    )
    command = [sys.executable, "-c", code, str(folder), json.dumps(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
