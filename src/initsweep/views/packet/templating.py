"""Templates whose text is spelt as it is filled in: for HTML by itself, for Markdown by filters."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from initsweep.core.spelling import legible, markdown, prose

_PACKAGE = "initsweep"
_KEPT = "\n\t"  # HTML and Markdown show them as spaces


def html_templates(folder: str, package: str = _PACKAGE) -> Environment:
    """Return templates of pages, with the filter `code`: what stands in backticks is code.

    Args:
        folder: Below the package.
        package: Where they lie.
    """
    environment = _environment(folder, package, autoescape=True)
    environment.finalize = _finalized
    environment.filters["code"] = _code
    return environment


def markdown_templates(folder: str, package: str = _PACKAGE) -> Environment:
    """Return templates of Markdown files, with filters for text: `md`, and `prose` with code.

    Args:
        folder: Below the package.
        package: Where they lie.
    """
    environment = _environment(folder, package, autoescape=False)
    environment.filters["md"] = markdown
    environment.filters["prose"] = prose
    return environment


def _environment(folder: str, package: str, *, autoescape: bool) -> Environment:
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalized(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return legible(value, _KEPT)
    return value


def _code(text: str) -> Markup:
    shown = str(escape(legible(text, _KEPT)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", shown))
