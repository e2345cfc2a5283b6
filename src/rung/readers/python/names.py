"""Scopes of Python source, and what names stand for in them."""

from __future__ import annotations

import ast
import builtins

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.python.literals import mark_of
from rung.readers.python.parts import Part

MAX_LINKS = 64
"""Links of a chain of calls and attributes that a name is read through."""
OWNERS = ("self", "cls")
"""What methods call the object or class that they belong to."""
_BUILTINS = frozenset(dir(builtins))
_WRAPPERS = frozenset({"Optional", "Annotated", "ClassVar", "Final", "Required", "NotRequired", "Union"})
DOTTED = regex(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+\Z")
"""A dotted name."""


class Tally:
    """What is counted in a test."""

    __slots__ = ("assertions", "calls")

    def __init__(self) -> None:
        self.assertions = 0
        self.calls: set[str] = set()
        """Functions and methods of the same file that it calls."""


class Names:
    """The names of one scope, and where to look further."""

    __slots__ = ("cls", "globals", "is_class", "methods", "names", "parent", "part", "qualified", "tally", "tests", "values")

    def __init__(self, parent: Names | None, qualified: str, cls: Attributes | None, part: Part, tally: Tally | None = None) -> None:
        self.names: dict[str, str] = {}
        self.part = part
        """Of the module, that the scope is in."""
        self.parent = parent
        self.qualified = qualified
        self.cls = cls
        """Attributes of `self`, inside a class."""
        self.tally = tally
        """Of the enclosing test."""
        self.globals: set[str] = set()
        self.is_class = False
        self.tests = parent is None
        """Functions named `test…` that stand here are tests."""
        self.methods: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, Names]] = []
        self.values: dict[str, ast.expr] = {}
        """What variables were last assigned; where that tells nothing, themselves. A number does not take the place of what was before."""

    def find(self, name: str) -> str | None:
        """What a name stands for here, None when it was never bound."""
        scope: Names | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def value(self, name: str) -> ast.expr | None:
        """What a variable was last assigned here, or in the scopes around."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.names:
                return scope.values.get(name)
            scope = scope.parent
        return None


class Attributes:
    """What `self.x` is in a class of this file, its own and inherited ones."""

    __slots__ = ("bases", "names")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.bases: list[Attributes] = []

    def find(self, name: str) -> str | None:
        """What an attribute of `self` stands for, None when it was never set."""
        left = 20
        waiting = [self]
        while waiting and left:
            left -= 1
            attributes = waiting.pop()
            if (found := attributes.names.get(name)) is not None:
                return found
            waiting += attributes.bases
        return None


class Resolver:
    """What names stand for, in one module."""

    def __init__(self) -> None:
        self.stars: list[str] = []
        """Modules of which everything is imported."""

    def receiver(self, value: ast.expr, scope: Names) -> str | None:
        """The name that a variable takes from its value: empty when it tells nothing, None when it should be ignored."""
        kind = value.__class__
        if kind is ast.Constant:
            return None if value.value is None else ""  # type: ignore[attr-defined]
        if kind in (ast.Call, ast.Attribute, ast.Await, ast.IfExp, ast.BoolOp):
            name = self.name(value, scope)
            return "" if name.startswith(("?", "str.")) else scanning.as_receiver(name)
        if kind is ast.Name:
            found = scope.find(value.id)  # type: ignore[attr-defined]
            return found if found is not None and found != value.id else ""  # type: ignore[attr-defined]
        return ""

    def annotation(self, node: ast.expr, scope: Names) -> str:
        """The class that an annotation names, through `Optional`, `X | None` and quotes; empty for builtins and containers."""
        for _ in range(8):
            if isinstance(node, ast.Constant):
                if not isinstance(node.value, str) or not DOTTED.match(node.value[: scanning.MAX_NAME]):
                    return ""
                head, dot, rest = node.value.partition(".")
                return "" if head in _BUILTINS else (scope.find(head) or head) + dot + rest
            if isinstance(node, ast.Name) and node.id in _BUILTINS and scope.find(node.id) is None:
                return ""
            if isinstance(node, (ast.Name, ast.Attribute)):
                name = self.name(node, scope)
                return "" if name.startswith("typing.") else scanning.as_receiver(name)
            if isinstance(node, ast.BinOp):
                node = node.right if isinstance(node.left, ast.Constant) and node.left.value is None else node.left
            elif isinstance(node, ast.Subscript):
                outer = node.value
                if (outer.attr if isinstance(outer, ast.Attribute) else outer.id if isinstance(outer, ast.Name) else "") not in _WRAPPERS:
                    return ""
                inner = node.slice
                node = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
            else:
                return ""
        return ""

    def name(self, node: ast.AST, scope: Names) -> str:
        """The resolved name of an expression that is called, assigned or decorated with; `?` where it begins with no name."""
        kind = node.__class__
        if kind is ast.Name:
            return self.lead(node.id, scope)  # type: ignore[attr-defined]
        if kind is ast.Attribute and node.value.__class__ is ast.Name:  # type: ignore[attr-defined]
            identifier: str = node.value.id  # type: ignore[attr-defined]
            if scope.cls is None or identifier not in OWNERS:
                return f"{self.lead(identifier, scope)}.{node.attr}"  # type: ignore[attr-defined]
        parts: list[str] = []
        base = "?"
        for _ in range(MAX_LINKS):
            kind = node.__class__
            if kind is ast.Attribute:
                parts.append("." + node.attr)  # type: ignore[attr-defined]
                node = node.value  # type: ignore[attr-defined]
            elif kind is ast.Name:
                base = self.base(node.id, parts, scope)  # type: ignore[attr-defined]
                break
            elif kind is ast.Call:
                if mark := mark_of(node):  # type: ignore[arg-type]
                    parts.append(mark)
                node = node.func  # type: ignore[attr-defined]
            elif kind in (ast.Await, ast.Subscript, ast.NamedExpr, ast.Starred):
                node = node.value  # type: ignore[attr-defined]
            elif kind is ast.BinOp:
                node = node.left  # type: ignore[attr-defined]
            elif kind is ast.BoolOp:
                node = node.values[0]  # type: ignore[attr-defined]
            elif kind is ast.IfExp:
                node = node.body  # type: ignore[attr-defined]
            else:
                base = "str" if kind in (ast.Constant, ast.JoinedStr) else "?"
                break
        if not parts:
            return base
        parts.append(base)
        return "".join(reversed(parts))

    def base(self, name: str, parts: list[str], scope: Names) -> str:
        """What a leading name stands for; an attribute of `self` that is known is taken off `parts`."""
        if parts and scope.cls is not None and name in OWNERS:
            found = scope.cls.find(parts[-1][1:])
            if found is not None:
                parts.pop()
                return found
        return self.lead(name, scope)

    def lead(self, name: str, scope: Names) -> str:
        """What a name by itself stands for."""
        found = scope.find(name)
        if found is not None:
            return found
        if len(self.stars) == 1 and name not in _BUILTINS and not name.startswith("__"):
            star = self.stars[0]
            return star + name if star.endswith(".") else f"{star}.{name}"
        return name
