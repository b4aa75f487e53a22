"""The review packet as one HTML page and as Markdown."""

import re
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from initsweep.figures import style
from initsweep.reporting import champion, facts, tables, terms, window
from initsweep.reporting.pictures import PICTURES, looks_of
from initsweep.reporting.study import Study


def html(study: Study, figures: Mapping[str, str]) -> str:
    """Return the packet as one page that loads nothing.

    Args:
        study: What to report.
        figures: The SVG text of each figure by name.
    """
    environment = _environment(autoescape=True)
    svgs = {picture.name: _inline(figures[picture.name], picture.title) for picture in PICTURES}
    template = environment.get_template("review.html.jinja")
    return template.render(**_content(study), svgs=svgs, dark_rules=Markup(style.dark_rules()))


def markdown(study: Study) -> str:
    """Return the packet as Markdown; figures are linked, not inlined."""
    environment = _environment(autoescape=False)
    environment.filters["md"] = escape_markdown
    return environment.get_template("review.md.jinja").render(**_content(study))


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, in a table cell too."""
    one_line = " ".join(text.split())
    # Underscores inside words are no markup; escaping them would spoil every scheme's name.
    return re.sub(r"([\\`*\[\]<>|#]|(?<!\w)_|_(?!\w))", r"\\\1", one_line)


def _environment(*, autoescape: bool) -> Environment:
    return Environment(
        loader=PackageLoader("initsweep", "reporting"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _content(study: Study) -> dict[str, object]:
    pairs = [pair for pair in study.pairs if pair.family == "test"]
    reference = next((pair.reference for pair in pairs), None)
    return {
        "title": f"{study.schema.source}, {study.params.model.name}",
        "verdict": study.verdict,
        "decision": facts.DECISIONS[study.verdict.decision],
        "answer": facts.answer(study),
        "pictures": {picture.name: picture for picture in PICTURES},
        "colours": {name: look.colour for name, look in looks_of(study).items()},
        "terms": terms.of(study),
        "verdict_table": tables.verdict_table(study),
        "sensitivity_table": tables.sensitivity_table(study),
        "pairs_table": tables.pairs_table(study.pairs),
        "reference": reference,
        "diagnosis_table": tables.diagnosis_table(study),
        "rate_advice": window.advice(study),
        "runs_table": tables.runs_table(study),
        "champion": {
            "head": champion.HEADS[study.challenge.standing],
            "statement": study.challenge.statement,
            "facts": champion.facts(study.challenge),
        },
        "data": facts.data(study),
        "protocol": facts.protocol(study),
        "provenance": facts.provenance(study),
    }


def _inline(svg: str, title: str) -> Markup:
    """Return an SVG element without what only a file of its own needs."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r' xmlns(:xlink)?="[^"]*"', "", body)
    body = body.replace("xlink:href=", "href=")
    return Markup(body.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1))
