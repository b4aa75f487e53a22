"""The answer in words: a few sentences, the rule behind it step by step, and what limits it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from initsweep.core.params import Decide
from initsweep.core.records import (
    BudgetRow,
    DivergenceRow,
    OtherCriterion,
    PairRow,
    Provenance,
    QuantityRow,
    ResponseRow,
    RetuneRow,
    Schema,
    SchemeRow,
    Verdict,
)
from initsweep.statistics.budget_curve import budget_rows
from initsweep.statistics.caveats import caveats_of
from initsweep.statistics.criteria import other_criterion
from initsweep.statistics.evidence import Evidence
from initsweep.statistics.quantities import divergence_rows, quantity_rows, response_rows
from initsweep.statistics.reasoning import steps_of_decision
from initsweep.statistics.retuning import (
    Tuning,
    agreement,
    retune_rows,
    retuning_caveats,
    retuning_steps,
    retunings,
)
from initsweep.statistics.scheme_summary import Summary, summarize
from initsweep.statistics.scheme_table import scheme_rows
from initsweep.statistics.selection import Choice, choose, sure
from initsweep.statistics.sensitivity import lowest_mean
from initsweep.statistics.statement import statement_of
from initsweep.statistics.thresholds import Thresholds
from initsweep.statistics.wording import holds_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything the compare stage writes."""

    schemes: list[SchemeRow]
    pairs: list[PairRow]
    response: list[ResponseRow]
    budget: list[BudgetRow]
    divergence: list[DivergenceRow]
    retunes: list[RetuneRow]
    quantities: list[QuantityRow]
    verdict: Verdict


def compare(
    evidence: Sequence[Evidence],
    schema: Schema,
    decide: Decide,
    provenance: Provenance,
    first_seeds: int = 0,
) -> Comparison:
    """Compare all schemes of a study.

    Args:
        evidence: One record per scheme, checked by `check_evidence`; at least one.
        schema: The constant predictor's losses, the names of loss and score, the number of rows;
            as prepared, not yet `judged`.
        decide: The margins.
        provenance: What the verdict is computed from; passed through.
        first_seeds: The fresh seeds of every scheme; 0 where no scheme gets more.

    Returns:
        The tables and the verdict; schemes keep the order given.
    """
    thresholds = Thresholds.of(schema, decide, first_seeds)
    prepared, schema = schema, schema.judged
    summaries = summarize(evidence, thresholds)
    choice = sure(choose(summaries, thresholds), summaries, thresholds)
    cap = thresholds.validation_constant
    again = retunings(evidence, thresholds, Tuning(summaries=summaries, choice=choice))
    rows = scheme_rows(summaries, choice, thresholds)
    quantities = quantity_rows(summaries, choice, thresholds)
    other = other_criterion(summaries, choice.recommended, prepared)
    verdict = _verdict(summaries, choice, (other, again), rows, schema, thresholds, provenance)
    said = statement_of(verdict, rows, choice, thresholds, agreement(choice, again))
    return Comparison(
        schemes=rows,
        pairs=list(choice.pairs),
        response=[row for summary in summaries for row in _response(summary, thresholds)],
        budget=[row for s in summaries for row in budget_rows(s.scheme, s.grid, cap)],
        divergence=[row for s in summaries for row in divergence_rows(s.scheme, s.points)],
        retunes=retune_rows(again),
        quantities=quantities,
        verdict=replace(verdict, statement=said),
    )


def _response(summary: Summary, thresholds: Thresholds) -> list[ResponseRow]:
    basin = None if summary.untrainable else summary.sensitivity.basin
    threshold = thresholds.basin_threshold(lowest_mean(summary.points))
    cap = thresholds.validation_constant
    return response_rows(summary.scheme, summary.points, basin, threshold, cap)


def _verdict(
    summaries: Sequence[Summary],
    choice: Choice,
    besides: tuple[OtherCriterion | None, Sequence[Tuning]],
    rows: Sequence[SchemeRow],
    schema: Schema,
    thresholds: Thresholds,
    provenance: Provenance,
) -> Verdict:
    row = next((row for row in rows if row.scheme == choice.recommended), None)
    other, again = besides
    usable = None
    if row is not None and row.basin_low is not None and row.basin_high is not None:
        usable = (row.basin_low, row.basin_high)
    return Verdict(
        decision=choice.decision,
        statement="",
        recommended=choice.recommended,
        learning_rate=None if row is None else row.learning_rate,
        usable_rates=usable,
        best_on_validation=choice.best,
        tie_set=list(choice.tie_set),
        undecided=list(choice.undecided),
        repicked=round(choice.repicked, 3),
        firm=choice.firm,
        other=other,
        picks={scheme: round(share, 3) for scheme, share in choice.picks.items()},
        untrainable=[summary.scheme for summary in summaries if summary.untrainable],
        rule=[
            *steps_of_decision(summaries, choice, thresholds),
            *retuning_steps(again, choice),
        ],
        caveats=[
            *caveats_of(summaries, choice, schema, thresholds),
            *retuning_caveats(again),
        ],
        margin=thresholds.margin("validation"),
        basin_tolerance=thresholds.tolerance,
        constant_loss=thresholds.validation_constant,
        loss_name=schema.loss_name,
        score_name=schema.score_name,
        seeds=choice.seeds,
        provenance=provenance,
        holds_for=holds_for(schema),
    )
