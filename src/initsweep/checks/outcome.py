"""One promise kept or broken, in one line."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from initsweep.core.errors import InitsweepError


class BrokenPromiseError(InitsweepError):
    """A check failed; the message is the reason and the remedy."""


class Note(str):
    """What a check returns where its promise does not hold and nothing is broken by that."""

    __slots__ = ()


class UnusableError(BrokenPromiseError):
    """A check failed without which the others say nothing: they would repeat its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a check.

    Attributes:
        title: What was checked.
        passed: Whether it holds, None if that was not checked.
        text: The reason and the remedy where it does not; otherwise what else is worth knowing.
        note: Whether it holds with a reservation, which the text says.
    """

    title: str
    passed: bool | None
    text: str = ""
    note: bool = False

    def __str__(self) -> str:
        mark = (
            "note  "
            if self.note
            else {True: "ok    ", False: "failed", None: "-     "}[self.passed]
        )
        return f"{mark}  {self.title}" + (f": {self.text}" if self.text else "")


Promise = tuple[str, Callable[[], str]]
"""A title, and a check that returns a remark or a `Note`, or raises `BrokenPromiseError`."""


def outcomes(promises: Iterable[Promise]) -> Iterator[Outcome]:
    """Yield the outcome of every check, in order, whatever the checked code raises.

    After an `UnusableError` the others are not run.

    Yields:
        One outcome per promise.
    """
    unusable = False
    for title, check in promises:
        if unusable:
            yield Outcome(
                title=title, passed=None, text="not checked, because of the failure above"
            )
            continue
        try:
            text = check()
            yield Outcome(title=title, passed=True, text=text, note=isinstance(text, Note))
        except UnusableError as error:
            unusable = True
            yield Outcome(title=title, passed=False, text=_one_line(str(error)))
        except InitsweepError as error:
            yield Outcome(title=title, passed=False, text=_one_line(str(error)))
        except Exception as error:  # noqa: BLE001 - other people's code may raise anything
            reason = _one_line(f"{type(error).__name__}: {error}")
            yield Outcome(title=title, passed=False, text=f"it raised {reason}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
