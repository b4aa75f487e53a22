"""Says in one line where a network of the user's fails, which may be at one size only."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initsweep.core.errors import OUT_OF_MEMORY, InitsweepError, ParamsError, cut, said_by, shown
from initsweep.core.params import Model


@contextmanager
def network_in_words(settings: Model) -> Iterator[None]:
    """Name the options with which a function of the user's builds no network, and the line.

    What our own networks raise is a defect, and what says that memory is short has its own words.

    Yields:
        Nothing.

    Raises:
        ParamsError: If the function fails.
    """
    try:
        yield
    except Exception as error:
        told = isinstance(error, InitsweepError | MemoryError) or OUT_OF_MEMORY.search(str(error))
        if told or ":" not in settings.name:
            raise
        options = ", ".join(f"{key}={shown(value)}" for key, value in settings.options.items())
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {cut(said_by(error)[0])}"
        raise ParamsError(
            f"model: {settings.name} fails with {options or 'no options'}: {said} "
            f"({Path(last.filename).name}, line {last.lineno}). Mend it, or give other options."
        ) from error
