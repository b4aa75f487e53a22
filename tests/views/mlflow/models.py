"""Small models to log, and a loader that cannot see initsweep."""

import atexit
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from initsweep.exporting.forward_source import capture
from initsweep.preprocessing.transform import Categorical, Preprocessing
from initsweep.views.mlflow import Promotion, ServedModel

NAMES = ["height", "width"]
CLASSES = ["no", "yes", "perhaps"]


SCALING = Preprocessing(
    numeric=tuple(NAMES),
    fill=None,
    indicators=(),
    categorical=(),
    dropped=(),
    mean=(10.0, 10.0),
    scale=(2.0, 2.0),
    shape=(),
)


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
        preprocessing=SCALING,
        facts={
            "task": task,
            "tensors": captured.order,
            "class_names": CLASSES if task == "classification" else [],
            "target_mean": 150.0,
            "target_scale": 70.0,
        },
        example={"height": [11.0, 10.0], "width": [9.0, 10.0]},
    )


def make_mixed_model() -> ServedModel:
    """Return `make_model` on a number with gaps and a category of text: three features."""
    state = {"weight": torch.eye(3), "bias": torch.zeros(3)}
    captured = capture(nn.Linear(3, 3), state, 3)
    return replace(
        make_model(),
        network=captured.source,
        weights=save(captured.tensors),
        preprocessing=replace(
            SCALING,
            numeric=("height",),
            fill=(12.0,),
            indicators=("height",),
            categorical=(Categorical(name="job", encoding="ordinal", categories=("clerk", None)),),
            mean=(10.0, 0.0, 0.0),
            scale=(2.0, 1.0, 1.0),
        ),
        example={"height": [11.0, None], "job": ["clerk", None]},
    )


def make_image_model(size: int, shape: tuple[int, ...]) -> ServedModel:
    """Return a linear model on images; `shape` is (height, width) or (channels, height, width)."""
    weight = torch.linspace(-1, 1, 3 * size).reshape(3, size)
    captured = capture(nn.Linear(size, 3), {"weight": weight, "bias": torch.zeros(3)}, size)
    return replace(
        make_model(),
        network=captured.source,
        weights=save(captured.tensors),
        preprocessing=replace(
            SCALING,
            numeric=tuple(f"pixel {place}" for place in range(size)),
            mean=(100.0,) * size,
            scale=(100.0,) * size,
            shape=shape if len(shape) == 3 else (1, *shape),
        ),
        example=np.zeros((1, *shape)),
    )


def make_promotion(model: ServedModel, by: str = "Ann Lee") -> Promotion:
    return Promotion(model=model, text=f"**{by}:** because", tags={"promoted.by": by})


def expected_outputs(rows: list[dict[str, float]], outputs: int, bias: float = 0.0):
    """What `make_model` computes, worked out by hand from raw rows."""
    raw = torch.tensor([[row[name] for name in NAMES] for row in rows])
    state = weights(outputs, bias)
    return ((raw - 10) / 2) @ state["weight"].T + state["bias"]


def answers_without_initsweep(folder: Path, rows: list, form: str = "DataFrame") -> list[dict]:
    """Load a logged model in a process in which importing initsweep fails.

    `rows` become a pandas DataFrame, or an `array` of numbers.
    """
    process = _loader()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([str(folder), rows, form]) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert isinstance(answer, list), answer
    return answer


LOADER = """
import sys; sys.modules['initsweep'] = None
import json, os, traceback
import numpy, pandas, torch, mlflow.pyfunc
answers = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)  # what anybody else prints is no answer
for line in sys.stdin:
    folder, rows, form = json.loads(line)
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            model = mlflow.pyfunc.load_model(folder)
            rows = numpy.array(rows, float) if form == 'array' else pandas.DataFrame(rows)
            answer = model.predict(rows).to_json(orient='records')
        except BaseException:
            answer = json.dumps(traceback.format_exc())
        print(answer, file=answers, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@cache
def _loader() -> "subprocess.Popen[str]":
    """Start what has imported the libraries, which takes seconds, and forks for every model."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(process.communicate)
    return process
