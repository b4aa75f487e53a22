"""`initsweep export`: a scheme as plain PyTorch."""

import argparse
from pathlib import Path

from initsweep import artifacts
from initsweep.commands.loading import Target, load_network, load_scheme
from initsweep.errors import ArtifactError, InitsweepError
from initsweep.exporting.snippet import snippet
from initsweep.records import Verdict

_VERDICT = artifacts.COMPARE / "verdict.json"


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return the snippet, or where it was written.

    Raises:
        InitsweepError: If the scheme, the network or a recommendation cannot be found, the scheme
            cannot be written so, or the file cannot be.
    """
    scheme = options.scheme or recommended_scheme()
    target = Target(
        name=options.model,
        params=options.params,
        features=options.features,
        outputs=options.outputs,
    )
    initializer = load_scheme(scheme, options.params)
    loaded = load_network(target)
    text = snippet(loaded.model, initializer, title=loaded.title, scheme=scheme)
    if options.output is None:
        return text.rstrip("\n"), 0
    _write(options.output, text)
    module = options.output.stem
    return f"Wrote {options.output}. Use: from {module} import initialize; initialize(model)", 0


def recommended_scheme() -> str:
    """Return the scheme that the study recommends.

    Raises:
        ArtifactError: If there is no study.
        InitsweepError: If it recommends none.
    """
    if not _VERDICT.exists():
        raise ArtifactError(
            f"There is no study here ('{_VERDICT}' is missing): name a scheme, as in `initsweep "
            "export he_normal`, or run `dvc repro`."
        )
    verdict = artifacts.read_record(_VERDICT, Verdict)
    if verdict.recommended is None:
        raise InitsweepError(
            f"The study recommends no scheme: {verdict.statement} Name one, as in `initsweep "
            "export he_normal`."
        )
    return verdict.recommended


def _write(path: Path, text: str) -> None:
    """Write the file.

    Raises:
        InitsweepError: If that is not possible.
    """
    try:
        artifacts.write_text(path, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InitsweepError(f"Cannot write '{path}': {reason}.") from None
