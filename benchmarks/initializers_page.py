"""The tables of docs/initializers.md: the catalogue, and the measured fans.

python -m benchmarks.initializers_page                             # some seconds
python -m benchmarks.initializers_page --write                     # and into the page
python -m benchmarks.initializers_page --layers 'Linear(256, 128)'   # tiny
"""

import argparse

from benchmarks.common import ROOT, add_write, parser_of, put, refuse_parts
from benchmarks.measure_fans import CASES, add_layers, table
from initsweep.initializers import INITIALIZERS, Initializer

PAGE = ROOT / "docs/initializers.md"


def catalogue() -> str:
    """Return one row per registered initializer, in Markdown."""
    lines = [
        "| name | weights | biases | options | conditions | source |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in INITIALIZERS:
        cells = [f"`{name}`", entry.summary, entry.biases, _options(entry)]
        cells += [entry.conditions, entry.reference]
        lines.append("| " + " | ".join(cell.rstrip(".") for cell in cells) + " |")
    return "\n".join(lines)


def _options(entry: type[Initializer]) -> str:
    options = []
    for name, field in entry.model_fields.items():
        default = "" if field.is_required() else f" = {_as_yaml(field.default)}"
        options.append(f"`{name}{default}`")
    return ", ".join(options) or "none"


def _as_yaml(value: object) -> object:
    return "null" if value is None else value


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    made = parser_of(__doc__)
    add_layers(made)
    add_write(made, PAGE)
    return made


def main() -> None:
    """Print both tables, and write them into the documentation if asked."""
    options = parser().parse_args()
    refuse_parts(parser(), write=options.write, parts=options.layers != list(CASES))
    tables = {"catalogue": catalogue(), "fans": table(options.layers)}
    print("\n\n".join(tables.values()))
    if options.write:
        put(PAGE, tables)


if __name__ == "__main__":
    main()
