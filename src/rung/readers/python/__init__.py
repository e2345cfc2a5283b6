"""Python source as facts: imports, calls with their names resolved, tests, entry points, literals and gates.

The standard parser makes the tree, a walk without recursion reads it. Functions are read after the code around them,
as Python itself would, so that a name assigned below a function is known inside it. A file that doesn't parse (Python 2,
a template, newer syntax) is mended line by line; if that fails too, it is scanned for imports and calls.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from rung.expressions import regex
from rung.readers import scanning, syntax
from rung.readers.documents import text_of
from rung.readers.python.calls import Calls
from rung.readers.python.gates import gate_of
from rung.readers.python.names import Attributes, Names, Tally
from rung.readers.python.parts import Part, command_of, definitions, hands_on
from rung.readers.python.skim import skimmed
from rung.readers.python.testing import holds_anyway, is_test_class, is_unwritten
from rung.readers.python.treeless import scanned
from rung.readers.reading import CODE, EVERY_CALL, Asked, Reading, named, suffixed
from rung.records import GUARD, Entry, Fact, Import, Problem, Test

_SHEBANG = regex(rb"#![ \t]*(?:/\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?python[\d.]*\b")
_PARAMETER_SETUP = frozenset(
    {"__init__", "__post_init__", "__new__", "__enter__", "setup", "setUp", "setUpClass", "setup_class", "setup_method", "build"}
)
_LEAVING = frozenset({"sys.exit", "exit", "quit", "os._exit", "pytest.fail", "SystemExit", "run.cancel", "run.parent.cancel"})
"""Calls that end a program, a test or a run."""
_CANCELS = regex(r"azureml\.core\..*\.cancel")
_PUTS_FORWARD = regex(
    r"_?(?:(?:register|promote|deploy|release|approve|publish|transition|upload|push)_\w*(?:model|champion|version|candidate|stage|production)\w*"
    r"|set_(?:registered_)?model_alias|(?:register|promote|deploy|rollback)(?:_(?:if_better|new|best|artifacts?|endpoint))?)",
    re.IGNORECASE,
)
"""What is done with a model that is good enough."""
_VERDICT = regex(r".*(?:promot|deploy|regist|approv|reject|rollback|retrain|champion|challenger).*", re.IGNORECASE | re.DOTALL)
"""What names, and answers in words, of a decision on a model hold."""
_CONDITIONS = regex(r"(?:kfp\.|dsl\.)\S*(?:Condition|If|Elif)")
"""Steps of a pipeline of Kubeflow that run on a condition."""
_FILE = regex(
    r"\.(?:py|ipynb|[ct]sv|xlsx?|jsonl?|ya?ml|toml|ini|cfg|conf|txt|md|rst|html|xml|log|lock|pdf|sql|db|sqlite3?|parquet|feather|pkl|pickle"
    r"|joblib|h5|hdf5|npy|npz|pt|pth|onnx|bin|zip|gz|tar|png|jpe?g|gif|svg|sh|env|com|org|io|net|dev)$",
    re.IGNORECASE,
)
"""The end of a file's or a host's name."""
_NAMES = regex(r"[A-Za-z_]\w*+")
"""Names in an annotation that is text."""
_DECIDING = (ast.IfExp, ast.Compare, ast.UnaryOp, ast.BoolOp)
"""What an exit code can be worked out by."""
_BRANCH = 20
"""Statements at the end of a branch that are looked at."""


def facts_of(source: str, *, first_line: int = 1, asked: Asked = EVERY_CALL, tree: ast.Module | None = None) -> list[Fact]:
    """The facts of Python source; never raises.

    Args:
        source: as text.
        first_line: the line of its file on which the source begins.
        asked: the calls that are wanted.
        tree: of the whole source, where that was parsed before.
    """
    problem = None
    if tree is None:
        tree, problem = syntax.parse(source)
    facts: list[Fact] = []
    if problem:
        facts.append(Problem(line=problem.line + first_line - 1 if problem.line else 0, what=problem.what))
    if tree is None:
        facts += scanned(source[: scanning.MAX_BYTES], first_line, asked)
    else:
        walk = _Walk(first_line, asked)
        walk.module(tree.body)
        facts += walk.facts
    return facts


_Bodies: TypeAlias = tuple[list[ast.stmt], ...]
"""The blocks of a statement in the order in which they are read."""


class _Walk(Calls):
    """One walk over a module's tree, gathering facts."""

    def __init__(self, first_line: int, asked: Asked) -> None:
        super().__init__(first_line, asked)
        self._waiting: deque[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, Names]] = deque()
        self._classes: dict[str, Attributes] = {}
        self._tallies: list[tuple[str, int, Tally]] = []
        self._parts: list[Part] = []
        """What is defined at the top of the module."""
        self._asserting: set[str] = set()
        """Functions and methods that assert something, and are no tests."""
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
        top = Names(None, "", None, self._around)
        self._block(body, top)
        while self._waiting:
            node, scope = self._waiting.popleft()
            self._block(node.body, scope)
            if scope.methods:
                scope.methods.sort(key=lambda item: item[0].name not in _PARAMETER_SETUP)
                self._waiting.extend(scope.methods)
        self.facts += (
            Test(line=line, name=name, assertions=tally.assertions + len(tally.calls & self._asserting))
            for name, line, tally in self._tallies
        )
        if self._loads:
            self._loaded()
        self.facts += definitions(self._around, self._parts, self._handed, top.names, self._names.stars)

    def _loaded(self) -> None:
        """Takes the texts that name modules for imports of them."""
        for line, text, mentions in self._dotted:
            if "." in text and not _FILE.search(text):
                self.facts.append(Import(line=line, module=text))
                self._around.imports[text] = text
                mentions.add(text)

    # Statements

    def _block(self, body: list[ast.stmt], scope: Names) -> None:
        stack: list[ast.stmt] = body[::-1]
        self._mentions = scope.part.mentions
        walk = self._expressions
        handlers = self._handlers
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Expr:
                value = node.value  # type: ignore[attr-defined]
                if value.__class__ is ast.Call and value.args and value.args[0].__class__ in _DECIDING:
                    self._exit(value, scope)
                if value.__class__ is not ast.Constant:
                    walk([value], scope)
            elif kind is ast.Assign:
                self._assign(node.targets, node.value, scope)  # type: ignore[attr-defined]
            elif handler := handlers.get(kind):
                for inner in reversed(handler(node, scope) or ()):
                    stack.extend(reversed(inner))

    def _if(self, node: ast.If, scope: Names) -> _Bodies:
        test = node.test
        if test.__class__ is ast.Constant and not test.value:
            return (node.orelse,)
        if test.__class__ is ast.Compare and _is_main(test):
            self.facts.append(Entry(line=node.lineno + self._shift))
            if scope.part is self._around:
                return self._guarded(node, scope)
        elif test.__class__ in (ast.Compare, ast.BoolOp, ast.UnaryOp) and (
            self._decides(node.body, scope) or self._decides(node.orelse, scope)
        ):
            self._gate(test, scope, refusing=True)
        self._expressions([test], scope)
        return node.body, node.orelse

    def _guarded(self, node: ast.If, scope: Names) -> _Bodies:
        """Reads what only runs when the module is the program."""
        scope.part = self._part(GUARD, node, scope)
        self._block(node.body, scope)
        scope.part = self._around
        self._mentions = self._around.mentions
        return (node.orelse,)

    def _while(self, node: ast.While, scope: Names) -> _Bodies:
        self._expressions([node.test], scope)
        return node.body, node.orelse

    def _for(self, node: ast.For | ast.AsyncFor, scope: Names) -> _Bodies:
        self._expressions([node.iter], scope)
        self._shadow(node.target, scope)
        return node.body, node.orelse

    def _with(self, node: ast.With | ast.AsyncWith, scope: Names) -> _Bodies:
        for item in node.items:
            made = item.context_expr
            if isinstance(made, ast.Call) and made.args and _CONDITIONS.fullmatch(self._names.name(made.func, scope)):
                self._gate(made.args[0], scope)
            if item.optional_vars is None:
                self._expressions([item.context_expr], scope)
            else:
                self._assign([item.optional_vars], item.context_expr, scope)
        return (node.body,)

    def _try(self, node: ast.Try, _scope: Names) -> _Bodies:
        handlers = [handler.body for handler in node.handlers]
        if node.body[0].__class__ in (ast.Import, ast.ImportFrom):  # What stands in for a library that is missing is not it.
            return *handlers, node.body, node.orelse, node.finalbody
        return node.body, *handlers, node.orelse, node.finalbody

    def _match(self, node: ast.Match, scope: Names) -> _Bodies:
        self._expressions([node.subject, *(case.guard for case in node.cases if case.guard)], scope)
        return tuple(case.body for case in node.cases)

    def _annotated(self, node: ast.AnnAssign, scope: Names) -> None:
        annotation = self._names.annotation(node.annotation, scope)
        if annotation:
            self._bind(node.target, annotation, scope)
        if scope.is_class:
            self._names_in(node.annotation, scope.part)
        if node.value is not None:
            if node.value.__class__ is ast.Call or not annotation:
                self._assign([node.target], node.value, scope)
            else:
                self._expressions([node.value], scope)

    def _return(self, node: ast.Return | ast.AugAssign | ast.Delete | ast.Raise, scope: Names) -> None:
        if isinstance(node, ast.Delete):
            return
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            scope.values[node.target.id] = node.target
        if isinstance(node, ast.Return) and node.value is not None:
            self._answer(node.value, scope)
        expressions = [node.exc, node.cause] if isinstance(node, ast.Raise) else [node.value]
        self._expressions([expression for expression in expressions if expression is not None], scope)

    def _assert(self, node: ast.Assert, scope: Names) -> None:
        if holds_anyway(node.test):
            return
        if scope.tally is not None:
            scope.tally.assertions += 1
        else:
            self._asserting.add(scope.qualified.rpartition(".")[2])
        self._gate(node.test, scope)
        self._expressions([node.test], scope)

    def _global(self, node: ast.Global, scope: Names) -> None:
        scope.globals.update(node.names)

    def _import(self, node: ast.Import, scope: Names) -> None:
        for alias in node.names:
            self.facts.append(Import(line=alias.lineno + self._shift, module=alias.name[: scanning.MAX_NAME]))
            if alias.asname:
                scope.names[alias.asname] = scope.part.imports[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                scope.names[root] = scope.part.imports[root] = root
                scope.part.imports[alias.name] = alias.name
            self._imported.add(alias.asname or root)

    def _import_from(self, node: ast.ImportFrom, scope: Names) -> None:
        base = "." * node.level + (node.module or "")
        prefix = base if base.endswith(".") else base + "."
        for alias in node.names:
            if alias.name == "*":
                self._names.stars.append(base)
                full = base
            else:
                full = prefix + alias.name
                bound = alias.asname or alias.name
                scope.names[bound] = scope.part.imports[bound] = full
                self._imported.add(bound)
            self.facts.append(Import(line=alias.lineno + self._shift, module=full[: scanning.MAX_NAME]))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Names) -> None:
        part = self._part(node.name, node, scope)
        handed_on = self._decorators(node.decorator_list, scope, part)
        arguments = node.args
        expressions: list[ast.AST] = [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]
        name = node.name
        scope.names[name] = name
        inner = Names(
            _beyond_class(scope),
            f"{scope.qualified}.{name}" if scope.qualified else name,
            scope.cls,
            part,
            scope.tally,
        )
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            annotation = argument.annotation
            if annotation is None:
                inner.names[argument.arg] = argument.arg
            else:
                inner.names[argument.arg] = self._names.annotation(annotation, scope) or argument.arg
                if annotation.__class__ is ast.Subscript:
                    expressions.append(annotation)
                if handed_on:  # Who calls it looks at them: a router makes a request of the class.
                    self._names_in(annotation, part)
        if handed_on and node.returns is not None:
            self._names_in(node.returns, part)
        if expressions:
            self._expressions(expressions, scope)
        if scope.tests and name.startswith("test"):
            tally = Tally()
            inner.tally = None if is_unwritten(node.body) else tally
            self._tallies.append((inner.qualified, node.lineno + self._shift, tally))
        (scope.methods if scope.is_class else self._waiting).append((node, inner))

    def _class(self, node: ast.ClassDef, scope: Names) -> None:
        part = self._part(node.name, node, scope)
        self._decorators(node.decorator_list, scope, part)
        attributes = Attributes()
        tests = node.name.startswith("Test")
        for base in node.bases:
            name = scanning.bounded(self._names.name(base, scope))
            tests = tests or is_test_class(name)
            if name in self._classes:
                attributes.bases.append(self._classes[name])
            self._named(base, name, "base", scope)
            self._names_in(base, part)
        if node.keywords:
            self._expressions([keyword.value for keyword in node.keywords], scope)
        scope.names[node.name] = node.name
        self._classes[node.name] = attributes
        inner = Names(_beyond_class(scope), f"{scope.qualified}.{node.name}" if scope.qualified else node.name, attributes, part)
        inner.is_class = True
        inner.tests = tests
        (scope.methods if scope.is_class else self._waiting).append((node, inner))

    def _part(self, name: str, node: ast.If | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Names) -> Part:
        """The part of the module that a statement is, or belongs to."""
        if scope.part is not self._around:
            return scope.part
        part = Part.of(name, node, self._shift)
        self._parts.append(part)
        return part

    def _names_in(self, node: ast.expr, part: Part) -> None:
        """Takes note that a part of the module names what a base class, a decorator or an annotation does, and of nothing else that is in it."""
        before, self._mentions = self._mentions, part.mentions
        waiting: list[ast.AST] = [node]
        while waiting:
            inner = waiting.pop()
            kind = inner.__class__
            if kind is ast.Name:
                self._mentions.add(inner.id)  # type: ignore[attr-defined]
            elif kind is ast.Constant:
                if inner.value.__class__ is str:  # type: ignore[attr-defined]
                    self._mentions.update(_NAMES.findall(inner.value[: scanning.MAX_NAME]))  # type: ignore[attr-defined]
            elif kind is ast.Attribute and inner.value.__class__ is ast.Name:  # type: ignore[attr-defined]
                self._mentioned(inner.value.id, inner)  # type: ignore[attr-defined,arg-type]
            else:
                waiting += ast.iter_child_nodes(inner)
        self._mentions = before

    def _decorators(self, decorators: list[ast.expr], scope: Names, part: Part) -> bool:
        """Reads the decorators of a part; whether one of them may hand it to something that calls it."""
        handed_on = False
        for node in decorators:
            decorator = node.func if isinstance(node, ast.Call) else node
            name = scanning.bounded(self._names.name(decorator, scope))
            self._named(node, name, "decorator", scope)
            is_handed_on = hands_on(name)
            handed_on = handed_on or is_handed_on
            if scope.part is not self._around or not is_handed_on:
                self._names_in(decorator, part)
                continue
            part.command = part.command or command_of(node, part.name)
            if isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name) and decorator.value.id not in self._imported:
                self._handed[decorator.value.id].add(part.name)
            else:
                self._names_in(decorator, part)
                self._around.mentions.add(part.name)
        return handed_on

    # Gates

    def _decides(self, body: list[ast.stmt], scope: Names) -> bool:
        """Whether a branch gives up (raise, exit, return of nothing but False), or tells or does what becomes of a model."""
        for node in body[-3:]:
            if isinstance(node, ast.Raise):
                return True
            if (
                isinstance(node, ast.Return)
                and isinstance(node.value, ast.Constant)
                and (node.value.value is False or _is_verdict(node.value))
            ):
                return True
            if isinstance(node, ast.If) and self._decides(node.body, scope):
                return True
        return any(self._is_decisive(node.value, scope) for node in body[-_BRANCH:] if isinstance(node, (ast.Expr, ast.Assign, ast.Return)))

    def _is_decisive(self, value: ast.expr | None, scope: Names) -> bool:
        """Whether a call gives up, or puts a model forward."""
        if not isinstance(value, ast.Call):
            return False
        name = self._names.name(value.func, scope)
        return name in _LEAVING or _PUTS_FORWARD.fullmatch(name.rpartition(".")[2]) is not None or _CANCELS.fullmatch(name) is not None

    def _exit(self, call: ast.Call, scope: Names) -> None:
        """The gate of a program that ends with what a comparison gives."""
        if self._names.name(call.func, scope) in _LEAVING:
            told = call.args[0]
            self._gate(told.test if isinstance(told, ast.IfExp) else told, scope)

    def _answer(self, value: ast.expr, scope: Names) -> None:
        """The gate of a function that answers whether, or what, is to be done with a model."""
        if isinstance(value, ast.IfExp) and (_is_verdict(value.body) or _is_verdict(value.orelse)):
            self._gate(value.test, scope)
        elif isinstance(value, (ast.Compare, ast.BoolOp)) and _VERDICT.fullmatch(scope.qualified.rpartition(".")[2]):
            self._gate(value, scope)

    def _gate(self, test: ast.expr, scope: Names, *, refusing: bool = False) -> None:
        if gate := gate_of(test, scope.value, scope.qualified, self._shift, refusing=refusing):
            self.facts.append(gate)


