"""`initsweep export`: a scheme as plain PyTorch."""

import argparse
from pathlib import Path

from initsweep.commands.subjects import Target, load_network, load_scheme
from initsweep.core import artifacts, numbers
from initsweep.core.errors import ArtifactError, InitsweepError, ParamsError, few
from initsweep.core.params import load_params
from initsweep.core.records import Schema, Verdict
from initsweep.core.spelling import legible
from initsweep.exporting.quoting import literal
from initsweep.exporting.snippet import snippet
from initsweep.exporting.standardized import Standardized
from initsweep.exporting.template import Rates
from initsweep.exporting.training import training_of
from initsweep.preprocessing.transform import Preprocessing
from initsweep.running.lock_file import read_lock
from initsweep.views.terminal.freshness import edited_parameters

_VERDICT = artifacts.COMPARE / "verdict.json"
WHAT_A_RATE_IS_FOR = ("data", "model", "optimizer", "task", "training")


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
    schema = _schema(target)
    rates = rates_of_study(scheme, target.params, schema) if ours else None
    standardized = None if schema is None else standardized_by(schema, options.output)
    text = snippet(
        loaded.model,
        initializer,
        title=loaded.title,
        scheme=scheme,
        rates=rates,
        standardized=standardized,
    )
    if options.output is None:
        return text.rstrip("\n"), 0
    return _written(options.output, text, standardized), 0


def _written(output: Path, text: str, standardized: Standardized | None) -> str:
    """Write the file, and the preprocessing beside it where the file refers to that.

    Returns:
        What was written, and how to use it.
    """
    files = [output]
    if standardized is not None and standardized.refers:
        files.append(_beside(output))
        _write(files[1], artifacts.read_text(artifacts.PREPROCESSING))
    _write(output, text)
    use = f"from {output.stem} import initialize; initialize(model)"
    if not output.stem.isidentifier():  # Python could not import it
        use = "its function initialize(model)"
    how = [f"standardize_{one}" for one in (standardized.what if standardized else ())]
    also = f", on data from {' and '.join(how)}" if how else ""
    return f"Wrote {' and '.join(map(str, files))}. Use: {use}{also}"


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


def rates_of_study(scheme: str, file: Path, schema: Schema | None) -> Rates | None:
    """Return the learning rate that the study recommends, None if it recommends another scheme.

    Args:
        scheme: The scheme.
        file: The study's parameters.
        schema: Its data, None if they are not there.

    Raises:
        ArtifactError: If there is a rate, but not the data.
    """
    if not _VERDICT.exists():
        return None
    verdict = artifacts.read_record(_VERDICT, Verdict)
    rate, usable = verdict.learning_rate, verdict.usable_rates
    if verdict.recommended != scheme or rate is None:
        return None
    if schema is None:
        raise ArtifactError(
            f"'{artifacts.SCHEMA}' is missing, or of other data than '{file}' names: by "
            "what the study standardized its inputs is not known, and its learning rate holds for "
            "such inputs only. Run `dvc repro`."
        )
    _check_unedited(file, scheme)
    loss = verdict.loss_name.replace("_", " ")
    meaning = (
        f"the best rate by {loss} on validation, and the ends of the range in which the mean "
        f"{loss} was within {numbers.loss(verdict.basin_tolerance)} of its best. They hold for the "
        f"study's network, data and training, by {legible(file.name)}:"
    )
    params = load_params(file)
    return Rates(
        rate=rate,
        usable=usable and _around(rate, usable),
        meaning=meaning,
        training=training_of(params.engine_optimizer(scheme), params.training, schema),
    )


def _check_unedited(file: Path, scheme: str) -> None:
    """Refuse parameters that were edited since: the rate is of those that stood there then.

    Raises:
        ArtifactError: Naming some of them.
    """
    said = (*WHAT_A_RATE_IS_FOR, f"initializers.{scheme}.optimizer")
    edited = [key for key in edited_parameters(read_lock(), file) if key.startswith(said)]
    if edited:
        raise ArtifactError(
            f"'{file}' was edited since this study ran ({few(edited)}): its learning rate holds "
            "for the settings of then, not for these. Run `initsweep repro`, or undo the edit."
        )


def _schema(target: Target) -> Schema | None:
    """Return the prepared data that the network is for, None if there are none or of another."""
    if target.name is None and artifacts.SCHEMA.exists():
        schema = artifacts.read_record(artifacts.SCHEMA, Schema)
        same = schema.source == load_params(target.params).data.source
        if same and target.features in (None, schema.n_features):
            return schema
    return None


def standardized_by(schema: Schema, output: Path | None) -> Standardized:
    """Return by what a study standardized inputs and targets.

    Args:
        schema: Its data.
        output: The file to write; None for standard output, which refers to the study's own file.
    """
    artifacts.read_text(artifacts.PREPROCESSING)  # says what to do where it is missing
    fixed, target = schema.validation == "fixed", (schema.target_mean, schema.target_scale)
    own = f"Path({literal(artifacts.PREPROCESSING.as_posix())})"
    return Standardized(
        preprocessing=Preprocessing.load(artifacts.PREPROCESSING),
        target=target if schema.task == "regression" else None,
        rows="training" if fixed else "training and validation",
        file=f"Path(__file__).with_name({literal(_beside(output).name)})" if output else own,
    )


def _beside(output: Path) -> Path:
    return output.with_name(f"{output.stem}_preprocessing.json")


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
