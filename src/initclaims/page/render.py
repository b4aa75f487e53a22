"""Judges every claim and writes the page: HTML, Markdown, figures, and the answers as JSON."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from initclaims.laboratory.claim import ANSWERS, CLAIMS, Claim, Effect, Judgement
from initclaims.laboratory.lab import Budget
from initclaims.laboratory.pictures import draw
from initclaims.page import files, terms
from initsweep.core import artifacts, numbers
from initsweep.core.records import Interval
from initsweep.core.spelling import prose
from initsweep.views.figures import style
from initsweep.views.packet.templating import html_templates, markdown_templates

_TEMPLATES = ("page", "initclaims")
SECTIONS = {
    "chapter": "What the textbook chapter says",
    "papers": "What the papers found",
}
MARKS = {"supported": "✓", "refuted": "✗", "depends": "±", "cannot tell": "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One claim with what came of it.

    Attributes:
        name: Of its file.
        place: On the page, from 0 up.
        claim: The claim.
        judgement: Its answer.
        figures: The folder of the page's pictures.
    """

    name: str
    place: int
    claim: Claim
    judgement: Judgement
    figures: Path

    @property
    def title(self) -> str:
        """What MLflow calls its run."""
        return self.claim.title

    @property
    def tags(self) -> dict[str, str]:
        """What MLflow shows in columns."""
        effects = self.judgement.effects
        return {
            "answer": self.judgement.answer,
            "on": self.judgement.on,
            "effect": effects[0].name if effects else "",
            "source": self.claim.source,
            "place": f"{self.place:02}",
        }

    @property
    def metrics(self) -> dict[str, float]:
        """The decisive number and its interval, where there is one."""
        if not self.judgement.effects:
            return {}
        return dataclasses.asdict(self.judgement.effects[0].value)

    @property
    def note(self) -> str:
        """What MLflow shows as the run's description, in Markdown."""
        effects = [f"- {prose(e.name)}: {effect_text(e)}" for e in self.judgement.effects]
        told, reading = prose(self.judgement.told), prose(self.judgement.reading)
        parts = [f"**{told}.** {reading}", prose(self.claim.statement)]
        return "\n\n".join([*parts, "\n".join(effects)])

    @property
    def files(self) -> dict[str, bytes]:
        """What is attached to the run: the picture that stands beside the page."""
        kept = (self.figures / f"{self.name}{suffix}" for suffix in (".png", ".svg"))
        return {file.name: file.read_bytes() for file in kept}


def judged(names: Sequence[str], budget: Budget) -> list[Judged]:
    """Return claims with their answers, from the measurements on disk."""
    claims = [(name, CLAIMS.get(name)) for name in names]
    return [
        Judged(
            name=name,
            place=place,
            claim=claim,
            judgement=claim.judge(files.read_table(name, budget)),
            figures=files.attachments(budget),
        )
        for place, (name, claim) in enumerate(claims)
    ]


def write(names: Sequence[str], budget: Budget) -> list[Judged]:
    """Write the page of all claims.

    Returns:
        The claims with their answers, in the order of `names`.
    """
    found = judged(names, budget)
    folder = files.attachments(budget)
    drawn = [_draw(one, budget) for one in found]
    content = _content(found, budget)
    html = html_templates(*_TEMPLATES).get_template("claims.html.jinja")
    svgs = {
        one.name: Markup(style.element(svg, aria_label=one.claim.title))
        for one, svg in zip(found, drawn, strict=True)
    }
    page = html.render(**content, svgs=svgs, dark_rules=Markup(style.dark_rules("".join(drawn))))
    artifacts.write_text(files.page(budget), page)
    markdown = markdown_templates(*_TEMPLATES).get_template("claims.md.jinja")
    text = markdown.render(**content, folder=folder.name)
    artifacts.write_text(files.page(budget).with_suffix(".md"), text)
    artifacts.write_json(folder / "answers.json", _answers(found))
    return found


def _draw(one: Judged, budget: Budget) -> str:
    """Write a claim's picture beside the page.

    Returns:
        The picture as SVG.
    """
    figure = draw(one.claim.picture, files.read_table(one.name, budget))
    svg, file = style.to_svg(figure, one.name), one.figures / one.name
    artifacts.write_text(file.with_suffix(".svg"), svg)
    artifacts.write_bytes(file.with_suffix(".png"), style.to_png(figure))
    return svg


def effect_text(effect: Effect) -> str:
    """Return a number with its interval, as "0.12 (0.10 to 0.15)"."""
    return interval_text(effect.value)


def interval_text(value: Interval) -> str:
    """Return an estimate, with its interval unless that has no width."""
    low, middle, high = (numbers.rate(v) for v in (value.low, value.estimate, value.high))
    return middle if value.low == value.high else f"{middle} ({low} to {high})"


def summary(found: Sequence[Judged]) -> str:
    """Return the answers as a plain table for the terminal."""
    width = max(len(one.claim.title) for one in found)
    lines = []
    for one in found:
        answer = one.judgement.answer
        lines.append(
            f"{MARKS[answer]} {answer:11}  {one.claim.title:{width}}  "
            f"{decisive(one.judgement)}".rstrip()
        )
        if one.judgement.on:
            lines.append(f"{'':15}on {one.judgement.on}")
    return "\n".join([*lines, "", counts_text(found)])


def counts_text(found: Sequence[Judged]) -> str:
    """Return e.g. "38 claims: 21 supported, 6 refuted, 9 depends, 2 cannot tell"."""
    counts = Counter(one.judgement.answer for one in found)
    return f"{len(found)} claims: " + ", ".join(
        f"{counts[answer]} {answer}" for answer in ANSWERS if counts[answer]
    )


def decisive(judgement: Judgement) -> str:
    """Return the number that the answer rests on, "" where there is none."""
    if not judgement.effects:
        return ""
    first = judgement.effects[0]
    return f"{first.name}: {effect_text(first)}"


def _content(found: Sequence[Judged], budget: Budget) -> dict[str, object]:
    return {
        "budget": budget,
        "answered": terms.ANSWERED,
        "terms": terms.at_the_top(mnist=files.settings().mnist is not None),
        "sections": [
            (title, [one for one in found if one.claim.section == section])
            for section, title in SECTIONS.items()
        ],
        "counts": counts_text(found),
        "marks": MARKS,
        "effect_text": effect_text,
        "decisive": decisive,
    }


def _answers(found: Sequence[Judged]) -> dict[str, object]:
    return {one.name: dataclasses.asdict(one.judgement) for one in found}
