"""The text around the calls of a snippet."""

import textwrap
from dataclasses import dataclass

WIDTH = 100

HEAD = '''"""{about}"""
{imports}
import torch
from torch import nn

'''

INPUTS = '''

def standardize_inputs(x):
    """Return what the network is given for raw inputs, shape (rows, inputs)."""
    x = (x - MEAN) / SCALE
    return x.float()
'''

TARGETS = '''

def standardize_targets(y):
    """Return what the network is trained on for raw targets."""
    y = (y - TARGET_MEAN) / TARGET_SCALE
    return y.float()


def in_target_units(predictions):
    """Return what the network predicts in the unit of the raw targets."""
    return predictions * TARGET_SCALE + TARGET_MEAN
'''

RATES = """
# The study that recommended this scheme gave it a learning rate of its own:
# {meaning}
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
    """

    rate: float
    usable: tuple[float, float] | None
    meaning: str

    def text(self) -> str:
        """Return the source that names them."""
        meaning = "\n# ".join(textwrap.wrap(self.meaning, WIDTH - 2))
        return RATES.format(meaning=meaning, rate=self.rate, usable=self.usable)
