"""How often a coordinate check finds what is known of a parametrization.

    python -m benchmarks.coordinate_calibration --cases 100   # of each kind; ten minutes of a core
    python -m benchmarks.coordinate_calibration --cases 1     # tiny

Networks, data, batch, loss, optimizer and rate are drawn at random. Standard parametrization is
known to grow, muP to be flat: under Adam, and under SGD with a head that starts at 0. (With another
head SGD's gradient shrinks with the initial outputs, until they are small beside the targets.)
"""

import argparse
import math
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common import count, parser_of
from initsweep import Initializer, Layer, coordinate_check
from initsweep.core.randomness import numpy_stream, torch_stream
from initsweep.initializers import Multipliers, Network, OptimizerKind

WIDTHS = (64, 128, 256, 512)
GAINS = {nn.ReLU: math.sqrt(2), nn.Tanh: 5 / 3, nn.GELU: 1.5}


class ChainMup(Initializer):
    """muP for a chain of linear layers, written out anew as an oracle.

    Source: Yang et al. 2022, "Tensor programs V", table 3, relative to a base width.
    """

    summary: ClassVar[str] = "muP for a chain of linear layers."
    reference: ClassVar[str] = "Yang et al. 2022, table 3."
    conditions: ClassVar[str] = "A chain of linear layers of equal width."

    gain: float
    head: float
    base: int = WIDTHS[0]

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return a normal sample whose variance is inverse to the fan-in."""
        drawn = torch.randn(layer.weight_shape, generator=generator)
        return drawn * self.gain / math.sqrt(layer.fan_in)

    def complete(self, _: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the same with a smaller head."""
        names = [name for name in state if name.endswith("weight")]
        factor = self.head * math.sqrt(self.base / state[names[-1]].shape[1])
        return {**state, names[-1]: state[names[-1]] * factor}

    def multipliers(self, network: Network, kind: OptimizerKind) -> dict[str, Multipliers]:
        """Return the factors of each layer on the rate."""
        weights = [slot for slot in network.slots if slot.name.endswith("weight")]
        found = {}
        for slot in weights:
            out, into = (side / self.base for side in slot.shape)
            first, last = slot is weights[0], slot is weights[-1]
            adam = 1.0 if first else 1 / into
            sgd = out if first else 1 / into if last else 1.0
            found[slot.name] = Multipliers(sgd if kind == "sgd" else adam)
            bias = 1.0 if last or kind != "sgd" else out
            found[slot.name.replace("weight", "bias")] = Multipliers(bias)
        return found


class Case(NamedTuple):
    """A task and how it is trained."""

    depth: int
    activation: type[nn.Module]
    features: int
    outputs: int
    inputs: Tensor
    targets: Tensor
    optimizer: str
    rate: float
    head: float

    def network(self, width: int) -> nn.Module:
        """Return the network of a width."""
        sizes = [self.features] + [width] * self.depth
        layers = [
            part
            for into, out in pairwise(sizes)
            for part in (nn.Linear(into, out), self.activation())
        ]
        return nn.Sequential(*layers, nn.Linear(width, self.outputs))

    def verdict(self, scheme: Initializer | str) -> str:
        """Return what the check says of a scheme."""
        return coordinate_check(
            self.network, WIDTHS, scheme, inputs=self.inputs, targets=self.targets,
            learning_rate=self.rate, optimizer=self.optimizer,
        ).verdict  # fmt: skip


def case(number: int) -> Case:
    """Return a case drawn at random; targets are learnable, as real ones are."""
    drawn, noise = numpy_stream("coordinates", number), torch_stream("coordinates", number)
    batch, features, outputs = (int(drawn.integers(*of)) for of in ((32, 257), (8, 65), (2, 11)))
    inputs = torch.randn(batch, features, generator=noise)
    scores = inputs @ torch.randn(features, outputs, generator=noise) / math.sqrt(features)
    scores += 0.3 * torch.randn(scores.shape, generator=noise)
    optimizer = ("adam", "sgd")[drawn.integers(2)]
    decades = (-4, -1.7) if optimizer == "adam" else (-2.5, -0.7)
    return Case(
        depth=int(drawn.integers(1, 5)),
        activation=[*GAINS][drawn.integers(len(GAINS))],
        features=features,
        outputs=outputs,
        inputs=inputs,
        targets=scores.argmax(1) if drawn.random() < 0.5 else scores,
        optimizer=optimizer,
        rate=float(10 ** drawn.uniform(*decades)),
        head=0.0 if optimizer == "sgd" else float(np.sign(drawn.integers(2))),
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser."""
    made = parser_of(__doc__)
    made.add_argument("--cases", type=count, default=100, help="how many")
    return made


def main() -> None:
    """Print how often each verdict is given."""
    cases = parser().parse_args().cases
    torch.set_num_threads(1)
    found: dict[tuple[str, str], Counter[str]] = {}
    for number in range(cases):
        one = case(number)
        for name, scheme in (
            ("he_normal", "he_normal"),
            ("muP", ChainMup(gain=GAINS[one.activation], head=one.head)),
        ):
            found.setdefault((name, one.optimizer), Counter())[one.verdict(scheme)] += 1
    print("| scheme | optimizer | cases | verdicts |\n|---|---|---|---|")
    for (name, optimizer), counts in sorted(found.items()):
        said = ", ".join(f"{verdict}: {count}" for verdict, count in counts.most_common())
        print(f"| {name} | {optimizer} | {counts.total()} | {said} |")


if __name__ == "__main__":
    main()
