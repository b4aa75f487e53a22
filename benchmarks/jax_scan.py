"""One network in JAX, all steps of an epoch in one compiled scan: a contestant of `engine.py`.

It is given an advantage: nobody asks it for the losses.

    python -m benchmarks.jax_scan    # tiny
"""

import argparse
import importlib.util
import os
import time

import numpy as np

from benchmarks.common import parser_of
from initsweep.commands.bench.contestants import ROWS, Case, rows

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
"""As the others have; XLA reads it when it is imported."""


def is_there() -> bool:
    """Return whether JAX is installed; it is not among the requirements."""
    return importlib.util.find_spec("jax") is not None


def loop(case: Case) -> float | None:
    """Train one multilayer perceptron by SGD with momentum.

    Returns:
        Seconds per step; None for other networks and optimizers.
    """
    if case.model[0] != "mlp" or case.optimizer.name != "sgd":
        return None
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # XLA has threads of its own
    try:
        return _loop(case)
    finally:
        os.sched_setaffinity(0, allowed)


def _loop(case: Case) -> float:
    os.environ.setdefault("XLA_FLAGS", ONE_THREAD)
    import jax
    import jax.numpy as jnp

    features, targets = (jnp.asarray(x.numpy()) for x in rows(ROWS, case.n_features, 10))
    validation = [jnp.asarray(x.numpy()) for x in rows(case.validation_rows, case.n_features, 10)]
    weights = [
        (jnp.asarray(layer.weight.detach().numpy().T), jnp.asarray(layer.bias.detach().numpy()))
        for layer in case.network().modules()
        if hasattr(layer, "in_features")
    ]
    steps, size = ROWS // case.batch_size, case.batch_size

    def outputs(weights, x):
        for number, (weight, bias) in enumerate(weights):
            x = x @ weight + bias
            if number < len(weights) - 1:
                x = jax.nn.relu(x)
        return x

    def loss(weights, x, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(outputs(weights, x)), y[:, None], 1).mean()

    @jax.jit
    def validate(weights, x, y):
        return loss(weights, x, y), (outputs(weights, x).argmax(1) == y).mean()

    def step(state, index):
        weights, velocities = state
        value, slopes = jax.value_and_grad(loss)(weights, features[index], targets[index])
        velocities = jax.tree.map(lambda v, g: 0.9 * v + g, velocities, slopes)
        weights = jax.tree.map(lambda w, v: w - 1e-3 * v, weights, velocities)
        return (weights, velocities), value

    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order))
    state = (weights, jax.tree.map(jnp.zeros_like, weights))
    generator = np.random.default_rng(0)

    def order():
        return jnp.asarray(generator.permutation(ROWS)[: steps * size].reshape(steps, size))

    state, _ = epoch(state, order())
    jax.block_until_ready(validate(state[0], *validation))
    start = time.perf_counter()
    for _ in range(case.epochs):
        state, _ = epoch(state, order())
        jax.block_until_ready(validate(state[0], *validation))
    return (time.perf_counter() - start) / case.steps


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    return parser_of(__doc__)


def main() -> None:
    """Print what the default network takes.

    Raises:
        SystemExit: If JAX is not installed.
    """
    parser().parse_args()
    if not is_there():
        raise SystemExit(
            "jax_scan: needs JAX, which is no requirement of initsweep: pip install jax"
        )
    from benchmarks.engine import case_of

    print(f"JAX jit(scan): {1e6 * (loop(case_of('mlp-3x128', 'sgd')) or 0):.0f} us a step")


if __name__ == "__main__":
    main()
