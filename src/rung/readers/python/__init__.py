"""Python source as facts: imports, calls with their names resolved, tests, entry points, literals and gates.

The standard parser makes the tree, a walk without recursion reads it. Functions are read after the code around them,
as Python itself would, so that a name assigned below a function is known inside it. A file that doesn't parse (Python 2,
a template, newer syntax) is mended line by line; if that fails too, it is scanned for imports and calls.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import TypeAlias

from rung.readers import scanning, syntax
from rung.readers.documents import text_of
from rung.readers.python.skim import needs_tree, skimmed
from rung.readers.reading import Reading
from rung.records import Call, Entry, Fact, Import, Literal, Problem, Test

MAX_LINKS = 64
"""Links of a chain of calls and attributes that a name is read through."""

_PARAMETER_SETUP = frozenset(
    {"__init__", "__post_init__", "__new__", "__enter__", "setup", "setUp", "setUpClass", "setup_class", "setup_method", "build"}
)
_BUILTINS = frozenset(dir(builtins))
_NOISE = frozenset((
    "abs", "all", "any", "bool", "bytes", "callable", "chr", "classmethod", "dict", "dir", "divmod", "enumerate", "filter", "float",
    "format", "frozenset", "getattr", "hasattr", "hash", "id", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max",
    "min", "next", "object", "ord", "pow", "property", "range", "repr", "reversed", "round", "set", "setattr", "slice", "sorted",
    "staticmethod", "str", "sum", "super", "tuple", "type", "vars", "zip",
))  # fmt: skip
_NOISE_METHODS = frozenset((
    "append", "capitalize", "decode", "encode", "endswith", "extend", "format", "isdigit", "items", "join", "keys", "lower", "lstrip",
    "replace", "rsplit", "rstrip", "setdefault", "sort", "split", "splitlines", "startswith", "strip", "title", "upper", "values",
    "zfill", "__init__",
))  # fmt: skip
_ARGUMENT_PARSERS = frozenset((
    "argparse.ArgumentParser", "configargparse.ArgParser", "optparse.OptionParser", "getopt.getopt", "click.command", "click.group",
    "click.Group", "typer.Typer", "typer.run", "fire.Fire", "hydra.main", "absl.app.run", "docopt.docopt", "tyro.cli",
    "jsonargparse.CLI", "jsonargparse.auto_cli", "simple_parsing.parse", "cyclopts.App", "cyclopts.run", "defopt.run", "plac.call",
    "sys.argv",
))  # fmt: skip
_TEST_CLASS = re.compile(r"(?:\A|\.)_?Test\w*\Z|Tests?\Z|TestCase\Z")
_ASSERTING = re.compile(r"_*(?:assert|check|verify|expect)", re.IGNORECASE)
_ASSERTING_CALLS = frozenset({"pytest.raises", "pytest.warns", "pytest.fail", "pytest.deprecated_call", "self.fail"})
_DOTTED = re.compile(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+\Z")
_WRAPPERS = frozenset({"Optional", "Annotated", "ClassVar", "Final", "Required", "NotRequired", "Union"})
_LEAVING = frozenset({"sys.exit", "exit", "quit", "os._exit", "pytest.fail", "SystemExit"})
_ORDERING: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_COLLECTIONS = (ast.Set, ast.List, ast.Tuple, ast.Dict)

_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.BoolOp: ("values",),
    ast.BinOp: ("left", "right"),
    ast.UnaryOp: ("operand",),
    ast.Lambda: ("body",),
    ast.IfExp: ("test", "body", "orelse"),
    ast.Dict: ("keys", "values"),
    ast.Set: ("elts",),
    ast.List: ("elts",),
    ast.Tuple: ("elts",),
    ast.ListComp: ("elt", "generators"),
    ast.SetComp: ("elt", "generators"),
    ast.GeneratorExp: ("elt", "generators"),
    ast.DictComp: ("key", "value", "generators"),
    ast.comprehension: ("iter", "ifs"),
    ast.Await: ("value",),
    ast.Yield: ("value",),
    ast.YieldFrom: ("value",),
    ast.Compare: ("left", "comparators"),
    ast.FormattedValue: ("value",),
    ast.Subscript: ("value", "slice"),
    ast.Starred: ("value",),
    ast.Slice: ("lower", "upper", "step"),
}
"""Where expressions hold further expressions; the bound variables of comprehensions and lambdas are left out."""

_IMPORT_LINE = re.compile(
    r"^[ \t]*+(?:import[ \t]++(?P<modules>[^\n;]++)|from[ \t]++(?P<base>[.\w]++)[ \t]++import[ \t]*+(?:\((?P<many>[^()]{0,4000}+)|(?P<one>[^\n;]++)))",
    re.MULTILINE,
)
_TEST_LINE = re.compile(r"^(?P<indent>[ \t]*+)def[ \t]++(?P<name>\w++)", re.MULTILINE)
_ASSERT_LINE = re.compile(r"^[ \t]*+assert\b|\b(?:self\.|\w++\.)?assert\w*+\(|\.raises\(", re.MULTILINE)
_PYTHON = scanning.Dialect(
    prefix="",
    name=re.compile(r"(?<!\w)(?P<name>[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+){0,64}+)(?P<call>[ \t]*+\()"),
    joint=re.compile(r"\."),
    written=True,
)


def facts_of(source: str, *, first_line: int = 1) -> list[Fact]:
    """The facts of Python source whose first line is `first_line` of its file; never raises."""
    tree, problem = syntax.parse(source)
    facts: list[Fact] = []
    if problem:
        facts.append(Problem(line=problem.line + first_line - 1 if problem.line else 0, what=problem.what))
    if tree is None:
        facts += _scanned(source[: scanning.MAX_BYTES], first_line)
    else:
        walk = _Walk(first_line)
        walk.module(tree.body)
        facts += walk.facts
    return facts


_Bodies: TypeAlias = tuple[list[ast.stmt], ...]
"""The blocks of a statement in the order in which they are read."""
_Given: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""Literal positional and keyword arguments of a call."""


