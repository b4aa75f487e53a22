"""A finished study as MLflow is to show it."""

import json
from collections.abc import Mapping
from pathlib import Path

from initsweep.core.params import Params, fingerprint
from initsweep.core.results import Results
from initsweep.views.mlflow.model import Promotion, ServedModel


class Publication(Results):
    """All records of one study, and how to show them.

    Args:
        params: The study's parameters.
        experiment: The MLflow experiment's name, dataset / network.
        settings: The settings that shaped the results, flat, the same for every scheme.
        origin: Tags that say where this publication came from; they identify nothing.
        attachments: Report and diagnosis files by their path among the run's artifacts.
        attachments_sha: Hash of their content.
        model: The recommended scheme's model, None if there is none that can be logged.
        promotion: The decision that holds, if it was for results of this study.
    """

    def __init__(
        self,
        root: Path = Path(),
        *,
        params: Params,
        experiment: str,
        settings: Mapping[str, str],
        origin: Mapping[str, str],
        attachments: Mapping[str, Path],
        attachments_sha: str,
        model: ServedModel | None = None,
        promotion: Promotion | None = None,
    ) -> None:
        super().__init__(root, params)
        self.experiment, self.settings, self.origin = experiment, settings, origin
        self.attachments, self.attachments_sha = attachments, attachments_sha
        self.model, self.promotion = model, promotion

    @property
    def sha(self) -> str:
        """What all runs of the study share: settings and data."""
        return fingerprint([self.experiment, self.schema.data_sha, dict(self.settings)])

    def settings_of(self, scheme: str) -> Mapping[str, str]:
        """Return the settings of one scheme: the study's, but for an optimizer of its own."""
        if self.params.loop is not None or scheme not in self.params.arms:
            return self.settings
        own = self.params.engine_optimizer(scheme).model_dump(mode="json")
        said = {key: one if isinstance(one, str) else json.dumps(one) for key, one in own.items()}
        return {**self.settings, **{f"optimizer.{key}": text for key, text in said.items()}}

    @property
    def headliner(self) -> str:
        """The scheme whose run carries the report: the recommended one, if there is one."""
        named = (self.verdict.recommended, self.verdict.best_on_validation)
        return next((name for name in named if name in self.by_scheme), next(iter(self.by_scheme)))
