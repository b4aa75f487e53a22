"""What a person sees who opens the address that `initsweep ui` prints, in a real browser.

INITSWEEP_SCREENSHOTS=folder keeps a picture of every page.
"""

import pytest

from tests.browser.conftest import SCHEMES

MACHINE_LEARNING = "?workflowType=machine_learning"


@pytest.fixture
def run_page(browser, site) -> str:
    """The address of the recommended scheme's run, taken from the link in the list."""
    browser.open(site.start)
    link = "[...document.querySelectorAll('a')].find(a => a.textContent.trim() === 'he_normal')"
    browser.wait_until(f"{link} !== undefined")
    return str(browser.evaluate(f"{link}.href")).partition("?")[0]


def test_the_list_starts_with_one_row_per_scheme_and_the_verdict(browser, site, screenshots):
    browser.open(site.start)
    text = browser.wait_for(*SCHEMES, "outcome", "basin", "test loss", "accuracy", "diagnosis")
    browser.screenshot(screenshots / "mlflow-list.png")
    assert "3 matching runs" in text
    assert "Verdict, one row per scheme" in text
    assert "recommended" in text
    assert "untrainable" in text
    assert "he_normal/lr" not in text
    assert "at learning rate 0.01" in text, "the verdict stands at the head of the page"


def test_the_charts_overlay_the_schemes(browser, site, screenshots):
    browser.open(f"{site.start}&compareRunsMode=CHART")
    browser.wait_for("Learning rate", "Learning curves", *SCHEMES)
    browser.wait_for(*(f"{name} (lr_response/validation_loss)" for name in SCHEMES))
    # Steps of the rates 0.001, 0.01, 0.1 and 1 along the axis, not one bar per scheme.
    browser.wait_for("700", "800", "900", "1000", "Step")
    browser.screenshot(screenshots / "mlflow-charts.png")


def test_parallel_coordinates_show_every_trial(browser, site, screenshots):
    browser.open(
        site.start.replace("initsweep-verdict", "initsweep-trials") + "&compareRunsMode=CHART"
    )
    browser.wait_for("Parallel Coordinates", "All at once", "learning_rate_log10", "he_normal")
    browser.screenshot(screenshots / "mlflow-trials.png")
    assert "15 matching runs" in browser.text()
    assert "cannot be shown" not in browser.text()


def test_a_run_shows_its_note_its_children_and_the_packet(browser, run_page, screenshots):
    browser.open(run_page + MACHINE_LEARNING)
    text = browser.wait_for("he_normal/lr=0.001", "Child runs", "Registered models")
    browser.screenshot(screenshots / "mlflow-run.png")
    assert "record.sha" in text
    assert "How this was decided" in text
    assert "one data set, one split" in text
    browser.open(f"{run_page}/artifacts/report/review.html{MACHINE_LEARNING}")
    browser.wait_for("report", "figures", "review.html")
    browser.wait_until("document.querySelector('iframe') !== null")
    browser.screenshot(screenshots / "mlflow-packet.png")


def test_the_registry_says_who_decided(browser, site, screenshots):
    browser.open(f"{site.base}/models/digits/versions/1{MACHINE_LEARNING}")
    browser.wait_for("champion", "challenger", "Ann Lee:", "because", "Inputs (2)", "promoted.by")
    browser.screenshot(screenshots / "mlflow-registry.png")
