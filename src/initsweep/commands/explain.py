"""`initsweep explain`: the law of each weight."""

import argparse
import dataclasses
import json
import math
from pathlib import Path

from initsweep.commands.batch_files import read_batch
from initsweep.commands.subjects import Target, load_network, load_scheme, training_inputs
from initsweep.core.errors import ParamsError
from initsweep.explanation import explain
from initsweep.graph.forms import Inputs
from initsweep.initializers import Initializer


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Return the table, or the same as JSON.

    Raises:
        ParamsError: If there are options of a scheme, but no scheme.
        InitsweepError: If the network or the scheme cannot be found, or do not go together.
    """
    if options.scheme is None and (options.batch or options.option):
        raise ParamsError("--batch and --option are about a scheme: name one with --scheme.")
    target = Target(
        name=options.model,
        params=options.params,
        features=options.features,
        outputs=options.outputs,
    )
    loaded = load_network(target)
    scheme = None
    if options.scheme is not None:
        scheme = load_scheme(options.scheme, options.params, options.option)
    found = explain(loaded.model, scheme, inputs=_inputs(scheme, options.batch))
    if scheme is not None:
        found = dataclasses.replace(found, scheme=options.scheme)
    if options.json:
        record = _finite({"network": loaded.title, **found.as_record()})
        return json.dumps(record, indent=2, allow_nan=False), 0
    stand_in = " (built blank; shown as PyTorch would have filled it)" if loaded.filled else ""
    arrow = f"; → under {options.scheme}" if options.scheme else ""
    return f"{loaded.title}{stand_in}{arrow}\n\n{found}", 0


def _inputs(scheme: Initializer | None, batch: Path | None) -> Inputs:
    """Return the examples that the scheme measures, None if it measures none."""
    if batch is not None:
        return read_batch([batch])
    return training_inputs() if scheme is not None and scheme.needs_inputs else None


def _finite(value: object) -> object:
    """Return the value with null for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
