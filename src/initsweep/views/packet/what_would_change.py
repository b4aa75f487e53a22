"""What would change the decision, as sentences and tables."""

from collections import Counter
from collections.abc import Callable, Sequence

from initsweep.core import numbers
from initsweep.core.records import Alternative, SchemeRow
from initsweep.core.results import Results
from initsweep.views.packet.tables import Cell, Table, scheme_cell

HOW_MANY_SEEDS = (
    "How many fresh seeds would decide with 80 % probability, if mean and spread of the "
    "differences stay as they are. These are estimates from few seeds: read them as orders of "
    "magnitude. "
    "Add seeds with decide.most_seeds."
)
_WORDS = {
    "decide.margin": "Practical margin",
    "decide.basin_tolerance": "Basin tolerance",
    "decide.trainable_skill": "Skill of a trainable scheme",
    "decide.alpha": "Significance level",
}
_SEED = "without fresh seed"
_TUNING_SEED = "without tuning seed"


def _now(study: Results) -> Alternative:
    return study.alternatives[0]


def _answer(row: Alternative) -> str:
    if row.decision == "cannot_tell":
        return "no winner"
    return "no recommendation" if row.pick is None else row.pick


def by_seed(study: Results) -> str:
    """Return whether the pick hangs on a single fresh seed, with tuning as it was."""
    return _left_out(study, _SEED, "fresh", "Rates and basins stay those of the tuning seeds.")


def by_tuning_seed(study: Results) -> str:
    """Return whether the pick hangs on a single tuning seed, with rates and fresh runs kept."""
    return _left_out(
        study, _TUNING_SEED, "tuning",
        "Basins and regrets are measured anew; the chosen rates and the fresh runs stay.",
    )  # fmt: skip


def _left_out(study: Results, question: str, kind: str, kept: str) -> str:
    rows = _without_seeds(study, question)
    pick = _now(study).pick
    if not rows:
        return f"with a single {kind} seed none can be left out."
    others: dict[str, list[str]] = {}
    for row in _moved(study, question):
        others.setdefault(str(row.pick), []).append(row.setting)
    if not others:
        return f"{pick} comes out without any one of the {len(rows)} {kind} seeds. {kept}"
    moved = "; ".join(f"{name} without seed {', '.join(seeds)}" for name, seeds in others.items())
    count = f"{len(_moved(study, question))} of {len(rows)}"
    return f"{count} {kind} seeds, each left out alone, change {pick} to another: {moved}. {kept}"


def _without_seeds(study: Results, question: str) -> list[Alternative]:
    return [row for row in study.alternatives if row.question == question]


def _moved(study: Results, question: str) -> list[Alternative]:
    rows = _without_seeds(study, question)
    return [row for row in rows if row.pick is not None and row.pick != _now(study).pick]


def by_tuning(study: Results) -> str:
    """Return which schemes come out where all of them are tuned again on other seeds."""
    picks = Counter(row.scheme for row in study.retunes if row.picked and row.tuning > 0)
    if not picks:
        return "not looked at. `tune.retunes` tunes again on other seeds; each costs a study more."
    found = ", ".join(f"{name} {count}" for name, count in picks.most_common())
    return f"on other tuning seeds, the rule picked ({picks.total()} times in all): {found}."


def by_setting(study: Results) -> str:
    """Return which settings would lead to another scheme."""
    now = _now(study)
    moved: dict[str, dict[str, list[str]]] = {}
    for row in study.alternatives:
        if row.question in _WORDS and _answer(row) != _answer(now):
            at = moved.setdefault(_answer(row), {}).setdefault(_WORDS[row.question].lower(), [])
            at.append(_value(row.question, float(row.setting)))
    if not moved:
        return f"{_answer(now)} comes out at a quarter, half, twice and four times of each."
    return "; ".join(
        f"{name} at {' or '.join(f'{words} {_or(values)}' for words, values in at.items())}"
        for name, at in moved.items()
    ) + "."  # fmt: skip


def _or(values: Sequence[str]) -> str:
    return " or ".join(values)


def in_short(study: Results) -> str:
    """Return what would change the decision, of all that was tried."""
    seeds = [
        f"{len(_moved(study, question))} of {len(rows)} {kind} ones"
        for question, kind in ((_SEED, "fresh"), (_TUNING_SEED, "tuning"))
        if (rows := _without_seeds(study, question))
    ]
    left_out = f"Leaving out a single seed: {', '.join(seeds)}. " if seeds else ""
    return f"{left_out}Other settings: {by_setting(study)}"


