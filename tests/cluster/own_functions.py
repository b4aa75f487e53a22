"""Own code of a study, as it is sent to a cluster: a training function and a network."""

import os
import sys
import time
from pathlib import Path

import torch


def train(run):
    torch.manual_seed(run.seed)
    model = run.initialize(torch.nn.Linear(4, 1))
    optimizer = run.make_optimizer(model.parameters())
    inputs = torch.randn(32, 4, generator=run.generator("data"))
    for _ in range(2):
        loss = (model(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.report(train_loss=loss, validation_loss=loss)
    if run.is_final:
        run.report_test(loss=loss, model=model)


def net(n_features, n_outputs):
    """Return a network that no kernel covers: it is trained by torch, in stacks."""
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 8), torch.nn.Softsign(), torch.nn.Linear(8, n_outputs)
    )


class Special(torch.nn.Module):
    """Takes its time; or ends its worker or raises, there and not where the path is built."""

    def __init__(self, seconds, wrong, marks):
        super().__init__()
        self.seconds, self.wrong, self.marks = seconds, wrong, marks

    def forward(self, inputs):
        time.sleep(self.seconds)
        if self.wrong and self.training and "ray" in sys.modules:
            (Path(self.marks) / f"tried {os.getpid()}").touch()
            if self.wrong == "ends":
                os.kill(os.getpid(), 9)
            raise ValueError("no such thing")
        return inputs


def special(n_features, n_outputs, *, seconds=0.0, wrong="", marks=""):
    first = torch.nn.Linear(n_features, 8)
    middle = Special(seconds, wrong, marks)
    return torch.nn.Sequential(first, middle, torch.nn.Linear(8, n_outputs))
