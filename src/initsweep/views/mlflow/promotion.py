"""What MLflow's registry shows of the recommendation and of the team's decision."""

from collections.abc import Mapping
from pathlib import Path

from initsweep.core.errors import TrackingError
from initsweep.core.params import Params
from initsweep.core.spelling import prose
from initsweep.views.mlflow.connection import connection
from initsweep.views.mlflow.difference import make_plan
from initsweep.views.mlflow.experiments import experiment_id
from initsweep.views.mlflow.location import locate
from initsweep.views.mlflow.model import Promotion
from initsweep.views.mlflow.model_versions import CHALLENGER, CHAMPION, ModelRegistry
from initsweep.views.mlflow.passes import until_settled
from initsweep.views.mlflow.publication import Publication
from initsweep.views.mlflow.store import Store
from initsweep.views.mlflow.view import scheme_views


def promote(
    study: Publication, promotion: Promotion, params: Params, root: Path
) -> tuple[str, str]:
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
    location, views, version = locate(params, root), scheme_views(study), ""

    def take_pass() -> bool:
        nonlocal version
        store = Store(client, experiment_id(client, study.experiment, location), location)
        run_ids = make_plan(views, store.runs(study.sha)).run_ids
        if promotion.model.scheme not in run_ids:
            raise TrackingError(
                f"MLflow at {location.shown} shows no run of {promotion.model.scheme} of this "
                "study: run `dvc repro publish`."
            )
        placed = registry.place(promotion.model, run_ids[promotion.model.scheme])
        version = placed.version
        return _crown(registry, promotion, version) or placed.changed

    with connection(location) as client:
        registry = ModelRegistry(client, study.schema.source, location)
        until_settled(client, take_pass)
        return registry.name, version


def keep_registry(
    registry: ModelRegistry, study: Publication, run_ids: Mapping[str, str]
) -> tuple[bool, list[str]]:
    """Let the registry show the recommendation, and the decision where it has been lost.

    The alias `challenger` follows the recommendation of every study. The alias `champion` is moved
    by people only; it is set here where there is none, as in a database that is built anew, or
    where it points at the very model of the decision and that has been deleted.

    Returns:
        Whether anything had to be done, and where the files of the models are.
    """
    changed, files = False, []
    if study.model is None:
        changed |= registry.point(CHALLENGER, None)
    else:
        placed = registry.place(study.model, run_ids[study.model.scheme])
        files.append(placed.files)
        if placed.changed or not placed.described:
            told = prose(study.verdict.statement)
            registry.describe(placed.version, told, {"study.sha": study.sha})
        changed |= registry.point(CHALLENGER, placed.version) or placed.changed
    decided, holder = study.promotion, registry.holder(CHAMPION)
    if decided is not None and (holder is None or registry.is_of(holder, decided.model)):
        placed = registry.place(decided.model, run_ids[decided.model.scheme])
        files.append(placed.files)
        if placed.version != holder:
            _crown(registry, decided, placed.version)
        changed |= placed.changed or placed.version != holder
    return changed, files


def _crown(registry: ModelRegistry, promotion: Promotion, version: str) -> bool:
    """Let `champion` be a version that says who chose it and why.

    Returns:
        Whether it was another before.
    """
    registry.describe(version, promotion.text, promotion.tags)
    return registry.point(CHAMPION, version)
