"""Tasks written in Python, nox sessions and invoke tasks, read from the syntax tree and never run."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from rung.readers.documents import Unreadable, check_bounds
from rung.readers.reading import COMMANDS, Reading, called, named
from rung.readers.requirements import guarded
from rung.readers.shell import split, words_of
from rung.records import Command, Fact, Task

_MAX_DEPTH = 4
"""Functions that call functions, followed for the commands they run."""
_MAX_COMMANDS = 2000
_RUNS = frozenset({"run", "run_always", "run_install"})
_PIP = frozenset({"install", "conda_install"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Body(Struct):
    """What a function runs, calls and starts."""

    commands: list[Command] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)


def read_nox(_path: str, data: bytes) -> Iterator[Fact]:
    """A nox task for each session of a noxfile, the commands of helper functions it calls included."""
    tree = _parse(data)
    functions = _functions(tree)
    shared = _lists(tree.body)
    bodies = {name: _nox_body(function, shared) for name, function in functions.items()}
    for name, function in functions.items():
        decorator = _decorated(function, "session", "nox")
        if decorator is not None:
            body = _with_calls(name, bodies)
            yield Task(
                line=function.lineno,
                kind="nox",
                name=_keyword(decorator, "name") or name,
                commands=tuple(body.commands),
                needs=tuple(dict.fromkeys([*_keyword_list(decorator, "requires"), *body.needs])),
            )


def read_invoke(path: str, data: bytes) -> Iterator[Fact]:
    """An invoke task for each decorated function; in a folder of task modules, `module.task`, and `module` for its default one."""
    if b"invoke" not in data:
        return
    tree = _parse(data)
    if not any(_imports(node, "invoke") for node in tree.body):
        return
    functions = _functions(tree)
    bodies = {name: _invoke_body(function) for name, function in functions.items()}
    stem = posixpath.basename(path).removesuffix(".py")
    prefix = "" if stem in ("tasks", "__init__") else stem + "."
    for name, function in functions.items():
        decorator = _decorated(function, "task", "invoke")
        if decorator is not None:
            body = _with_calls(name, bodies)
            needs = [prefix + _dashed(need) for need in [*_positional(decorator), *_keyword_list(decorator, "pre"), *body.needs] if need]
            title = _keyword(decorator, "name") or name
            yield Task(
                line=function.lineno,
                kind="invoke",
                name=prefix + _dashed(title),
                commands=tuple(body.commands),
                needs=tuple(dict.fromkeys(needs)),
            )
            if prefix and _is_default(decorator):
                yield Task(line=function.lineno, kind="invoke", name=stem, needs=(prefix + _dashed(title),))


def _is_default(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(
        keyword.arg == "default" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in decorator.keywords
    )


def _parse(data: bytes) -> ast.Module:
    check_bounds(data)
    try:
        return ast.parse(data)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Unreadable("no valid Python", getattr(error, "lineno", 0) or 0) from error


def _functions(tree: ast.Module) -> dict[str, _Function]:
    return {node.name: node for node in tree.body if isinstance(node, _Function)}


def _imports(node: ast.stmt, module: str) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] == module
    return isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == module for alias in node.names)


def _decorated(function: _Function, name: str, module: str) -> ast.expr | None:
    """The decorator `@name`, `@module.name` or a call of it."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Name) and called.id == name:
            return decorator
        if isinstance(called, ast.Attribute) and called.attr == name and isinstance(called.value, ast.Name) and called.value.id == module:
            return decorator
    return None


def _nox_body(function: _Function, shared: Mapping[str, Sequence[ast.expr]]) -> _Body:
    body = _Body()
    lists = {**shared, **_lists(ast.walk(function))}
    for call in _calls(function):
        words = [_text(argument) for argument in _spread(call.args, lists)]
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if attribute in _RUNS and words and words[0]:
            body.commands.extend(words_of([word for word in words if word], call.lineno))
        elif attribute in _PIP and words:
            body.commands.append(
                Command(
                    line=call.lineno, words=(attribute.partition("_")[0].replace("install", "pip"), "install", *(w for w in words if w))
                )
            )
        elif attribute == "notify" and words and words[0]:
            body.needs.append(words[0])
        elif isinstance(call.func, ast.Name):
            body.calls.append(call.func.id)
    return body


