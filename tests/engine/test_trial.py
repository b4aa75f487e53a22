"""What a network is seen to do, and that it draws what the plain loop draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from initsweep.engine.train_lanes import train_lanes
from initsweep.engine.trial import try_out
from initsweep.initializers import initial_states


class Calls(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(self, x)


def reseeding(self, x):
    torch.manual_seed(int(torch.randint(9, ())))
    return self.layers[1](functional.dropout(self.layers[0](x), training=self.training))


def checkpointed(self, x):
    x = checkpoint(lambda z: functional.dropout(self.layers[0](z)), x, use_reentrant=False)
    return self.layers[1](x)


def transposed(self, x):
    return self.layers[1](functional.dropout(self.layers[0](x).T, training=self.training).T)


def always(self, x):
    return self.layers[1](functional.dropout(self.layers[0](x)))


def attending(self, x):
    x = self.layers[0](x).unflatten(1, (2, 4))
    dropped = 0.5 * self.training
    x = functional.scaled_dot_product_attention(x, x, x, dropout_p=dropped)
    return self.layers[1](x.flatten(1))


def shuffling(self, x):
    x = self.layers[0](x)
    return self.layers[1](x[torch.randperm(len(x))] if self.training else x)


def pair():
    return nn.Linear(6, 8), nn.Linear(8, 3)


def image(*layers):
    return nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 3, padding=1), *layers)


ENDS = (nn.Flatten(), nn.Linear(24, 3))
DRAWING = {
    "a layer": (lambda: nn.Sequential(*pair()[:1], nn.Dropout(0.3), *pair()[1:]), "vmap"),
    "attention": (lambda: Calls(attending, *pair()), "vmap"),
    "a recurrent net": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (3, 2)), Calls(lambda self, x: self.layers[0](x)[0][:, -1],
            nn.GRU(2, 5, 3, batch_first=True, dropout=0.4)), nn.Linear(5, 3),
        ),
        "vmap",
    ),
    "an image": (lambda: image(nn.BatchNorm2d(4), nn.Dropout(0.3), *ENDS), "one lane"),
    "whole channels": (lambda: image(nn.BatchNorm2d(4), nn.Dropout2d(0.3), *ENDS), "one lane"),
    "another order of memory": (lambda: Calls(transposed, *pair()), "one lane"),
    "in evaluation, too": (
        lambda: Calls(always, *pair()),
        "one lane",
    ),
    "its own seed": (lambda: Calls(reseeding, *pair()), "one lane"),
    "a checkpoint": (lambda: Calls(checkpointed, *pair()), "one lane"),
    "an order of examples": (lambda: Calls(shuffling, *pair()), "one lane"),
}  # fmt: skip


@pytest.mark.usefixtures("restless_threads")
@pytest.mark.parametrize(("build", "how"), DRAWING.values(), ids=DRAWING)
def test_it_draws_what_the_plain_loop_draws(
    build, how, make_problem, training, optimizer, runtime, lanes_of, assert_same_bytes
):
    model = build()
    problem = replace(
        make_problem(),
        model=model,
        initial_state=initial_states(model, "he_normal"),
    )
    lanes = lanes_of((0.03, 0), (0.01, 1), (0.03, 1), (0.02, 2), (0.02, 3))
    settings = {"training": training(), "optimizer": optimizer(), "keep_states": True}
    plain = train_lanes(problem, lanes, runtime=runtime(engine="reference"), **settings)
    found = train_lanes(problem, lanes, runtime=runtime(engine="torch"), **settings)
    assert how in found.engine
    for column in ("initial_loss", "train_loss", "validation_loss"):
        np.testing.assert_allclose(getattr(found, column), getattr(plain, column), rtol=2e-4)
    both = train_lanes(problem, lanes, runtime=runtime(engine="torch", workers=2), **settings)
    assert_same_bytes(both, found)


def test_what_it_does_decides_how_it_is_laid_out():
    def done(model, *shape):
        return try_out(model, torch.ones(4, *shape))

    flat, pool = (1, 8, 8), nn.MaxPool2d(2)
    conv = nn.Conv2d(1, 4, 3)
    assert done(nn.Sequential(conv, pool), *flat).channels_last
    assert done(nn.Sequential(conv, nn.BatchNorm2d(4)), *flat).channels_last
    assert not done(nn.Sequential(conv, pool, nn.GroupNorm(2, 4)), *flat).channels_last
    assert not done(nn.Sequential(conv, pool, nn.InstanceNorm2d(4)), *flat).channels_last
    assert not done(nn.Sequential(conv, nn.AvgPool2d(2)), *flat).channels_last
    assert done(conv, *flat).slides
    assert done(nn.Sequential(nn.Unflatten(1, (4, 2)), nn.Linear(2, 3)), 8).slides
    assert not done(nn.Linear(8, 3), 8).slides
    looks = Calls(lambda _, x: functional.scaled_dot_product_attention(x, x, x))
    assert done(looks, 1, 8, 8).fused_attention
    assert not done(conv, *flat).fused_attention
