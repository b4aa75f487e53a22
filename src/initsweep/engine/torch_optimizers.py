"""Optimizers of one network: those of `torch.optim`, of packages, and what neither has."""

import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import nn

from initsweep.core.errors import require
from initsweep.core.params import Optimizer

PACKAGES = {
    "lion": "lion_pytorch",
    "schedule_free_sgd": "schedulefree",
    "schedule_free_adamw": "schedulefree",
    "prodigy": "prodigyopt",
}
"""What brings the optimizers that torch has not; the extra `optimizers` brings them all."""


class Call(NamedTuple):
    """How an optimizer is made.

    Attributes:
        path: Its class, with the module.
        settings: Arguments by name, but for the parameters and the rate.
        trains: Which parameters it is for, "" for all.
    """

    path: str
    settings: dict[str, Any]
    trains: str = ""


def check_installed(settings: Optimizer) -> None:
    """Check that the package is there that brings an optimizer for one network.

    Raises:
        MissingExtraError: If it is not.
    """
    if settings.name in PACKAGES:
        require(PACKAGES[settings.name], extra="optimizers")


def calls_of(settings: Optimizer) -> list[Call]:
    """Return the optimizers that `settings` describe: one, or two that share the parameters."""
    decay = {"weight_decay": settings.weight_decay}
    momentum = {"momentum": settings.momentum, "nesterov": settings.nesterov, **decay}
    betas = {"betas": (settings.beta1, settings.beta2)}
    adam = {**betas, "eps": settings.epsilon, **decay}
    if settings.name == "muon":
        muon = {**momentum, "adjust_lr_fn": "match_rms_adamw"}
        return [
            Call("torch.optim.Muon", muon, "hidden weights"),
            Call("torch.optim.AdamW", adam, "the rest"),
        ]
    return [
        {
            "sgd": Call("torch.optim.SGD", momentum),
            "sgdw": Call(f"{__name__}.SgdW", momentum),
            "adam": Call("torch.optim.Adam", adam),
            "adamw": Call("torch.optim.AdamW", adam),
            "rmsprop": Call(
                "torch.optim.RMSprop", {"alpha": settings.beta2, "eps": settings.epsilon, **decay}
            ),
            "lion": Call("lion_pytorch.Lion", {**betas, **decay}),
            "schedule_free_sgd": Call(
                "schedulefree.SGDScheduleFree", {"momentum": settings.momentum, **decay}
            ),
            "schedule_free_adamw": Call("schedulefree.AdamWScheduleFree", adam),
            "prodigy": Call("prodigyopt.Prodigy", adam),
        }[settings.name]
    ]


def made(
    call: Call, parameters: Iterable[nn.Parameter] | list[dict[str, Any]], learning_rate: float
) -> torch.optim.Optimizer:
    """Return the optimizer of a call."""
    module, _, name = call.path.rpartition(".")
    with redirect_stdout(io.StringIO()):  # Prodigy prints that it decouples decay
        optimizer: torch.optim.Optimizer = getattr(import_module(module), name)(
            parameters, lr=learning_rate, **call.settings
        )
    return optimizer


class SgdW(torch.optim.SGD):
    """SGD whose weight decay shrinks the weights and does not join the gradient.

    Source: Loshchilov and Hutter (2019), algorithm 1, in the form of `torch.optim.AdamW`, where
    the rate multiplies the decay, too.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Shrink the weights, then make a step without decay.

        Returns:
            What `closure` returns.
        """
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
            group["weight_decay"] = 0.0
        loss: float | None = super().step(closure)
        for group, decay in zip(self.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        return loss
