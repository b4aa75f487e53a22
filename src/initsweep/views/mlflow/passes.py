"""Repeats a publication until there is nothing left to do.

Publishers in other places write to the same server at the same time, and no lock reaches all of
them. So nobody relies on being alone: what two have made twice is reduced to one by the next look
of either, by a rule that all share, and where one has taken something from under the hands of the
other, MLflow refuses a step, and looking again shows what is left to do.
"""

import random
import time
from collections.abc import Callable

from initsweep.core.errors import TrackingError

PASSES = 12  # two publishers at once take up to five
_TURNED_DOWN = 3  # times in a row, until a refusal is the server's last word
_CONFLICTS = {
    "BAD_REQUEST",  # what a database calls the second of two equal rows
    "INVALID_PARAMETER_VALUE",  # a run that has been deleted meanwhile
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


def until_settled(one_pass: Callable[[], bool]) -> None:
    """Call a pass until it finds nothing to do.

    Args:
        one_pass: Looks at what is there, does what is missing and says whether that was anything.

    Raises:
        TrackingError: If others never stop changing the same things.
    """
    refused = 0
    for _ in range(PASSES):
        try:
            if not one_pass():
                return
        except Exception as error:
            refused += 1
            if refused == _TURNED_DOWN or not _is_conflict(error):
                raise
            time.sleep(refused * random.uniform(0.2, 1.0))
        else:
            refused = 0
    raise TrackingError(
        f"MLflow still changes after {PASSES} looks at it: other publishers are writing the same "
        "study. All results are safe on disk; once they are done, `dvc repro publish` catches up."
    )


def _is_conflict(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code in _CONFLICTS
