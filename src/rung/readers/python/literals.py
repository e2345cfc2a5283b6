"""What the literals of Python source say, as text: strings, f-strings, numbers, and the lists and paths that are put together of them."""

from __future__ import annotations

import ast

from rung.readers import scanning

_MAX_KEYS = 100
"""Keyword arguments that are taken from a dictionary."""


def mark_of(node: ast.Call) -> str:
    """`[arg]` for a first literal argument, or for a lone keyword that gives a name (`service_name="s3"`)."""
    first: ast.expr | None = None
    if node.args:
        first = node.args[0]
    elif node.keywords and (node.keywords[0].arg or "").endswith("name"):
        first = node.keywords[0].value
    if first is not None and first.__class__ is ast.Constant and first.value.__class__ is str:
        return scanning.bracketed(first.value)
    return ""


def formatted(node: ast.JoinedStr) -> str:
    """The literal parts of an f-string, `{}` for what is computed."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def plain(value: object) -> str | None:
    """A number, `True`, `False` or `None` as text; None for what is none of them."""
    if value is None or value is True or value is False:
        return str(value)
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 200):
        return str(value)
    return None


def is_number(node: ast.expr) -> bool:
    """Whether a number is written there; a truth value is none."""
    return isinstance(node, ast.Constant) and node.value.__class__ in (int, float)


def unpacked(node: ast.expr | None) -> tuple[tuple[str, str], ...]:
    """The keyword arguments that a dictionary gives (`{"a": 1}`, `dict(a=1)`), empty where a value is no literal."""
    pairs: list[tuple[object, ast.expr]] = []
    if isinstance(node, ast.Dict):
        pairs += [(key.value, value) for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        pairs += [(keyword.arg, keyword.value) for keyword in node.keywords]
    return tuple([(key[: scanning.MAX_NAME], _literal(value)) for key, value in pairs[:_MAX_KEYS] if isinstance(key, str)])


def _literal(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant):
        return ""
    return node.value[: scanning.MAX_NAME] if isinstance(node.value, str) else plain(node.value) or ""


def words(elements: list[ast.expr]) -> str | None:
    """A list that begins with a string, its words joined by blanks, `{}` for what is no string; None for any other.

    The running interpreter (`sys.executable`) is the program `python`.
    """
    words = [_word(element) for element in elements[:40]]
    return " ".join(words)[: scanning.MAX_NAME] if words and words[0] != "{}" else None


def _word(element: ast.expr) -> str:
    if isinstance(element, ast.Constant):
        return element.value if isinstance(element.value, str) else "{}"
    if isinstance(element, ast.JoinedStr):
        return formatted(element)
    if isinstance(element, ast.Attribute) and element.attr == "executable" and isinstance(element.value, ast.Name):
        return "python" if element.value.id == "sys" else "{}"
    return joined(element) or "{}"


def joined(node: ast.expr) -> str | None:
    """A path that ends in strings and begins with what is computed (`os.path.join(HERE, "a.py")`, `HERE / "a.py"`) as `{}/a.py`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1:
        node = node.args[0]
    ends: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant) and len(ends) < 10:
        if not isinstance(node.right.value, str):
            return None
        ends.insert(0, node.right.value)
        node = node.left
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and len(node.args) > 1:
        parts = node.args[:10]
        while len(parts) > 1 and isinstance(parts[-1], ast.Constant) and isinstance(parts[-1].value, str):
            ends.insert(0, parts.pop().value)  # type: ignore[attr-defined]
    return "/".join(("{}", *ends))[: scanning.MAX_NAME] if ends else None
