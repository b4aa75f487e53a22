"""Numbers as formulas: small, safe arithmetic, as `0.02 / sqrt(2 * n_layers)`."""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from initsweep.core.errors import shown
from initsweep.core.registry import did_you_mean

Amount = int | float | str
"""A number, or a formula for it."""

_LONGEST = 200
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "log": math.log, "min": min, "max": max,
}  # fmt: skip


class _Formula(NamedTuple):
    """The tree of a formula, and the names that it needs."""

    tree: ast.expr
    names: tuple[str, ...]


def names_in(amount: Amount) -> set[str]:
    """Return the names that a formula needs.

    Raises:
        ValueError: If it is no formula.
    """
    return set(_parsed(amount).names) if isinstance(amount, str) else set()


def check_formula(amount: Amount, known: list[str]) -> None:
    """Check that a formula can be read, and needs no other names than these.

    Raises:
        ValueError: If not, saying what to write.
    """
    for name in sorted(names_in(amount) - set(known)):
        raise ValueError(
            f"{shown(amount)} needs '{name}', which is no name here.{did_you_mean(name, known)} "
            f"Known: {', '.join(known)}; and {', '.join(FUNCTIONS)}"
        )


def evaluate(amount: Amount, values: Mapping[str, float]) -> float:
    """Return what a formula comes to.

    Args:
        amount: The formula, or a number.
        values: The values of its names.

    Raises:
        ValueError: If it is no formula, needs another name, or comes to no finite number.
    """
    if not isinstance(amount, str):
        return float(amount)
    tree, names = _parsed(amount)
    for name in names:
        if name not in values:
            raise ValueError(f"{shown(amount)} needs '{name}', which is not known here")
    try:
        found = _value(tree, values)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise ValueError(f"{shown(amount)} cannot be computed: {error}") from None
    if not math.isfinite(found):
        raise ValueError(f"{shown(amount)} comes to {found}")
    return found


@lru_cache(maxsize=1024)  # of a table each formula is computed for every layer and seed
def _parsed(text: str) -> _Formula:
    """Return a formula, checked.

    Raises:
        ValueError: If it is none.
    """
    try:
        tree = ast.parse(text.strip()[:_LONGEST], mode="eval").body
    except (SyntaxError, ValueError):
        tree = None
    if tree is None or len(text) > _LONGEST or not all(map(_is_arithmetic, ast.walk(tree))):
        raise ValueError(
            f"{shown(text)} is no formula. Write numbers, names, + - * / ** and "
            f"{', '.join(FUNCTIONS)}, at most {_LONGEST} signs"
        )
    return _Formula(tree, tuple(_names(tree)))


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        return called in FUNCTIONS and bool(node.args) and not node.keywords
    plain = (ast.BinOp, ast.UnaryOp, ast.USub, ast.UAdd, ast.Name, ast.Load)
    return isinstance(node, (*_OPERATORS, *plain))


def _names(tree: ast.expr) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called:
            yield node.id


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return float(FUNCTIONS[name](*(_value(one, values) for one in node.args)))
    if isinstance(node, ast.Name):
        return float(values[node.id])
    return float(node.value)  # type: ignore[attr-defined] # a constant
