"""Gates of Python source: what a condition compares, when a program stops at it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeAlias

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.python.expressions import FIELDS
from rung.readers.python.literals import is_number, plain
from rung.records import Call

_ORDERING: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_COLLECTIONS = (ast.Set, ast.List, ast.Tuple, ast.Dict)
_TURNED = str.maketrans("<>", "><")
_DEMANDED = frozenset({(">=", "0"), (">", "0"), ("<=", "1")})
_REFUSED = frozenset({("<", "0"), ("<=", "0"), (">", "1")})
"""Bounds that any share, score or error keeps (`recall < 0 or recall > 1`): they refuse a mistake, and no bad model."""
_SIGNED = regex(r"r2|r_squared|rsquared|silhouette|kappa|mcc|corr|gain|improve|delta|diff|uplift|lift|skill")
"""Measures that a bad model makes negative."""
_SHARE = regex(r"acc(?:uracy)?(?![a-z])|auc|auroc|(?<![a-z])f1|f_?score|precision|recall")
_SMALL = regex(r"0?\.0\d{0,8}|0")
_INDEX = regex(r"\[(\d{1,6})\]")
_ROUNDING = 1e-4
_AS_IT_IS = frozenset({"float", "int", "round", "abs"})
"""Functions that give the number that they are given."""

Value: TypeAlias = Callable[[str], ast.expr | None]
"""What a variable was assigned."""


def gate_of(test: ast.expr, value: Value, function: str, shift: int, *, refusing: bool = False) -> Call | None:
    """The `gate` for the ordering comparisons of a condition, if it makes any; None where they only keep a number in its natural range.

    Its words are the names and keys that are compared, a variable's with the key or the function that its value came from.

    Args:
        test: the condition.
        value: what a variable was assigned.
        function: in which the condition stands.
        shift: lines of the file before the source.
        refusing: whether the program stops where the condition holds, and not where it does not.
    """
    words: list[str] = []
    arguments: list[str] = []
    waiting: list[ast.expr] = [test]
    left = 20
    natural = True
    while waiting and left:
        left -= 1
        node = waiting.pop()
        if isinstance(node, ast.BoolOp):
            waiting += reversed(node.values)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            waiting.append(node.operand)
            refusing = not refusing
        elif isinstance(node, ast.Compare) and any(operator.__class__ in _ORDERING for operator in node.ops):
            if any(isinstance(side, _COLLECTIONS) for side in (node.left, *node.comparators)):
                continue  # Of collections an ordering says what contains what, not how much.
            if sum(not _is_infinite(side) for side in (node.left, *node.comparators)) < 2:
                continue  # Any number lies between the infinities: nothing is refused.
            if all(_is_written_down(side, value) for side in (node.left, *node.comparators)):
                continue  # Without anything measured it can't fail.
            if _is_rounding(node) or _is_order(node) or (not refusing and _is_failure(node)):
                continue  # That a calculation is exact, a list sorted or the worst answer worthless is no word on how good a model is.
            whole = "" if refusing else _whole_range(node)
            if whole == "-1":
                continue  # Where any correlation or silhouette lies: nothing is refused, of a signed measure either.
            natural = natural and (bool(whole) or all(bound in (_REFUSED if refusing else _DEMANDED) for bound in _bounds(node)))
            arguments += (_ORDERING[operator.__class__] for operator in node.ops if operator.__class__ in _ORDERING)
            for side in (node.left, *node.comparators):
                _compared(side, value, words, arguments)
    name = " ".join(words).lower()[: scanning.MAX_NAME]
    if arguments and not (natural and not _SIGNED.search(name)):
        end = (test.end_lineno or test.lineno) + shift
        return Call(line=test.lineno + shift, name=name, kind="gate", arguments=tuple(arguments), function=function, end_line=end)
    return None


def _bounds(node: ast.Compare) -> Iterator[tuple[str, str]]:
    """The operators of a comparison with the number that each compares with, as if that stood on the right; empty for no number."""
    sides = (node.left, *node.comparators)
    for operator, before, after in zip(node.ops, sides, sides[1:]):
        sign = _ORDERING.get(operator.__class__, "")
        if isinstance(after, ast.Constant):
            yield sign, (plain(after.value) or "").removesuffix(".0")
        elif isinstance(before, ast.Constant):
            yield sign.translate(_TURNED), (plain(before.value) or "").removesuffix(".0")
        else:
            yield sign, ""


def _whole_range(node: ast.Compare) -> str:
    """From where a comparison keeps a number in all of the range of a share or a correlation: `0 < share < 1` from "0"; else empty."""
    if len(node.ops) != 2 or not all(isinstance(operator, (ast.Lt, ast.LtE)) for operator in node.ops):
        return ""
    low = ast.unparse(node.left).removesuffix(".0")
    high = ast.unparse(node.comparators[1]).removesuffix(".0")
    return low if high == "1" and low in ("0", "-1") else ""


def _is_rounding(node: ast.Compare) -> bool:
    """Whether a difference is compared with no more than an error of rounding: `abs(loss - 1.0) < 1e-6`."""
    sides = (node.left, *node.comparators)
    taken = any(
        isinstance(side, ast.Call) and getattr(side.func, "id", getattr(side.func, "attr", "")) in ("abs", "fabs") for side in sides
    )
    return taken and any(
        isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) and abs(side.value) <= _ROUNDING for side in sides
    )


def _is_order(node: ast.Compare) -> bool:
    """Whether it is asked in which order a list is: `hits[0].score >= hits[1].score`; a loss that falls is asked for itself."""
    if len(node.ops) != 1:
        return False
    more, less = node.left, node.comparators[0]
    if isinstance(node.ops[0], (ast.Lt, ast.LtE)):
        more, less = less, more
    texts = ast.unparse(more).lower(), ast.unparse(less).lower()
    first, second = (_INDEX.findall(text) for text in texts)
    if len(first) != 1 or len(second) != 1 or int(second[0]) != int(first[0]) + 1:
        return False
    return _INDEX.sub("", texts[0]) == _INDEX.sub("", texts[1]) and "loss" not in texts[0] and "err" not in texts[0]


def _is_failure(node: ast.Compare) -> bool:
    """Whether a share that is better the higher it is must be next to nothing, as of answers that are all wrong: `f1 <= 0.01`."""
    if not isinstance(node.left, (ast.Name, ast.Attribute, ast.Subscript)) or not _SHARE.search(ast.unparse(node.left).lower()):
        return False
    return all(sign in ("<", "<=") and _SMALL.fullmatch(bound) for sign, bound in _bounds(node))


def _is_written_down(side: ast.expr, value: Value) -> bool:
    """Whether a side of a comparison is a number that stands there, or a variable that was never assigned anything else."""
    return is_number((value(side.id) or side) if isinstance(side, ast.Name) else side)


def _is_infinite(side: ast.expr) -> bool:
    """Whether a side of a comparison is `float("inf")`, `math.inf` or the like, of either sign."""
    if isinstance(side, ast.UnaryOp):
        side = side.operand
    if isinstance(side, ast.Attribute):
        return side.attr in ("inf", "infty", "Infinity")
    return (
        isinstance(side, ast.Call)
        and isinstance(side.func, ast.Name)
        and side.func.id == "float"
        and len(side.args) == 1
        and isinstance(side.args[0], ast.Constant)
        and str(side.args[0].value).lstrip("+-").lower() in ("inf", "infinity")
    )


def _compared(side: ast.expr, value: Value, words: list[str], arguments: list[str]) -> None:
    """The names and keys of one side of a comparison into `words`, its numbers into `arguments`."""
    waiting: list[ast.AST] = [side]
    left = 30
    while waiting and left:
        left -= 1
        node = waiting.pop()
        if isinstance(node, ast.Name):
            words.append(node.id)
            if (assigned := value(node.id)) is not None and (source := _source(assigned)) not in ("", node.id):
                words.append(source)
        elif isinstance(node, ast.Attribute):
            parts = [node.attr]
            inner: ast.AST = node.value
            while isinstance(inner, ast.Attribute) and len(parts) < 10:
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                words.append(".".join((inner.id, *reversed(parts))))
            else:
                words += reversed(parts)
                waiting.append(inner)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                words.append(node.value[:60])
            elif (text := plain(node.value)) is not None:
                arguments.append(text)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            words.append("len")  # How many scores there are is not how good they are.
        elif isinstance(node, ast.Call):
            waiting += reversed([node.func, *node.args])
        else:
            for field in reversed(FIELDS.get(node.__class__, ())):
                child = getattr(node, field)
                waiting += reversed(child) if isinstance(child, list) else [child] if child is not None else []


def _source(value: ast.expr) -> str:
    """The key or the function that a value comes from, empty for any other: `rmse` of `float(metrics["rmse"])`, `f1_score` of its call."""
    for _ in range(8):
        if isinstance(value, ast.Subscript):
            if isinstance(value.slice, ast.Constant) and isinstance(value.slice.value, str):
                return value.slice.value[:60]
            value = value.value
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            first = value.args[0] if value.args else None
            if value.func.attr == "get" and isinstance(first, ast.Constant):
                return first.value[:60] if isinstance(first.value, str) else ""
            if value.func.attr not in ("item", "mean"):
                return value.func.attr
            value = value.func.value
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            if value.func.id not in _AS_IT_IS or not value.args:
                return value.func.id
            value = value.args[0]
        elif isinstance(value, ast.Attribute):
            return value.attr
        elif isinstance(value, ast.Await):
            value = value.value
        else:
            return ""
    return ""