class _Names:
    """The names of one scope, and where to look further."""

    __slots__ = ("cls", "globals", "is_class", "methods", "names", "parent", "qualified", "tally", "tests")

    def __init__(self, parent: _Names | None, qualified: str, cls: _Attributes | None, tally: list[int] | None = None) -> None:
        self.names: dict[str, str] = {}
        self.parent = parent
        self.qualified = qualified
        self.cls = cls
        """Attributes of `self`, inside a class."""
        self.tally = tally
        """Counts the assertions of the enclosing test."""
        self.globals: set[str] = set()
        self.is_class = False
        self.tests = parent is None
        """Functions named `test…` that stand here are tests."""
        self.methods: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, _Names]] = []

    def find(self, name: str) -> str | None:
        scope: _Names | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None


class _Attributes:
    """What `self.x` is in a class of this file, its own and inherited ones."""

    __slots__ = ("bases", "names")

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.bases: list[_Attributes] = []

    def find(self, name: str) -> str | None:
        left = 20
        waiting = [self]
        while waiting and left:
            left -= 1
            attributes = waiting.pop()
            if (found := attributes.names.get(name)) is not None:
                return found
            waiting += attributes.bases
        return None


class _Walk:
    """One walk over a module's tree, gathering facts."""

    def __init__(self, first_line: int) -> None:
        self.facts: list[Fact] = []
        self._shift = first_line - 1
        self._literals = 0
        self._stars: list[str] = []
        self._takes_arguments = False
        self._waiting: deque[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, _Names]] = deque()
        self._classes: dict[str, _Attributes] = {}
        self._tallies: list[tuple[str, int, list[int]]] = []
        self._handlers: dict[type[ast.stmt], Callable[..., _Bodies | None]] = {
            ast.If: self._if,
            ast.While: self._while,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.Try: self._try,
            ast.TryStar: self._try,
            ast.Match: self._match,
            ast.AnnAssign: self._annotated,
            ast.AugAssign: self._return,
            ast.Return: self._return,
            ast.Raise: self._return,
            ast.Assert: self._assert,
            ast.Global: self._global,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.ClassDef: self._class,
        }

    def module(self, body: list[ast.stmt]) -> None:
        """Reads a module: its own statements, then functions and classes in the order in which they stand."""
        self._block(body, _Names(None, "", None))
        while self._waiting:
            node, scope = self._waiting.popleft()
            self._block(node.body, scope)
            if scope.methods:
                scope.methods.sort(key=lambda item: item[0].name not in _PARAMETER_SETUP)
                self._waiting.extend(scope.methods)
        self.facts += (Test(line=line, name=name, assertions=tally[0]) for name, line, tally in self._tallies)

    # Statements

    def _block(self, body: list[ast.stmt], scope: _Names) -> None:
        stack: list[ast.stmt] = body[::-1]
        walk = self._expressions
        handlers = self._handlers
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Expr:
                value = node.value  # type: ignore[attr-defined]
                if value.__class__ is not ast.Constant:
                    walk([value], scope)
            elif kind is ast.Assign:
                self._assign(node.targets, node.value, scope)  # type: ignore[attr-defined]
            elif handler := handlers.get(kind):
                for inner in reversed(handler(node, scope) or ()):
                    stack.extend(reversed(inner))

    def _if(self, node: ast.If, scope: _Names) -> _Bodies:
        test = node.test
        if test.__class__ is ast.Constant and not test.value:
            return (node.orelse,)
        if test.__class__ is ast.Compare and _is_main(test):
            self.facts.append(Entry(line=node.lineno + self._shift, kind="main"))
        elif test.__class__ in (ast.Compare, ast.BoolOp, ast.UnaryOp) and (
            self._leaves(node.body, scope) or self._leaves(node.orelse, scope)
        ):
            self._gate(test, scope, ranges=False)
        self._expressions([test], scope)
        return node.body, node.orelse

    def _while(self, node: ast.While, scope: _Names) -> _Bodies:
        self._expressions([node.test], scope)
        return node.body, node.orelse

    def _for(self, node: ast.For | ast.AsyncFor, scope: _Names) -> _Bodies:
        self._expressions([node.iter], scope)
        self._shadow(node.target, scope)
        return node.body, node.orelse

    def _with(self, node: ast.With | ast.AsyncWith, scope: _Names) -> _Bodies:
        for item in node.items:
            if item.optional_vars is None:
                self._expressions([item.context_expr], scope)
            else:
                self._assign([item.optional_vars], item.context_expr, scope)
        return (node.body,)

    def _try(self, node: ast.Try, _scope: _Names) -> _Bodies:
        return node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody

    def _match(self, node: ast.Match, scope: _Names) -> _Bodies:
        self._expressions([node.subject, *(case.guard for case in node.cases if case.guard)], scope)
        return tuple(case.body for case in node.cases)

    def _annotated(self, node: ast.AnnAssign, scope: _Names) -> None:
        annotation = self._annotation(node.annotation, scope)
        if annotation:
            self._bind(node.target, annotation, scope)
        if node.value is not None:
            if node.value.__class__ is ast.Call or not annotation:
                self._assign([node.target], node.value, scope)
            else:
                self._expressions([node.value], scope)

    def _return(self, node: ast.Return | ast.AugAssign | ast.Delete | ast.Raise, scope: _Names) -> None:
        if isinstance(node, ast.Delete):
            return
        expressions = [node.exc, node.cause] if isinstance(node, ast.Raise) else [node.value]
        self._expressions([expression for expression in expressions if expression is not None], scope)

    def _assert(self, node: ast.Assert, scope: _Names) -> None:
        if scope.tally is not None:
            scope.tally[0] += 1
        self._gate(node.test, scope)
        self._expressions([node.test], scope)

    def _global(self, node: ast.Global, scope: _Names) -> None:
        scope.globals.update(node.names)

    def _import(self, node: ast.Import, scope: _Names) -> None:
        for alias in node.names:
            self.facts.append(Import(line=alias.lineno + self._shift, module=alias.name[: scanning.MAX_NAME]))
            if alias.asname:
                scope.names[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                scope.names[root] = root

    def _import_from(self, node: ast.ImportFrom, scope: _Names) -> None:
        base = "." * node.level + (node.module or "")
        prefix = base if base.endswith(".") else base + "."
        for alias in node.names:
            if alias.name == "*":
                self._stars.append(base)
                full = base
            else:
                full = prefix + alias.name
                scope.names[alias.asname or alias.name] = full
            self.facts.append(Import(line=alias.lineno + self._shift, module=full[: scanning.MAX_NAME]))
            if full == "sys.argv":
                self._entry(node.lineno)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Names) -> None:
        self._decorators(node.decorator_list, scope)
        arguments = node.args
        expressions: list[ast.AST] = [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]
        name = node.name
        scope.names[name] = name
        inner = _Names(_beyond_class(scope), f"{scope.qualified}.{name}" if scope.qualified else name, scope.cls, scope.tally)
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            annotation = argument.annotation
            if annotation is None:
                inner.names[argument.arg] = argument.arg
            else:
                inner.names[argument.arg] = self._annotation(annotation, scope) or argument.arg
                if annotation.__class__ is ast.Subscript:
                    expressions.append(annotation)
        if expressions:
            self._expressions(expressions, scope)
        if scope.tests and name.startswith("test"):
            inner.tally = [0]
            self._tallies.append((inner.qualified, node.lineno + self._shift, inner.tally))
        (scope.methods if scope.is_class else self._waiting).append((node, inner))

    def _class(self, node: ast.ClassDef, scope: _Names) -> None:
        self._decorators(node.decorator_list, scope)
        attributes = _Attributes()
        tests = node.name.startswith("Test")
        for base in node.bases:
            name = scanning.bounded(self._name(base, scope))
            tests = tests or _TEST_CLASS.search(name) is not None
            if name in self._classes:
                attributes.bases.append(self._classes[name])
            self._call(base, name, "base", self._given(base, scope), scope)
        if node.keywords:
            self._expressions([keyword.value for keyword in node.keywords], scope)
        scope.names[node.name] = node.name
        self._classes[node.name] = attributes
        inner = _Names(_beyond_class(scope), f"{scope.qualified}.{node.name}" if scope.qualified else node.name, attributes)
        inner.is_class = True
        inner.tests = tests
        (scope.methods if scope.is_class else self._waiting).append((node, inner))

    def _decorators(self, decorators: list[ast.expr], scope: _Names) -> None:
        for node in decorators:
            name = scanning.bounded(self._name(node.func if isinstance(node, ast.Call) else node, scope))
            self._call(node, name, "decorator", self._given(node, scope), scope)

    # Names

    def _assign(self, targets: list[ast.expr], value: ast.expr, scope: _Names) -> None:
        todo: list[ast.AST] = [value]
        if len(targets) > 1 or targets[0].__class__ is not ast.Name:
            todo += (target for target in targets if target.__class__ is not ast.Name)
        self._expressions(todo, scope)
        name = self._receiver(value, scope)
        for target in targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                    for part, part_value in zip(target.elts, value.elts, strict=True):
                        self._bind(part, self._receiver(part_value, scope), scope)
                else:
                    self._shadow(target, scope)
            else:
                self._bind(target, name, scope)

    def _receiver(self, value: ast.expr, scope: _Names) -> str | None:
        """The name that a variable takes from its value: empty when it tells nothing, None when it should be ignored."""
        kind = value.__class__
        if kind is ast.Constant:
            return None if value.value is None else ""  # type: ignore[attr-defined]
        if kind in (ast.Call, ast.Attribute, ast.Await, ast.IfExp, ast.BoolOp):
            name = self._name(value, scope)
            return "" if name.startswith(("?", "str.")) else scanning.as_receiver(name)
        if kind is ast.Name:
            found = scope.find(value.id)  # type: ignore[attr-defined]
            return found if found is not None and found != value.id else ""  # type: ignore[attr-defined]
        return ""

    def _bind(self, target: ast.expr, name: str | None, scope: _Names) -> None:
        if name is None:
            return
        if isinstance(target, ast.Name):
            names = _module_of(scope).names if target.id in scope.globals else scope.names
            names[target.id] = name or target.id
            if scope.is_class and scope.cls is not None and name:
                scope.cls.names[target.id] = name
        elif (
            isinstance(target, ast.Attribute)
            and scope.cls is not None
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
        ):
            if name and name != f"self.{target.attr}":
                scope.cls.names[target.attr] = name
            elif not name:
                scope.cls.names.pop(target.attr, None)

    def _shadow(self, target: ast.expr, scope: _Names) -> None:
        waiting = [target]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name):
                scope.names[node.id] = node.id
            elif isinstance(node, (ast.Tuple, ast.List)):
                waiting += node.elts
            elif isinstance(node, ast.Starred):
                waiting.append(node.value)

    def _annotation(self, node: ast.expr, scope: _Names) -> str:
        """The class that an annotation names, through `Optional`, `X | None` and quotes; empty for builtins and containers."""
        for _ in range(8):
            if isinstance(node, ast.Constant):
                if not isinstance(node.value, str) or not _DOTTED.match(node.value[: scanning.MAX_NAME]):
                    return ""
                head, dot, rest = node.value.partition(".")
                return "" if head in _BUILTINS else (scope.find(head) or head) + dot + rest
            if isinstance(node, ast.Name) and node.id in _BUILTINS and scope.find(node.id) is None:
                return ""
            if isinstance(node, (ast.Name, ast.Attribute)):
                name = self._name(node, scope)
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

    def _name(self, node: ast.AST, scope: _Names) -> str:
        """The resolved name of an expression that is called, assigned or decorated with; `?` where it begins with no name."""
        parts: list[str] = []
        base = "?"
        for _ in range(MAX_LINKS):
            kind = node.__class__
            if kind is ast.Attribute:
                parts.append("." + node.attr)  # type: ignore[attr-defined]
                node = node.value  # type: ignore[attr-defined]
            elif kind is ast.Name:
                base = self._base(node.id, parts, scope)  # type: ignore[attr-defined]
                break
            elif kind is ast.Call:
                if mark := _mark(node):  # type: ignore[arg-type]
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

    def _base(self, name: str, parts: list[str], scope: _Names) -> str:
        """What a leading name stands for; an attribute of `self` that is known is taken off `parts`."""
        if parts and scope.cls is not None and name in ("self", "cls"):
            found = scope.cls.find(parts[-1][1:])
            if found is not None:
                parts.pop()
                return found
        found = scope.find(name)
        if found is not None:
            return found
        if len(self._stars) == 1 and name not in _BUILTINS and not name.startswith("__"):
            star = self._stars[0]
            return star + name if star.endswith(".") else f"{star}.{name}"
        return name

    # Expressions

    def _expressions(self, todo: list[ast.AST], scope: _Names) -> None:
        fields = _FIELDS
        pop = todo.pop
        while todo:
            node = pop()
            kind = node.__class__
            if kind is ast.Name:
                continue
            if kind is ast.Constant:
                value = node.value  # type: ignore[attr-defined]
                if value.__class__ is str and ("/" in value or "." in value or "\\" in value):
                    self._literal(value, node.lineno)  # type: ignore[attr-defined]
            elif kind is ast.Call:
                self._called(node, scope, todo)  # type: ignore[arg-type]
            elif kind is ast.Attribute:
                if node.attr == "argv" and self._name(node, scope) == "sys.argv":  # type: ignore[attr-defined]
                    self._entry(node.lineno)  # type: ignore[attr-defined]
                todo.append(node.value)  # type: ignore[attr-defined]
            elif kind is ast.JoinedStr:
                self._literal(_formatted(node), node.lineno)  # type: ignore[arg-type,attr-defined]
                todo += (part for part in node.values if part.__class__ is ast.FormattedValue)  # type: ignore[attr-defined]
            elif kind is ast.NamedExpr:
                self._assign([node.target], node.value, scope)  # type: ignore[attr-defined]
            else:
                for field in fields.get(kind, ()):
                    child = getattr(node, field)
                    if child.__class__ is list:
                        todo += child
                    elif child is not None:
                        todo.append(child)

    def _called(self, node: ast.Call, scope: _Names, todo: list[ast.AST]) -> None:
        func = node.func
        given = self._arguments(node, todo)
        if func.__class__ is ast.Name:
            identifier: str = func.id
            if identifier in _NOISE and scope.find(identifier) is None:
                return
            name = self._base(identifier, [], scope)
        else:
            name = self._name(func, scope)
            if func.__class__ is ast.Attribute:
                if func.attr in _NOISE_METHODS and (
                    func.value.__class__ is not ast.Name or scope.find(func.value.id) in (None, func.value.id)
                ):
                    todo.append(func.value)
                    return
                if func.value.__class__ is not ast.Name:
                    todo.append(func.value)
            else:
                todo.append(func)
        if len(name) > scanning.MAX_NAME:
            name = scanning.bounded(name)
        if scope.tally is not None and (_ASSERTING.match(name.rpartition(".")[2]) or name in _ASSERTING_CALLS):
            scope.tally[0] += 1
        self._call(node, name, "call", given, scope)

    def _call(self, node: ast.expr, name: str, kind: str, given: _Given, scope: _Names) -> None:
        func = node.func if isinstance(node, ast.Call) else node
        line = ((func.end_lineno or func.lineno) if func.__class__ is ast.Attribute else func.lineno) + self._shift
        end = (node.end_lineno or node.lineno) + self._shift
        self.facts.append(
            Call(line=line, name=name, kind=kind, arguments=given[0], keywords=given[1], function=scope.qualified, end_line=end)
        )
        if not self._takes_arguments and _takes_arguments(name):
            self._entry(line - self._shift)

    def _given(self, node: ast.expr, scope: _Names) -> _Given:
        """The arguments of a decorator or base class, what they hold walked; none when it is no call."""
        if not isinstance(node, ast.Call):
            return (), ()
        rest: list[ast.AST] = []
        given = self._arguments(node, rest)
        self._expressions(rest, scope)
        return given

    def _arguments(self, node: ast.Call, rest: list[ast.AST]) -> _Given:
        """The arguments of a call; what else they hold goes to `rest`."""
        arguments: tuple[str, ...] = ()
        if node.args:
            found = [self._value(argument, rest) for argument in node.args]
            arguments = tuple([value for value in found if value is not None])
        keywords: tuple[tuple[str, str], ...] = ()
        if node.keywords:
            keywords = tuple([(keyword.arg or "**", self._value(keyword.value, rest) or "") for keyword in node.keywords])
        return arguments, keywords

    def _value(self, node: ast.expr, rest: list[ast.AST]) -> str | None:
        """A literal as text, None when it is none; what it holds goes to `rest`."""
        kind = node.__class__
        if kind is ast.Name:
            return None
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            if value.__class__ is str:
                if "/" in value or "." in value or "\\" in value:
                    self._literal(value, node.lineno)
                return value[: scanning.MAX_NAME]
            return _plain(value)
        rest.append(node)
        if kind is ast.JoinedStr:
            return _formatted(node)[: scanning.MAX_NAME]  # type: ignore[arg-type]
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):  # type: ignore[attr-defined]
            text = _plain(node.operand.value)  # type: ignore[attr-defined]
            return None if text is None else "-" + text
        if kind is ast.List or kind is ast.Tuple:
            return _words(node.elts)  # type: ignore[attr-defined]
        return _joined(node)

    def _literal(self, text: str, line: int) -> None:
        if self._literals < scanning.MAX_LITERALS and scanning.worth_keeping(text[: scanning.MAX_NAME]):
            self._literals += 1
            self.facts.append(Literal(line=line + self._shift, value=text[: scanning.MAX_NAME]))

    def _entry(self, line: int) -> None:
        if not self._takes_arguments:
            self._takes_arguments = True
            self.facts.append(Entry(line=line + self._shift, kind="arguments"))

    # Gates

    def _leaves(self, body: list[ast.stmt], scope: _Names) -> bool:
        """Whether a branch ends in giving up: raise, exit, or return of nothing but False."""
        for node in body[-3:]:
            if isinstance(node, ast.Raise):
                return True
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value is False:
                return True
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and self._name(node.value.func, scope) in _LEAVING:
                return True
        return False

    def _gate(self, test: ast.expr, scope: _Names, *, ranges: bool = True) -> None:
        """A `gate` for the ordering comparisons of a condition, if it makes any; not for the range of a share when `ranges` are not wanted."""
        words: list[str] = []
        arguments: list[str] = []
        waiting: list[ast.expr] = [test]
        left = 20
        while waiting and left:
            left -= 1
            node = waiting.pop()
            if isinstance(node, ast.BoolOp):
                waiting += reversed(node.values)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                waiting.append(node.operand)
            elif isinstance(node, ast.Compare) and any(operator.__class__ in _ORDERING for operator in node.ops):
                if any(isinstance(side, _COLLECTIONS) for side in (node.left, *node.comparators)):
                    continue  # Of collections an ordering says what contains what, not how much.
                arguments += (_ORDERING[operator.__class__] for operator in node.ops if operator.__class__ in _ORDERING)
                for side in (node.left, *node.comparators):
                    _compared(side, words, arguments)
        if not ranges and {argument.removesuffix(".0") for argument in arguments}.difference(_ORDERING.values()) == {"0", "1"}:
            return  # Refuses an argument that is no share (`recall < 0 or recall > 1`), not a bad model.
        if arguments:
            name = " ".join(words).lower()[: scanning.MAX_NAME]
            self.facts.append(
                Call(
                    line=test.lineno + self._shift,
                    name=name,
                    kind="gate",
                    arguments=tuple(arguments),
                    function=scope.qualified,
                    end_line=(test.end_lineno or test.lineno) + self._shift,
                )
            )


