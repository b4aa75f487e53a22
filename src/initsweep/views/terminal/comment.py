"""The Markdown packet as a comment on a pull request.

A comment cannot show the packet's figures: their links are relative to the packet, and GitHub
inlines no files. So each figure becomes a line that says what it shows and, if the place is
known, where it is.
"""

import html
import re

from initsweep.core.errors import ParamsError

MARK = "<!-- initsweep review -->"
"""The first line of the comment, by which the next run finds it."""

LIMIT = 60_000
"""GitHub refuses comments of more than 65 536 characters; the workflow adds the gate to ours."""

_FIGURE = re.compile(r"^!\[(?P<title>.*)\]\(figures/(?P<file>[\w.-]+)\)$", flags=re.MULTILINE)


def as_comment(packet: str, figures: str | None) -> str:
    """Return the packet as a comment.

    Args:
        packet: The text of `reports/review.md`.
        figures: A page where a reader finds the figures, such as that of an uploaded artifact.

    Raises:
        ParamsError: If `figures` is no https address.
    """
    if figures is not None and not re.fullmatch(r"https?://[^\s()<>]+", figures):
        raise ParamsError(f"--figures: received '{figures}'. Give an address, https://...")

    def line(match: re.Match[str]) -> str:
        name = f"`figures/{match['file']}`"
        where = f"[{name} of the report]({figures})" if figures else f"{name} of the report"
        return f"*Figure: {match['title']}*, in {where}."

    return _within_limit(_without_mentions(f"{MARK}\n{_FIGURE.sub(line, packet)}"))


def _without_mentions(markdown: str) -> str:
    """Return Markdown in which a label such as "@ann" or "#12" calls nobody and links nothing.

    GitHub looks for them in what Markdown becomes, so that no escape keeps it from it; a space
    without width does.
    """
    return re.sub(r"&#64;|\\#(?=\d)", lambda sign: f"{html.unescape(sign[0])}&#8203;", markdown)


def _within_limit(text: str) -> str:
    """Return the text without the last sections, if GitHub would refuse it otherwise."""
    if len(text) <= LIMIT:
        return text
    note = "\n*Too long for a comment: the report has the rest.*\n"
    cut = text.rfind("\n## ", 0, LIMIT - len(note))
    return text[: cut if cut > 0 else LIMIT - len(note)] + note
