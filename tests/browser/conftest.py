import os
from pathlib import Path

import pytest

from initsweep import artifacts
from initsweep.stages import report
from tests.browser.devtools import Chromium, executable
from tests.stages.study_fixture import make_study


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The address of the packet of a study with everything in it."""
    folder, study = tmp_path_factory.mktemp("packet"), make_study()
    study.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        report.run(study.params)
    return (folder / artifacts.REPORTS / "review.html").as_uri()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where screenshots are kept."""
    kept = os.environ.get("INITSWEEP_SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    if executable() is None:
        pytest.skip("no Chromium is installed")
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
