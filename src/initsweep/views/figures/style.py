"""The look of all figures, and figures as bytes that depend on their content only."""

import html
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from PIL import Image

from initsweep.core.errors import unheard
from initsweep.views.figures import palette
from initsweep.views.figures.marks import TAG, Sheet

INK = "#24292f"
MUTED = "#6e7781"
GRID = "#dfe3e8"
PALE = "#c9cfd6"
PAPER = "#ffffff"
# What each of these turns into on a dark page.
DARK = {INK: "#e6edf3", MUTED: "#9aa4af", GRID: "#2a313a", PALE: "#434b55", PAPER: "#0d1117"}

_RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # two $ in a label are no formula
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "xtick.minor.size": 0,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
    "ytick.minor.size": 0,
}
_DPI = 160  # of a PNG
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SPACES = re.compile(r' xmlns(:xlink)?="[^"]*"')
_FONTS = "'DejaVu Sans', Verdana, 'Segoe UI', Roboto, sans-serif"


@contextmanager
def styled(salt: str = "initsweep") -> Iterator[None]:
    """Use the house style inside the block, whatever the user's matplotlibrc says.

    Signs that the font lacks are drawn as boxes in a PNG; an SVG leaves them to the reader's
    fonts. No command warns of each.

    Yields:
        Nothing.
    """
    with matplotlib.style.context(["default", _RC | {"svg.hashsalt": salt}]), unheard():
        yield


def new_figure(width: float, height: float) -> Sheet:
    """Return an empty figure of the given size in inches, without any global state."""
    figure = Sheet(figsize=(width, height))
    figure.marked = []
    FigureCanvasAgg(figure)
    return figure


def renderer(figure: Figure) -> RendererAgg:
    """Return what measures the text of a figure made by `new_figure`.

    Raises:
        TypeError: If the figure was made elsewhere and has another canvas.
    """
    if not isinstance(figure.canvas, FigureCanvasAgg):
        raise TypeError(f"expected a figure made by new_figure, received {figure.canvas!r}")
    return cast(RendererAgg, figure.canvas.get_renderer())  # type: ignore[no-untyped-call]


def message_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    with styled():
        figure = new_figure(9.2, 1.2)
        figure.text(0.5, 0.5, text, ha="center", va="center", color=MUTED)
    return figure


def to_svg(figure: Figure, name: str) -> str:
    """Return a figure as SVG text that adapts to dark pages.

    Ids start with `name`, so that several figures can stand in one HTML page. What belongs to one
    scheme names it in `data-scheme`.
    """
    buffer = io.StringIO()
    with styled(salt=name):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    svg = buffer.getvalue().replace("\r\n", "\n")
    svg = re.sub(r"<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*", "", svg, flags=re.DOTALL)

    def own(tag: str) -> str:
        tag = re.sub(rf'\bid="{TAG}([^"]+)"', r'data-scheme="\1"', tag)
        tag = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", tag)
        return tag.replace("'DejaVu Sans'", _FONTS)

    svg = _in_tags(svg, own)
    return svg.replace("<defs>", f"<style>{dark_rules(svg)}</style>\n <defs>", 1)


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG on white, at 160 dots per inch."""
    drawn, png = io.BytesIO(), io.BytesIO()
    with styled():
        figure.savefig(drawn, format="rgba", dpi=_DPI, facecolor=PAPER)
    # As matplotlib rounds, for which a sum of inches that falls short of a dot by rounding has it.
    width, height = (int(inches * _DPI + 1e-6) for inches in figure.get_size_inches())
    image = Image.frombytes("RGBA", (width, height), drawn.getvalue())
    # On white nothing shines through. More effort takes half as long again to save a tenth.
    image.convert("RGB").save(png, "png", dpi=(_DPI, _DPI), compress_level=2)
    return png.getvalue()


def themed(svg: str) -> str:
    """Return SVG text whose colours are the variables of `variables`, for use inside a page."""
    pattern = re.compile(rf"(fill|stroke): ({'|'.join(DARK | palette.ON_DARK)})\b")
    return _in_tags(svg, lambda tag: pattern.sub(lambda m: f"{m[1]}: {variable(m[2])}", tag))


def variable(colour: str) -> str:
    """Return the CSS value that stands for a colour of the figures on a light or dark page."""
    return f"var(--x{colour[1:]})"


def variables(*, dark: bool) -> str:
    """Return CSS declarations that give each colour of the figures its value."""
    pairs = (DARK | palette.ON_DARK).items()
    return ";".join(f"--x{light[1:]}:{night if dark else light}" for light, night in pairs)


def dark_rules(svg: str) -> str:
    """Return the CSS that swaps the colours of SVG text on a dark screen; paper stays light."""
    # No `svg` in front: markers are copied by <use>, and a copy has no ancestors to match.
    rules = [
        f'[style*="{prop}: {light}"]{{{prop}:{dark}!important}}'
        for light, dark in (DARK | palette.ON_DARK).items()
        for prop in ("fill", "stroke")
        if light != dark and f"{prop}: {light}" in svg
    ]
    return f"@media screen and (prefers-color-scheme:dark){{{''.join(rules)}}}"


def element(svg: str, **attributes: str) -> str:
    """Return a figure as an element of a page, without what only a file of its own needs.

    Args:
        svg: What `to_svg` returned.
        **attributes: More attributes of the element, "_" for "-".
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<style.*?</style>", "", body, flags=re.DOTALL)
    body = _in_tags(body, lambda tag: _SPACES.sub("", tag).replace("xlink:href=", "href="))
    told = {"role": "img"} | {name.replace("_", "-"): text for name, text in attributes.items()}
    start = "".join(f' {name}="{html.escape(text)}"' for name, text in told.items())
    return body.replace("<svg", f"<svg{start}", 1)


def _in_tags(svg: str, change: Callable[[str], str]) -> str:
    """Return SVG text with its tags changed; a label may read like a part of one."""
    return re.sub(r"<[^>]*>", lambda tag: change(tag[0]), svg)
