"""What a training function says in numbers, checked."""

import math

import numpy as np
from torch import Tensor

from initsweep.core.errors import RunError, shown
from initsweep.loops.spec import Report


def report_of(train_loss: object, loss: object, score: object) -> Report:
    """Return what was reported, as plain numbers.

    Raises:
        RunError: If one is no number, or the score is above 1.
    """
    found = Report(
        train_loss=None if train_loss is None else _number("train_loss", train_loss),
        validation_loss=_number("loss", loss),
        validation_score=None if score is None else _number("score", score),
    )
    value = found.validation_score
    if value is not None and not value <= 1 and math.isfinite(found.validation_loss):
        raise RunError(
            f"score: received {value:g}, but scores are at most 1, so that more is better. Divide "
            "by the largest it can be."
        )
    return found


def rows_of(given: object | None, loss: float) -> list[float] | None:
    """Return the losses of test examples, whose mean is the test loss; None if none are given.

    Raises:
        RunError: If their mean is another.
    """
    if given is None:
        return None
    plain = given.detach().cpu().numpy() if isinstance(given, Tensor) else given
    rows: list[float] = np.asarray(plain, float).ravel().tolist()
    mean = math.fsum(rows) / max(1, len(rows))
    if math.isfinite(loss) and not math.isclose(mean, loss, rel_tol=1e-3, abs_tol=1e-6):
        raise RunError(
            f"report_test: the mean of row_losses is {mean:g}, and loss is {loss:g}. Give the loss "
            "of each test example, whose mean is the loss."
        )
    return rows


def _number(what: str, value: object) -> float:
    """Return a plain number.

    Raises:
        RunError: If it is none.
    """
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise RunError(f"{what}: expected one number, received {shown(value)}.") from None
