"""`initsweep export`: a scheme as plain PyTorch."""

import argparse
from pathlib import Path

from initsweep import artifacts
from initsweep.commands.loading import Target, load_network, load_scheme
from initsweep.errors import ArtifactError, InitsweepError, ParamsError
from initsweep.exporting.snippet import snippet
from initsweep.exporting.template import Rates
from initsweep.records import Verdict

_VERDICT = artifacts.COMPARE / "verdict.json"


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return the snippet, or where it was written.

    Raises:
        ParamsError: If there are options, but no scheme is named.
        InitsweepError: If the scheme, the network or a recommendation cannot be found, the scheme
            cannot be written so, or the file cannot be.
    """
    if options.scheme is None and options.option:
        raise ParamsError("--option is about a scheme that is named: `initsweep export NAME`.")
    scheme = options.scheme or recommended_scheme()
    target = Target(
        name=options.model,
        params=options.params,
        features=options.features,
        outputs=options.outputs,
    )
    initializer = load_scheme(scheme, options.params, options.option)
    loaded = load_network(target)
    # A learning rate holds for the network and the options that the study has tuned.
    ours = target.name is None and not options.option
    rates = rates_of_study(scheme) if ours else None
    text = snippet(loaded.model, initializer, title=loaded.title, scheme=scheme, rates=rates)
    if options.output is None:
        return text.rstrip("\n"), 0
    _write(options.output, text)
    module = options.output.stem
    use = f"from {module} import initialize; initialize(model)"
    if not module.isidentifier():  # Python could not import it
        use = "its function initialize(model)"
    return f"Wrote {options.output}. Use: {use}", 0


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


def rates_of_study(scheme: str) -> Rates | None:
    """Return the learning rate that the study recommends, None if it recommends another scheme."""
    if not _VERDICT.exists():
        return None
    verdict = artifacts.read_record(_VERDICT, Verdict)
    rate, usable = verdict.learning_rate, verdict.usable_rates
    if verdict.recommended != scheme or rate is None:
        return None
    loss = verdict.loss_name.replace("_", " ")
    meaning = (
        f"the best rate by {loss} on validation, and the ends of the range in which the mean "
        f"{loss} was within {verdict.basin_tolerance:.3g} of its best. They hold for the study's "
        "network, data, optimizer, schedule, batch size and number of epochs."
    )
    return Rates(rate=rate, usable=usable and _around(rate, usable), meaning=meaning)


def _around(rate: float, usable: tuple[float, float]) -> tuple[float, float]:
    """Return the range with the rate in it: the range is of the grid, the rate may lie between."""
    return min(rate, *usable), max(rate, *usable)


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
