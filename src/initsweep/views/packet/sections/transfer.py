"""Rates for larger networks, or longer training, predicted from smaller sizes."""

from initsweep.core.results import Results
from initsweep.views.packet.carried import carried
from initsweep.views.packet.document import SECTIONS, Block, Figure, Grid, Paragraph, Section, Terms

_TERMS = (
    ("Exponent", "the best rate goes with the size to this power"),
    ("Rate", "the best one that is expected there, with its 95 % interval"),
    ("Loss there", "validation loss at the best rate, with its 95 % interval"),
    (
        "Loses at most",
        "how much more, in the same unit, the predicted rate may lose there against tuning the "
        "scheme; nothing is promised by a law that did not pass its checks",
    ),
)


@SECTIONS.register("transfer")
def transfer(study: Results) -> Section | None:
    """Return the predictions, if any were asked for."""
    predictions = carried(study)
    if not predictions:
        return None
    said = [" ".join(filter(None, [one.answer, one.choice])) for one in predictions]
    blocks: list[Block] = [Paragraph(text=text) for text in said]
    blocks += [Figure(name="rate_law"), Figure(name="rate_law_responses")]
    for one in predictions:
        grid = Grid(table=one.table, caption=f"What is predicted for {one.target}, by scheme")
        blocks += [grid, Paragraph(text=f"It took {one.cost}")]
    blocks.append(Terms(pairs=_TERMS))
    title = f"Beyond the sizes trained: {', '.join(one.target for one in predictions)}"
    return Section(place=65, title=title, short="Larger sizes", blocks=blocks)
