"""The text around the calls of a snippet."""

import textwrap
from dataclasses import dataclass

WIDTH = 100

HEAD = '''"""{about}"""
{imports}
import torch
from torch import nn

'''

RATES = """
# The study that recommended this scheme gave it a learning rate of its own:
# {meaning}
LEARNING_RATE = {rate!r}
USABLE_RATES = {usable!r}

"""

START = '''
def initialize(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fill the network in place and return it."""
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    left = set(parameters)

    def put(name, fill, start=None, stop=None, **law):
        rows = parameters[name][start:stop]
        # Drawn in float32 on the CPU: the same numbers whatever the device and the type.
        values = torch.empty(rows.shape, dtype=torch.float32)
        fill(values, generator=generator, **law)
        rows.copy_(values)
        left.discard(name)

    def put_value(value, *names):
        for name in names:
            parameters[name].fill_(value)
            left.discard(name)

    with torch.no_grad():
'''

END = """{loop}
            module.reset_running_stats()
    if left:
        raise ValueError(f"another network than this was written for: {{sorted(left)}} not filled")
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
