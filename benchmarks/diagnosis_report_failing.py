"""Networks that do not learn, as reported, but for faults of wiring; each comment says where.

Even and odd places are the halves: rules were made on the first, and judged on the second.
"""

from torch import nn

from benchmarks.diagnosis_report_cases import Case, cnn, filled, logits, mlp, mse, normal
from benchmarks.diagnosis_report_data import digits, prices, tumours, wine
from benchmarks.diagnosis_report_wiring import WIRING

OTHERS = [
    # neuralnetworksanddeeplearning.com, chapter 5; "5-layer sigmoid network barely moves"
    Case.of(
        "9 sigmoid layers, torch's default",
        "initialization",
        mlp("64-64*9-10", "sigmoid"),
        digits(),
        "sgd",
        0.1,
    ),
    # "why is zero initialization not good", asked in many places
    Case.of(
        "all zeros", "initialization", mlp("64-64*2-10", "relu", normal(0.0)), digits(), "sgd", 0.1
    ),
    # mohdvasim.com, vanishing gradients: every weight 0.1
    Case.of(
        "every weight 0.1",
        "initialization",
        mlp("64-64*4-10", "sigmoid", filled(lambda w: w.fill_(0.1), 0.0)),
        digits(),
        "sgd",
        0.1,
    ),
    # stackoverflow 44906588, ReLU instead of sigmoid with weights of N(0, 1)
    Case.of(
        "N(0, 1), 6 ReLU layers",
        "initialization",
        mlp("64-100*6-10", "relu", normal(1.0)),
        digits(),
        "sgd",
        0.01,
    ),
    # cs231n, "small random numbers" in a deep tanh network
    Case.of(
        "std 0.01, 10 tanh layers",
        "initialization",
        mlp("64-100*10-10", "tanh", normal(0.01)),
        digits(),
        "sgd",
        0.01,
    ),
    # the same, with large numbers: saturated
    Case.of(
        "N(0, 1), 8 tanh layers",
        "initialization",
        mlp("64-200*8-10", "tanh", normal(1.0)),
        digits(),
        "sgd",
        0.01,
    ),
    # "my deep network does not train, the shallow one does"
    Case.of(
        "30 ReLU layers, torch's default",
        "initialization",
        mlp("64-64*30-10"),
        digits(),
        "sgd",
        0.01,
    ),
    # discuss.pytorch.org 98714: nn.init.uniform_ on every weight
    Case.of(
        "U(0, 1), 3 ReLU layers",
        "initialization",
        mlp("64-64*3-10", "relu", filled(nn.init.uniform_, 0.0)),
        digits(),
        "adam",
        1e-3,
    ),
    # "dying ReLU from the first step": biases far below zero
    Case.of(
        "biases of -10",
        "initialization",
        mlp("64-64*2-10", "relu", filled(nn.init.xavier_normal_, -10.0)),
        digits(),
        "adam",
        1e-3,
    ),
    # stats.stackexchange, CNN with weights of std 1e-3
    Case.of("CNN with std 0.001", "initialization", cnn(std=1e-3), digits(image=True), "sgd", 0.01),
    # discuss.pytorch.org 43814: stuck at 2.30, all ReLU units dead
    Case.of("Adam at 0.1, ReLU", "rate", mlp("64-256*6-10"), digits(), "adam", 0.1),
    # "loss is NaN after a few iterations"
    Case.of("SGD at 10", "rate", mlp("64-100*3-10"), digits(), "sgd", 10.0),
    # taourl.com 2391810: SGD at a rate that is far too small
    Case.of("SGD at 1e-6", "rate", mlp("64-64*2-10"), digits(), "sgd", 1e-6),
    # errorhandle.ai, ReLU network does not converge
    Case.of("CNN, Adam at 0.1", "rate", cnn(), digits(image=True), "adam", 0.1),
    # discuss.pytorch.org 183958: 0.693 for thousands of steps
    Case.of("Adam at 1e-7, 0.693", "rate", mlp("30-32*2-1"), tumours(), "adam", 1e-7, loss=logits),
    # linear regression of many inputs that diverges
    Case.of(
        "linear regression of 200 inputs, SGD at 0.5",
        "rate",
        mlp("200-1"),
        prices(inputs=200),
        "sgd",
        0.5,
        loss=mse,
    ),
    Case.of("RMSprop at 0.1", "rate", mlp("64-100*4-10", "tanh"), digits(), "rmsprop", 0.1),
    Case.of("CNN, SGD at 2", "rate", cnn(), digits(image=True), "sgd", 2.0),
    # mejorcodigo.com 45698: x of 0 to 100 instead of 0 to 1
    Case.of(
        "inputs of std 100, NaN",
        "data",
        mlp("8-1"),
        prices(input_scale=100.0),
        "sgd",
        0.01,
        loss=mse,
    ),
    # syntaxbug.com d1e7d3ba69 and many others: prices in dollars
    Case.of(
        "prices of 250,000", "data", mlp("8-64*2-1"), prices(8e4, 2.5e5), "adam", 1e-3, loss=mse
    ),
    # taourl.com 2589871: inputs times 1000
    Case.of(
        "inputs of std 1000, 0/1 targets",
        "data",
        mlp("8-64*3-1"),
        lambda: ((d := prices(input_scale=1e3)())[0], (d[1] > 0).float()),
        "sgd",
        0.01,
        loss=logits,
    ),
    # one column in the hundreds
    Case.of(
        "wine, one column of 750", "data", mlp("13-64*2-3", "tanh"), wine(raw=True), "sgd", 0.01
    ),
    Case.of("inputs of 1e-3", "data", mlp("64-64*2-10"), digits(1e-3 / 16), "sgd", 0.05),
    Case.of(
        "years around 2000",
        "data",
        mlp("8-32*2-1"),
        prices(input_scale=5.0, input_mean=2000.0),
        "sgd",
        1e-3,
        loss=mse,
    ),
    # pixels of 0 to 255
    Case.of("pixels of 0 to 255", "data", mlp("64-64*3-10"), digits(255 / 16), "sgd", 0.05),
    Case.of(
        "targets of 1e6, NaN", "data", mlp("8-64*2-1", "relu"), prices(1e6), "sgd", 0.01, loss=mse
    ),
]

FAILING = [*OTHERS, *WIRING]
