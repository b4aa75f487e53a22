"""What MLflow's registry shows of the recommendation and of the team's decision."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from initsweep.errors import TrackingError
from initsweep.params import Params
from initsweep.spelling import prose
from initsweep.tracking.connection import connection
from initsweep.tracking.experiments import experiment_id
from initsweep.tracking.location import Location, locate
from initsweep.tracking.model import Promotion
from initsweep.tracking.registry import CHALLENGER, CHAMPION, ModelRegistry
from initsweep.tracking.store import Store
from initsweep.tracking.study import Study


def promote(study: Study, promotion: Promotion, params: Params, root: Path) -> tuple[str, str]:
    """Register a model of a published study and let the alias `champion` point at it.

    Args:
        study: The study; its runs must have been published.
        promotion: What was decided.
        params: For the tracking URI.
        root: Folder that a relative URI starts from.

    Returns:
        The registered model's name and the version.

    Raises:
        TrackingError: If MLflow cannot be reached, refuses something, or does not show the run.
    """
    location = locate(params, root)
    with connection(location) as client:
        store = Store(client, experiment_id(client, study.experiment, location), location)
        registry = ModelRegistry(client, study.schema.source, location)
        run_id = store.scheme_runs(study.sha).get(promotion.model.scheme)
        if run_id is None:
            raise TrackingError(
                f"MLflow at {location.shown} shows no run of {promotion.model.scheme} of this "
                "study: run `dvc repro publish`."
            )
        version = registry.place(promotion.model, run_id).version
        _crown(registry, promotion, version)
        return registry.name, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Whether anything had to be done for the registry, and where the files of its models are."""

    changed: bool
    files: list[str]


def keep_registry(client: Any, store: Store, study: Study, location: Location) -> Kept:  # noqa: ANN401
    """Let the registry show the recommendation, and the decision where it has been lost.

    The alias `challenger` follows the recommendation of every study. The alias `champion` is moved
    by people only; it is set here where there is none, as in a database that is built anew, or
    where it points at the very model of the decision and that has been deleted.

    Returns:
        What was done.
    """
    registry = ModelRegistry(client, study.schema.source, location)
    runs = store.scheme_runs(study.sha)
    changed, files = False, []
    if study.model is None:
        changed |= registry.point(CHALLENGER, None)
    else:
        placed = registry.place(study.model, runs[study.model.scheme])
        files.append(placed.files)
        if placed.changed:
            told = prose(study.verdict.statement)
            registry.describe(placed.version, told, {"study.sha": study.sha})
        changed |= registry.point(CHALLENGER, placed.version) or placed.changed
    decided, holder = study.promotion, registry.holder(CHAMPION)
    if decided is not None and (holder is None or registry.is_of(holder, decided.model)):
        placed = registry.place(decided.model, runs[decided.model.scheme])
        files.append(placed.files)
        if placed.version != holder:
            _crown(registry, decided, placed.version)
        changed |= placed.changed or placed.version != holder
    return Kept(changed=changed, files=files)


def _crown(registry: ModelRegistry, promotion: Promotion, version: str) -> None:
    registry.describe(version, promotion.text, promotion.tags)
    registry.point(CHAMPION, version)
