"""Networks as people describe them when they ask why theirs does not learn, and some that do.

Each failing one follows a report on the web (Stack Exchange, PyTorch's forum, GitHub issues, blogs
that answer such questions), rebuilt on small data at the rate and optimizer of the report.
`benchmarks.diagnosis_reports` trains them all and asks the diagnosis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.diagnosis_report_data import Data

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One report.

    Attributes:
        name: What it is.
        cause: "initialization", "rate", "data" or "wiring"; None for one that trains.
        build: Builds the network as reported.
        data: Inputs and targets as reported.
        optimizer: Its name.
        rate: Its learning rate.
        loss: The loss as reported; None for the usual one of the targets.
        steps: Updates, on batches of 64.
        mended: Network and loss once the wiring is as it should be, for faults of wiring.
    """

    name: str
    cause: str | None
    build: Callable[[], nn.Module]
    data: Callable[[], Data]
    optimizer: str
    rate: float
    loss: Loss | None = None
    steps: int = 800
    mended: tuple[Callable[[], nn.Module], Loss | None] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        cause: str | None,
        build: Callable[[], nn.Module],
        data: Callable[[], Data],
        optimizer: str,
        rate: float,
        loss: Loss | None = None,
        mended: tuple[Callable[[], nn.Module], Loss | None] | None = None,
    ) -> "Case":
        """Return a case; the table is easier to read without names."""
        return cls(
            name=name, cause=cause, build=build, data=data, optimizer=optimizer, rate=rate,
            loss=loss, mended=mended,
        )  # fmt: skip


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU,
               "selu": nn.SELU, "silu": nn.SiLU, "elu": nn.ELU, "leaky": nn.LeakyReLU}  # fmt: skip


def mlp(
    sizes: str,
    act: str = "relu",
    fill: Callable[[nn.Linear], object] | None = None,
    end: nn.Module | None = None,
    norm: type[nn.Module] | None = None,
) -> Callable[[], nn.Module]:
    """Return what builds a network from "64-100*3-10": width 100 three times."""

    def build() -> nn.Module:
        widths: list[int] = []
        for part in sizes.split("-"):
            width, _, times = part.partition("*")
            widths += [int(width)] * int(times or 1)
        layers: list[nn.Module] = []
        for one, other in pairwise(widths):
            layers.append(nn.Linear(one, other))
            if fill is not None:
                with torch.no_grad():
                    fill(layers[-1])
            layers += [norm(other)] if norm is not None else []
            layers.append(ACTIVATIONS[act]())
        while not isinstance(layers[-1], nn.Linear):
            layers.pop()
        return nn.Sequential(*layers, *([end] if end is not None else []))

    return build


def filled(weight: Callable[[Tensor], object], bias: float | None = None) -> Callable[..., None]:
    """Return what fills a layer; without a bias that stays as torch draws it."""

    def fill(layer: nn.Linear) -> None:
        weight(layer.weight)
        if bias is not None:
            nn.init.constant_(layer.bias, bias)

    return fill


def normal(std: float) -> Callable[..., None]:
    """Return what draws weights from N(0, std²) and sets biases to zero."""
    return filled(lambda w: nn.init.normal_(w, std=std), 0.0)


class Net(nn.Module):
    """A network with a `forward` of its own."""

    def __init__(self, run: Callable[..., Tensor], **parts: nn.Module) -> None:
        """Keep the parts, and what runs them."""
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        """Return what `run` makes of the inputs."""
        return self.run(self, x)


def cnn(act: str = "relu", *, norm: bool = False, std: float | None = None, end: bool = False) \
        -> Callable[[], nn.Module]:  # fmt: skip
    """Return what builds a small convolutional network for 8 by 8 images."""

    def build() -> nn.Module:
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), *([nn.BatchNorm2d(16)] * norm), ACTIVATIONS[act](),
            nn.Conv2d(16, 32, 3, padding=1), *([nn.BatchNorm2d(32)] * norm), ACTIVATIONS[act](),
            nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), ACTIVATIONS[act](), nn.Flatten(),
            nn.Linear(32 * 16, 64), ACTIVATIONS[act](), nn.Linear(64, 10),
            *([nn.ReLU()] * end),
        )  # fmt: skip
        for part in net:
            if std is not None and hasattr(part, "weight"):
                nn.init.normal_(part.weight, std=std)
        return net

    return build


def recurrent(kind: type[nn.Module] = nn.LSTM, *, first: bool = True) -> Callable[[], nn.Module]:
    """Return what builds a classifier of sequences that reads the last state."""
    return lambda: Net(
        lambda net, x: net.head(net.body(x)[0][:, -1]),
        body=kind(2, 24, batch_first=first),
        head=nn.Linear(24, 2),
    )


def residual(depth: int) -> Callable[[], nn.Module]:
    """Return what builds a deep residual network with layer normalization."""

    def run(net: nn.Module, x: Tensor) -> Tensor:
        x = net.stem(x)
        for block in net.blocks:
            x = x + block(x)
        return net.head(x)

    def build() -> nn.Module:
        blocks = [
            nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
            for _ in range(depth)
        ]
        return Net(run, stem=nn.Linear(64, 32), blocks=nn.ModuleList(blocks),
                   head=nn.Linear(32, 10))  # fmt: skip

    return build


def transformer() -> nn.Module:
    """Return a classifier of tokens with one encoder layer."""
    return Net(
        lambda net, x: net.head(net.body(net.table(x)).mean(1)),
        table=nn.Embedding(20, 16),
        body=nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True),
        head=nn.Linear(16, 2),
    )


def frozen(build: Callable[[], nn.Module], but: int = 0) -> Callable[[], nn.Module]:
    """Return what builds a network whose parameters are frozen, but for the last few."""

    def made() -> nn.Module:
        net = build()
        parameters = list(net.parameters())
        for one in parameters[: len(parameters) - but]:
            one.requires_grad_(requires_grad=False)
        return net

    return made


def through(
    build: Callable[[], nn.Module],
    then: Callable[[Tensor], Tensor],
    before: Callable[[Tensor], Tensor] = lambda x: x,
) -> Callable[[], nn.Module]:
    """Return what builds a network whose `forward` does more."""
    return lambda: Net(lambda net, x: then(net.body(before(x))), body=build())


def mean_squares(z: Tensor, t: Tensor) -> Tensor:
    """Return the loss that people write by hand."""
    return ((z - t) ** 2).mean()


bce, mse, xent = functional.binary_cross_entropy, functional.mse_loss, functional.cross_entropy
logits = functional.binary_cross_entropy_with_logits
