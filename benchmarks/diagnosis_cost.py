"""What a diagnosis costs, and what one batched pass over all seeds and schemes would save.

    python -m benchmarks.diagnosis_cost                                 # a minute
    python -m benchmarks.diagnosis_cost --rounds 1 --depth 2 --seeds 1   # tiny

Times the schemes of `params.yaml` under 5 seeds on 30 layers of 128 units, one thread. Then the
three parts that arithmetic dominates, one network after another against 16 stacked networks:
forward and backward in float64, six Hessian-vector products in float32, and the eigenvalues of
the Gram matrices. Prints the best of several rounds.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.common import ROOT, count, parser_of
from initsweep.architectures import build_model
from initsweep.core.params import load_params
from initsweep.engine.devices import pin_matmul
from initsweep.initializers import initial_state, make_initializer
from initsweep.probes.reading import read
from initsweep.stages.diagnose import SHARPNESS_SEEDS

WIDTH, FEATURES, CLASSES, BATCH, LANES = 128, 64, 10, 256, 16
PRODUCTS, CURVATURE_BATCH = 6, 64

Stack = list[Tensor]


def best(run: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest round, after one to warm up."""
    run()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def whole(features: Tensor, targets: Tensor, depth: int, seeds: int, *, curvature: bool) -> None:
    """Look at every scheme under every seed, as the stage does."""
    params = load_params(ROOT / "params.yaml")
    options = {
        "depth": depth, "width": WIDTH, "activation": "relu", "norm": "none", "residual": False,
    }  # fmt: skip
    model = build_model("mlp", options, n_features=FEATURES, n_outputs=CLASSES)
    for scheme in params.schemes:
        name, options = params.initializer(scheme)
        initializer = make_initializer(name, options, scheme=scheme)
        for seed in range(seeds):
            state = initial_state(model, initializer, seed)
            wanted = curvature and seed < SHARPNESS_SEEDS
            read(model, state, features, targets, functional.cross_entropy, with_sharpness=wanted)


def weights(dtype: torch.dtype, depth: int) -> Stack:
    """Return `LANES` networks, each layer's weights as (lanes, fan_in, fan_out)."""
    generator = torch.Generator().manual_seed(0)
    sizes = [FEATURES, *[WIDTH] * depth, CLASSES]
    return [
        torch.randn(LANES, a, b, generator=generator, dtype=dtype) * (2 / a) ** 0.5
        for a, b in pairwise(sizes)
    ]


def loss_of(stack: Stack, features: Tensor, targets: Tensor) -> Tensor:
    """Return the sum over networks of the mean loss, for stacked weights or one network's."""
    signal = features
    for place, weight in enumerate(stack):
        signal = signal @ weight
        signal = torch.relu(signal) if place < len(stack) - 1 else signal
    copies = signal.numel() // (len(targets) * CLASSES)
    return functional.cross_entropy(signal.flatten(0, -2), targets.repeat(copies)) * copies


def gradients(stack: Stack, features: Tensor, targets: Tensor) -> None:
    """Go forward and backward once."""
    leaves = [weight.clone().requires_grad_() for weight in stack]
    torch.autograd.grad(loss_of(leaves, features, targets), leaves)


def products(stack: Stack, features: Tensor, targets: Tensor) -> None:
    """Multiply the Hessian with vectors, as the sharpness does."""
    leaves = [weight.clone().requires_grad_() for weight in stack]
    value = loss_of(leaves, features[:CURVATURE_BATCH], targets[:CURVATURE_BATCH])
    slopes = torch.autograd.grad(value, leaves, create_graph=True)
    vectors = [torch.ones_like(slope) for slope in slopes]
    for _ in range(PRODUCTS):
        torch.autograd.grad(slopes, leaves, grad_outputs=vectors, retain_graph=True)


def spectra(signals: Tensor) -> None:
    """Find the eigenvalues of the Gram matrices."""
    torch.linalg.eigvalsh(signals.mT @ signals)


def compare(rounds: int, depth: int) -> None:
    """Print one network after another against all at once."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(BATCH, FEATURES, generator=generator, dtype=torch.float64)
    targets = torch.randint(CLASSES, (BATCH,), generator=generator)
    signals = torch.randn(LANES * depth, BATCH, WIDTH, generator=generator, dtype=torch.float64)
    for what, part, dtype in (
        ("forward and backward, float64", gradients, torch.float64),
        (f"{PRODUCTS} Hessian-vector products, float32", products, torch.float32),
    ):
        stack, inputs = weights(dtype, depth), features.to(dtype)
        lanes = [[weight[lane] for weight in stack] for lane in range(LANES)]
        report(
            what,
            best(lambda: [part(lane, inputs, targets) for lane in lanes], rounds),  # noqa: B023
            best(lambda: part(stack, inputs, targets), rounds),  # noqa: B023
        )
    report(
        f"spectra of {depth} layers, float64",
        best(lambda: [spectra(signal) for signal in signals], rounds),
        best(lambda: spectra(signals), rounds),
    )


def report(what: str, alone: float, stacked: float) -> None:
    """Print one line."""
    one, all_ = (1000 * seconds / LANES for seconds in (alone, stacked))
    print(f"{what}: {one:.1f} ms per network alone, {all_:.1f} ms stacked, {one / all_:.2f} times")


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--rounds", type=count, default=3)
    made.add_argument("--depth", type=count, default=30, help="hidden layers")
    made.add_argument("--seeds", type=count, default=5, help="draws of the weights")
    return made


def main() -> None:
    """Time everything."""
    options = parser().parse_args()
    pin_matmul()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(BATCH, FEATURES, generator=generator)
    targets = torch.randint(CLASSES, (BATCH,), generator=generator)
    for curvature in (False, True):
        start = time.perf_counter()
        whole(features, targets, options.depth, options.seeds, curvature=curvature)
        bent = min(SHARPNESS_SEEDS, options.seeds)
        words = f"curvature on {bent} seeds" if curvature else "no curvature"
        print(f"all schemes, {options.seeds} seeds, {words}: {time.perf_counter() - start:.1f} s")
    compare(options.rounds, options.depth)


if __name__ == "__main__":
    main()
