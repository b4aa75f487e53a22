"""LSUV: orthogonal weights, rescaled until every layer's output has unit variance on real data."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.errors import InitsweepError, warn
from initsweep.core.params import Count
from initsweep.initializers import INITIALIZERS, Initializer
from initsweep.initializers.laws.matrices import haar
from initsweep.initializers.layers import Layer
from initsweep.initializers.network import Network
from initsweep.initializers.rescaling import Pass, hooked, ties_of

_PASSES, _TOLERANCE = 12, 1e-3


@INITIALIZERS.register("lsuv")
class Lsuv(Initializer):
    """Orthogonal weights divided by the standard deviation of what they give; biases zero.

    One forward pass is enough: a layer's output is linear in its weight, so each is divided by
    its standard deviation over examples, units and positions when the pass reaches it, and the
    pass goes on with the rescaled output. Layers therefore come in the order of execution. A
    layer that is called more than once is rescaled at its first call. A weight that is tied is
    rescaled at one of its places, the layer that sums the most terms: a lookup table that is also
    the output layer where it is the output layer. That changes what went before, so the pass is
    repeated until the scale stays. Projections of attention are rescaled each; weights of
    recurrent layers stay orthogonal, because there no one scale serves all time steps, and frozen
    weights as they are. A layer whose output does not vary is left as it is and named in a
    warning.

    Source: Mishkin and Matas 2015, "All you need is a good init", algorithm 1.
    """

    summary: ClassVar[str] = "Orthogonal, then each layer's output scaled to variance 1 on data."
    reference: ClassVar[str] = "Mishkin and Matas 2015, algorithm 1."
    conditions: ClassVar[str] = (
        "Any activation. Needs examples, whose features should be standardized; the scale holds "
        "for data like them."
    )
    needs_inputs: ClassVar[bool] = True

    batch_size: Count = 256

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return an orthogonal matrix, of the shape of the weight."""
        rows = layer.weight_shape[0]
        columns = torch.Size(layer.weight_shape[1:]).numel()
        return haar(rows, columns, generator).reshape(layer.weight_shape).to(torch.float32)

    def weight_mean(self, layer: Layer) -> None:  # noqa: ARG002
        """Return None: the law depends on the data."""
        return

    def complete(self, network: Network, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights rescaled by what up to `batch_size` examples give.

        Raises:
            InitsweepError: If no layer's output varies over the examples.
        """
        scaled = {name: value.clone() for name, value in state.items()}
        examples = network.examples(self.batch_size)
        frozen = {scaled[name].untyped_storage().data_ptr() for name in network.kept}
        ties = ties_of(network.model)
        for _ in range(_PASSES):
            done = Pass(frozen=frozen, ties=ties)
            with hooked(network.model, done):
                network.run(scaled, examples)
            uncalled = [path for path, places in ties.items() if not places & done.reached]
            ties = {path: places for path, places in ties.items() if path not in uncalled}
            if not uncalled and done.change < _TOLERANCE:
                break
        _report(done)
        return scaled


def _report(done: Pass) -> None:
    """Warn of what the last pass could not do.

    Raises:
        InitsweepError: If it could do nothing.
    """
    still = ", ".join(f"'{name}'" for name in done.still)
    if still and not done.reached:
        raise InitsweepError(
            "LSUV divides by the standard deviation of every layer's output, and none varies over "
            f"the examples ({still}). `inputs` must be a batch of different examples, not all zero."
        )
    if still:
        warn(
            "LSUV left these layers as they were, because their output does not vary over "
            f"the examples: {still}.",
            stacklevel=3,
        )
    if done.change >= _TOLERANCE:
        warn(
            f"LSUV found no scale of a tied weight that stays: after {_PASSES} passes the last one "
            f"still changed it by {done.change:.1%}.",
            stacklevel=3,
        )
