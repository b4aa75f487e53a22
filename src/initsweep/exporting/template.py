"""The text around the calls of a snippet."""

import textwrap
from dataclasses import dataclass

WIDTH = 100

HEAD = '''"""{about}"""
{imports}
import torch
from torch import nn

'''

NUMBERS = '''

def as_numbers(values):
    """Return a tensor of a tensor, an array, lists, a DataFrame or a Series."""
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if hasattr(values, "astype"):
        values = values.astype("float64")
    return torch.as_tensor(values, dtype=torch.float64)
'''

INPUTS = '''

def standardize_inputs(x):
    """Return what the network is given for raw rows; of a DataFrame it takes COLUMNS, by name."""
    if hasattr(x, "columns") and hasattr(x, "to_numpy"):
        if absent := [name for name in COLUMNS if name not in x.columns]:
            raise ValueError(
                f"The table lacks {len(absent)} of {len(COLUMNS)} columns: {absent[:6]}. Name them "
                "as in COLUMNS, or give an array with the columns in that order"
            )
        x = x[COLUMNS]
    x = as_numbers(x)
    if x.ndim != 2 or x.shape[1] != len(COLUMNS):
        raise ValueError(
            f"Raw inputs have shape (rows, {len(COLUMNS)}), with the columns in the order of "
            f"COLUMNS; received shape {tuple(x.shape)}"
        )
    x = (x - MEAN) / SCALE
    return x.float()
'''

TARGETS = '''

def standardize_targets(y):
    """Return what the network is trained on for raw targets, shape (rows, 1) as its outputs."""
    y = as_numbers(y)
    if not y.ndim or y.shape[1:] not in ((), (1,)):
        raise ValueError(
            "Raw targets are one number per row, shape (rows,) or (rows, 1); "
            f"received shape {tuple(y.shape)}"
        )
    y = (y - TARGET_MEAN) / TARGET_SCALE
    return y.float().reshape(-1, 1)


def in_target_units(predictions):
    """Return what the network predicts in the unit of the raw targets, one number per row."""
    return predictions.reshape(len(predictions)) * TARGET_SCALE + TARGET_MEAN
'''

RATES = """
# The study that recommended this scheme gave it a learning rate of its own:
# {meaning}
# {training}
LEARNING_RATE = {rate!r}
USABLE_RATES = {usable!r}

"""

NETWORK = '''
SHAPES = {{  # of the network's parameters
{shapes}
}}


def check(parameters):
    """Refuse another network before anything of it is changed."""
    found = {{name: tuple(one.shape) for name, one in parameters.items()}}
    sizes = [
        f"{{name}} {{found[name]}} instead of {{shape}}"
        for name, shape in SHAPES.items()
        if found.get(name, shape) != shape
    ]
    told = {{
        "missing": sorted(SHAPES.keys() - found.keys()),
        "unexpected": sorted(found.keys() - SHAPES.keys()),
        "of another shape": sizes,
    }}
    listed = [f"{{len(some)}} {{what}}: {{some[:6]}}" for what, some in told.items() if some]
    if listed:
        raise ValueError(
            f"This was written for another network. Parameters: {{'; '.join(listed)}}. Give the "
            "layers the names and sizes in SHAPES, or have a file written for this network: "
            "initsweep export SCHEME --model package.module:function"
        )

'''

START = '''
def initialize(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fill the network in place and return it."""
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    check(parameters)

    def put(name, fill, start=None, stop=None, view=torch.detach, **law):
        rows = view(parameters[name])[start:stop]
        # Drawn in float32 on the CPU: the same numbers whatever the device and the type.
        values = torch.empty(rows.shape, dtype=torch.float32)
        fill(values, generator=generator, **law)
        rows.copy_(values)

    def put_value(value, *names):
        for name in names:
            parameters[name].fill_(value)

    with torch.no_grad():
'''

END = """{loop}
            module.reset_running_stats()
    return model
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The learning rate that a study recommends together with a scheme.

    Attributes:
        rate: The rate.
        usable: The ends of the range within which the loss is about as good.
        meaning: What the two are, in a sentence.
        training: The training that they hold for, in a sentence.
    """

    rate: float
    usable: tuple[float, float] | None
    meaning: str
    training: str

    def text(self) -> str:
        """Return the source that names them."""
        meaning, training = (
            "\n# ".join(textwrap.wrap(text, WIDTH - 2, break_on_hyphens=False))
            for text in (self.meaning, self.training)
        )
        return RATES.format(meaning=meaning, training=training, rate=self.rate, usable=self.usable)
