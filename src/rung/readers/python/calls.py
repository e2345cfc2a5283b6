"""What the expressions of Python source say: calls with their names resolved and their arguments, and literals worth keeping."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TypeAlias

from rung.readers import scanning
from rung.readers.python.expressions import FIELDS
from rung.readers.python.literals import formatted, is_number, joined, plain, unpacked, words
from rung.readers.python.names import DOTTED, OWNERS, Names, Resolver
from rung.readers.python.parts import LOADERS, Part
from rung.readers.python.testing import is_assertion, passes_anyway
from rung.readers.reading import Asked
from rung.records import AROUND, Call, Fact, Literal

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
_MOCKS = (
    "unittest.mock.Mock",
    "unittest.mock.MagicMock",
    "unittest.mock.AsyncMock",
    "unittest.mock.create_autospec",
    "mock.Mock",
    "mock.MagicMock",
)
_TASK = "task"
"""The key of what an entry of a timetable runs; the call that says when it does is given it as a keyword."""
_ENTRY = 12
"""Items of such an entry; a mapping of more is something else."""
_ADDING = frozenset({"add_typer", "add_command"})
"""What gives a command line the commands of another."""
_Given: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
"""Literal positional and keyword arguments of a call."""


class Calls:
    """The expressions of one module, gathering facts; who walks its statements says which, and in which scope they stand."""

    def __init__(self, first_line: int, asked: Asked) -> None:
        self.facts: list[Fact] = []
        self._shift = first_line - 1
        self._literals = 0
        self._names = Resolver()
        self._asked = asked.name
        self._around = Part(AROUND)
        self._mentions = self._around.mentions
        """Of the part of the module that is being read."""
        self._dotted: list[tuple[int, str, set[str]]] = []
        """Lines, texts that may be the names of modules or of what is in them, and what else the part names that they stand in."""
        self._loads = False
        """Whether modules are imported whose names are computed, or kept elsewhere."""
        self._timed: dict[ast.Call, str] = {}
        """What runs at the time that a call says."""
        self._imported: set[str] = set()
        """The names that imports bound."""
        self._handed: dict[str, set[str]] = defaultdict(set)
        """What runs with a variable of the module: functions that a decorator hands to it, and command lines that it is given."""

    def _assign(self, targets: list[ast.expr], value: ast.expr, scope: Names) -> None:
        todo: list[ast.AST] = [value]
        if len(targets) > 1 or targets[0].__class__ is not ast.Name:
            todo += (target for target in targets if target.__class__ is not ast.Name)
        self._expressions(todo, scope)
        name = self._names.receiver(value, scope)
        for target in targets:
            kind = target.__class__
            if kind is ast.Tuple or kind is ast.List:
                if value.__class__ in (ast.Tuple, ast.List) and len(value.elts) == len(target.elts):  # type: ignore[attr-defined]
                    for part, part_value in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
                        self._bind(part, self._names.receiver(part_value, scope), scope)
                else:
                    self._shadow(target, scope)
            elif name is not None:
                self._bind(target, name, scope)
                if isinstance(target, ast.Name) and not (is_number(value) and target.id in scope.values):
                    scope.values[target.id] = value

    def _bind(self, target: ast.expr, name: str | None, scope: Names) -> None:
        if name is None:
            return
        if isinstance(target, ast.Name):
            names = _module_of(scope).names if target.id in scope.globals else scope.names
            names[target.id] = name or target.id
            if scope.is_class and scope.cls is not None and name:
                scope.cls.names[target.id] = name
        elif (
            isinstance(target, ast.Attribute) and scope.cls is not None and isinstance(target.value, ast.Name) and target.value.id in OWNERS
        ):
            if name and name != f"self.{target.attr}":
                scope.cls.names[target.attr] = name
            elif not name:
                scope.cls.names.pop(target.attr, None)

    def _shadow(self, target: ast.expr, scope: Names) -> None:
        waiting = [target]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name):
                scope.names[node.id] = node.id
                scope.values[node.id] = node
            elif isinstance(node, (ast.Tuple, ast.List)):
                waiting += node.elts
            elif isinstance(node, ast.Starred):
                waiting.append(node.value)

    def _expressions(self, todo: list[ast.AST], scope: Names) -> None:
        fields = FIELDS
        pop = todo.pop
        while todo:
            node = pop()
            kind = node.__class__
            if kind is ast.Name:
                self._mentions.add(node.id)  # type: ignore[attr-defined]
                continue
            if kind is ast.Attribute:
                outer = node
                while kind is ast.Attribute:
                    node = node.value  # type: ignore[attr-defined]
                    kind = node.__class__
                if kind is ast.Name:
                    self._mentioned(node.id, outer)  # type: ignore[attr-defined,arg-type]
                    continue
            if kind is ast.Constant:
                value = node.value  # type: ignore[attr-defined]
                if value.__class__ is str and ("/" in value or "." in value or "\\" in value):
                    self._literal(value, node.lineno)  # type: ignore[attr-defined]
            elif kind is ast.Call:
                self._called(node, scope, todo)  # type: ignore[arg-type]
            elif kind is ast.JoinedStr:
                self._literal(formatted(node), node.lineno)  # type: ignore[arg-type,attr-defined]
                todo += [part for part in node.values if part.__class__ is ast.FormattedValue]  # type: ignore[attr-defined]
            elif kind is ast.NamedExpr:
                self._assign([node.target], node.value, scope)  # type: ignore[attr-defined]
            else:
                if kind is ast.Dict:
                    self._entry(node)  # type: ignore[arg-type]
                for field in fields.get(kind, ()):
                    child = getattr(node, field)
                    if child.__class__ is list:
                        todo += child
                    elif child is not None:
                        todo.append(child)

    def _entry(self, node: ast.Dict) -> None:
        """Takes note of what an entry of a timetable runs: `{"task": "jobs.fit", "schedule": crontab(…)}`."""
        if len(node.keys) > _ENTRY:
            return
        said = {key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)}
        task, when = said.get(_TASK), said.get("schedule")
        if isinstance(task, ast.Constant) and isinstance(task.value, str) and isinstance(when, ast.Call):
            self._timed[when] = task.value[: scanning.MAX_NAME]

    def _added(self, node: ast.Call) -> bool:
        """Whether a call gives a command line another's commands, which run when they are asked for, and not when the module does."""
        func, given = node.func, node.args[:1]
        if self._mentions is not self._around.mentions or not isinstance(func, ast.Attribute) or func.attr not in _ADDING:
            return False
        if not isinstance(func.value, ast.Name) or func.value.id in self._imported or not given:
            return False
        name = ast.unparse(given[0]) if isinstance(given[0], (ast.Name, ast.Attribute)) else ""
        if name.count(".") > 1 or "(" in name:
            return False
        if name:
            self._handed[func.value.id].add(name)
        return bool(name)

    def _called(self, node: ast.Call, scope: Names, todo: list[ast.AST]) -> None:
        if self._added(node):
            return
        func = node.func
        kind = func.__class__
        receiver: ast.expr | None = None
        if kind is ast.Attribute:
            value = func.value  # type: ignore[attr-defined]
            if value.__class__ is not ast.Name:
                receiver = value
            else:
                self._mentioned(value.id, func)  # type: ignore[arg-type]
            is_noise = func.attr in _NOISE_METHODS and (receiver is not None or scope.find(value.id) in (None, value.id))  # type: ignore[attr-defined]
        elif kind is ast.Name:
            self._mentions.add(func.id)  # type: ignore[attr-defined]
            is_noise = func.id in _NOISE and scope.find(func.id) is None  # type: ignore[attr-defined]
        else:
            receiver = func
            is_noise = False
        if is_noise:
            self._pass_over(node, todo)
        else:
            name = self._names.name(func, scope)
            if len(name) > scanning.MAX_NAME:
                name = scanning.bounded(name)
            if scope.tally is not None:
                if is_assertion(name):
                    scope.tally.assertions += not passes_anyway(name, node.args)
                else:
                    scope.tally.calls.add(name.removeprefix("self."))
            if name in LOADERS and node.args and node.args[0].__class__ is not ast.Constant:
                self._loads = True
            if self._asked(name) and not (node.args and self._are_mocks(node.args, scope)):
                arguments, keywords = self._arguments(node, todo, scope)
                if node in self._timed:
                    keywords += ((_TASK, self._timed[node]),)
                self._call(node, name, "call", (arguments, keywords), scope)
            else:
                self._pass_over(node, todo)
        if receiver is not None:
            inner = receiver
            while inner.__class__ is ast.Attribute:
                inner = inner.value
            if inner.__class__ is ast.Name:
                self._mentioned(inner.id, func)  # type: ignore[arg-type]
            else:
                todo.append(receiver)

    def _are_mocks(self, arguments: list[ast.expr], scope: Names) -> bool:
        """Whether all that a call is given pretends to be something: it then shows nothing of what it would do with the thing itself."""
        return all(
            argument.__class__ in (ast.Name, ast.Call) and self._names.name(argument, scope).startswith(_MOCKS) for argument in arguments
        )

    def _named(self, node: ast.expr, name: str, kind: str, scope: Names) -> None:
        """A decorator or a base class, which may be a call or none."""
        rest: list[ast.AST] = []
        given: _Given = ((), ())
        asked = self._asked(name)
        if isinstance(node, ast.Call):
            if asked:
                given = self._arguments(node, rest, scope)
            else:
                self._pass_over(node, rest)
            self._expressions(rest, scope)
        if asked:
            self._call(node, name, kind, given, scope)

    def _call(self, node: ast.expr, name: str, kind: str, given: _Given, scope: Names) -> None:
        func = node.func if isinstance(node, ast.Call) else node
        line = ((func.end_lineno or func.lineno) if func.__class__ is ast.Attribute else func.lineno) + self._shift
        end = (node.end_lineno or node.lineno) + self._shift
        self.facts.append(
            Call(line=line, name=name, kind=kind, arguments=given[0], keywords=given[1], function=scope.qualified, end_line=end)
        )

    def _mentioned(self, name: str, attribute: ast.Attribute) -> None:
        """Takes note of a name, with its attributes where an import bound it, or it stands around what a module defines."""
        if name not in self._imported and self._mentions is not self._around.mentions:
            self._mentions.add(name)
            return
        parts = [attribute.attr]
        inner = attribute.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        parts.append(name)
        self._mentions.add(".".join(reversed(parts)))

    def _pass_over(self, node: ast.Call, rest: list[ast.AST]) -> None:
        """What the arguments of a call hold goes to `rest`, as `_arguments` does it."""
        for argument in node.args:
            if argument.__class__ is ast.Constant:
                self._constant(argument)
            elif argument.__class__ is ast.Name:
                self._mentions.add(argument.id)
            else:
                rest.append(argument)
        for keyword in node.keywords:
            value = keyword.value
            if value.__class__ is ast.Constant:
                self._constant(value)
            elif value.__class__ is ast.Name:
                self._mentions.add(value.id)
            else:
                rest.append(value)

    def _arguments(self, node: ast.Call, rest: list[ast.AST], scope: Names) -> _Given:
        """The arguments of a call; what else they hold goes to `rest`."""
        arguments: tuple[str, ...] = ()
        if node.args:
            found = [self._value(argument, rest) for argument in node.args]
            arguments = tuple([value for value in found if value is not None])
        keywords: tuple[tuple[str, str], ...] = ()
        if node.keywords:
            keywords = tuple([(keyword.arg or "**", self._value(keyword.value, rest) or "") for keyword in node.keywords])
            for keyword in node.keywords:
                if keyword.arg is None:
                    keywords += unpacked(scope.value(keyword.value.id) if isinstance(keyword.value, ast.Name) else keyword.value)
        return arguments, keywords

    def _value(self, node: ast.expr, rest: list[ast.AST]) -> str | None:
        """A literal as text, None when it is none; what it holds goes to `rest`."""
        kind = node.__class__
        if kind is ast.Name:
            self._mentions.add(node.id)  # type: ignore[attr-defined]
            return None
        if kind is ast.Constant:
            self._constant(node)  # type: ignore[arg-type]
            value = node.value  # type: ignore[attr-defined]
            return value[: scanning.MAX_NAME] if value.__class__ is str else plain(value)
        rest.append(node)
        if kind is ast.JoinedStr:
            return formatted(node)[: scanning.MAX_NAME]  # type: ignore[arg-type]
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):  # type: ignore[attr-defined]
            text = plain(node.operand.value)  # type: ignore[attr-defined]
            return None if text is None else "-" + text
        if kind is ast.List or kind is ast.Tuple:
            return words(node.elts)  # type: ignore[attr-defined]
        return joined(node)

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if value.__class__ is str and ("/" in value or "." in value or "\\" in value):
            self._literal(value, node.lineno)

    def _literal(self, text: str, line: int) -> None:
        if len(self._dotted) < scanning.MAX_LITERALS and len(text) <= scanning.MAX_NAME and DOTTED.match(text):
            self._dotted.append((line + self._shift, text, self._mentions))
        if self._literals < scanning.MAX_LITERALS and scanning.worth_keeping(text[: scanning.MAX_NAME]):
            self._literals += 1
            self.facts.append(Literal(line=line + self._shift, value=text[: scanning.MAX_NAME]))


def _module_of(scope: Names) -> Names:
    while scope.parent is not None:
        scope = scope.parent
    return scope
