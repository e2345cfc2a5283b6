"""The parts of a module of Python that run apart from each other, and what each of them names."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rung.expressions import regex
from rung.readers import scanning
from rung.records import EVERYTHING, GUARD, Definition

_BUILTINS = frozenset(dir(builtins))
_BY_NAME = frozenset(
    {"globals", "fire.Fire", "sys.modules", "inspect.getmembers", "jsonargparse.CLI", "jsonargparse.auto_cli", "unittest.main"}
)
"""What finds the functions of a module without naming them."""
LOADERS = frozenset(
    {
        "importlib.import_module",
        "__import__",
        "django.utils.module_loading.import_string",
        "werkzeug.utils.import_string",
        "pydoc.locate",
        "pkgutil.resolve_name",
        "hydra.utils.get_class",
        "hydra.utils.get_method",
    }
)
"""What imports a module that a text names."""
_WRAPPERS = regex(
    r"(?:functools|contextlib|dataclasses|abc|typing|typing_extensions|torch|numba|jax|tensorflow|tenacity|backoff|retrying|wrapt|warnings"
    r"|streamlit|mlflow|beartype|jaxtyping|deprecated|memory_profiler|line_profiler|cachetools|timeit|attrs?|pyspark|ray"
    r"|click|hydra|prefect|zenml|kfp|dagster|airflow)\..+"
    r"|staticmethod|classmethod|property|override|profile|(?:.+\.)?(?:retry|wraps|lru_cache|cached|contextmanager|timer|timeit|timed|log_time)"
)
"""Decorators that hand the function to nobody: it runs where it is called, or who gets the whole module."""
_MAX_STARS = 3
"""Modules that a name may come from of which everything is imported."""
_COMMANDS = frozenset({"command", "group"})
"""Decorators of a command line's commands, by the last part of their names."""
_STARTING = frozenset({"run", "main", "serve", "start", "launch", "cli", "meta", "worker_main", "run_async", "run_forever"})
"""What is asked of an application to make it run; else it is only set up."""


class Part:
    """A function or class at the top of a module, the guard, or the code around them, and what its code names."""

    __slots__ = ("command", "end_line", "imports", "line", "mentions", "name")

    def __init__(self, name: str, line: int = 0, end_line: int = 0) -> None:
        self.name = name
        self.line = line
        self.end_line = end_line
        self.mentions: set[str] = set()
        """Names, and those of imports with an attribute."""
        self.imports: dict[str, str] = {}
        """What the names that are imported in it stand for."""
        self.command = ""
        """By what a command line calls it."""

    @classmethod
    def of(cls, name: str, node: ast.If | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, shift: int) -> Part:
        """The part that a statement is, from the first of its decorators on; `shift` are the lines of the file before the source."""
        first = min((one.lineno for one in getattr(node, "decorator_list", ())), default=node.lineno)
        return cls(name, first + shift, (node.end_lineno or node.lineno) + shift)


def hands_on(decorator: str) -> bool:
    """Whether a decorator may hand the function to something that calls it: a router, a command line, a registry."""
    return _WRAPPERS.fullmatch(decorator) is None


def command_of(decorator: ast.expr, function: str) -> str:
    """By what a command line calls a function with this decorator; empty for one of no command line."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute) or decorator.func.attr not in _COMMANDS:
        return ""
    given = [*decorator.args[:1], *(keyword.value for keyword in decorator.keywords if keyword.arg == "name")]
    named = next((one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)), "")
    return named[: scanning.MAX_NAME] or function.strip("_").replace("_", "-")


def definitions(
    around: Part, parts: Sequence[Part], handed: Mapping[str, AbstractSet[str]], names: Mapping[str, str], stars: Sequence[str]
) -> Iterator[Definition]:
    """The parts of a module as facts.

    Args:
        around: the module's own code.
        parts: what is defined in it.
        handed: the functions that decorators hand to a variable of the module: they run with what names that.
        names: what the names at the top of the module stand for.
        stars: modules of which everything is imported.
    """
    if not parts and not around.imports:
        return
    first = {part.name: part for part in reversed(parts)}
    parts = [*parts, *(Part(name) for name in handed if name in names and name not in first)]
    for part in parts:
        one = first.setdefault(part.name, part)  # Of two of one name, as a condition gives them, either may be it.
        one.mentions |= part.mentions | handed.get(part.name, set())
        one.imports |= part.imports
        part.mentions, part.imports = one.mentions, one.imports
    defined = first.keys() - {GUARD}
    imported = {full for part in (around, *parts) for full in part.imports.values()} | set(stars)
    for part in (around, *parts):
        uses: set[str] = set()
        for mention in part.mentions:
            head, _, attribute = mention.partition(".")
            if head in defined and head not in part.imports:
                if not (part is around and head in handed and attribute and attribute not in _STARTING):
                    uses.add(head)
                continue
            found = part.imports.get(head) or around.imports.get(head) or names.get(head, head)
            full = f"{found}.{attribute}" if attribute else found
            if full in _BY_NAME:
                uses.add(EVERYTHING)
            elif shown := _below(full, imported):
                uses.add(shown)
            elif head not in names and head not in _BUILTINS:
                uses.update(f"{star}{head}" if star.endswith(".") else f"{star}.{head}" for star in stars[:_MAX_STARS])
        uses.discard(part.name)
        yield Definition(line=part.line, end_line=part.end_line, name=part.name, uses=tuple(sorted(uses)), command=part.command)


def _below(name: str, imported: AbstractSet[str]) -> str:
    """A name as an import brings it, with at most one attribute; empty when none does."""
    name = name.partition("[")[0][: scanning.MAX_NAME]
    last = ""
    while name:
        if name in imported:
            return f"{name}.{last}" if last and not name.endswith(".") else name + last
        name, _, last = name.rpartition(".")
    return ""
