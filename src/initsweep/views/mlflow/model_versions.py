"""Versions of the registered model, and the two aliases that point at them.

There is one registered model per data source: what asks it for answers depends on the data, not
on the network, so that a serving address survives a change of network.
"""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from initsweep.core.params import fingerprint
from initsweep.views.mlflow import limits
from initsweep.views.mlflow.artifact_files import sizes, within_reach
from initsweep.views.mlflow.experiments import IDENTITY, with_identity
from initsweep.views.mlflow.location import Location
from initsweep.views.mlflow.model import ServedModel, save

CHALLENGER = "challenger"
CHAMPION = "champion"
_SHA = "model.sha"
_LOGGED = "models:/"
_FILES = "files.sha"  # of a logged model, a hash of the names and sizes of its files
_FETCHED = ("openml", "sklearn")  # of these a source has the name itself, no file's


def registered_name(source: str) -> str:
    """Return the registered model's name for a data source: of files, the name of the first.

    With its ending, so that a file wine.csv is not the data set wine.

    MLflow allows neither / nor : in it.
    """
    kind, _, place = source.partition(":")
    file = PurePath(place.partition(",")[0].removesuffix(".gz"))
    if kind not in _FETCHED and (file.suffix or len(file.parts) > 1):
        source = file.name
    told = re.sub(r"[^\w.-]+", "-", limits.name(source)).strip("-")
    return told if re.match(r"\w", told) else f"data-{fingerprint(source)}{told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A model version, and what became of it.

    Attributes:
        version: The version.
        changed: Whether it, or files of it, had to be made.
        described: Whether it has its text, which a killed publisher may not have come to.
        files: Where its files are.
    """

    version: str
    changed: bool
    described: bool
    files: str


class ModelRegistry:
    """The registered model of one data source, whatever people have renamed it to."""

    def __init__(self, client: Any, source: str, location: Location) -> None:  # noqa: ANN401
        self._client, self._given, self._location = client, registered_name(source), location

    @property
    def name(self) -> str:
        """What the registered model is called now."""
        known = self._known()
        return self._given if known is None else str(known.name)

    def place(self, model: ServedModel, run_id: str) -> Placed:
        """Make sure that there is one version with this very model and all of its files.

        Args:
            model: The model.
            run_id: The scheme's run, on whose page it is shown.

        Returns:
            The version.
        """
        sha, found = model.sha, None
        for version in self._versions(sha, run_id):
            whole = None if found else self._completed(version, model)
            if whole is None:
                self._drop(version)
            found = found or whole
        if found is not None:
            return found
        logged = self._logged(model, sha, run_id)
        version = self._client.create_model_version(
            self._registered(),
            source=f"{_LOGGED}{logged.model_id}",
            run_id=run_id,
            tags={"scheme": model.scheme, "seed": str(model.seed), _SHA: sha},
            model_id=logged.model_id,
        )
        return Placed(
            version=str(version.version),
            changed=True,
            described=False,
            files=logged.artifact_location,
        )

    def holder(self, alias: str) -> str | None:
        """Return the version that an alias points at, None if there is none."""
        known = self._known()
        version = None if known is None else known.aliases.get(alias)
        return None if version is None else str(version)

    def point(self, alias: str, version: str | None) -> bool:
        """Let an alias point at a version, or at none.

        Returns:
            Whether it did not do so before.
        """
        if self.holder(alias) == version:
            return False
        if version is None:
            self._client.delete_registered_model_alias(self.name, alias)
        else:
            self._client.set_registered_model_alias(self.name, alias, version)
        return True

    def is_of(self, version: str, model: ServedModel) -> bool:
        """Return whether a version holds this very model."""
        found = self._client.get_model_version(self.name, version)
        return bool(found.tags.get(_SHA) == model.sha)

    def describe(self, version: str, text: str, tags: Mapping[str, str]) -> None:
        """Put a text and tags on a version's page."""
        text = limits.note(text, limits.VALUE)
        for key, value in limits.values(tags).items():
            self._client.set_model_version_tag(self.name, version, key, value)
        # The text last: where it stands, the tags do, even if a publisher was killed in between.
        self._client.update_model_version(self.name, version, description=text)

    def _versions(self, sha: str, run_id: str) -> list[Any]:
        """Return the versions of a model below a run, the first first.

        They are looked up by the run: no filter of MLflow's can hold any name that people give.
        """
        name, found = self.name, self._client.search_model_versions(f"run_id = '{run_id}'")
        ours = (one for one in found if one.name == name and one.tags.get(_SHA) == sha)
        return sorted(ours, key=lambda version: int(version.version))

    def _drop(self, version: Any) -> None:  # noqa: ANN401 - MLflow's type
        """Delete a version that is there twice, or without its model, unless an alias holds it."""
        held = {str(number) for number in self._known().aliases.values()}
        if str(version.version) not in held:
            self._client.delete_model_version(version.name, version.version)

    def _known(self) -> Any:  # noqa: ANN401 - MLflow's type
        tagged = self._client.search_registered_models(with_identity(self._given))
        return tagged[0] if tagged else _found(self._client.get_registered_model, self._given)

    def _registered(self) -> str:
        """Return the name of the registered model, which is created if need be."""
        known, identity = self._known(), fingerprint(self._given)
        if known is not None:
            self._client.set_registered_model_tag(known.name, IDENTITY, identity)
            return str(known.name)
        address = f"models:/{self._given}@{CHAMPION}"
        text = f"Answers on raw feature rows: `mlflow models serve -m {address} -p 5001 "
        text += "--env-manager local`. `champion` is moved by `initsweep promote`, "
        text += "`challenger` follows what the latest study recommends."
        self._client.create_registered_model(self._given, {IDENTITY: identity}, text)
        return self._given

    def _completed(self, version: Any, model: ServedModel) -> Placed | None:  # noqa: ANN401
        """Return a version whose files are all there, or have been put back.

        Returns:
            None if its model has been deleted.
        """
        logged = _found(self._client.get_logged_model, version.source.removeprefix(_LOGGED))
        if logged is None:
            return None
        place, out_of_date = logged.artifact_location, False
        if within_reach(place, self._location.artifact_root):
            out_of_date = logged.tags.get(_FILES) != self._files(logged.model_id)
        if out_of_date:
            self._upload(model, logged.model_id)
        return Placed(
            version=str(version.version),
            changed=out_of_date,
            described=bool(version.description),
            files=place,
        )

    def _logged(self, model: ServedModel, sha: str, run_id: str) -> Any:  # noqa: ANN401
        """Log the model below a run, or find what an earlier attempt has left of it.

        Returns:
            What MLflow knows of it.
        """
        from mlflow.entities import LoggedModelOutput

        run = self._client.get_run(run_id)
        logged = self._attempted(sha, run) or self._client.create_logged_model(
            run.info.experiment_id,
            name=model.scheme,
            source_run_id=run_id,
            tags={"scheme": model.scheme, _SHA: sha},
            params={"scheme": model.scheme, "seed": str(model.seed)},
            model_type="classifier" if model.facts["class_names"] else "regressor",
        )
        if logged.tags.get(_FILES) != self._files(logged.model_id):
            self._upload(model, logged.model_id)
        self._client.finalize_logged_model(logged.model_id, "READY")
        if logged.model_id not in {known.model_id for known in run.outputs.model_outputs}:
            self._client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        return logged

    def _attempted(self, sha: str, run: Any) -> Any:  # noqa: ANN401 - MLflow's types
        """Return what an earlier attempt has logged below a run, None if there is nothing."""
        below = f"source_run_id = '{run.info.run_id}'"
        for logged in self._client.search_logged_models([run.info.experiment_id], below):
            if logged.tags.get(_SHA) == sha:
                return logged
        return None

    def _upload(self, model: ServedModel, model_id: str) -> None:
        with tempfile.TemporaryDirectory() as work:
            self._client.log_model_artifacts(model_id, str(save(model, Path(work))))
        self._client.set_logged_model_tags(model_id, {_FILES: self._files(model_id)})

    def _files(self, model_id: str) -> str:
        return fingerprint(sizes(partial(self._client.list_logged_model_artifacts, model_id)))


def _found(get: Callable[[str], Any], name: str) -> Any:  # noqa: ANN401 - MLflow's types
    """Return what MLflow has under a name, None if it has nothing.

    Raises:
        MlflowException: If it does not say whether it has.
    """
    from mlflow.exceptions import MlflowException

    try:
        return get(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
