"""How fast the engine trains what people build: small networks, one for each kind of layer.

    python -m benchmarks.layers                               # every network, some minutes
    python -m benchmarks.layers --networks GRU dropout --rounds 9
    python -m benchmarks.layers --write                       # and into docs/speed.md

    python -m benchmarks.layers --networks GRU --rounds 1 --epochs 1 --lanes 2   # tiny

The contestants take turns within each round, as in `benchmarks.engine`.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from benchmarks.common import ROOT, add_write, count, parser_of, put, refuse_parts
from benchmarks.layer_networks import NETWORKS
from initsweep.commands.bench.contestants import Case, trained
from initsweep.commands.bench.race import BASELINE, Contestant, contestants, machine, race
from initsweep.core.errors import unheard
from initsweep.core.params import Optimizer
from initsweep.engine.devices import pin_matmul

PAGE = ROOT / "docs/speed.md"
WAYS = (
    "index loop", "torch, 1 worker", "torch, 2 workers", "compiled, 1 worker",
    "compiled, 2 workers",
)  # fmt: skip
SGD = Optimizer(
    name="sgd", momentum=0.9, nesterov=False, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0
)


@dataclass(frozen=True, kw_only=True)
class OwnCase(Case):
    """A network that is no architecture of the registry."""

    build: Callable[[], nn.Module]

    def network(self) -> nn.Module:
        """Return the network as torch starts it."""
        torch.manual_seed(0)
        return self.build()


def case_of(name: str, epochs: int, lanes: int) -> OwnCase:
    """Return a network of the table on data of the size of the digits."""
    return OwnCase(
        name=name, model=(name, {}), n_features=64, n_outputs=10, optimizer=SGD, batch_size=128,
        epochs=epochs, lanes=lanes, build=NETWORKS[name],
    )  # fmt: skip


def field() -> dict[str, Contestant]:
    """Return the contestants of one process."""
    return {name: run for name, run in contestants().items() if name in (BASELINE, *WAYS)}


def row(name: str, times: Mapping[str, Sequence[float]], path: str) -> str:
    """Return a line of the table: medians of ratios to the DataLoader loop in the same round."""
    cells = []
    for way in WAYS:
        ratios = [a / b for a, b in zip(times[BASELINE], times.get(way, ()), strict=False)]
        cells.append(f"{median(ratios):.2f}" if ratios else "")
    path = path.partition(":")[0]
    step = f"{median(times[BASELINE]) * 1e6:.0f}"
    return f"| {name} | {step} | {' | '.join(cells)} | {path} |"


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--networks", nargs="+", choices=NETWORKS, metavar="NAME")
    made.add_argument("--rounds", type=count, default=5)
    made.add_argument("--epochs", type=count, default=10)
    made.add_argument("--lanes", type=count, default=16)
    add_write(made, PAGE)
    return made


def main() -> None:
    """Print the table, and write it into the documentation if asked."""
    asked = parser().parse_args()
    refuse_parts(parser(), write=asked.write, parts=asked.networks is not None)
    pin_matmul()
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    lines = [
        f"| network | {BASELINE}, us a step | {' | '.join(WAYS)} | trained by |",
        "|---|---|" + "---|" * (len(WAYS) + 1),
    ]
    print("\n".join(lines))
    for name in asked.networks or NETWORKS:
        case = case_of(name, asked.epochs, asked.lanes)
        with unheard():
            path = trained(case_of(name, 1, 1), "auto", 1)
            times = race(case, asked.rounds, field())
        lines.append(row(name, times, path))
        print(f"{lines[-1]} {path.partition(': ')[2]}", flush=True)
    if asked.write:
        put(PAGE, {"layers": "\n".join(lines)})


if __name__ == "__main__":
    main()
