"""A training function as `initsweep check` is given it: of the study in this folder, or alone."""

import argparse
import inspect
import math
import os
from pathlib import Path

from initsweep.checks.loops import LoopUnderTest
from initsweep.commands.subjects import Target
from initsweep.core.errors import InitsweepError, ParamsError
from initsweep.core.name_value import network_values
from initsweep.core.params import Loop, Params, load_params
from initsweep.core.registry import function_from_outside
from initsweep.initializers import INITIALIZERS
from initsweep.loops.pool import Pool
from initsweep.loops.spec import RunSpec

_DRAWN = ("he_normal", "lecun_normal")
"""What is compared where no study says otherwise: two laws that every seed changes."""

_LOW_RATE = 1e-3


def is_loop(name: str, target: Target) -> bool:
    """Return whether a name stands for a training function: of the study, or by its argument."""
    if ":" not in name:
        return False
    if (loop := _study(target.params)) is not None and loop[1].function == name:
        return True
    try:
        entry = INITIALIZERS.get(name)
        taken = [*inspect.signature(entry).parameters.values()]
    except (InitsweepError, TypeError, ValueError):
        return False  # whoever looks at it as a network says so
    return any(one.name == "run" or "TrainingRun" in str(one.annotation) for one in taken[:1])


def loop_under_test(options: argparse.Namespace) -> LoopUnderTest:
    """Return what is to be checked.

    Raises:
        ParamsError: If there is no such function, or it takes something else than a run.
    """
    name, given = options.entry, network_values(options.option)
    study = _study(options.params)
    loop = study[1] if study is not None else Loop(function=name)
    folder = study[0].own_code if study is not None else "."
    _check_takes_a_run(name)
    rate = _LOW_RATE if options.rate is None else options.rate
    if study is not None and options.rate is None:
        rate = study[0].tune.grid.low
    if not rate > 0 or not math.isfinite(rate):
        raise ParamsError(f"--rate: received {rate}; use a number above 0.")
    base, other = (
        RunSpec(
            function=name,
            options={**loop.options, **given},
            own_code=str(Path(folder).resolve()),
            scheme=scheme,
            initializer=scheme,
            initializer_options={},
            optimizer=loop.optimizer or {"name": "sgd"},
            learning_rate=rate,
            seed=0,
            final=False,
            baseline=math.inf if loop.baseline == "auto" else loop.baseline.validation_loss,
            folder="",
            data=study is not None and study[0].data.source != "own",
            gpu=loop.resources.gpus,
            threads=loop.resources.cpu,
        )
        for scheme in _DRAWN
    )
    cores = len(os.sched_getaffinity(0))
    return LoopUnderTest(
        base=base,
        other=other,
        pool=lambda look: Pool.of(loop, folder, cores=cores, look=look),
        whole=options.whole,
    )


def _study(file: Path) -> tuple[Params, Loop] | None:
    """Return the parameters of the study here, and its training function, if it has one."""
    params = load_params(file) if file.exists() else None
    return None if params is None or params.loop is None else (params, params.loop)


def _check_takes_a_run(name: str) -> None:
    """Refuse what cannot be called with a run and nothing else.

    Raises:
        ParamsError: Saying what it takes.
    """
    function = function_from_outside(name, "the training function")
    try:
        inspect.signature(function).bind(object())
    except TypeError as error:
        taken = inspect.signature(function)
        raise ParamsError(
            f"'{name}' takes {taken}, but a training function is called with the run alone: "
            f"`def {name.partition(':')[2]}(run)`; its settings are in `run.options`."
        ) from error
    except ValueError:
        pass  # a builtin, which does not say what it takes
