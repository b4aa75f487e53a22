"""The interface of all architectures."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import nn

from initsweep.core.options import Options
from initsweep.core.records import ModelOption


class Architecture(Options):
    """Builds one kind of network. Its fields are its options.

    The network maps (batch, n_features) to (batch, n_outputs), has no data-dependent control
    flow (so that `torch.func` can stack copies of it), and tells through an attribute
    `activation_after` which activation follows which layer.

    Attributes:
        summary: What it is, in one sentence.
        reference: The paper it comes from.
        trained_by: The fastest path of the engine that covers it with the options of `example`, by
            its name in `runtime.engine`.
        example: Options that make a valid instance, for documentation and contract tests.

    Examples:
        >>> from torch import nn
        >>> from initsweep import Architecture
        >>> class Wide(Architecture):
        ...     width: int
        ...
        ...     def build(self, n_features, n_outputs):
        ...         first = nn.Linear(n_features, self.width)
        ...         return nn.Sequential(first, nn.ReLU(), nn.Linear(self.width, n_outputs))
        ...
        ...     def short_name(self):
        ...         return f"wide-{self.width}"
        >>> len(Wide(width=64).build(8, 2))
        3
    """

    summary: ClassVar[str]
    reference: ClassVar[str]
    trained_by: ClassVar[str]
    example: ClassVar[Mapping[str, ModelOption]] = {}

    @abstractmethod
    def build(self, n_features: int, n_outputs: int) -> nn.Module:
        """Return the network, its weights not yet initialized.

        Args:
            n_features: Inputs per example.
            n_outputs: Outputs per example: classes, or 1 for a single regression target.
        """

    @abstractmethod
    def short_name(self) -> str:
        """Return a name that tells the networks of this kind apart ("mlp-3x128-relu")."""
