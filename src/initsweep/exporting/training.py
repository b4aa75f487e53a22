"""How a study trains, in a sentence with the optimizer as PyTorch calls it."""

from initsweep.core import numbers
from initsweep.core.params import Optimizer, Training
from initsweep.core.records import Schema
from initsweep.engine.torch_optimizers import Call, calls_of

_SCHEDULES = {
    "constant": "constant rate",
    "cosine": "cosine decay to 0",
    "linear": "linear decay to 0",
    "wsd": "constant rate but for the last {} of the steps, in which it falls to 0 as 1 - sqrt",
}


def training_of(optimizer: Optimizer, training: Training, schema: Schema) -> str:
    """Return all that a learning rate of the study presumes, besides the network and the data."""
    weighted = " with balanced class weights" if schema.class_weights else ""
    warmup, clip = training.warmup_fraction, training.gradient_clip
    return (
        f"{_call(optimizer)} on the {schema.loss_name.replace('_', ' ')}{weighted}, "
        f"{training.epochs} epochs, batches of {training.batch_size} of {schema.rows['train']} "
        "rows (shuffled every epoch, a partial one left out), "
        + _SCHEDULES[training.schedule].format(numbers.setting_percent(training.decay_fraction))
        + ", "
        + (
            f"linear warm-up over {numbers.setting_percent(warmup)} of the steps, "
            if warmup
            else "no warm-up, "
        )
        + ("no gradient clipping." if clip is None else f"gradient norm clipped at {clip:g}.")
    )


def _call(optimizer: Optimizer) -> str:
    """Return the optimizer, or both of them, as source, but for the parameters."""
    return " and ".join(map(_source, calls_of(optimizer)))


def _source(call: Call) -> str:
    given = [f"{name}={value!r}" for name, value in call.settings.items()]
    trains = f" for {call.trains}" if call.trains else ""
    return f"{call.path}({', '.join(['lr=LEARNING_RATE', *given])}){trains}"
