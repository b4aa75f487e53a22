"""`initsweep bench`: what the engine makes of this machine, for the network in params.yaml."""

from collections.abc import Iterator

from initsweep.architectures import describe
from initsweep.commands.bench.contestants import Case
from initsweep.commands.bench.race import contestants, machine, peaks, race, table
from initsweep.core.errors import ParamsError
from initsweep.core.params import Params
from initsweep.engine.devices import pin_matmul

N_FEATURES, N_OUTPUTS = 64, 10
EPOCHS, LANES = 8, 32

EXPLANATION = """\
Every way trains the same network on random data and validates it after every epoch. Times are
medians over rounds in which all ways take turns; ratio: how many times faster than the DataLoader
loop, with the range over rounds; the last columns: share of the operations that one core can make
at most, in matrix products and in registers (two workers use two cores)."""


def report(params: Params, rounds: int) -> Iterator[str]:
    """Measure, and tell line by line.

    Yields:
        Text to print.

    Raises:
        ParamsError: If the network is not named.
    """
    pin_matmul()
    if params.loop is not None:
        raise ParamsError(
            f"This study trains with {params.loop.function}; bench measures initsweep's engine."
        )
    if params.model.name == "auto":
        raise ParamsError("model.name: auto depends on the data; measure mlp or cnn by its name.")
    name = describe(params.model.name, params.model.options)
    case = Case(
        name=name,
        model=(params.model.name, params.model.options),
        n_features=N_FEATURES,
        n_outputs=N_OUTPUTS,
        optimizer=params.optimizer,
        batch_size=params.training.batch_size,
        epochs=EPOCHS,
        lanes=LANES,
    )
    yield ", ".join(f"{key} {value}" for key, value in machine().items())
    peak = peaks()
    rates = ", ".join(f"{rate / 1e9:.0f} Gflop/s in {where}" for where, rate in peak.items())
    yield f"One core makes at most {rates}."
    yield f"Measuring {name} with {params.optimizer.name}, {rounds} rounds ..."
    times = race(case, rounds, contestants())
    yield "\n" + table(times, case.operations(), peak) + "\n"
    yield EXPLANATION
