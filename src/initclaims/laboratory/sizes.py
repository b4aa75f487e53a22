"""How best rates move with the size of the network, under several parametrizations."""

from collections.abc import Mapping

import numpy as np

from initclaims.laboratory.contest import FROM, TO, all_of, beyond, close, respond, seen
from initclaims.laboratory.lab import Lab, Scheme, Setup
from initclaims.laboratory.rates import best_rates, exponents, half_decade
from initclaims.laboratory.table import Measurement, Table
from initsweep.core import numbers
from initsweep.core.records import Interval, ModelOption

RATE, EXPONENT, LOSS = "best rate", "exponent of the best rate", "training loss at its best rate"
RATES = tuple(half_decade(1e-4, step) for step in range(8))
STILL = 0.33
"""An exponent this far from 0 doubles or halves the best rate while the size grows eightfold."""


def measured_over(
    lab: Lab,
    networks: Mapping[int, Mapping[str, ModelOption]],
    schemes: Mapping[str, Scheme],
    optimizer: str,
    *,
    seeds: int,
    epochs: int,
) -> list[Measurement]:
    """Return best rates by size, and the exponents that they follow, of each scheme.

    Args:
        lab: The bench.
        networks: By size.
        schemes: By name.
        optimizer: What trains; arms are called "optimizer, scheme".
        seeds: How many, each with its own best rate.
        epochs: Passes over the training rows.
    """
    rows = []
    for name, scheme in schemes.items():
        arm, found = f"{optimizer}, {name}", {}
        for size, network in networks.items():
            setup = Setup(
                data=seen(lab.data()), network=network, epochs=epochs,
                optimizer={"name": optimizer},
            )  # fmt: skip
            response = respond(lab, setup, scheme, RATES, seeds=seeds)
            found[float(size)] = best_rates(response)
            lowest = response.final_losses.min(axis=0)
            values = {RATE: found[float(size)], LOSS: lowest}
            rows += [
                Measurement.of(arm, quantity, value, seed=seed, setting=size)
                for quantity, column in values.items()
                for seed, value in zip(response.seeds, column, strict=True)
            ]
            ends = {FROM: min(response.rates), TO: max(response.rates)}
            rows += [Measurement.of(arm, end, rate, setting=size) for end, rate in ends.items()]
        rows += [
            Measurement.of(arm, EXPONENT, value, seed=seed)
            for seed, value in enumerate(exponents(found))
        ]
    return rows


def carries_over(table: Table, optimizer: str, still: str, moves: str) -> bool | None:
    """Return whether one scheme's best rate stays with the size, and that of another falls.

    None where intervals leave that open.
    """
    stays = close(table.mean(EXPONENT, f"{optimizer}, {still}"), STILL)
    rises = beyond(table.mean(EXPONENT, f"{optimizer}, {moves}"), -STILL)
    return all_of([stays, None if rises is None else not rises])


def told(table: Table, published: Mapping[str, str]) -> dict[str, tuple[Interval, str]]:
    """Return the exponents as effects, with what the source says of a scheme.

    First those that should be 0, on which the claim rests.
    """
    arms = sorted(
        table.arms(EXPONENT), key=lambda arm: published.get(arm.partition(", ")[2]) != "0"
    )
    return {
        f"{arm}: power of the size with which the best rate goes": (
            table.mean(EXPONENT, arm), published.get(arm.partition(", ")[2], ""),
        )
        for arm in arms
    }  # fmt: skip


def moved(table: Table, arm: str) -> str:
    """Return the mean best rates at the smallest and at the largest size, as "0.01 to 0.001"."""
    sizes = table.settings(RATE, arm)
    ends = (10 ** float(np.log10(table.values(RATE, arm, sizes[at])).mean()) for at in (0, -1))
    return " to ".join(map(numbers.rate, ends))
