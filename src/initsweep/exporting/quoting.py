"""Names and sentences of any content as parts of Python source."""

from collections.abc import Sequence

from initsweep.core.spelling import legible


def literal(text: str) -> str:
    """Return the source of a string, in double quotes where that takes no more escapes."""
    source = repr(text)
    return source if '"' in source else f'"{source[1:-1]}"'


def documentation(text: str) -> str:
    """Return text that can stand between the quotes of a docstring."""
    return legible(text, keep="\n").replace("\\", r"\\").replace('"""', r"\"\"\"")


def source_list(sources: Sequence[str], width: int) -> str:
    """Return sources with commas behind them, indented, as many in a line as there is room for."""
    lines = [""]
    for source in sources:
        whole = f"{lines[-1]} {source},".lstrip()
        lines[-1:] = [whole] if len(whole) <= width - 4 else [lines[-1], f"{source},"]
    return "\n".join(f"    {line}" for line in lines if line)
