"""Networks that do not learn because of their wiring, as reported."""

from torch import nn
from torch.nn import functional

from benchmarks.diagnosis_report_cases import (
    Case,
    bce,
    frozen,
    logits,
    mean_squares,
    mlp,
    mse,
    recurrent,
    through,
    xent,
)
from benchmarks.diagnosis_report_data import digits, prices, sequences, tumours

WIRING = [
    # discuss.pytorch.org, softmax before CrossEntropyLoss
    Case.of(
        "softmax before cross-entropy",
        "wiring",
        mlp("64-64*3-10", end=nn.Softmax(1)),
        digits(),
        "sgd",
        0.05,
        loss=nn.CrossEntropyLoss(),
        mended=(mlp("64-64*3-10"), None),
    ),
    # ReLU behind the last layer
    Case.of(
        "ReLU before cross-entropy",
        "wiring",
        mlp("64-64*4-10", end=nn.ReLU()),
        digits(),
        "sgd",
        0.05,
        loss=xent,
        mended=(mlp("64-64*4-10"), None),
    ),
    # github.com/timeseriesAI/tsai/issues/22
    Case.of(
        "(n, 1) against (n,)",
        "wiring",
        mlp("8-32*2-1"),
        prices(column=False),
        "adam",
        1e-3,
        loss=mse,
        mended=(through(mlp("8-32*2-1"), lambda z: z[:, 0]), mse),
    ),
    # community.deeplearning.ai 324182: ReLU output, targets below zero
    Case.of(
        "ReLU output, negative targets",
        "wiring",
        mlp("8-16*2-1", end=nn.ReLU()),
        prices(target_mean=-2.0),
        "adam",
        1e-2,
        loss=mse,
        mended=(mlp("8-16*2-1"), mse),
    ),
    # softmax over the batch, runebook.dev
    Case.of(
        "softmax over the batch",
        "wiring",
        mlp("64-64*2-10", end=nn.Softmax(0)),
        digits(),
        "sgd",
        0.1,
        loss=xent,
        mended=(mlp("64-64*2-10"), None),
    ),
    # "weights do not change": .detach() on the way
    Case.of(
        "detached outputs",
        "wiring",
        through(mlp("64-64*2-10"), lambda z: z.detach()),
        digits(),
        "sgd",
        0.1,
        mended=(mlp("64-64*2-10"), None),
    ),
    # everything frozen
    Case.of(
        "all frozen",
        "wiring",
        frozen(mlp("64-64*2-10")),
        digits(),
        "adam",
        1e-3,
        mended=(mlp("64-64*2-10"), None),
    ),
    # softmax over the only output
    Case.of(
        "softmax over one output",
        "wiring",
        mlp("30-32*2-1", end=nn.Softmax(1)),
        tumours(),
        "adam",
        1e-3,
        loss=bce,
        mended=(mlp("30-32*2-1"), logits),
    ),
    # LSTM without batch_first
    Case.of(
        "LSTM without batch_first",
        "wiring",
        recurrent(first=False),
        sequences,
        "adam",
        1e-3,
        mended=(recurrent(), None),
    ),
    # NLLLoss on scores
    Case.of(
        "scores into NLLLoss",
        "wiring",
        mlp("64-64*2-10"),
        digits(),
        "sgd",
        0.1,
        loss=functional.nll_loss,
        mended=(mlp("64-64*2-10"), None),
    ),
    # sigmoid, then BCEWithLogitsLoss
    Case.of(
        "sigmoid before BCE with logits",
        "wiring",
        mlp("30-32*6-1", end=nn.Sigmoid()),
        tumours(),
        "sgd",
        0.1,
        loss=logits,
        mended=(mlp("30-32*6-1"), logits),
    ),
    # hard decisions in the loss
    Case.of(
        "argmax in the loss",
        "wiring",
        mlp("30-32*2-1"),
        tumours(),
        "adam",
        1e-3,
        loss=lambda z, t: mse((z > 0).float().requires_grad_(), t),
        mended=(mlp("30-32*2-1"), logits),
    ),
    # broadcasting by hand, "Simple linear regression in PyTorch"
    Case.of(
        "(n, 1) against (n,), by hand",
        "wiring",
        mlp("8-32-1"),
        prices(column=False),
        "sgd",
        0.05,
        loss=mean_squares,
        mended=(through(mlp("8-32-1"), lambda z: z[:, 0]), mse),
    ),
    # sigmoid output for a price
    Case.of(
        "sigmoid output, targets around 5",
        "wiring",
        mlp("8-32*2-1", end=nn.Sigmoid()),
        prices(target_mean=5.0),
        "adam",
        1e-2,
        loss=mse,
        mended=(mlp("8-32*2-1"), mse),
    ),
    # view that mixes examples
    Case.of(
        "a view that mixes examples",
        "wiring",
        through(mlp("64-64*2-10"), lambda z: z, lambda x: x.t().reshape(-1, 64)),
        digits(),
        "adam",
        1e-3,
        mended=(mlp("64-64*2-10"), None),
    ),
    Case.of(
        "probabilities into NLLLoss, deep",
        "wiring",
        mlp("64-32*4-10", end=nn.Softmax(1)),
        digits(),
        "sgd",
        0.05,
        loss=functional.nll_loss,
        mended=(mlp("64-32*4-10"), None),
    ),
]
