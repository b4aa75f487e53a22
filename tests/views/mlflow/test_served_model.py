"""A logged model answers on raw rows: in this process, without initsweep, and over HTTP."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from mlflow.exceptions import MlflowException
from ruamel.yaml import YAML
from safetensors.torch import save as save_tensors
from torch import nn

from initsweep.exporting.forward_source import capture
from initsweep.preprocessing.transform import Categorical
from initsweep.views.mlflow import promote
from initsweep.views.mlflow.model import requirements, save
from tests.views.mlflow.models import (
    CLASSES,
    NAMES,
    answers_without_initsweep,
    expected_outputs,
    make_image_model,
    make_mixed_model,
    make_model,
    make_promotion,
)
from tests.views.mlflow.synthetic_study import NAMES as SCHEMES
from tests.views.mlflow.synthetic_study import make_study

ROWS = [{"height": 12.5, "width": 7.0}, {"height": 10.0, "width": 10.0}, {"height": 3, "width": 14}]
PATIENCE = 90  # seconds until the server must answer, on a busy machine


def expected(task: str) -> list[dict]:
    if task == "regression":
        values = expected_outputs(ROWS, 1).squeeze(-1) * 70 + 150
        return [{"prediction": pytest.approx(value, rel=1e-5)} for value in values.tolist()]
    shares = torch.softmax(expected_outputs(ROWS, len(CLASSES)), dim=-1).tolist()
    return [
        {"label": CLASSES[max(range(3), key=row.__getitem__)]}
        | {
            f"probability_{name}": pytest.approx(p, rel=1e-5)
            for name, p in zip(CLASSES, row, strict=True)
        }
        for row in shares
    ]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_loads_where_initsweep_is_not_installed(task, tmp_path):
    model = make_model(task=task)
    folder = save(model, tmp_path)
    suffixes = {file.suffix for file in folder.rglob("*") if file.is_file()}
    assert suffixes == {"", ".json", ".py", ".safetensors", ".txt", ".yaml"}
    assert answers_without_initsweep(folder, ROWS) == expected(task)
    assert (folder / "requirements.txt").read_text().split() == requirements()
    assert all(text.partition("==")[2] for text in requirements())
    example = json.loads((folder / "input_example.json").read_text())
    assert example["columns"] == NAMES


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_columns_may_come_in_any_order_and_values_must_be_finite(tmp_path):
    folder = save(make_model(), tmp_path)
    import pandas as pd
    from mlflow import pyfunc

    model = pyfunc.load_model(str(folder))
    rows = pd.DataFrame(ROWS)
    assert model.predict(rows[["width", "height"]]).equals(model.predict(rows))
    with pytest.raises(MlflowException, match="'width' is missing in row 1; fill it first"):
        model.predict(rows.assign(width=[1.0, float("nan"), 2.0]))
    with pytest.raises(MlflowException, match="must be finite; not so: width"):
        model.predict(rows.assign(width=[1.0, float("inf"), 2.0]))
    with pytest.raises(Exception, match="missing inputs"):
        model.predict(rows[["height"]])


def test_the_hash_changes_with_anything_that_changes_an_answer():
    model = make_model()
    assert model.sha == make_model().sha
    assert model.sha != make_model(bias=0.5).sha
    assert model.sha != replace(model, facts={**model.facts, "class_names": ["x"]}).sha


def test_numbers_of_any_type_are_answered_alike(tmp_path):
    import pandas as pd
    from mlflow import pyfunc

    model = pyfunc.load_model(str(save(make_mixed_model(), tmp_path)))
    rows = pd.DataFrame({"height": [14, 10], "job": ["clerk", "x"]})
    expected = model.predict(rows.astype({"height": float}))
    for other in ("int64", "int32", "uint8", "float32", "Int64", object, str):
        assert model.predict(rows.astype({"height": other})).equals(expected), other
    assert model.predict(rows.astype({"job": "category"})).equals(expected)
    gaps = rows.assign(height=pd.array([14, None], dtype="Int64"))
    assert model.predict(gaps).equals(model.predict(rows.assign(height=[14, float("nan")])))
    with pytest.raises(MlflowException, match="Column 'height' must hold numbers"):
        model.predict(rows.assign(height=["tall", "1"]))


@pytest.mark.parametrize(("channels", "shape"), [(1, (2, 2)), (2, (2, 2, 3))])
def test_images_of_any_type_are_answered_alike(channels, shape, tmp_path):
    import numpy as np
    from mlflow import pyfunc

    size = 4 if channels == 1 else 12
    images = np.random.default_rng(0).integers(0, 255, (3, *shape), dtype=np.uint8)
    model = pyfunc.load_model(str(save(make_image_model(size, shape), tmp_path)))
    expected = model.predict(images.astype(float))
    for other in ("uint8", "int64", "float32", object):
        assert model.predict(images.astype(other)).equals(expected), other
    assert expected["label"].nunique() > 1 or expected["probability_no"].nunique() > 1
    if channels == 1:
        forms = [images[:, None], images[..., None], images.reshape(3, -1)]
    else:
        forms = [np.moveaxis(images, 1, -1)]
    for form in forms:
        assert model.predict(form).equals(expected), form.shape
    with pytest.raises(MlflowException, match=r"must be of shape \(rows, .*; received \(3, 5\)"):
        model.predict(np.zeros((3, 5)))


def test_images_are_answered_over_http(project):
    study = make_study(SCHEMES)
    project.publish(study)
    promote(study, make_promotion(make_image_model(4, (2, 2))), project.params, project.root)
    image = [[1, 200], [30, 4]]
    with served(project, "models:/digits@champion") as address:
        status, whole = posted(address, {"inputs": [image]})
        assert status == 200, whole
        floats = [[float(pixel) for pixel in row] for row in image]
        assert posted(address, {"instances": [floats]}) == (200, whole)
        status, answer = posted(address, {"inputs": [[1, 2, 3]]})
        assert (status, "received (1, 3)" in answer["message"]) == (400, True)
        status, answer = posted(address, {"inputs": [[[1, "x"], [2, 3]]]})
        assert (status, "one array of numbers" in answer["message"]) == (400, True)


def test_every_column_is_named_and_of_any_type(tmp_path):
    mixed = make_mixed_model()
    zips = Categorical(name="zip", encoding="onehot", categories=("00501", "94110"))
    fitted = replace(mixed.preprocessing, categorical=(*mixed.preprocessing.categorical, zips))
    example = {**mixed.example, "zip": ["00501", "94110"]}
    fitted = replace(fitted, mean=(*fitted.mean, 0, 0), scale=(*fitted.scale, 1, 1))
    captured = capture(nn.Linear(5, 3), {"weight": torch.ones(3, 5), "bias": torch.zeros(3)}, 5)
    model = replace(
        mixed,
        preprocessing=fitted,
        example=example,
        network=captured.source,
        weights=save_tensors(captured.tensors),
    )
    folder = save(model, tmp_path)
    signature = YAML(typ="safe").load((folder / "MLmodel").read_text())["signature"]["inputs"]
    types = {column["name"]: column["type"] for column in json.loads(signature)}
    assert types == {"height": "any", "job": "any", "zip": "any"}
    metadata = YAML(typ="safe").load((folder / "MLmodel").read_text())["metadata"]
    assert metadata["inputs"] == {"height": "number", "job": "category", "zip": "category"}
    # A file of text says 94110 where a table of numbers says 94110.0.
    rows = [{"height": 1, "job": "x", "zip": zipped} for zipped in ("94110", 94110)]
    one, other = (answers_without_initsweep(folder, [row])[0] for row in rows)
    assert one == other


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_champion_answers_over_http(task, project):
    study = make_study(SCHEMES)
    project.publish(study)
    promote(study, make_promotion(make_model(task=task)), project.params, project.root)
    with served(project, "models:/digits@champion") as address:
        assert posted(address, {"dataframe_records": ROWS}) == (200, expected(task))
        split = {"columns": NAMES, "data": [[row[name] for name in NAMES] for row in ROWS]}
        assert posted(address, {"dataframe_split": split}) == (200, expected(task))
        status, answer = posted(address, {"dataframe_records": [{"height": 1.0}]})
        assert status == 400
        assert "width" in answer["message"]


def test_rows_with_text_and_gaps_are_answered_over_http(project):
    study = make_study(SCHEMES)
    project.publish(study)
    promote(study, make_promotion(make_mixed_model()), project.params, project.root)
    rows = [
        {"height": 14, "job": "clerk"},
        {"height": None, "job": None},
        {"height": 10.5, "job": "never seen"},
    ]
    # Scaled height, whether it was missing, and the code of the job are the outputs as they are.
    outputs = torch.tensor([[2.0, 0, 0], [1.0, 1, 1], [0.25, 0, -1]])
    shares = torch.softmax(outputs, dim=-1)
    with served(project, "models:/digits@champion") as address:
        status, answer = posted(address, {"dataframe_records": rows})
        assert status == 200, answer
        found = [[row[f"probability_{name}"] for name in CLASSES] for row in answer]
        assert torch.tensor(found).numpy() == pytest.approx(shares.numpy(), rel=1e-5)
        status, answer = posted(address, {"dataframe_records": [{"height": "tall", "job": "x"}]})
        assert status == 400
        assert "Column 'height' must hold numbers" in answer["message"]


def posted(address: str, body: object) -> tuple[int, object]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/invocations", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


class served:  # noqa: N801 - reads as a function where it is used
    """`mlflow models serve` on a free port of this machine, until the block ends."""

    def __init__(self, project, model: str) -> None:
        self.project, self.model = project, model

    def __enter__(self) -> str:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", self.model]
        command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", "1"]
        self.log = (self.project.root / "serve.log").open("w+")
        environment = {
            **os.environ,
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.project.root / 'mlflow.db'}",
            "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",  # noqa: PTH120
        }
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        address = f"http://127.0.0.1:{port}"
        try:
            self._wait(address)
        except BaseException:
            self.__exit__()
            raise
        return address

    def _wait(self, address: str) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=5).close()
            except OSError:
                gone = self.process.poll() is not None
                if gone or time.monotonic() > end:
                    self.log.seek(0)
                    pytest.fail(f"no server at {address}:\n{self.log.read()}")
                time.sleep(0.2)
            else:
                return

    def __exit__(self, *_: object) -> None:
        # MLflow starts the server through a shell: the whole group of processes must end.
        os.killpg(self.process.pid, 15)
        self.process.wait(timeout=20)
        self.log.close()