def _takes_arguments(name: str) -> bool:
    return name in _ARGUMENT_PARSERS or name.endswith("ArgumentParser") or name.startswith("absl.flags.DEFINE")


def _beyond_class(scope: _Names) -> _Names | None:
    """The scope that a function sees: a class's own names are not among them."""
    return scope.parent if scope.is_class else scope


def _module_of(scope: _Names) -> _Names:
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _is_main(test: ast.Compare) -> bool:
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _mark(node: ast.Call) -> str:
    """`[arg]` for a first literal argument, or for a lone keyword that gives a name (`service_name="s3"`)."""
    first: ast.expr | None = None
    if node.args:
        first = node.args[0]
    elif node.keywords and (node.keywords[0].arg or "").endswith("name"):
        first = node.keywords[0].value
    if first is not None and first.__class__ is ast.Constant and first.value.__class__ is str:
        return scanning.bracketed(first.value)
    return ""


def _formatted(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def _plain(value: object) -> str | None:
    if value is None or value is True or value is False:
        return str(value)
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 200):
        return str(value)
    return None


def _words(elements: list[ast.expr]) -> str | None:
    """A list that begins with a string, its words joined by blanks, `{}` for what is no string; None for any other.

    The running interpreter (`sys.executable`) is the program `python`.
    """
    words = [_word(element) for element in elements[:40]]
    return " ".join(words)[: scanning.MAX_NAME] if words and words[0] != "{}" else None


