"""What the diagnosis has to say about the range of learning rates that was searched."""

from initsweep.core import numbers
from initsweep.core.records import DiagnosisRow
from initsweep.core.results import Results

# Where the best rate lay, over the ceiling, in nine of ten networks for which the ceiling can be
# relied on: `docs/diagnosis.md`.
BELOW, ABOVE = 0.005, 3.5


def ceiling(study: Results, row: DiagnosisRow) -> float | None:
    """Return the rate above which the study's optimizer overshoots at the start, if known.

    Source: Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge
        of stability", appendix A: (2 + 2 momentum) / λ. It does not hold for other optimizers.
    """
    optimizer = study.params.engine_optimizer(row.scheme)
    ours = study.params.loop is None
    if row.rate_ceiling is None or not ours or optimizer.name != "sgd":
        return None
    return row.rate_ceiling * (1 + optimizer.momentum)


def advice(study: Results) -> str:
    """Return one sentence: does the searched range cover where the best rate is to be expected?

    It is advice only. The range is `tune.grid`, the same for every scheme, and each scheme's
    grid grows by itself where its best rate sits on the edge.
    """
    grid = study.params.tune.grid
    known = [
        (row.scheme, value)
        for row in study.diagnosis
        if row.ceiling_reliable and (value := ceiling(study, row)) is not None
    ]
    if not known:
        return (
            "The sharpness of the untrained networks gives no reliable hint at the range of "
            "learning rates here."
        )
    low, high = BELOW * min(v for _, v in known), ABOVE * max(v for _, v in known)
    expected = f"{numbers.rate(low)} to {numbers.rate(high)}"
    names = ", ".join(scheme for scheme, _ in known)
    lacking = [
        f"tune.grid.{end} {numbers.rate(value)}"
        for end, value, short in (("low", low, low < grid.low), ("high", high, high > grid.high))
        if short
    ]
    covered = "which the grid covers" if not lacking else f"which needs {' and '.join(lacking)}"
    return (
        f"By the sharpness of the untrained networks ({names}) the best rates are to be expected "
        f"within {expected}, {covered}. This is advice: the range searched is the one in "
        "params.yaml."
    )
