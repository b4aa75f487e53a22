"""The interface of all initializers, and the adapter for a user's own function."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from initsweep.core.multipliers import Multipliers, OptimizerKind
from initsweep.core.options import Options
from initsweep.core.records import SchemeOption
from initsweep.initializers.layers import Layer, Neighbour
from initsweep.initializers.network import Network


class Initializer(Options):
    """Fills the weight, and the bias, of one layer at a time. Its fields are its options.

    Attributes:
        summary: What it does, in one sentence.
        reference: The paper and equation it comes from.
        conditions: Where it is known to work and where not.
        biases: What it does to biases.
        deterministic: Whether it draws nothing at random.
        needs_inputs: Whether it needs examples of the network's inputs.
        by_place: Whether it looks at where a layer stands in the network (`Layer.place`).
        example: Options that make a valid instance, for documentation and contract tests.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import Initializer, initialize_
        >>> class Halves(Initializer):
        ...     def weight(self, layer, generator):
        ...         return torch.full(layer.weight_shape, 0.5)
        >>> initialize_(nn.Linear(3, 1), Halves(), seed=0).weight.tolist()
        [[0.5, 0.5, 0.5]]
    """

    summary: ClassVar[str]
    reference: ClassVar[str]
    conditions: ClassVar[str]
    biases: ClassVar[str] = "0"
    deterministic: ClassVar[bool] = False
    needs_inputs: ClassVar[bool] = False
    by_place: ClassVar[bool] = False
    example: ClassVar[Mapping[str, SchemeOption]] = {}

    @abstractmethod
    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return the layer's weight: shape `layer.weight_shape`, float32, on the CPU.

        Args:
            layer: The layer to fill.
            generator: The only source of randomness that may be used.
        """

    def bias(self, layer: Layer, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return the layer's bias: zeros of shape `layer.bias_shape`, unless overridden."""
        return torch.zeros(layer.bias_shape or 0)

    def refuses(self, layer: Layer) -> str | None:  # noqa: ARG002
        """Return why this layer cannot be filled and what to do about it, None if it can."""
        return None

    def fills(self, layer: Layer) -> bool:  # noqa: ARG002
        """Return whether it fills a parameter that is in no layer: a table of positions, a norm.

        By default it does not: norms start at 1 and 0, and all else keeps its values.

        Args:
            layer: The parameter as one row of a lookup table, or several; `place` says what it is.
        """
        return False

    def remarks(self, network: Network) -> Iterator[str]:  # noqa: ARG002
        """Yield what is to be told before it fills a network.

        Yields:
            Sentences; by default none.

        Raises:
            InitsweepError: If the network is not of the kind that the scheme is for.
        """
        yield from ()

    def complete(self, network: Network, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:  # noqa: ARG002
        """Return the final values of all parameters, once every layer has been filled.

        What a scheme does to a network as a whole is done here: scaling by measured signals,
        zeroing the ends of residual branches. By default nothing.

        Args:
            network: The network, its parameters taken stock of, and examples of its inputs.
            state: Parameter name to value as filled, float32 on the CPU. Not to be changed.

        Returns:
            Values of the same names and shapes.

        Raises:
            InitsweepError: If the network is not of the kind that the scheme is for.
        """
        return state

    def multipliers(self, network: Network, kind: OptimizerKind) -> Mapping[str, Multipliers]:  # noqa: ARG002
        """Return factors on the rate and decay of parameters, by name; 1 for those left out.

        A parametrization (muP and its kin) is a scheme that has some. They do not depend on drawn
        values.

        Args:
            network: The network and its parameters taken stock of.
            kind: How the optimizer's updates depend on the size of gradients.
        """
        return {}

    @property
    def scales_rates(self) -> bool:
        """Whether it puts factors on the rates and decays of some networks' parameters."""
        return type(self).multipliers is not Initializer.multipliers

    @property
    def reads(self) -> Neighbour | None:
        """Which activation the weights depend on: the one after or before the layer, or none."""
        return None

    def weight_mean(self, layer: Layer) -> float | None:  # noqa: ARG002
        """Return the mean of the weights' law (dimensionless), None if it is not known."""
        return 0.0

    def weight_std(self, layer: Layer) -> float | None:  # noqa: ARG002
        """Return the standard deviation of the weights' law, None if it is not known.

        It is the effective one, after any truncation: the square root of the variance that a
        forward pass sees.
        """
        return None

    def bias_std(self, layer: Layer) -> float | None:  # noqa: ARG002
        """Return the standard deviation of the biases' law, None if it is not known."""
        return 0.0


class FunctionInitializer(Initializer):
    """A user's own function `(layer, generator, **options) -> weight`; biases start at zero."""

    summary: ClassVar[str] = "Your own function."
    reference: ClassVar[str] = "Given as package.module:attribute."
    conditions: ClassVar[str] = "Unknown: its variance is measured, not predicted."

    function: Callable[..., object]
    options: dict[str, SchemeOption]

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        function = self.function
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return f"{function.__module__}:{name}{options}"

    def weight(self, layer: Layer, generator: torch.Generator) -> Tensor:
        """Return what the function returns; `apply` checks that it is a proper weight."""
        return self.function(layer, generator, **self.options)  # type: ignore[return-value]

    def weight_mean(self, layer: Layer) -> float | None:  # noqa: ARG002
        """Return None: nothing is known about the function's law."""
        return None
