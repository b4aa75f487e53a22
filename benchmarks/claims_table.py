"""The table of claims in docs/claims.md, from the measurements of the last `initsweep claims`.

    python -m benchmarks.claims_table            # from the full run
    python -m benchmarks.claims_table --write    # and into the page, five rows into README.md
    python -m benchmarks.claims_table --quick --claims zero_weights_stay_symmetric   # tiny

The last needs no more than `initsweep claims run zero_weights_stay_symmetric --quick`.
"""

import argparse
from collections.abc import Sequence

from benchmarks.common import ROOT, add_write, parser_of, put, refuse_parts
from initclaims.page import files, render
from initsweep.core.errors import InitsweepError
from initsweep.core.spelling import markdown

PAGE = ROOT / "docs/claims.md"
README = ROOT / "README.md"
HEADLINES = (
    "rate_sensitivity_differs",
    "he_beats_xavier_on_deep_relu",
    "theory_picks_the_best",
    "poor_minima_or_just_slow",
    "sinusoidal2025_tuned",
)
"""The claims in README.md: those that people ask about first, every answer among them."""


def table(found: Sequence[render.Judged]) -> str:
    """Return the counts and one row per claim, in Markdown."""
    lines = [f"{render.counts_text(found)}.", ""]
    for section, title in render.SECTIONS.items():
        lines += [_rows(title, [one for one in found if one.claim.section == section]), ""]
    return "\n".join(lines).rstrip()


def headlines(found: Sequence[render.Judged]) -> str:
    """Return the counts and the rows of README.md, in Markdown."""
    chosen = {one.name: one for one in found}
    rows = _rows("claim", [chosen[name] for name in HEADLINES])
    return f"{rows}\n\nIn all, {render.counts_text(found)}."


def _rows(title: str, found: Sequence[render.Judged]) -> str:
    head = f"| {title} | | decisive number (95 % interval over seeds) |"
    return "\n".join([head, "|---|---|---|", *map(_row, found)])


def _row(one: render.Judged) -> str:
    mark = render.MARKS[one.judgement.answer]
    cells = (one.claim.title, f"{mark} {one.judgement.told}", render.decisive(one.judgement))
    return f"| {' | '.join(map(markdown, cells))} |"


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    made.add_argument("--claims", nargs="+", metavar="CLAIM", help="only these (default: all)")
    made.add_argument("--quick", action="store_true", help="from `initsweep claims --quick`")
    add_write(made, PAGE)
    return made


def main() -> None:
    """Print the table, and write it into the documentation if asked.

    Raises:
        SystemExit: If there are no measurements.
    """
    options = parser().parse_args()
    refuse_parts(parser(), write=options.write, parts=options.quick or options.claims is not None)
    try:
        found = render.judged(
            options.claims or files.settings().names, files.budget_of(options.quick)
        )
    except InitsweepError as error:
        raise SystemExit(f"claims_table: {error} `initsweep claims` measures all claims.") from None
    print(table(found))
    if options.write:
        put(PAGE, {"claims": table(found)})
        put(README, {"headlines": headlines(found)})


if __name__ == "__main__":
    main()
