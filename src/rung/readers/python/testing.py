"""What in Python source is a test, and what an assertion: by their names."""

from __future__ import annotations

import ast
import re

from rung.expressions import regex

_TEST_CLASS = regex(r"(?:\A|\.)_?Test\w*\Z|Tests?\Z|TestCase\Z")
_ASSERTING = regex(r"_*(?:assert|check|verify|expect)", re.IGNORECASE)
_ASSERTING_CALLS = frozenset({"pytest.raises", "pytest.warns", "pytest.fail", "pytest.deprecated_call", "self.fail"})


HOLLOW = regex(
    r"assert[ \t(]++(?:True|False|not[ \t]++False|[0-9]++(?:[ \t]*+==[ \t]*+[0-9]++)?|([\"'])\w*+\1(?:[ \t]*+==[ \t]*+[\"']\w*+[\"'])?)[ \t)]*+(?:[,;#\n]|\Z)"
    r"|\bassert(?:True|_)\([ \t]*+(?:True|[0-9]++)[ \t]*+[,)]"
    r"|\bassert(?:Equals?|Is)\([ \t]*+(True|False|None|[0-9]++|)[ \t]*+,[ \t]*+\2[ \t]*+[,)]"
)
"""What may be an assertion that says nothing: whether it is one is told by its tree."""


def is_test_class(base: str) -> bool:
    """Whether what inherits from a class of this resolved name holds tests."""
    return _TEST_CLASS.search(base) is not None


def is_assertion(name: str) -> bool:
    """Whether a call of this resolved name asserts something."""
    return _ASSERTING.match(name.rpartition(".")[2]) is not None or name in _ASSERTING_CALLS


def holds_anyway(test: ast.expr) -> bool:
    """Whether what is asserted is written to be true: `True`, `1 == 1`."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return isinstance(test.operand, ast.Constant) and not test.operand.value
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], (ast.Eq, ast.Is))
        and _are_alike(test.left, test.comparators[0])
    )


def is_unwritten(body: list[ast.stmt]) -> bool:
    """Whether a test does nothing but fail, as a placeholder that a template leaves: `assert False`."""
    told = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    first = body[1] if told and len(body) > 1 else body[0]
    return isinstance(first, ast.Assert) and isinstance(first.test, ast.Constant) and not first.test.value


def passes_anyway(name: str, arguments: list[ast.expr]) -> bool:
    """Whether an assertion by a call of this name can't fail: `self.assertTrue(True)`, `self.assertEqual(1, 1)`."""
    what = name.rpartition(".")[2]
    if what in ("assertTrue", "assert_"):
        return len(arguments) > 0 and holds_anyway(arguments[0])
    return what in ("assertEqual", "assertEquals", "assertIs") and len(arguments) > 1 and _are_alike(arguments[0], arguments[1])


def _are_alike(one: ast.expr, other: ast.expr) -> bool:
    return isinstance(one, ast.Constant) and isinstance(other, ast.Constant) and repr(one.value) == repr(other.value)