def _value(question: str, value: float) -> str:
    return f"{value:g}" if question == "decide.alpha" else numbers.setting_percent(value)


def settings_table(study: Results) -> Table:
    """Return the pick and the number of tied schemes under other settings, one line each."""
    now = _now(study)
    rows = []
    for question, words in _WORDS.items():
        value = float(getattr(study.params.decide, question.removeprefix("decide.")))
        found = {float(r.setting): r for r in study.alternatives if r.question == question}
        cells = [Cell(text=words, note=f"now {_value(question, value)}", role="word")]
        for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
            row = now if factor == 1.0 else found.get(float(f"{value * factor:.6g}"))
            cells.append(_outcome(row, now))
        rows.append(("", cells))
    return Table(head=["Setting", "a quarter", "half", "as it stands", "twice", "four times"],
                 rows=rows)  # fmt: skip


def _outcome(row: Alternative | None, now: Alternative) -> Cell:
    if row is None:
        return Cell(text=numbers.MISSING, role="word")
    note = f"{row.tied} tied"
    if row.decision == "cannot_tell":
        note = "too few seeds to name a winner"
    elif row.tied == 1:
        note = "no tie"
    changed = _answer(row) != _answer(now)
    return Cell(text=_answer(row), note=note, role="changed" if changed else "word")


def criteria_table(study: Results) -> Table:
    """Return the first and the next scheme by each criterion, among the trainable ones."""
    verdict, rows = study.verdict, [row for row in study.schemes if row.trainable]
    criteria: list[tuple[str, Callable[[SchemeRow], float], Callable[[SchemeRow], str]]] = [
        ("Lowest validation loss", lambda r: r.distance,
         lambda r: numbers.loss(r.validation_loss)),
        ("Lowest test loss (describes only)", lambda r: r.test_loss,
         lambda r: numbers.loss(r.test_loss)),
        ("Widest basin", lambda r: -round(r.basin_width or 0.0, 6),
         lambda r: f"{numbers.width(r.basin_width, r.basin_censored)} decades"),
        ("Smallest regret", lambda r: r.regret, lambda r: numbers.loss(r.regret)),
        ("Largest safety margin", lambda r: -(r.safety_margin or 0.0),
         lambda r: numbers.MISSING if r.safety_margin is None
         else f"{numbers.fixed(r.safety_margin, 2)} decades"),
    ]  # fmt: skip
    table = []
    for words, key, show in criteria:
        first, *rest = sorted(rows, key=lambda row: (key(row), row.scheme != verdict.recommended))
        recommended = next((r for r in rows if r.scheme == verdict.recommended), None)
        place = 1 + sum(key(row) < key(recommended) for row in rows) if recommended else None
        values = [key(row) for row in rows]
        cells = [
            Cell(text=row.scheme, note=show(row) + _as_others(values, key(row)), role="word")
            for row in (first, *rest[:1])
        ]
        cells += [Cell(text=numbers.MISSING)] * (not rest)
        own = Cell(text=numbers.MISSING, role="word")
        if recommended is not None:
            note = f"place {place} of {len(rows)}{_as_others(values, key(recommended))}"
            own = Cell(text=show(recommended), note=note, role="word")
        table.append(("", [Cell(text=words, role="word"), *cells, own]))
    return Table(head=["Criterion", "First", "Next", "The recommended scheme"], rows=table)


def _as_others(values: Sequence[float], own: float) -> str:
    """Return how many others have the same value, "" if none has."""
    others = values.count(own) - 1
    return f", shared with {others} more" if others else ""


def needed_table(study: Results) -> Table:
    """Return how many fresh seeds each inconclusive pair would need."""
    rows = [
        (
            "",
            [
                scheme_cell(row.scheme),
                Cell(text=row.reference, role="word"),
                Cell(text=row.family, role="word"),
                Cell(text=str(row.seeds)),
                Cell(text=numbers.MISSING if row.needed is None else f"about {row.needed}"),
                Cell(text=row.settles or "no number of seeds in sight", role="word"),
            ],
        )
        for row in study.needed_seeds
    ]
    head = ["Scheme", "Against", "On", "Seeds now", "Seeds needed", "It would then be"]
    return Table(head=head, rows=rows)
