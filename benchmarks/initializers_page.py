"""Writes the tables of docs/initializers.md: the catalogue, and the measured fans.

python -m benchmarks.initializers_page
"""

from pathlib import Path

from benchmarks.measure_fans import table

from initsweep.initializers import INITIALIZERS, Initializer

PAGE = Path(__file__).parent.parent / "docs" / "initializers.md"


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


def with_tables(page: str, tables: dict[str, str]) -> str:
    """Return the page with each table put between its two marks."""
    for name, content in tables.items():
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition("<!-- end -->")
        page = f"{before}<!-- {name} -->\n{content}\n<!-- end -->{after}"
    return page


if __name__ == "__main__":
    tables = {"catalogue": catalogue(), "fans": table()}
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), tables), "utf-8")
