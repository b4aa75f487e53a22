"""The multilayer perceptron."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from initsweep.architectures import ARCHITECTURES, Architecture
from initsweep.architectures.activations import ACTIVATIONS, Activation, ActivationName
from initsweep.core.params import Count
from initsweep.core.records import OptionValue

Norm = Literal["none", "batch", "layer"]


class BlankLinear(nn.Linear):
    """A linear layer that waits for its initializer: zeros, and no random draw when built."""

    def reset_parameters(self) -> None:
        """Set weight and bias, if there is one, to zero."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)


class HiddenLayer(nn.Module):
    """linear, then norm, then activation: (batch, fan_in) to (batch, width)."""

    def __init__(self, fan_in: int, width: int, activation: Activation, norm: Norm) -> None:
        super().__init__()
        # Batch norm subtracts any bias again; its gradient would be rounding noise, which Adam
        # turns into full-size steps.
        self.linear = BlankLinear(fan_in, width, bias=norm != "batch")
        self.norm = _norm(norm, width)
        self.activation = activation

    def forward(self, signal: Tensor) -> Tensor:
        """Return the layer's activations, shape (batch, width)."""
        return self.activation(self.norm(self.linear(signal)))


class Mlp(nn.Module):
    """`depth` hidden layers of equal width and a linear head.

    Parameters are called `hidden.0.linear.weight`, `hidden.0.norm.weight`, `head.weight`, and so
    on. With `residual`, every hidden layer but the first adds its input to its output. The
    pre-activations are the outputs of the modules named in `activation_after` (of `hidden.0.norm`
    where there is a norm), and of `head`.
    """

    def __init__(
        self,
        *,
        n_features: int,
        n_outputs: int,
        depth: int,
        width: int,
        activation: ActivationName,
        norm: Norm,
        residual: bool,
    ) -> None:
        super().__init__()
        phi = ACTIVATIONS[activation]
        fans_in = [n_features] + [width] * (depth - 1)
        self.hidden = nn.ModuleList(HiddenLayer(fan_in, width, phi, norm) for fan_in in fans_in)
        self.head = BlankLinear(width, n_outputs)
        self.residual = residual
        self.activation_after: Mapping[str, Activation] = {
            f"hidden.{index}.linear": phi for index in range(depth)
        }

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs, shape (batch, n_outputs), for inputs of (batch, n_features)."""
        signal = inputs
        for index, layer in enumerate(self.hidden):
            output = layer(signal)
            signal = signal + output if self.residual and index > 0 else output
        outputs: Tensor = self.head(signal)
        return outputs


@ARCHITECTURES.register("mlp")
class MlpArchitecture(Architecture):
    """Options of the multilayer perceptron."""

    summary: ClassVar[str] = "Multilayer perceptron: `depth` hidden layers of `width` units."
    reference: ClassVar[str] = (
        "Rumelhart, Hinton and Williams 1986; norm: Ioffe and Szegedy 2015 (batch), Ba, Kiros and "
        "Hinton 2016 (layer); residual: He et al. 2016."
    )
    trained_by: ClassVar[str] = "compiled"
    example: ClassVar[Mapping[str, OptionValue]] = {
        "depth": 3,
        "width": 128,
        "activation": "relu",
        "norm": "none",
        "residual": False,
    }

    depth: Count
    width: Count
    activation: ActivationName
    norm: Norm
    residual: bool

    def build(self, n_features: int, n_outputs: int) -> Mlp:
        """Return the network with all weights zero, waiting for an initializer."""
        return Mlp(n_features=n_features, n_outputs=n_outputs, **dict(self))

    def short_name(self) -> str:
        """Return e.g. "mlp-3x128-relu-batchnorm-residual"."""
        norm = "" if self.norm == "none" else f"-{self.norm}norm"
        skip = "-residual" if self.residual else ""
        return f"mlp-{self.depth}x{self.width}-{self.activation}{norm}{skip}"


def _norm(norm: Norm, width: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm1d(width)
    return nn.LayerNorm(width) if norm == "layer" else nn.Identity()
