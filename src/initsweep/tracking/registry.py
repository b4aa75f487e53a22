"""Versions of the registered model, and the two aliases that point at them.

There is one registered model per data source: what asks it for answers depends on the data, not
on the network, so that a serving address survives a change of network.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from initsweep.params import fingerprint
from initsweep.tracking import limits
from initsweep.tracking.model import ServedModel, save

CHALLENGER = "challenger"
CHAMPION = "champion"
_SHA = "model.sha"
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
    """A model version, and whether it had to be made."""

    version: str
    created: bool


class ModelRegistry:
    """The registered model of one data source."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - MLflow's type
        self._client, self.name = client, name

    def place(self, model: ServedModel, run_id: str) -> Placed:
        """Make sure that there is a version with this very model.

        Args:
            model: The model.
            run_id: The scheme's run, on whose page it is shown.

        Returns:
            The version.
        """
        sha = model.sha
        for version in self._versions():
            if version.tags.get(_SHA) == sha and version.run_id == run_id:
                return Placed(version=str(version.version), created=False)
        experiment_id = self._client.get_run(run_id).info.experiment_id
        model_id = self._logged(model, sha, run_id, experiment_id)
        version = self._client.create_model_version(
            self._registered(),
            source=f"models:/{model_id}",
            run_id=run_id,
            tags={"scheme": model.scheme, "seed": str(model.seed), _SHA: sha},
            model_id=model_id,
        )
        return Placed(version=str(version.version), created=True)

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

    def describe(self, version: str, text: str, tags: Mapping[str, str]) -> None:
        """Put a text and tags on a version's page."""
        text = limits.note(text, limits.VALUE)
        self._client.update_model_version(self.name, version, description=text)
        for key, value in limits.values(tags).items():
            self._client.set_model_version_tag(self.name, version, key, value)

    def _versions(self) -> list[Any]:
        return list(self._client.search_model_versions(f"name = '{self.name}'"))

    def _known(self) -> Any:  # noqa: ANN401 - MLflow's type
        found = self._client.search_registered_models(f"name = '{self.name}'")
        return found[0] if found else None

    def _registered(self) -> str:
        if self._known() is None:
            address = f"models:/{self.name}@{CHAMPION}"
            text = f"Answers on raw feature rows: `mlflow models serve -m {address} -p 5001 "
            text += "--env-manager local`. `champion` is moved by `initsweep promote`, "
            text += "`challenger` follows what the latest study recommends."
            self._client.create_registered_model(self.name, description=text)
        return self.name

    def _logged(self, model: ServedModel, sha: str, run_id: str, experiment_id: str) -> str:
        """Log the model below a run.

        Returns:
            Its id.
        """
        from mlflow.entities import LoggedModelOutput

        with tempfile.TemporaryDirectory() as work:
            folder = save(model, Path(work))
            logged = self._client.create_logged_model(
                experiment_id,
                name=model.scheme,
                source_run_id=run_id,
                tags={"scheme": model.scheme, _SHA: sha},
                params={"scheme": model.scheme, "seed": str(model.seed)},
                model_type="classifier" if model.facts["class_names"] else "regressor",
            )
            self._client.log_model_artifacts(logged.model_id, str(folder))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        return str(logged.model_id)
