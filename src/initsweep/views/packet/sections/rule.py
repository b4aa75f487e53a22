"""How the choice was made, step by step, with what each step used."""

from initsweep.core.results import Results
from initsweep.statistics.wording import paired
from initsweep.views.packet import tables
from initsweep.views.packet.document import SECTIONS, Block, Fold, Grid, Items, Paragraph, Section


@SECTIONS.register("rule")
def rule(study: Results) -> Section:
    """Return the steps of the rule; the pairs, which would fill a paragraph, as a table."""
    pairs = [pair for pair in study.pairs if pair.family == "validation"]
    every_pair = "; ".join(map(paired, pairs)) + "."
    steps = [
        f"{step.removesuffix(every_pair)}see the table below."
        if step.endswith(every_pair)
        else step
        for step in study.verdict.rule
    ]
    blocks: list[Block] = [
        Paragraph(
            text="Everything was chosen on validation data. Test data only describes the choice."
        ),
        Fold(title="The rule, step by step", blocks=[Items(texts=steps, ordered=True)]),
    ]
    if pairs:
        caption = f"Who ties with {study.verdict.best_on_validation} on validation, and why"
        grid = Grid(table=tables.tie_table(study), caption=caption)
        blocks.append(Fold(title="Why each scheme ties, is undecided or worse", blocks=[grid]))
    return Section(place=40, title="How the choice was made", short="The rule", blocks=blocks)
