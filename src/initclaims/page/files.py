"""Where experiments leave their measurements, and where the page goes."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from initclaims.laboratory.lab import Budget
from initclaims.laboratory.table import Measurement, Table
from initsweep.core import artifacts
from initsweep.core.errors import ArtifactError, ParamsError, shown
from initsweep.core.yaml_files import read_yaml

FOLDER = Path("claims")
SETTINGS = FOLDER / "params.yaml"
COSTS = FOLDER / "costs.yaml"
_SUFFIX = {"full": "", "quick": "-quick"}


class Settings(BaseModel):
    """What stands in `claims/params.yaml`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    mnist: str | None
    names: list[str]


def settings() -> Settings:
    """Return what stands in `claims/params.yaml`.

    Raises:
        ParamsError: If the file is missing or something else stands there.
    """
    try:
        return Settings.model_validate(read_yaml(SETTINGS))
    except OSError as error:
        raise ParamsError(
            f"'{SETTINGS}' cannot be read in {Path.cwd()} ({error.strerror}); run in the folder of "
            "the repository."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ParamsError(
            f"{SETTINGS}: {key}: {first['msg'].lower()}, received {shown(first['input'])}. It "
            "takes `mnist` (a folder or null) and `names` (a list of claims)."
        ) from None


def costs() -> dict[str, float]:
    """Return what the claims cost in comparison, by name; nothing where that is not known."""
    return dict(read_yaml(COSTS)) if COSTS.is_file() else {}


def pipeline(budget: Budget) -> Path:
    """Return the DVC file of a budget."""
    return FOLDER / "dvc.yaml" if budget == "full" else FOLDER / "quick" / "dvc.yaml"


def stage(name: str, budget: Budget, claim: str = "") -> str:
    """Return what DVC calls a stage of that file, which measures one claim or is for all."""
    return f"{pipeline(budget).as_posix()}:{name}" + (f"@{claim}" if claim else "")


def results(budget: Budget) -> Path:
    """Return the folder of a budget's measurements."""
    return Path(f"results/claims{_SUFFIX[budget]}")


def page(budget: Budget) -> Path:
    """Return the HTML page of a budget; the Markdown one differs in the suffix only."""
    return artifacts.REPORTS / f"claims{_SUFFIX[budget]}.html"


def attachments(budget: Budget) -> Path:
    """Return the folder of the page's figures and of the answers as JSON."""
    return page(budget).with_suffix("")


def measurements_file(name: str, budget: Budget) -> Path:
    """Return the table of one experiment."""
    return results(budget) / f"{name}.csv"


def read_table(name: str, budget: Budget) -> Table:
    """Return the measurements of one experiment.

    Raises:
        ArtifactError: If they are missing or damaged.
    """
    file = measurements_file(name, budget)
    if not file.exists():
        command = f"initsweep claims{_SUFFIX[budget].replace('-', ' --')}"
        raise ArtifactError(f"'{file}' is missing: run `{command}` to measure it.")
    return Table(artifacts.read_rows(file, Measurement))


def budget_of(quick: object) -> Budget:
    """Return the budget that `--quick` asks for."""
    return "quick" if quick else "full"
