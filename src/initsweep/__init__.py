"""initsweep: which initializer and which learning rate, for this network on this data.

Usable alone: `from initsweep import initialize_` fills any network under any scheme, `diagnose` and
`assert_healthy` look at one before it is trained, `explain` says what law its weights have.
`read_study` reads a finished study, `compare_losses` gives the verdict on losses from elsewhere.
What is listed here is imported when it is first asked for, so that `import initsweep` costs
nothing.
"""

# Nothing is imported here: the command's handler of Ctrl-C is in force once this has run.
TYPE_CHECKING = False  # type checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from initsweep.architectures import ARCHITECTURES as ARCHITECTURES
    from initsweep.architectures import Architecture as Architecture
    from initsweep.core.finished import Study as Study
    from initsweep.core.finished import read_study as read_study
    from initsweep.datasets import DATASETS as DATASETS
    from initsweep.datasets import Dataset as Dataset
    from initsweep.diagnosis.coordinates import CoordinateCheck as CoordinateCheck
    from initsweep.diagnosis.coordinates import coordinate_check as coordinate_check
    from initsweep.diagnosis.diagnose import Diagnosis as Diagnosis
    from initsweep.diagnosis.diagnose import assert_healthy as assert_healthy
    from initsweep.diagnosis.diagnose import diagnose as diagnose
    from initsweep.diagnosis.findings import Finding as Finding
    from initsweep.explanation import Explanation as Explanation
    from initsweep.explanation.explain import explain as explain
    from initsweep.initializers import INITIALIZERS as INITIALIZERS
    from initsweep.initializers import Initializer as Initializer
    from initsweep.initializers import Layer as Layer
    from initsweep.initializers import activations_after as activations_after
    from initsweep.initializers import activations_before as activations_before
    from initsweep.initializers import backward_gain as backward_gain
    from initsweep.initializers import forward_gain as forward_gain
    from initsweep.initializers import initial_state as initial_state
    from initsweep.initializers import initialize_ as initialize_
    from initsweep.initializers import layer_kind as layer_kind
    from initsweep.initializers import make_initializer as make_initializer
    from initsweep.initializers import parameter_groups as parameter_groups
    from initsweep.loops.training_run import TrainingRun as TrainingRun
    from initsweep.metrics import METRICS as METRICS
    from initsweep.metrics import Metric as Metric
    from initsweep.probes import PROBES as PROBES
    from initsweep.statistics.own_losses import compare_losses as compare_losses

    __version__: str

_HOMES = {
    "ARCHITECTURES": "initsweep.architectures",
    "Architecture": "initsweep.architectures",
    "CoordinateCheck": "initsweep.diagnosis.coordinates",
    "DATASETS": "initsweep.datasets",
    "Dataset": "initsweep.datasets",
    "Diagnosis": "initsweep.diagnosis.diagnose",
    "Explanation": "initsweep.explanation",
    "Finding": "initsweep.diagnosis.findings",
    "INITIALIZERS": "initsweep.initializers",
    "Initializer": "initsweep.initializers",
    "Layer": "initsweep.initializers",
    "METRICS": "initsweep.metrics",
    "Metric": "initsweep.metrics",
    "PROBES": "initsweep.probes",
    "Study": "initsweep.core.finished",
    "TrainingRun": "initsweep.loops.training_run",
    "activations_after": "initsweep.initializers",
    "activations_before": "initsweep.initializers",
    "assert_healthy": "initsweep.diagnosis.diagnose",
    "backward_gain": "initsweep.initializers",
    "compare_losses": "initsweep.statistics.own_losses",
    "coordinate_check": "initsweep.diagnosis.coordinates",
    "diagnose": "initsweep.diagnosis.diagnose",
    # Not `initsweep.explain`: a module of that name would hide the function.
    "explain": "initsweep.explanation",
    "forward_gain": "initsweep.initializers",
    "initial_state": "initsweep.initializers",
    "initialize_": "initsweep.initializers",
    "layer_kind": "initsweep.initializers",
    "make_initializer": "initsweep.initializers",
    "parameter_groups": "initsweep.initializers",
    "read_study": "initsweep.core.finished",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Return what is asked for, importing it first.

    Raises:
        AttributeError: If it is not listed.
    """
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    import importlib

    from initsweep.core.errors import extras_in_words

    with extras_in_words():
        return getattr(importlib.import_module(_HOMES[name]), name)


def _version() -> str:
    """Return the version that pyproject.toml gives: in a source tree that of the file itself.

    There, what is installed may be older, or of another tree. Sources that lie alone, neither
    installed nor in their tree, are of no version that anyone could know: "0+unknown".
    """
    from importlib import metadata

    if project := project_of_the_tree():
        return str(project["version"])
    try:
        return metadata.version(__name__)
    except metadata.PackageNotFoundError:
        return "0+unknown"


def project_of_the_tree() -> "dict[str, Any]":
    """Return the table `project` of the source tree that this is; empty if it is none."""
    import tomllib
    from pathlib import Path

    file = Path(__file__).parents[2] / "pyproject.toml"
    project = tomllib.loads(file.read_text("utf-8")).get("project", {}) if file.exists() else {}
    return project if project.get("name") == __name__ else {}


def __dir__() -> list[str]:
    """Return the names of the module, those not imported yet included."""
    return sorted({*globals(), *_HOMES, "__version__"})