def _invoke_body(function: _Function) -> _Body:
    body = _Body()
    context = function.args.args[0].arg if function.args.args else ""
    for call in _calls(function):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("run", "sudo"):
            receiver = call.func.value
            if isinstance(receiver, ast.Name) and receiver.id == context and call.args and (text := _text(call.args[0])):
                commands = split(text, call.args[0].lineno)
                weak = any(keyword.arg == "warn" and getattr(keyword.value, "value", None) is True for keyword in call.keywords)
                body.commands.extend(replace(command, toothless=True) if weak else command for command in commands)
        elif isinstance(call.func, ast.Name):
            body.calls.append(call.func.id)
    return body


def _with_calls(name: str, bodies: dict[str, _Body]) -> _Body:
    """A function's own commands and those of the functions of the file that it calls."""
    whole = _Body()
    seen = {name}
    level = [name]
    for _ in range(_MAX_DEPTH):
        following: list[str] = []
        for current in level:
            body = bodies[current]
            whole.commands.extend(body.commands[: _MAX_COMMANDS - len(whole.commands)])
            whole.needs.extend(body.needs)
            fresh = [called for called in dict.fromkeys(body.calls) if called in bodies and called not in seen]
            seen.update(fresh)
            following.extend(fresh)
        level = following
    return whole


def _calls(function: _Function) -> Iterator[ast.Call]:
    """The calls in a function in the order of the text."""
    return iter(
        sorted((node for node in ast.walk(function) if isinstance(node, ast.Call)), key=lambda call: (call.lineno, call.col_offset))
    )


def _lists(nodes: Iterable[ast.AST]) -> dict[str, Sequence[ast.expr]]:
    """The items of lists and tuples by the names that they are given, of names that are given one alone."""
    found: dict[str, Sequence[ast.expr]] = {}
    named: set[str] = set()
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        for name in (target.id for target in targets if isinstance(target, ast.Name)):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            found[name] = value.elts if isinstance(value, ast.List | ast.Tuple) and name not in named else ()
            named.add(name)
    return found


def _spread(arguments: Sequence[ast.expr], lists: Mapping[str, Sequence[ast.expr]]) -> Iterator[ast.expr]:
    """Arguments with the items of lists that are put among them: `run(*words)`, `run(*(session.posargs or ("tests",)))`."""
    for argument in arguments:
        if not isinstance(argument, ast.Starred):
            yield argument
            continue
        value = argument.value.values[-1] if isinstance(argument.value, ast.BoolOp) else argument.value
        if isinstance(value, ast.Name):
            yield from lists.get(value.id, ())
        elif isinstance(value, ast.List | ast.Tuple):
            yield from value.elts


def _text(node: ast.expr) -> str:
    """A string as written, an f-string with `{}` for what is put in; `` for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def _keyword(decorator: ast.expr, name: str) -> str:
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == name:
            return _text(keyword.value)
    return ""


def _keyword_list(decorator: ast.expr, name: str) -> list[str]:
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == name and isinstance(keyword.value, ast.List | ast.Tuple):
            return [_reference(item) for item in keyword.value.elts]
    return []


def _positional(decorator: ast.expr) -> list[str]:
    return [_reference(item) for item in decorator.args] if isinstance(decorator, ast.Call) else []


def _reference(node: ast.expr) -> str:
    """The name of a task given as text, as a function, or as a call of one."""
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    return node.id if isinstance(node, ast.Name) else _text(node)


def _dashed(name: str) -> str:
    return name.strip("_").replace("_", "-")


READINGS: tuple[Reading, ...] = (
    Reading(name="nox", shows=COMMANDS, claims=called("noxfile.py"), read=guarded(read_nox)),
    Reading(name="invoke", shows=COMMANDS, claims=named(r"tasks\.py|(?:inv_?)?tasks/[^/]+\.py", ".py"), read=guarded(read_invoke)),
)
