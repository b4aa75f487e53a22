"""Zero-gamma: normalized residual networks, every branch silent at the start."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.errors import InitsweepError
from initsweep.graph.kinds import weight_name
from initsweep.initializers import INITIALIZERS
from initsweep.initializers.branches import residual_of
from initsweep.initializers.laws.draws import Distribution
from initsweep.initializers.network import Network
from initsweep.initializers.schemes.fixup import refuse_dead_branch, weights_of
from initsweep.initializers.schemes.he import He


@INITIALIZERS.register("zero_gamma")
class ZeroGamma(He):
    """He's normal weights; the last norm of each residual branch starts at weight 0.

    All other norms start at 1, all biases at 0. Every block is then the path around its branch,
    and the branch grows as the norm's weight does.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", section 5.1.
    """

    summary: ClassVar[str] = "He; the norm at the end of each residual branch starts at 0."
    reference: ClassVar[str] = "Goyal et al. 2017, section 5.1."
    conditions: ClassVar[str] = (
        "Residual networks whose branches end in a norm with a weight; for those without there is "
        "`fixup`. Refuses networks without residual branches, and branches in which an activation "
        "without slope at 0 follows."
    )
    distribution_name: ClassVar[Distribution] = "normal"

    def complete(self, network: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the state with the last norm of every branch at zero, frozen branches left out.

        Raises:
            InitsweepError: If a branch does not end in a norm with a weight.
        """
        completed = dict(state)
        for branch in residual_of(network.model, network.traces).branches:
            if set(weights_of(network, branch.layers)) <= network.kept:
                continue
            norm = branch.norms[-1] if branch.ends_in_norm else ""
            name = f"{norm}.{weight_name(network.model.get_submodule(norm))}"
            if name not in completed:
                raise InitsweepError(
                    f"The residual branch that ends with '{branch.layers[-1]}' has no norm with a "
                    "weight after it. Choose `fixup`, which needs none."
                )
            refuse_dead_branch(name, branch.blocked_norm)
            completed[name] = torch.zeros_like(state[name])
        return completed
