"""Text from outside, spelt so that it can be shown: every sign is seen, and none is markup.

Labels, names of columns, layers and files, the reasons people give: what stands in them is not
ours to choose. Records keep them as they are, and each place that shows them spells them by these
rules.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import accumulate

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, marks of direction, halves of signs, line ends
# The rest of Unicode's Default_Ignorable_Code_Point; Braille's blank; what XML has no way to hold.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\ufffe\uffff\U000e0000-\U000e0fff]"
)
# Between letters of scripts that need them, and in composed emoji, joiners do show, and what
# chooses the form of a sign does so behind it.
_FORMS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SHAPING = re.compile(f"[\u200c\u200d{_FORMS}]")
_SIGN = re.compile(
    f"(?<=[^\x00-\x7f])(?:[\u200c\u200d](?=[^\x00-\x7f])|(?<![{_FORMS}])[{_FORMS}])|(.)",
    flags=re.DOTALL,
)
_ENTITIES = {"$": "&#36;", "&": "&amp;", ":": "&#58;", "@": "&#64;"}
_MARKUP = re.compile(
    r"""
    [\\`*\[\]<>|\#~]
    | (?<![^\W_])_ | _(?![^\W_])           # between letters they are no markup
    | \A[-+=](?=[-+=\s]|\Z)               # a list, or a line below a heading
    | \A\d{1,9}[.)](?=\s|\Z)              # a numbered list
    | \$ | &(?=\#?\w+;)                   # formulas, entities
    | :(?=[\w+-]*[a-z][\w+-]*:)           # :smile:
    | (?<!\w)@(?=\w)                      # people are told that they are mentioned
    """,
    flags=re.VERBOSE,
)


def legible(text: str, keep: str = "") -> str:
    r"""Return text with what cannot be seen, or does something, as an escape: `\n`, `\u202e`.

    Args:
        text: Any text, halves of signs included.
        keep: Signs to leave as they are, such as line ends in a text of several lines.
    """
    if text.isascii() and text.isprintable():
        return text

    def spelt(match: re.Match[str]) -> str:
        sign = match[1]
        if sign is None or sign in keep or not _is_hidden(sign):
            return match[0]
        return sign.encode("unicode_escape").decode()

    return _SIGN.sub(spelt, text)


def is_whole(text: str) -> bool:
    """Return whether a file can hold the text: whether it has no halves of signs.

    They stand for bytes that are no UTF-8, in a file's name for instance.
    """
    return not re.search("[\ud800-\udfff]", text)


def embedded(text: str) -> str:
    r"""Return text for tables that DVC writes into a script of its page as they are.

    There `</script>` would end the script; it becomes `\x3c/script>`.
    """
    return re.sub(r"<(?=[/!])", r"\\x3c", legible(text))


def shorten(text: str, length: int) -> str:
    """Return text with its end cut off if it takes more than `length` places.

    Signs of Chinese, Japanese and Korean, and emoji, take two.
    """
    ends = [*accumulate(map(_width, text))]
    if not ends or ends[-1] <= length:
        return text
    return text[: sum(end < length for end in ends)] + "…"


def distinct(names: Iterable[str], length: int) -> dict[str, str]:
    """Return what to call each of several names in `length` places, no two of them alike.

    Names that begin alike, or differ in what is not seen, get a number. Quotation marks show that
    a name is empty or where it begins or ends with a space.
    """
    shown: dict[str, str] = {}
    taken: dict[str, int] = {}
    for name in dict.fromkeys(names):
        whole = legible(name)
        whole = whole if whole and whole == whole.strip() else f"'{whole}'"
        first = called = shorten(whole, length)
        while looks(called) in taken:
            taken[looks(first)] += 1
            mark = f" ({taken[looks(first)]})"
            called = shorten(whole, length - len(mark)) + mark
        taken[looks(called)] = 1
        shown[name] = called
    return shown


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, in one line, in a table's cell too."""
    return _escaped(" ".join(text.split()))


def prose(text: str) -> str:
    """Return text as `markdown` does, with what stands in backticks as code."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(legible(p) if place % 2 else _escaped(p) for place, p in enumerate(parts))


def _escaped(text: str) -> str:
    def spelt(match: re.Match[str]) -> str:
        before, sign = match[0][:-1], match[0][-1]
        return before + _ENTITIES.get(sign, f"\\{sign}")

    return _MARKUP.sub(spelt, legible(text))


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _HIDDEN or bool(_UNSEEN.match(sign))


def _width(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def looks(name: str) -> str:
    """Return the same for names that look the same on a page."""
    return " ".join(unicodedata.normalize("NFC", _SHAPING.sub("", name)).split())
