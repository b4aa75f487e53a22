"""Fixup: residual networks without normalization, every branch silent at the start."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.errors import InitsweepError
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.branches import residual_of
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.network import Network
from initsweep.initializers.schemes.he import He


@INITIALIZERS.register("fixup")
class Fixup(He):
    """He's normal weights; in residual branches scaled down, the last of each and the head zero.

    With L branches, and m weights in a branch (an attention counts four), every weight of the
    branch but the last is multiplied by L^(-1 / (2m - 2)). Biases are zero, as are the last
    weight of each branch and the weight of the last layer. Fixup's scalar multipliers and biases
    are a change of the network and are not made here: build them in, and give them to the
    optimizer yourself. Branches are found by reading the network; see `branches`.

    Source: Zhang, Dauphin and Ma 2019, "Fixup initialization", section 3, rules 1 and 2; the
        count for attention from the authors' code.
    """

    summary: ClassVar[str] = "He in residual networks: branches scaled by depth, their ends zero."
    reference: ClassVar[str] = "Zhang, Dauphin and Ma 2019, section 3, rules 1 and 2."
    conditions: ClassVar[str] = (
        "Residual networks, made for those without normalization. Refuses networks without "
        "residual branches, and branches that end in an activation without slope at 0, such as "
        "ReLU: zeros before it would never learn."
    )
    distribution_name: ClassVar[Distribution] = "normal"

    def complete(self, network: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights with those of the branches scaled and their ends zero.

        Networks without branches are refused, and branches that could not learn. Frozen weights
        count in L and m, and stay as they are.
        """
        residual = residual_of(network.model, network.traces)
        completed = dict(state)
        for branch in residual.branches:
            names = weights_of(network, branch.layers)
            if names[-1] not in network.kept:
                refuse_dead_branch(names[-1], branch.blocked)
            count = sum(_weights_in(network, name) for name in names)
            factor = len(residual.branches) ** (-1 / (2 * count - 2)) if count > 1 else 1.0
            for name in names[:-1]:
                completed[name] = completed[name] * factor
            completed[names[-1]] = torch.zeros_like(state[names[-1]])
        for name in weights_of(network, (residual.head,))[-1:]:
            completed[name] = torch.zeros_like(state[name])
        return completed


def weights_of(network: Network, paths: tuple[str, ...]) -> list[str]:
    """Return the names of the weights of these modules, in their order; tied ones once.

    The weight of an attention's output comes after those of its projections.
    """
    owned = [path for one in paths for path in (one, f"{one}.out_proj" if one else "out_proj")]
    return [
        slot.name
        for path in owned
        for slot in network.slots
        if slot.module == path and any(part.role == "weight" for part in slot.parts)
    ]


def refuse_dead_branch(name: str, blocked: tuple[str, ...]) -> None:
    """Refuse a branch whose end would never learn.

    Raises:
        InitsweepError: If there are operations without slope at 0 behind that end.
    """
    if blocked:
        raise InitsweepError(
            f"'{name}' is the end of a residual branch and would start at zero, but "
            f"{', '.join(blocked)} follows it inside the branch and has no slope at 0, so it "
            "would never learn. Move the activation behind the addition, or choose another scheme."
        )


def _weights_in(network: Network, name: str) -> int:
    (slot,) = (slot for slot in network.slots if slot.name == name)
    return len(slot.parts)
