"""Repeats a publication until there is nothing left to do.

Publishers in other places write to the same server at the same time, and no lock reaches all of
them. So nobody relies on being alone: what two have made twice is reduced to one by the next look
of either, by a rule that all share, and where one has taken something from under the hands of the
other, MLflow refuses a step, and looking again shows what is left to do. So does it after a server
has been away.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from initsweep.core.errors import TrackingError
from initsweep.views.mlflow.trouble import is_away

PASSES = 12  # two publishers at once take up to five
ABSENCE = 60  # seconds to wait for a server that has answered before
_TURNED_DOWN = 6  # times in a row, until a refusal is the server's last word
_CONFLICTS = {
    "BAD_REQUEST",  # what a database calls the second of two equal rows
    "INVALID_PARAMETER_VALUE",  # a run that has been deleted meanwhile
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}
_logger = logging.getLogger(__name__)


def until_settled(client: Any, one_pass: Callable[[], bool]) -> None:  # noqa: ANN401
    """Call a pass until it finds nothing to do.

    Args:
        client: An `MlflowClient`, whose server must answer at once.
        one_pass: Looks at what is there, does what is missing and says whether that was anything.

    Raises:
        TrackingError: If others never stop changing the same things.
    """
    _ask(client)
    refused = 0
    for _ in range(PASSES):
        try:
            if not one_pass():
                return
        except Exception as error:
            refused += 1
            if is_away(error):
                _wait_for(client)
            elif refused >= _TURNED_DOWN or not _is_conflict(error):
                raise
            else:
                time.sleep(refused * random.uniform(0.2, 1.0))
        else:
            refused = 0
    raise TrackingError(
        f"MLflow still changes after {PASSES} looks at it: other publishers are writing the same "
        "study. All results are safe on disk; once they are done, `dvc repro publish` catches up."
    )


def _ask(client: Any) -> None:  # noqa: ANN401
    client.search_experiments(max_results=1)


def _wait_for(client: Any) -> None:  # noqa: ANN401
    """Wait until a server answers again."""
    _logger.warning("MLflow does not answer any more; waiting for it for up to %d s.", ABSENCE)
    end = time.monotonic() + ABSENCE
    while True:
        time.sleep(1)
        try:
            _ask(client)
        except Exception as error:
            if not is_away(error) or time.monotonic() > end:
                raise
        else:
            return


def _is_conflict(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import IntegrityError

    if isinstance(error, MlflowException):
        return error.error_code in _CONFLICTS
    return isinstance(error, IntegrityError)
