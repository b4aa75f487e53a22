"""The packet, a published study with MLflow's own server on it, and a real browser."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from initsweep.core import artifacts
from initsweep.stages import report
from initsweep.views.mlflow import promote, publish, ui_command, ui_page
from tests import made_study
from tests.browser.chromium import PATIENCE, Chromium, executable, missing
from tests.made_study import changed
from tests.views.mlflow.models import make_model, make_promotion
from tests.views.mlflow.synthetic_study import make_params, make_study

SCHEMES = ("zeros", "he_normal", "orthogonal")
GRID = (0.001, 0.01, 0.1, 1.0)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0"
    "000003010100c9fe92ef0000000049454e44ae426082"
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent and missing():
            item.add_marker(pytest.mark.skip(reason=missing()))


@dataclass(frozen=True)
class Site:
    """MLflow on the study, and where it shows it."""

    start: str
    base: str


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The address of the packet of a study with everything in it."""
    folder, study = tmp_path_factory.mktemp("packet"), made_study.make_study()
    study.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        report.run(study.params)
    return (folder / artifacts.REPORTS / "review.html").as_uri()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where screenshots are kept: $INITSWEEP_SCREENSHOTS, or a temporary folder."""
    kept = os.environ.get("INITSWEEP_SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("screenshots")


# Not of the session: Playwright's event loop is in the way of tests that start one.
@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable())
        yield Chromium(browser)
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    params = make_params(SCHEMES)
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("MLFLOW_", "DVC_")):
                patch.delenv(name)
        study = _study(root)
        publish(study, params, root)
        promote(study, make_promotion(make_model()), params, root)
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command, environment = ui_command(params, root)
        with (root / "ui.log").open("w") as log:
            server = subprocess.Popen(
                [*command, "--port", str(port)],
                env=environment,
                cwd=root,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                _wait(f"http://127.0.0.1:{port}/health", server)
                yield Site(start=ui_page(params, root, port), base=f"http://127.0.0.1:{port}/#")
            finally:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(timeout=20)


def _study(root: Path):
    page = root / "review.html"
    page.write_text("<h1>The review packet</h1>")
    figure = root / "tradeoff.png"
    figure.write_bytes(PIXEL)
    attachments = {"report/review.html": page, "report/figures/tradeoff.png": figure}
    study = make_study(SCHEMES, grid=GRID, attachments=attachments)
    return changed(study, model=make_model())


def _wait(address: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"MLflow does not answer at {address}")
            time.sleep(0.2)
        else:
            return
