"""Strings that someone's labels, columns, files, layers or reasons may hold, to be shown unharmed.

Tests put all of them wherever text from outside is shown. Add one here and every such test has it.
"""

import re
import unicodedata

ALPHABET = {
    # matplotlib's formulas, Jinja, format strings, YAML, shells
    "formula": "$a$",
    "half a formula": r"$\frac{",
    "broken formula": r"$\frac{$",
    "two dollars": "a$b$c",
    "percent": "100%",
    "braces": "{x}",
    "jinja": "{{ x }}",
    "raw": "{% raw %}",
    "dvc": "${own_code}",
    "vega": "<DVC_METRIC_DATA>",
    "field access": "a.b[0]['c']",
    "shell": "$(touch /tmp/x); `id` && rm -rf ~ 'x' \"y\"",
    # HTML and what lies in its scripts
    "script": "<script>alert(1)</script>",
    "end of script": "</script><script>alert(1)</script>",
    "end of title": "</title><b>",
    "comment": "<!-- <script>",
    "attribute": '" onmouseover="alert(1)',
    "entity": "&amp; &lt; &#60; &nosuch;",
    "CDATA": "]]>",
    # parts of our own pictures
    "SVG id": 'id="x" href="#x" url(#x) xlink:href="y" xmlns="z"',
    "SVG style": "fill: #24292f; font: 'DejaVu Sans'",
    # Markdown
    "pipe": "a|b",
    "backticks": "`x` and ``y``",
    "emphasis": "*a* **b** ~~c~~",
    "underscores": "_a_ __class__ a__b",
    "link": "[a](b) ![c](d) <http://e.f> https://g.h",
    "heading": "#h # h",
    "item": "- item",
    "dash": "-",
    "rule": "---",
    "underline": "===",
    "number": "1. x",
    "quotation": "> x",
    "mention": "@ann (@bob) #12 :smile:",
    "backslash": "\\",
    "backslashes": r"a\b\n\\ \* \`",
    # quotes, and what other programs take for something else
    "quotes": "it's \"so\" '''then''' \"\"\"",
    "sum": "=1+1",
    "at": "@x",
    "minus one": "-1",
    "null": "null",
    "true": "true",
    "nan": "nan",
    "class": "__class__",
    "parent": "../../etc",
    "comma": "a,b;c",
    # signs that are not seen, or do something
    "line end": "a\nb: c",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "zero": "a\x00b",
    "escape": "\x1b[31mred\x1b[2J\x1b]0;title\x07",
    "bell and delete": "\x07\x7f\x08",
    "C1": "\x9b31m\x85",
    "line separator": "a\u2028b\u2029",
    "zero width": "a\u200bb\ufeff",
    "soft hyphen": "a\u00adb",
    "right to left": "שלום",
    "override": "a\u202etxt.exe\u2066",
    "blank letters": "a\u3164 \u115f\u1160\uffa0",
    "blank Braille": "a\u2800",
    "grapheme joiner": "a\u034fb",
    "forms of a": "a\ufe0f\U000e0101",
    "form of é": "é\ufe0f",
    "joiner that joins nothing": "é\u200dé",
    "half a sign": "half\udce9",
    "no sign": "\ufffe\uffff",
    # signs of every kind
    "combining": "e\u0301 o\u0308\u0323",
    "composed": "é",
    "emoji": "😀 👩\u200d👩\u200d👧 ❤\ufe0f",
    "Persian": "می\u200cخواهم",  # noqa: RUF001
    "CJK": "日本語の分類",
    "wide": "Ｗ" * 30,  # noqa: RUF001
    "no-break space": "1\u202f520\u00a0kg",
    # nothing, and very much
    "empty": "",
    "spaces": "   ",
    "space around": " a ",
    "long": "long" * 1250,
    "long words": "word " * 1000,
    "as long": "long" * 1250 + "b",
    "Case": "CLASS",
    "case": "class",
}

TEXTS = list(ALPHABET.values())

LAYERS = [
    text.replace(".", " ")
    for text in TEXTS
    if text not in {"", "__class__"} and len(text) < 100  # torch has no layers of these names
]

COMMANDS = [chr(number) for number in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
"""What may do something to a terminal."""


def hidden(text: str, keep: str = "") -> list[str]:
    """Return the signs of a text that are not seen, do something, or are none."""
    # Behind other than ASCII these change what is seen.
    text = re.sub("([^\x00-\x7f])[\u200c\u200d\ufe0f\U000e0101]", r"\1", text)
    kinds, blank = ("Cc", "Cf", "Cs", "Zl", "Zp"), "\u034f\u115f\u1160\u2800\u3164\uffa0"
    return [
        sign
        for sign in text
        if (unicodedata.category(sign) in kinds or sign in f"{blank}\ufe0f\U000e0101\ufffe\uffff")
        and sign not in keep
    ]
