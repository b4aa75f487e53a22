"""The rows of `explain` as text, at most 100 columns wide."""

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from initsweep.core.errors import few
from initsweep.core.numbers import trimmed
from initsweep.core.spelling import legible

if TYPE_CHECKING:
    from initsweep.explanation.rows import Explanation, LayerLaw, Neighbour
    from initsweep.explanation.starts import Start

WIDTH = 100
_NAME, _LAW = 18, 28
_HEAD = (
    f"{'layer':{_NAME}} {'law':{_LAW}} {'std':>7} {'gain':>5} {'fan in/out':>10}"
    f" {'then':>13} {'reads':>13}"
)
_NOTE = (
    "gain: sqrt(fan_in) times the root mean square of the weights. then, reads: the activation "
    "after the layer and the one whose result it reads, each with the weights' variance over the "
    "one that keeps the signal's second moment there; below 1 the signal fades with depth, above 1 "
    "it grows, unless a normalization follows."
)


def whole(explanation: "Explanation") -> str:
    """Return the table with its legend."""
    lines = [_HEAD]
    for index, row in enumerate(explanation.rows):
        # The end of a long path does not tell layers apart: it gets a line of its own.
        name = legible(row.layer)
        long = len(name) > _NAME
        lines += [name] * long + [line("" if long else name, row)]
        if explanation.under_scheme:
            lines.append(line("  →", explanation.under_scheme[index]))
        if row.also:
            lines.append(_short(legible(f"  tied: also {', '.join(row.also)}"), WIDTH))
    if not explanation.rows:
        lines.append("(no weights)")
    notes = [*_start(explanation.start), _biases(explanation.rows, "Biases")]
    if explanation.under_scheme:
        notes.append(_biases(explanation.under_scheme, f"Biases under {explanation.scheme}"))
    notes += [_ambiguous(explanation.rows), *_unclear(explanation.rows)]
    notes += [_unknown(explanation), *_passed_over(explanation), _NOTE]
    wrapped = [
        textwrap.fill(note, WIDTH, subsequent_indent="    " * note.startswith(" "))
        for note in notes
        if note
    ]
    return "\n".join([*lines, "", *wrapped])


def line(name: str, row: "LayerLaw") -> str:
    """Return one row."""
    law = row.law.text
    if row.law.also and len(law) + len(row.law.also[0]) + 3 <= _LAW:
        law = f"{law} = {row.law.also[0]}"
    return (
        f"{_short(name, _NAME, keep_end=True):{_NAME}} {_short(law, _LAW):{_LAW}} "
        f"{number(row.std):>7} {_gain(row.gain):>5} "
        f"{f'{row.fan_in:g}/{row.fan_out:g}':>10} "
        f"{_beside(row.after, row.ratio_after):>13} {_beside(row.reads, row.ratio_reads):>13}"
    ).rstrip()


def number(value: float) -> str:
    """Return a number in few characters: with three digits, small ones with two."""
    return trimmed(value, 3 if abs(value) >= 0.01 else 2)


def _gain(value: float) -> str:
    """Return a gain in five places."""
    size = abs(value)
    return trimmed(value, 3 if size >= 0.1 else 2 if size >= 0.01 else 1)


def _beside(neighbour: "Neighbour", ratio: float | None) -> str:
    shown = "" if ratio is None else f" {trimmed(ratio, 2)}"
    return f"{_short(neighbour.name, 13 - len(shown))}{shown}"


def _biases(rows: "tuple[LayerLaw, ...]", title: str) -> str:
    laws = Counter(row.bias.text for row in rows if row.bias is not None)
    if not laws:
        return ""
    if len(laws) == 1:
        return f"{title}: {next(iter(laws))} in every layer that has one."
    return f"{title}: " + "; ".join(f"{law} ({count})" for law, count in laws.items()) + "."


def _start(start: "Start | None") -> list[str]:
    """Return what is said of a published start: where it is from, and one line for each rule."""
    if start is None:
        return []
    same = f" The same here: {', '.join(start.also)}." if start.also else ""
    told = [f"  {part.rule} ({_some(part.layers)})" for part in start.parts]
    return [f"Start: {start.scheme} ({start.reference.rstrip('.')}).{same}", *told]


def _ambiguous(rows: "tuple[LayerLaw, ...]") -> str:
    names = tuple(row.layer for row in rows if not row.law.sure)
    return f"Too few values to be sure of: {_some(names)}." if names else ""


def _unclear(rows: "tuple[LayerLaw, ...]") -> list[str]:
    """Return why there is a "?", one sentence per column and reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for column, beside in (("then", row.after), ("reads", row.reads)):
            if beside.why:
                reasons.setdefault((column, beside.why), []).append(row.layer)
    return [
        f"{column} is ? for {_some(tuple(names))}: {why}."
        for (column, why), names in reasons.items()
    ]


def _unknown(explanation: "Explanation") -> str:
    if not explanation.unknown:
        return ""
    kept = "Left out, and left as built" if explanation.under_scheme else "Left out"
    return f"{kept}, as it is in no layer that initializers know: {_some(explanation.unknown)}."


def _passed_over(explanation: "Explanation") -> list[str]:
    sentences = {
        "Frozen, so left as built": explanation.frozen,
        "The end of a branch of low rank, so left at 0": explanation.zero,
        "Perhaps several projections, but taken for one layer": explanation.whole,
    }
    return [f"{text}: {_some(names)}." for text, names in sentences.items() if names]


def _some(names: tuple[str, ...]) -> str:
    return few([*map(legible, names)], most=4)


def _short(text: str, width: int, *, keep_end: bool = False) -> str:
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if keep_end else text[: width - 1] + "…"
