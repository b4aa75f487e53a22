"""The coordinate check: does a learning rate that suits a small network suit a large one?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from initsweep.core.errors import InitsweepError
from initsweep.diagnosis.coordinate_places import Vary, places
from initsweep.diagnosis.coordinate_sizes import (
    Asked,
    Optimizer,
    Size,
    check_differ,
    checked_optimizer,
    checked_sizes,
)
from initsweep.diagnosis.coordinate_slopes import (
    CoordinatePoint,
    CoordinateRow,
    Trend,
    by_size,
    rows_of,
)
from initsweep.diagnosis.coordinate_words import as_text, reason_of, verdict_of
from initsweep.diagnosis.task import Batch, Targets, checked_batch
from initsweep.initializers.arguments import AnyInitializer, as_initializer
from initsweep.probes.passing import Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinateCheck:
    """What a coordinate check has found. `print` it.

    Attributes:
        vary: What the sizes are: "width" or "depth".
        sizes: The sizes, in ascending order.
        layers: Two rows for each layer: how its activations and its updates depend on the size.
        points: What they are based on, at every step; `pandas.DataFrame(check.points)` is a table.
        diverged: Size, seed and step of runs whose numbers were not finite.
        notes: What limits it, in sentences.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import coordinate_check
        >>> def build(width):
        ...     return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 3))
        >>> rows = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
        >>> found = coordinate_check(
        ...     build, [64, 128, 256, 512], "lecun_normal",
        ...     inputs=rows, targets=torch.arange(64) % 3, learning_rate=0.001,
        ... )
        >>> [(row.layer, row.trend) for row in found.layers if row.quantity == "updates"]
        [('0', 'flat'), ('2', 'growing')]
    """

    vary: Vary
    sizes: tuple[int, ...]
    layers: list[CoordinateRow]
    points: list[CoordinatePoint]
    diverged: list[tuple[int, int, int]]
    notes: list[str]

    @property
    def verdict(self) -> Trend:
        """The worst of the layers': "growing", "shrinking", "cannot tell" or "flat".

        All must be flat, but for the output itself, which may start at nothing.
        """
        return verdict_of(self.layers, self.diverged, self.sizes)

    @property
    def reason(self) -> str:
        """What the verdict is based on, and what it means for the learning rate."""
        return reason_of(self.layers, self.diverged, self.vary, self.sizes)

    def values(self, row: CoordinateRow) -> dict[int, list[float]]:
        """Return what a row is based on: by size, one number for each seed."""
        of = [one for one in self.points if (one.layer, one.step) == (row.layer, row.step)]
        return by_size(of, row.quantity)

    def __str__(self) -> str:
        notes = "".join(f"\nNote: {note}" for note in self.notes)
        return f"{as_text(self.layers)}\n{self.verdict}: {self.reason}{notes}"


def coordinate_check(
    build: Callable[[int], nn.Module],
    sizes: Sequence[int],
    scheme: AnyInitializer | None = None,
    *,
    inputs: Batch,
    targets: Targets | None = None,
    learning_rate: float | None = None,
    optimizer: str | Optimizer = "adam",
    loss: Loss | None = None,
    steps: int = 4,
    seeds: int = 10,
    vary: Vary = "width",
) -> CoordinateCheck:
    """Say whether the first steps change networks of several sizes alike.

    Networks are initialized and take a few steps on one batch; meanwhile the mean absolute
    coordinate of each layer's output, and of its change since the start, are measured. Where one of
    them grows with the size, a learning rate that suits a small network is too large for a large
    one; where changes shrink, it is too small.

    Layers are modules with weights, and the network's output. Networks of several depths are
    compared on the trunk alone, what every path from the first layer to the loss goes through: its
    layers, and the sums where branches join the stream; of those that are repeated, the middle and
    the last.

    Args:
        build: Returns the network of a size.
        sizes: Three or more sizes.
        scheme: As for `initialize_`; its factors on learning rates are applied. None leaves
            networks as they are built, once for each seed.
        inputs: A batch, as for `diagnose`.
        targets: As for `diagnose`.
        learning_rate: The rate of all steps.
        optimizer: "sgd", "adam", "adamw" or "rmsprop", plain; or a function that makes the
            optimizer of a network, whose rates are its own, as of a parametrization of yours.
        loss: As for `diagnose`.
        steps: How many steps to take.
        seeds: How many draws of the weights of each size to train.
        vary: What the sizes are: "width", which leaves the layers what they are, or "depth".

    Returns:
        A trend for each layer, and a verdict. Runs that diverge are results.

    Raises:
        InitsweepError: If an argument is not what it should be, the networks' layers do not match,
            the scheme does not suit them, or one fails on the batch.

    Source: Yang et al. 2022, "Tensor programs V", section "coord check" of their package mup, which
    shows the activations as a picture.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from initsweep import coordinate_check
        >>> def build(width):
        ...     return nn.Sequential(
        ...         nn.Linear(8, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(),
        ...         nn.Linear(width, 3),
        ...     )
        >>> rows = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
        >>> task = {"inputs": rows, "targets": torch.arange(64) % 3}
        >>> found = coordinate_check(
        ...     build, [64, 128, 256, 512], "lecun_normal", **task, learning_rate=0.001
        ... )
        >>> found.verdict
        'growing'
        >>> def parametrized(network):  # a head that starts at 0, and rates by the sums they are of
        ...     nn.init.zeros_(network[-1].weight)
        ...     return torch.optim.Adam(
        ...         {"params": [one], "lr": 0.001 * (64 / one.shape[1] if name in inner else 1)}
        ...         for name, one in network.named_parameters()
        ...     )
        >>> inner = {"2.weight", "4.weight"}
        >>> found = coordinate_check(
        ...     build, [64, 128, 256, 512], "lecun_normal", **task, optimizer=parametrized
        ... )
        >>> found.verdict
        'flat'
    """
    ordered = checked_sizes(sizes, steps, seeds, vary)
    asked = Asked(
        build=build,
        scheme=None if scheme is None else as_initializer(scheme),
        optimizer=checked_optimizer(optimizer, learning_rate),
        rate=learning_rate,
        features=checked_batch(inputs),
        targets=targets,
        loss=loss,
        steps=steps,
        seeds=seeds,
        vary=vary,
    )
    found = {size: asked.of(size) for size in ordered}
    check_differ({size: one.network for size, one in found.items()})
    return _judged(found, vary)


def _judged(found: Mapping[int, Size], vary: Vary) -> CoordinateCheck:
    """Return what the runs say.

    Raises:
        InitsweepError: If there is nothing to compare.
    """
    runs = {(size, seed): course for size, one in found.items()
            for seed, course in enumerate(one.courses)}  # fmt: skip
    last = min(len(course.passes) for course in runs.values()) - 1
    if last < 0:
        size = next(size for (size, _), course in runs.items() if not course.passes)
        raise InitsweepError(
            f"Numbers of the network of {vary} {size} are not finite before the first step. "
            "`initsweep diagnose` says where that begins."
        )
    used = {size: list(one.courses[0].passes[0]) for size, one in found.items()}
    compared = places({size: one.network for size, one in found.items()}, used, vary)
    points = [
        CoordinatePoint(layer=layer, size=size, seed=seed, step=at, **passed[paths[size]]._asdict())
        for layer, paths in compared.items()
        for (size, seed), course in runs.items()
        for at, passed in enumerate(course.passes)
        if paths[size] in passed
    ]
    notes = dict.fromkeys(note for one in found.values() for note in one.notes)
    ends = {size: one.courses[0].output for size, one in found.items()}
    outputs = [layer for layer, paths in compared.items() if paths == ends]
    layers = rows_of(points, last, len(runs), outputs)
    if left := compared.keys() - {row.layer for row in layers}:
        notes[f"not compared, as their outputs change in size: {', '.join(sorted(left))}"] = None
    return CoordinateCheck(
        vary=vary,
        sizes=tuple(found),
        layers=layers,
        points=points,
        diverged=[(*run, course.diverged_at) for run, course in runs.items()
                  if course.diverged_at is not None],
        notes=[*notes],
    )  # fmt: skip
