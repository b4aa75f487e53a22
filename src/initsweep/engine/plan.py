"""A network as a list of operations, for the paths that do not run the module itself.

A plan names every operation, the values it reads and the parameters it uses. `tracing` reads it
from a module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "linear", "conv2d", "batch_norm", "layer_norm", "activation", "add", "max_pool2d", "reshape",
    "avg_pool2d", "group_norm", "rms_norm",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """How a kernel or a pool's window goes over an image; each for rows and for columns.

    Attributes:
        kernel: Its size; (0, 0) for a pool that cuts the image into equal parts.
        stride: From one place to the next.
        padding: Zeros before the first row and column; those behind follow from the shapes.
        dilation: From one entry to the next.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of a network.

    Attributes:
        kind: What it does.
        inputs: Numbers of the values it reads: 0 is the features, k + 1 the result of operation k.
        shape: Shape of its result without the batch axis.
        parameters: Role to the parameter's or buffer's name in the network ("weight", "bias",
            "running_mean", ...).
        settings: What else it needs: the activation's name, epsilon, groups, a `slide`, ...
    """

    kind: Kind
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A network as operations in the order of execution; the last one gives the outputs."""

    input_shape: tuple[int, ...]
    operations: tuple[Operation, ...]

    def shape_of(self, value: int) -> tuple[int, ...]:
        """Return the shape of a value without the batch axis."""
        return self.operations[value - 1].shape if value else self.input_shape
