"""`initsweep diagnose my_package.nets:make_net --batch batch.npy`: the diagnosis from the shell."""

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from initsweep.commands.batch_files import read_batch, read_inputs
from initsweep.commands.subjects import load_schemes
from initsweep.core.errors import InitsweepError, ParamsError, require, shown
from initsweep.core.numbers import significant
from initsweep.core.records import DiagnosisRow
from initsweep.core.registry import Registry
from initsweep.diagnosis.diagnose import Diagnosis, diagnose
from initsweep.diagnosis.targets import Kind
from initsweep.diagnosis.task import Batch, Targets
from initsweep.probes.grounds import spoken
from initsweep.probes.passing import Loss

MOST_SEEDS = 1000


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Diagnose a network.

    Returns:
        What to print; and 1 if `check` asks for health and there is an alarm, or `strict` asks for
        it and something is mild. Else 0.

    Raises:
        ParamsError: If a network is named without a batch, or the other way round.
        InitsweepError: If network or files cannot be used.
    """
    if not (options.network and options.batch):
        raise ParamsError(
            "diagnose: a network needs a batch and the other way round, e.g. "
            "`initsweep diagnose my_package.nets:make_net --batch batch.npy`."
        )
    if not 1 <= options.seeds <= MOST_SEEDS:
        raise InitsweepError(f"--seeds must be 1 to {MOST_SEEDS}, received {shown(options.seeds)}.")
    if options.figures is not None and options.figures.exists() and not options.figures.is_dir():
        raise InitsweepError(f"--figures: '{options.figures}' is a file; name a folder.")
    if options.figures is not None:
        require("matplotlib")  # before the work, not after it
    schemes = load_schemes(options.schemes or "", options.params, options.option)
    torch.set_num_threads(1)  # several are slower for small tensors, and change bits
    batch = read_batch(options.batch)
    targets = None if options.targets is None else read_inputs(options.targets, "--targets")
    found = diagnose(
        _network(options.network, options.task, batch, targets),
        batch,
        targets,
        None if options.loss is None else load_loss(options.loss),
        task=options.task,
        schemes=schemes,
        optimizer=options.optimizer,
        rate=options.rate,
        seeds=range(options.seeds),
    )
    about_all = ["\n  ".join(one.lines) for one in found.findings if one.scheme is None]
    about_each = [_words(row, found) for row in found.schemes]
    text = "\n\n".join([*about_all, *about_each, *_notes(found)])
    if options.figures is not None and found.layers:
        text += "\n\n" + "\n".join(f"wrote {path}" for path in draw(found, options.figures))
    well = found.spotless if options.strict else found.healthy
    return text, int((options.check or options.strict) and not well)


def draw(found: Diagnosis, folder: Path) -> list[Path]:
    """Write the pictures of a diagnosis as PNG files.

    Returns:
        The files.

    Raises:
        InitsweepError: If they cannot be written.
    """
    from initsweep.views.figures import health, palette, signal, style  # matplotlib: an extra

    schemes = [row.scheme for row in found.schemes]
    looks = palette.looks(schemes, [])
    pictures = {
        "signal": signal.draw(found.layers, schemes, looks),
        "health": health.draw(found.layers, schemes),
        "spectrum": health.draw_spectrum(found.layers, schemes, looks),
    }
    paths = [folder / f"{name}.png" for name in pictures]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, figure in zip(paths, pictures.values(), strict=True):
            path.write_bytes(style.to_png(figure))
    except OSError as error:
        raise InitsweepError(
            f"--figures: cannot write to '{folder}': {error.strerror or error}."
        ) from None
    return paths


def _attribute(name: str, what: str, registry: Registry[object]) -> object:
    """Return what is named on the command line.

    Raises:
        InitsweepError: If there is no such thing.
    """
    if ":" not in name:
        raise InitsweepError(f"{what} '{name}' is not of the form 'package.module:attribute'.")
    return registry.get(name)


def load_loss(name: str) -> Loss:
    """Return a loss of the user's.

    Raises:
        InitsweepError: If the name stands for none.
    """
    entry = _attribute(name, "--loss:", Registry("loss", "initsweep.metrics"))
    if isinstance(entry, type) and issubclass(entry, nn.Module):
        entry = entry()  # such as torch.nn:CrossEntropyLoss
    if not callable(entry):
        raise InitsweepError(f"--loss: '{name}' must be a function, received {entry!r}.")
    return cast(Loss, entry)


def _network(
    name: str, task: Kind | None, batch: Batch, targets: Targets | None
) -> nn.Module | Callable[[], nn.Module]:
    """Return the network, or a function without arguments that builds it.

    Raises:
        InitsweepError: If the name stands for neither.
    """
    entry = _attribute(name, "Network", Registry("network", "initsweep.architectures"))
    if isinstance(entry, nn.Module):
        return entry
    if not callable(entry):
        raise InitsweepError(f"'{name}' must be a network or build one, received {entry!r}.")
    needed = [
        parameter.name
        for parameter in inspect.signature(entry).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    ]
    if not needed:
        return cast(Callable[[], nn.Module], entry)
    if needed == ["n_features", "n_outputs"] and isinstance(targets, np.ndarray):
        whole = targets.dtype.kind == "i" and task != "regression"
        sizes = (_width(batch), int(targets.max()) + 1 if whole else 1)
        return lambda: cast(nn.Module, entry(*sizes))
    raise InitsweepError(
        f"'{name}' needs {', '.join(needed)}; it must build a network without arguments, or from "
        "(n_features, n_outputs) with --targets."
    )


def _width(batch: Batch) -> int:
    """Return the inputs per example.

    Raises:
        InitsweepError: If there is more than one axis of them, or more than one input.
    """
    if not isinstance(batch, np.ndarray) or batch.ndim != 2:
        raise InitsweepError(
            "A network of (n_features, n_outputs) is built for a --batch of shape (examples, "
            "features); write a function without arguments that builds it."
        )
    return int(batch.shape[1])


def _words(row: DiagnosisRow, found: Diagnosis) -> str:
    about = next((one.lines for one in found.findings if one.scheme == row.scheme), None)
    lines = ["\n  ".join(about or [f"{row.scheme}: {row.verdict}", row.reason])]
    names = [layer.name for layer in found.layers if layer.scheme == row.scheme]
    if row.first_bad_layer in names:
        # Pictures have no room for names.
        place, last = names.index(row.first_bad_layer), len(names) - 1
        lines.append(f"  {spoken(row.first_bad_layer)} is layer {place} of 0 to {last}")
    norms = row.gradient_norm, row.gradient_norm_low, row.gradient_norm_high
    norm, low, high = (significant(one, 3) for one in norms)
    # One draw has no range.
    spread = f" ({low} to {high})" if norms[1] != norms[2] else ""
    lines.append(f"  gradient norm {norm}{spread}")
    if row.sharpness is not None and row.rate_ceiling is not None:
        doubt = "" if row.ceiling_reliable else "; not reliable for this network"
        lines.append(
            f"  sharpness {significant(row.sharpness, 3)}: plain gradient descent overshoots above "
            f"a rate of {significant(row.rate_ceiling, 3)}{doubt}"
        )
    if row.chi is not None and row.depth_scale is not None:
        depth = significant(row.depth_scale, 3)
        lines.append(f"  mean field: chi {significant(row.chi, 3)}, depth scale {depth} layers")
    return "\n".join(lines)


def _notes(found: Diagnosis) -> list[str]:
    return ["\n".join(f"Note: {note}" for note in found.notes)] if found.notes else []
