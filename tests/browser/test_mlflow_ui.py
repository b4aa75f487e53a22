"""What a person sees who opens the address that `initsweep ui` prints, in a real chromium.

INITSWEEP_SCREENSHOTS=folder keeps a picture of every page.
"""

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import SCHEMES

MACHINE_LEARNING = "?workflowType=machine_learning"


def show(chromium: Chromium, address: str) -> None:
    chromium.open(address, width=1500, height=950)


@pytest.fixture
def run_page(chromium, site) -> str:
    """The address of the recommended scheme's run, taken from the link in the list."""
    show(chromium, site.start)
    link = "[...document.querySelectorAll('a')].find(a => a.textContent.trim() === 'he_normal')"
    chromium.page.wait_for_function(f"{link} !== undefined")
    return str(chromium.run(f"{link}.href")).partition("?")[0]


def test_the_list_starts_with_one_row_per_scheme_and_the_verdict(chromium, site, pictures):
    show(chromium, site.start)
    text = chromium.wait_for(*SCHEMES, "outcome", "basin", "test loss", "accuracy", "diagnosis")
    chromium.screenshot(path=pictures / "mlflow-list.png")
    assert "3 matching runs" in text
    assert "Verdict, one row per scheme" in text
    assert "recommended" in text
    assert "untrainable" in text
    assert "he_normal/lr" not in text
    assert "at learning rate 0.01" in text, "the verdict stands at the head of the page"


def test_the_charts_overlay_the_schemes(chromium, site, pictures):
    show(chromium, f"{site.start}&compareRunsMode=CHART")
    chromium.wait_for("Learning rate", "Learning curves", *SCHEMES)
    chromium.wait_for(*(f"{name} (lr_response/validation_loss)" for name in SCHEMES))
    # Steps of the rates 0.001, 0.01, 0.1 and 1 along the axis, not one bar per scheme.
    chromium.wait_for("700", "800", "900", "1000", "Step")
    chromium.screenshot(path=pictures / "mlflow-charts.png")


def test_parallel_coordinates_show_every_trial(chromium, site, pictures):
    show(
        chromium,
        site.start.replace("initsweep-verdict", "initsweep-trials") + "&compareRunsMode=CHART",
    )
    chromium.wait_for("Parallel Coordinates", "All at once", "learning_rate_log10", "he_normal")
    chromium.screenshot(path=pictures / "mlflow-trials.png")
    assert "15 matching runs" in chromium.wait_for()
    assert "cannot be shown" not in chromium.wait_for()


def test_a_run_shows_its_note_its_children_and_the_packet(chromium, run_page, pictures):
    show(chromium, run_page + MACHINE_LEARNING)
    text = chromium.wait_for("he_normal/lr=0.001", "Child runs", "Registered models")
    chromium.screenshot(path=pictures / "mlflow-run.png")
    assert "record.sha" in text
    assert "How this was decided" in text
    assert "One data set, one split" in text
    show(chromium, f"{run_page}/artifacts/report/review.html{MACHINE_LEARNING}")
    chromium.wait_for("report", "figures", "review.html")
    chromium.page.wait_for_function("document.querySelector('iframe') !== null")
    chromium.screenshot(path=pictures / "mlflow-packet.png")


def test_the_registry_says_who_decided(chromium, site, pictures):
    show(chromium, f"{site.base}/models/digits/versions/1{MACHINE_LEARNING}")
    chromium.wait_for("champion", "challenger", "Ann Lee:", "because", "Inputs (2)", "promoted.by")
    chromium.screenshot(path=pictures / "mlflow-registry.png")
