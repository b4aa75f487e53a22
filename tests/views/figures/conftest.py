import pytest

from initsweep.core.results import ranked
from initsweep.views.figures import palette
from tests.made_study import Made, make_study


@pytest.fixture(scope="session")
def study() -> Made:
    made = make_study()
    made.schemes = ranked(made.schemes)
    return made


@pytest.fixture(scope="session")
def looks(study) -> dict[str, palette.Look]:
    return palette.looks(study.params.schemes, study.verdict.untrainable)


@pytest.fixture(scope="session")
def losses(study) -> dict[str, object]:
    return {
        "constant_loss": study.verdict.constant_loss,
        "loss_name": study.verdict.loss_name,
    }


@pytest.fixture
def line_of():
    """Return a function that finds the one line of some axes with a label."""

    def find(axes, label):
        found = [line for line in axes.lines if line.get_label() == label]
        assert len(found) == 1, f"{len(found)} lines labelled {label}"
        return found[0]

    return find