def _is_verdict(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and _VERDICT.fullmatch(value.value[: scanning.MAX_NAME]) is not None
    )


def _beyond_class(scope: Names) -> Names | None:
    """The scope that a function sees: a class's own names are not among them."""
    return scope.parent if scope.is_class else scope


def _is_main(test: ast.Compare) -> bool:
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _reading(asked: Asked = EVERY_CALL) -> Reading:
    def skim(path: str, data: bytes) -> Iterable[Fact]:
        source = text_of(data)
        found = skimmed(source, hands_on=path.endswith("__init__.py"))
        return facts_of(source, asked=asked) if found is None else found

    return Reading(
        name="python",
        shows=CODE,
        claims=suffixed(".py", ".pyw"),
        read=lambda _path, data: facts_of(text_of(data), asked=asked),
        languages=("",),
        skim=skim,
        sparing=_reading,
    )


def _script_reading(asked: Asked = EVERY_CALL) -> Reading:
    """Python without a suffix, where programs are kept and under the names that training containers call theirs."""

    def read(_path: str, data: bytes) -> Iterable[Fact]:
        return facts_of(text_of(data), asked=asked) if _SHEBANG.match(data) else ()

    return Reading(
        name="python-script",
        shows=CODE,
        claims=named(r"(?:bin|scripts?)/[\w-]+|train|serve|predict", ""),
        read=read,
        languages=("",),
        sparing=_script_reading,
    )


READINGS: tuple[Reading, ...] = (_reading(), _script_reading())
