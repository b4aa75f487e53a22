"""Fetching, with a server of our own in openml.org's place."""

import hashlib
import json
import socket
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from sklearn.datasets import _openml
from sklearn.utils import Bunch

from initsweep.commands.main import main
from initsweep.core.errors import DataError
from initsweep.datasets.fetching import fetch
from initsweep.datasets.loading import load

COLORS = ("red", "?", "blue")
ARFF = "\n".join(
    [
        "@RELATION tiny",
        "@ATTRIBUTE class {1,2}",
        "@ATTRIBUTE size REAL",
        "@ATTRIBUTE color {red,blue}",
        "@DATA",
        *(f"{1 + row % 2},{row % 7}.5,{COLORS[row % 3]}" for row in range(60)),
    ]
).encode()


def feature(name: str, kind: str, *, target: bool = False) -> dict[str, object]:
    flags = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
    return {"name": name, "data_type": kind, "is_target": str(target).lower(), **flags}


def answers(address: str) -> dict[str, object]:
    description = {
        "id": "7", "name": "tiny", "version": "1", "status": "active", "format": "ARFF",
        "description": "made here", "url": f"{address}/file/tiny.arff",
        "md5_checksum": hashlib.md5(ARFF, usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    columns = [feature("size", "numeric"), feature("color", "nominal")]
    found = {"data": {"dataset": [{"did": 7, "version": 1, "name": "tiny", "status": "active"}]}}
    return {
        "/search/tiny/status/active/": found,
        "/info/7": {"data_set_description": description},
        "/features/7": {
            "data_features": {"feature": [feature("class", "nominal", target=True), *columns]}
        },
        "/qualities/7": {
            "data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "60"}]}
        },
    }


@pytest.fixture
def asked(monkeypatch, tmp_path) -> list[str]:
    """Serve one data set; what was asked for is listed."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            known = answers(address)
            if self.path.endswith("tiny.arff"):
                status, content = 200, ARFF
            elif self.path in known:
                status, content = 200, json.dumps(known[self.path]).encode()
            else:  # OpenML's way to say "no results"
                status, content = 412, json.dumps({"error": {"code": "372"}}).encode()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    for name, path in (
        ("_SEARCH_NAME", "/search/{}"),
        ("_DATA_INFO", "/info/{}"),
        ("_DATA_FEATURES", "/features/{}"),
        ("_DATA_QUALITIES", "/qualities/{}"),
    ):
        monkeypatch.setattr(_openml, name, address + path)
    monkeypatch.chdir(tmp_path)
    Thread(target=partial(server.serve_forever, 0.01), daemon=True).start()
    yield paths
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("source", ["openml:tiny", "openml:7"])
def test_openml_by_name_and_number(asked, settings, tmp_path, source):
    path, downloaded = fetch(source)
    assert downloaded
    assert str(path) == f"data/raw/openml-{source[7:]}.parquet"
    dataset = load(settings(source))
    assert dataset.feature_names == ("size", "color")
    assert dataset.categories == {"color": ("blue", "red")}
    assert np.isnan(dataset.features[1, 1])
    assert dataset.class_names == ("1", "2")
    assert dataset.features[:3, 0].tolist() == [0.5, 1.5, 2.5]


def test_it_is_downloaded_once_and_the_checksum_holds(asked, settings, tmp_path, capsys):
    assert main(["fetch", "openml:tiny"]) == 0
    requests = len(asked)
    assert main(["fetch", "openml:tiny"]) == 0
    assert len(asked) == requests
    told = capsys.readouterr().out
    assert "openml-tiny.parquet downloaded" in told
    assert "checksum holds" in told
    assert "dvc exp run -S data.source=openml:tiny" in told
    path = tmp_path / "data/raw/openml-tiny.parquet"
    record = path.with_name(path.name + ".sha256").read_text()
    assert record == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    path.write_bytes(path.read_bytes() + b"x")
    for call in (lambda: load(settings("openml:tiny")), lambda: fetch("openml:tiny")):
        with pytest.raises(DataError, match="is not what was fetched"):
            call()


def test_a_data_set_that_openml_does_not_have(asked):
    with pytest.raises(DataError, match=r"openml\.org has no usable data set 'tinny'"):
        fetch("openml:tinny")


@pytest.fixture
def offline(monkeypatch, tmp_path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("sklearn.datasets._base.time.sleep", lambda _: None)
    monkeypatch.setattr("sklearn.datasets._openml.time.sleep", lambda _: None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:Retry|A network error")
@pytest.mark.parametrize("source", ["openml:credit-g", "sklearn:fetch_california_housing"])
def test_without_network_the_way_by_hand_is_told(offline, source, capsys):
    assert main(["fetch", source]) == 2
    told = capsys.readouterr().err
    assert "Name or service not known" in told
    assert f"Run `initsweep fetch {source}` on a machine that has one" in told
    assert "data.source: csv:data/raw/FILE" in told


def test_prepare_never_downloads(offline, settings):
    with pytest.raises(DataError, match="Run `initsweep fetch openml:credit-g` once"):
        load(settings("openml:credit-g"))


def test_scikit_learn_s_loaders(offline, settings):
    fetch("sklearn:load_iris")
    dataset = load(settings("sklearn:load_iris"))
    assert dataset.class_names == ("setosa", "versicolor", "virginica")
    assert dataset.feature_names[0] == "sepal length (cm)"
    assert dataset.features.shape == (150, 4)
    fetch("sklearn:load_digits")
    assert load(settings("sklearn:load_digits")).shape == (1, 8, 8)


def test_scikit_learn_s_regression_data(offline, settings, monkeypatch):
    def fetch_houses(*, data_home=None):
        assert data_home
        features = np.arange(80.0).reshape(40, 2) % 13
        names = ["rooms", "age"]
        return Bunch(
            data=features, target=features[:, 0] / 3, feature_names=names, target_names=["price"]
        )

    monkeypatch.setattr("sklearn.datasets.fetch_houses", fetch_houses, raising=False)
    fetch("sklearn:fetch_houses")
    dataset = load(settings("sklearn:fetch_houses", task="regression"))
    assert dataset.feature_names == ("rooms", "age")
    assert dataset.targets[1] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("csv:a.csv", "must be openml:NAME"),
        ("openml:", "must be openml:NAME"),
        ("openml:a@b", "version must be a number"),
        ("sklearn:clear_data_home", "scikit-learn has no 'clear_data_home'"),
        ("sklearn:load_files", "needs container_path"),
    ],
)
def test_sources_that_cannot_be_fetched(offline, source, expected):
    with pytest.raises(DataError, match=expected):
        fetch(source)
