"""What became of convolutional networks and transformers: trained by SGD and by Adam.

A case is trainable if some rate removes 10 % of the constant predictor's validation loss in 240
updates. Rates are tried from the likeliest on, and none after one that has removed a fifth.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from benchmarks.network_families import Member, networks
from initsweep.engine.lanes import Split
from initsweep.probes.reading import Loss

RATES = {"sgd": (0.1, 0.03, 0.3, 0.01, 0.003, 0.0003), "adam": (1e-3, 3e-3, 1e-2, 1e-4)}
UPDATES, BATCH, LOOK = 240, 64, 30
ENOUGH = 0.2  # of the constant's loss: no other rate is tried
NOTHING = 0.01  # of it: given up at half of the updates
Rates = Mapping[str, Sequence[float]]
FIELDS = ("network", "scheme", "sgd_skill", "sgd_best_rate", "adam_skill", "adam_best_rate")


class Trained(Protocol):
    """What can be trained: a network, its data and its loss."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def constant(self) -> float:
        """What the best constant prediction costs."""

    @property
    def loss(self) -> Loss:
        """The mean loss that it is trained by."""

    def started(self, scheme: str, seed: int) -> nn.Module:
        """Return the network under a scheme."""

    def split(self, role: str) -> Split:
        """Return one split of its data."""


def cases(number: int | None = None) -> list[tuple[Member, str]]:
    """Return every network under every scheme of its own, families in turn, or the first ones."""
    members = networks()
    half = len(members) // 2
    mixed = [one for pair in zip(members[:half], members[half:], strict=True) for one in pair]
    return [(member, scheme) for member in mixed for scheme in member.schemes][:number]


def skill(
    member: Trained, scheme: str, optimizer: str, rate: float, enough: float = ENOUGH
) -> float:
    """Return the share of the constant's validation loss that one training removes."""
    train = member.split("train")
    model, constant = member.started(scheme, seed=0), member.constant
    made: torch.optim.Optimizer = (
        torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        if optimizer == "sgd"
        else torch.optim.Adam(model.parameters(), lr=rate)
    )
    generator, best = torch.Generator().manual_seed(0), -math.inf
    for update in range(1, UPDATES + 1):
        rows = torch.randint(len(train.targets), (BATCH,), generator=generator)
        loss = member.loss(model(train.features[rows]), train.targets[rows])
        value = float(loss.detach())
        if not math.isfinite(value) or (value > 1e4 * constant and update > LOOK):
            return max(best, 0.0)
        made.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        made.step()
        if update % LOOK == 0:
            best = 1 - _loss(member, model) / constant
            if best >= enough or (best < NOTHING and update >= UPDATES // 2):
                return best
    return best


def _loss(member: Trained, model: nn.Module) -> float:
    split = member.split("validation")
    model.eval()
    with torch.no_grad():
        loss = float(member.loss(model(split.features), split.targets))
    model.train()
    return loss if math.isfinite(loss) else math.inf


def outcome(
    member: Trained, scheme: str, tried: Rates = RATES, enough: float = ENOUGH
) -> dict[str, object]:
    """Return one row of the table; no more is trained once `enough` is removed."""
    row: dict[str, object] = {"network": member.name, "scheme": scheme}
    for optimizer, rates in tried.items():
        best, at = 0.0, 0.0
        for rate in rates:
            found = skill(member, scheme, optimizer, rate, enough)
            if found > best:
                best, at = found, rate
            if best >= enough:
                break
        row |= {f"{optimizer}_skill": round(best, 3), f"{optimizer}_best_rate": at}
    return row


def read(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows by network and scheme; none if there is no table yet."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {(row["network"], row["scheme"]): row for row in csv.DictReader(file)}


def train_all(path: Path, number: int | None) -> Iterator[dict[str, object]]:
    """Train what the table lacks and append it, case by case.

    Yields:
        Each new row.
    """
    known = read(path)
    if not path.exists():
        path.write_text(",".join(FIELDS) + "\n")
    for member, scheme in cases(number):
        if (member.name, scheme) in known:
            continue
        row = outcome(member, scheme)
        with path.open("a", newline="") as file:
            csv.DictWriter(file, FIELDS, lineterminator="\n").writerow(row)
        yield row
