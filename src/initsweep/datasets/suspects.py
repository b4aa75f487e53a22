"""Text that may be no categories or classes: names of rows, dates, nearly unique or rare values."""

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from initsweep.core.spelling import looks
from initsweep.datasets.columns import Feature, Text
from initsweep.datasets.faults import FaultError
from initsweep.datasets.in_messages import legible_names, quoted
from initsweep.datasets.texts import FEW_CATEGORIES, is_number, likeness

IDENTIFIER = 0.9
"""A category of its own in more of the rows than this: nothing is learned from one row each."""

MANY = 0.5
"""From here on most categories have a row or two."""


FEWEST_ROWS = 5
"""Of a class; each of the three splits needs some."""


def identifiers(features: Sequence[Feature], known: np.ndarray) -> list[FaultError]:
    """Return what is wrong with text that has a value of its own in nearly every row.

    One-hot, each value would become a feature.

    Args:
        features: Those that the user has not declared categorical.
        known: Which rows have a target, shape (rows,), bool.

    Returns:
        One fault for all of them, if there are any.
    """
    shown = {}
    for one in features:
        different, rows = _different(one.values[known])
        if one.categories is not None and different > max(FEW_CATEGORIES, IDENTIFIER * rows):
            meant = likeness(one.categories)
            kind = f"{meant.what}, " if meant is not None else ""
            shown[one.name] = (
                f"{quoted(one.name)} ({kind}{different} different values in {rows} rows, such as "
                f"{quoted(one.categories[0])})"
            )
    said = (
        f"Nearly every row has a value of its own in {' and '.join(shown.values())}. Each would "
        "become a feature, and nothing can be learned from one row each. What is no name of the "
        "row, write as numbers or in fewer categories (data.table.categorical keeps it)."
    )
    return [FaultError(said, sets={"drop": list(shown)})] if shown else []


def said_of_categories(features: Sequence[Feature], encoding: str) -> list[str]:
    """Return what to say of text that became categories: dates and the like, or very many.

    Args:
        features: Those that the user has not declared categorical.
        encoding: "onehot" or "ordinal".
    """
    found = []
    for feature in features:
        if feature.categories is None or len(feature.categories) <= FEW_CATEGORIES:
            continue
        count, meant = len(feature.categories), likeness(feature.categories)
        taken = f"taken as {count} categories" + ", a feature each" * (encoding == "onehot")
        if meant is not None:
            found.append(
                f"Column {quoted(feature.name)} holds {meant.what}, such as "
                f"{quoted(meant.example)}, and is {taken}. {meant.remedy}, or list it under "
                "data.table.drop."
            )
        elif count > MANY * (rows := _different(feature.values)[1]):
            found.append(
                f"Column {quoted(feature.name)} has {count} different values in {rows} rows and is "
                f"{taken}. If it names the rows, list it under data.table.drop."
            )
    return found


def _different(values: np.ndarray) -> tuple[int, int]:
    """Return how many different values there are, and in how many rows."""
    present = values[~np.isnan(values)]
    return len(np.unique(present)), len(present)


def too_many(
    name: str, values: Sequence[str], counts: np.ndarray, others: Sequence[str] = ()
) -> str | None:
    """Return what is wrong with a target whose values hardly ever occur twice; None if nothing is.

    `counts` says how many rows each value has; `others` might be the target instead.
    """
    rows = int(counts.sum())
    if 2 * len(values) <= rows or len(values) <= 2:
        return None
    another = "set data.table.target to another column"
    another += f" ({legible_names(others)})" if others else ""
    if all(map(is_number, values)):
        instead = "If they are a quantity, set data.task: regression; if they number the rows, "
        instead += another
    elif (meant := likeness(values)) is not None:
        instead = f"They look like {meant}; or {another}"
    else:
        instead = (
            f"One is {quoted(values[0])}; about names and texts of single rows nothing can be "
            f"learned. Join them into fewer classes, or {another}"
        )
    return (
        f"The target {quoted(name)} has {len(values)} different values in {rows} rows: too "
        f"many to be classes. {instead}."
    )


def rare_class(values: Sequence[str], counts: np.ndarray) -> str | None:
    """Return what is wrong with classes that have fewer than five rows; None if none has."""
    rarest = int(np.argmin(counts))
    if counts[rarest] >= FEWEST_ROWS:
        return None
    rows = "1 row" if counts[rarest] == 1 else f"{counts[rarest]} rows"
    few, more = int((counts < FEWEST_ROWS).sum()), ""
    remedy = "Remove the class or join it with another"
    if few > 1:
        more = f" ({few} of {len(values)} classes have fewer than {FEWEST_ROWS})"
        remedy = "Remove such classes or join them with others"
    if len(values) > 2 and all(map(is_number, values)):
        remedy += "; if these numbers are a quantity, set data.task: regression"
    elif (meant := likeness(values)) is not None:
        remedy += f". The classes look like {meant}, if that is what they are"
    return (
        f"class {quoted(values[rarest])} has {rows}{more}; each of the three splits "
        f"needs some, so at least {FEWEST_ROWS}. {remedy}."
    )


def without_capitals(name: str, text: Text) -> tuple[Text, tuple[str, ...]]:
    """Join words that differ in capitals only: "Yes" and "yes" are one answer.

    So are those that look alike: a letter and its accent may be one sign or two, a space of another
    kind. Single letters may be classes of their own. A class is called as most of its rows call it.

    Returns:
        The classes of all rows, and what to say.
    """
    seen = list(map(looks, text.distinct))
    folded = [one.casefold() if len(one) > 1 else one for one in seen]
    twice = [one for one, times in Counter(folded).items() if times > 1]
    if not twice:
        return text, ()
    counts = np.bincount(text.codes)
    order = sorted(range(len(folded)), key=lambda code: (counts[code], -code))
    best = {folded[code]: code for code in order}
    kept = sorted(best.values())
    position = {code: at for at, code in enumerate(kept)}
    table = np.array([position[best[one]] for one in folded])
    example = [one for one, fold in zip(text.distinct, folded, strict=True) if fold == twice[0]]
    alike = len({looks(one) for one in example}) == 1
    why = "look alike" if alike else "differ in capitals only"
    said = (
        f"Classes of {quoted(name)} that {why}, such as {legible_names(example)}, "
        f"are taken as one; if they are several, set data.table.categorical: {json.dumps([name])}."
    )
    return Text([text.distinct[code] for code in kept], table[text.codes]), (said,)
