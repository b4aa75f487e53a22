"""What MLflow's registry shows of the recommendation and of the team's decision."""

from pathlib import Path
from typing import Any

from initsweep.errors import TrackingError
from initsweep.params import Params
from initsweep.spelling import prose
from initsweep.tracking import limits
from initsweep.tracking.connection import connection, experiment_id
from initsweep.tracking.location import locate
from initsweep.tracking.model import Promotion
from initsweep.tracking.registry import CHALLENGER, CHAMPION, ModelRegistry, registered_name
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
        store = Store(client, experiment_id(client, limits.name(study.experiment), location), "")
        registry = ModelRegistry(client, registered_name(study.schema.source))
        run_id = store.scheme_runs(study.sha).get(promotion.model.scheme)
        if run_id is None:
            raise TrackingError(
                f"MLflow at {location.shown} shows no run of {promotion.model.scheme} of this "
                "study: run `dvc repro publish`."
            )
        return registry.name, _crown(registry, promotion, run_id)


def keep_registry(client: Any, store: Store, study: Study) -> bool:  # noqa: ANN401
    """Let the registry show the recommendation, and the decision where it has been lost.

    The alias `challenger` follows the recommendation of every study. The alias `champion` is moved
    by people only; it is set here where there is none, as in a database that is built anew.

    Returns:
        Whether anything had to be done.
    """
    registry = ModelRegistry(client, registered_name(study.schema.source))
    runs = store.scheme_runs(study.sha)
    changed = False
    if study.model is None:
        changed |= registry.point(CHALLENGER, None)
    else:
        placed = registry.place(study.model, runs[study.model.scheme])
        if placed.created:
            told = prose(study.verdict.statement)
            registry.describe(placed.version, told, {"study.sha": study.sha})
        changed |= registry.point(CHALLENGER, placed.version) or placed.created
    lost = study.promotion
    if lost is not None and registry.holder(CHAMPION) is None:
        _crown(registry, lost, runs[lost.model.scheme])
        changed = True
    return changed


def _crown(registry: ModelRegistry, promotion: Promotion, run_id: str) -> str:
    placed = registry.place(promotion.model, run_id)
    registry.describe(placed.version, promotion.text, promotion.tags)
    registry.point(CHAMPION, placed.version)
    return placed.version
