"""Every error a user can cause, each with one clear message and no traceback.

The command line prints the message of an `InitsweepError` and exits with status 2. Anything
else that escapes is a defect, of ours or of a user's own module, and keeps its traceback.
"""

import importlib.util
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

LONGEST = 120
OUT_OF_MEMORY = re.compile("out of memory|allocate memory|size calculation overflowed")
"""In what torch says."""

STUDY = (
    "dvc", "mlflow", "optuna", "clevercsv", "jinja2", "matplotlib", "pathspec", "PIL",
    "pyarrow", "rich", "scipy", "sklearn", "tqdm",
)  # fmt: skip
"""The modules that the extra `study` of pyproject.toml brings, and that nothing else needs."""

ALLOCATED = re.compile(r"allocate ([\d.]+ \w+)")


def cut(text: str) -> str:
    """Return a text as it appears in messages, cut off after 120 characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def said_by(error: BaseException) -> list[str]:
    """Return the lines that an error says, without empty ones; its type where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines or [type(error).__name__]


def shown(value: object) -> str:
    """Return a value as it appears in messages: as Python writes it, but not all of a long one.

    Of what Python writes over several lines, such as a table, the type and the shape are told.
    """
    written = repr(value)
    if "\n" not in written:
        return cut(written)
    shape = getattr(value, "shape", None)
    of = "" if shape is None else f" of shape {tuple(shape)}"
    return f"a {type(value).__name__}{of}"


def few(texts: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """Return the first few texts as they appear in messages, and how many more there are."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more


class InitsweepError(Exception):
    """Root of all errors that initsweep raises on purpose."""


class InitsweepWarning(UserWarning):
    """Something was taken for granted that the user can state, or could not be done in full."""


class ParamsError(InitsweepError, ValueError):
    """A parameter is unknown, missing, of the wrong type or out of range."""


class UnknownNameError(InitsweepError, LookupError):
    """No initializer, architecture, dataset, metric or probe goes by this name."""


class DuplicateNameError(InitsweepError, ValueError):
    """Two entries of one registry claim the same name."""


class DataError(InitsweepError, ValueError):
    """The data set cannot be used as it is: missing values, a single class, no rows."""


class ArtifactError(InitsweepError):
    """A file that one stage hands to the next is missing, damaged or of another shape."""


class PathError(InitsweepError):
    """A way of training does not cover the network, a setting or the machine."""


class StackingError(PathError):
    """The network cannot be trained as stacked lanes through `torch.func`."""


class CaptureError(InitsweepError):
    """The network cannot be written down as a fixed list of operations, so it cannot be served."""


class TrackingError(InitsweepError):
    """The MLflow tracking server cannot be reached or refuses what is written to it."""


class RunError(InitsweepError):
    """A user's training function does not do what it has to, or a run of it failed."""


class WorkerMismatchError(RunError):
    """A worker of a cluster would give other bits than this machine: other code, versions, path."""


class RunningError(InitsweepError):
    """Another run is at work in the same folder."""


class PlanError(PathError):
    """The network cannot be read as a list of known operations."""


class KernelsError(PathError):
    """The compiled kernels are not there or cannot be loaded."""


class StaleKernelsError(KernelsError):
    """The compiled kernels that lie here were built from other sources; never a reason to go on.

    Another path would train to other digits, which DVC would keep as if they came from this one.
    """


class UnhealthyError(InitsweepError, AssertionError):
    """An untrained network that is not expected to train."""


class MissingExtraError(InitsweepError, ImportError):
    """A module is not installed that only some commands and functions need."""


@contextmanager
def extras_in_words(extra: str = "study") -> Iterator[None]:
    """Say in one line what to install where a module of an extra is missing.

    Args:
        extra: One that brings it.

    Yields:
        Nothing.

    Raises:
        MissingExtraError: If one is.
        ModuleNotFoundError: If a module is missing that no extra brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in STUDY:
            raise
        raise MissingExtraError(not_installed(error.name, extra)) from error


def require(*modules: str, extra: str = "study") -> None:
    """Refuse to begin what would find out late that a module of an extra is missing.

    Args:
        modules: The modules.
        extra: One that brings them.

    Raises:
        MissingExtraError: If one is.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(not_installed(module, extra))


def not_installed(module: str, extra: str) -> str:
    """Return what to do where a module is missing that an extra brings."""
    return f"This needs '{module}', which is not installed. Run `pip install 'initsweep[{extra}]'`."


@contextmanager
def memory_in_words(command: str) -> Iterator[None]:
    """Say in one line that there is too little memory for a command, whoever has noticed it.

    Yields:
        Nothing.

    Raises:
        InitsweepError: If there is.
        RuntimeError: If torch has raised it for another reason.
    """
    try:
        yield
    except MemoryError as error:
        raise InitsweepError(_too_little_memory(command, str(error))) from error
    except RuntimeError as error:
        if not OUT_OF_MEMORY.search(str(error)):
            raise
        raise InitsweepError(_too_little_memory(command, str(error))) from error


def _too_little_memory(command: str, said: str) -> str:
    asked = ALLOCATED.search(said)
    more = f" (it asked for {asked[1]})" if asked else ""
    return (
        f"{command}: there is too little memory{more}. Take fewer rows or columns, a smaller "
        "network or batch, or fewer runtime.workers or runtime.lanes_per_chunk."
    )


_UNHEARD: ContextVar[bool] = ContextVar("_UNHEARD", default=False)


@contextmanager
def plain_warnings(spelt: Callable[[str], str] = str) -> Iterator[None]:
    """Print our own warnings as messages to the user, without a line of our source.

    Of what is `unheard`, nothing is printed, whoever warns.

    Args:
        spelt: What makes a message fit to be shown.

    Yields:
        Nothing.
    """
    usual = warnings.formatwarning

    def shown(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if _UNHEARD.get():
            return ""
        if issubclass(category, InitsweepWarning):
            return spelt(f"initsweep: {message}\n")
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = shown
    try:
        yield
    finally:
        warnings.formatwarning = usual


def warn(message: str, stacklevel: int) -> None:
    """Warn of what was taken for granted, unless the caller wants to hear nothing.

    Args:
        message: What to say.
        stacklevel: As for `warnings.warn`, counted from the function that calls this one.
    """
    if not _UNHEARD.get():
        warnings.warn(message, InitsweepWarning, stacklevel + 1)


@contextmanager
def unheard() -> Iterator[None]:
    """Keep our warnings to ourselves in this thread, and what libraries warn of from our commands.

    Python's filters are those of all threads, so who calls us elsewhere hears the libraries.

    Yields:
        Nothing.
    """
    before = _UNHEARD.set(True)
    try:
        yield
    finally:
        _UNHEARD.reset(before)


@contextmanager
def each_warning_once(said: set[str]) -> Iterator[None]:
    """Let a warning through unless its text is among those already said, and add it to them.

    Python's own filter forgets what it has shown whenever any code changes the filters. This does
    change them, for all threads: not while others run.

    Yields:
        Nothing.
    """
    with warnings.catch_warnings(record=True) as caught:
        yield
    for one in caught:
        if str(one.message) not in said:
            said.add(str(one.message))
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
