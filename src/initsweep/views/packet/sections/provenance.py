"""What the results are a function of, and how to get them again."""

from initsweep.core.results import Results
from initsweep.views.packet import facts, tables
from initsweep.views.packet.document import (
    SECTIONS,
    Code,
    Facts,
    Fold,
    Grid,
    Heading,
    Paragraph,
    Section,
)
from initsweep.views.packet.tables import Cell, Table

COMMANDS = """\
git log -1 --format=%H -- dvc.lock   # the commit of these results
dvc status dvc.yaml                  # do they belong to the code and parameters at hand?
dvc repro                            # computes only what is out of date
dvc pull                             # or fetch the finished results, where a remote is set up"""


@SECTIONS.register("provenance")
def provenance(study: Results) -> Section:
    """Return hashes, environment, the schemes as they were run, and the commands."""
    return Section(
        place=120,
        title="Provenance",
        short="Provenance",
        blocks=[
            Paragraph(
                text="Equal hashes mean equal inputs. The tables and figures here follow from "
                "these inputs alone; nothing in them depends on when or how fast they were made, "
                "nor on the git revision: the commands below find it."
            ),
            Facts(pairs=facts.provenance(study)),
            Fold(
                title="Hashes of the inputs as in dvc.lock",
                blocks=[Grid(table=_hashes(study), caption="MD5 of each input, as in dvc.lock")],
            ),
            Fold(
                title="The schemes as they were run",
                blocks=[Grid(table=tables.runs_table(study), caption="How each scheme was run")],
            ),
            Heading(text="Reproduce"),
            Code(text=COMMANDS),
        ],
    )


def _hashes(study: Results) -> Table:
    rows = [
        ("", [Cell(text=path, role="word"), Cell(text=md5, role="word")])
        for path, md5 in study.hashes.items()
    ]
    return Table(head=["Path", "MD5"], rows=rows)