def _word(element: ast.expr) -> str:
    if isinstance(element, ast.Constant):
        return element.value if isinstance(element.value, str) else "{}"
    if isinstance(element, ast.JoinedStr):
        return _formatted(element)
    if isinstance(element, ast.Attribute) and element.attr == "executable" and isinstance(element.value, ast.Name):
        return "python" if element.value.id == "sys" else "{}"
    return _joined(element) or "{}"


def _joined(node: ast.expr) -> str | None:
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


def _compared(side: ast.expr, words: list[str], arguments: list[str]) -> None:
    """The names and keys of one side of a comparison into `words`, its numbers into `arguments`."""
    waiting: list[ast.AST] = [side]
    left = 30
    while waiting and left:
        left -= 1
        node = waiting.pop()
        if isinstance(node, ast.Name):
            words.append(node.id)
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
            elif (text := _plain(node.value)) is not None:
                arguments.append(text)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            words.append("len")  # How many scores there are is not how good they are.
        elif isinstance(node, ast.Call):
            waiting += reversed([node.func, *node.args])
        else:
            for field in reversed(_FIELDS.get(node.__class__, ())):
                child = getattr(node, field)
                waiting += reversed(child) if isinstance(child, list) else [child] if child is not None else []


# Without a tree


def _scanned(source: str, first_line: int) -> Iterator[Fact]:
    """Imports, calls, literals and tests of text that has no tree."""
    scan = syntax.blanked(source, first_line)
    code = scan.code.replace("\\\n", "  ")
    names: dict[str, str] = {}
    for match in _IMPORT_LINE.finditer(code):
        base = match["base"]
        group = "modules" if base is None else "many" if match["many"] is not None else "one"
        offset = match.start(group)
        for part in match[group].split(",")[:200]:
            words = part.split()
            line = scan.line(offset + len(part) - len(part.lstrip()))
            offset += len(part) + 1
            if not words or (not _DOTTED.match(words[0]) and words[0] != "*"):
                continue
            full = (
                words[0] if base is None else base if words[0] == "*" else base + words[0] if base.endswith(".") else f"{base}.{words[0]}"
            )
            yield Import(line=line, module=full[: scanning.MAX_NAME])
            if len(words) == 3 and words[1] == "as":
                names[words[2]] = full
            elif base is None:
                names[words[0].partition(".")[0]] = words[0].partition(".")[0]
            elif words[0] != "*":
                names[words[0]] = full
    takes_arguments = False
    for call in scanning.calls(scan, names, _PYTHON):
        yield call
        if not takes_arguments and _takes_arguments(call.name):
            takes_arguments = True
            yield Entry(line=call.line, kind="arguments")
    if main := re.search(r"^if[ \t]++__name__[ \t]*+==[ \t]*+[\"']", scan.code, re.MULTILINE):
        yield Entry(line=scan.line(main.start()), kind="main")
    yield from scanning.literals(scan)
    yield from _scanned_tests(scan)


def _scanned_tests(scan: scanning.Scan) -> Iterator[Test]:
    functions = list(_TEST_LINE.finditer(scan.code))
    asserts = [match.start() for match in _ASSERT_LINE.finditer(scan.code)]
    for function, following in zip_longest(functions, functions[1:]):
        if function["name"].startswith("test"):
            end = following.start() if following else len(scan.code)
            inside = scanning.between(asserts, function.start(), end)
            yield Test(line=scan.line(function.start("name")), name=function["name"], assertions=inside)


def _claims(path: str) -> bool:
    return path.endswith((".py", ".pyw"))


def _skimmed(_path: str, data: bytes) -> Iterable[Fact]:
    source = text_of(data)
    return facts_of(source) if needs_tree(source) else skimmed(source)


READINGS: tuple[Reading, ...] = (
    Reading(
        name="python",
        claims=_claims,
        read=lambda _path, data: facts_of(text_of(data)),
        languages=("",),
        skim=_skimmed,
    ),
)
