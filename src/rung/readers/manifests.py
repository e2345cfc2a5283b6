"""All manifests that name packages. Here: setuptools' files and conda's; the others are in modules of their own."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers import lockfiles, packages
from rung.readers.documents import Map, Sequence, Unreadable, Value, check_bounds, parse_ini, parse_yaml, text_of
from rung.readers.pyproject import read_pipfile, read_pixi, read_pyproject
from rung.readers.reading import PACKAGES, Reading, called, named
from rung.readers.requirements import (
    INCLUDE,
    MAX_DEPENDENCIES,
    Finder,
    file_group,
    group_of,
    guarded,
    inside,
    python_requirement,
    read_requirements,
    table_at,
    toml_or_template,
)
from rung.records import Dependency, Distribution, Fact, Include, Problem

__all__ = ["MAX_DEPENDENCIES", "READINGS", "Finder", "guarded", "named", "python_requirement", "toml_or_template"]

_CONDA = regex(r"(?:[^\s:\"']+::)?([A-Za-z0-9_][\w.-]*)\s*(.*)")
_CONDA_EXACT = regex(r"==\s*[^*\s,]+$|=\d+(?:\.\w+){2,}(?:=\S+)?$|=[^=*,\s]+=[^=*\s]+$")


def read_setup_cfg(path: str, data: bytes) -> Iterator[Fact]:
    """What a setup.cfg builds, and the requirements in it or the files that it says hold them."""
    root = parse_ini(data)
    metadata = table_at(root, "metadata")
    if "name" in metadata:
        yield Distribution(line=metadata.at("name"), name=str(metadata["name"]), commands="options.entry_points" in root)
    finder = Finder(text_of(data))
    lists = [
        (table_at(root, "options"), key, group)
        for key, group in (("install_requires", "main"), ("tests_require", "test"), ("setup_requires", "build"))
    ]
    extras = table_at(root, "options.extras_require")
    lists += [(extras, key, group_of(key)) for key in extras]
    for table, key, group in lists:
        value = str(table.get(key, ""))
        if value.strip().startswith("file:"):
            names = re.split(r"[,\s]+", value.strip().removeprefix("file:").strip())
            yield from (
                Include(line=table.at(key), path=place, reader="requirements") for name in names if name and (place := inside(path, name))
            )
            continue
        for item in value.splitlines():
            if item.strip() and (found := python_requirement(item, finder.line(item.strip(), table.at(key)), group)):
                yield found


def read_setup_py(_path: str, data: bytes) -> Iterator[Fact]:
    """What a setup.py builds, and the literal requirements that it hands to `setup`; the file is parsed, never run."""
    check_bounds(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise Unreadable("no valid Python", getattr(error, "lineno", 0) or 0) from error
    known = _assignments(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "setup":
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            name = given.get("name")
            known_name = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""
            yield Distribution(line=node.lineno, name=known_name, commands=not given.keys().isdisjoint(("entry_points", "scripts", None)))
            for keyword in node.keywords:
                for group, constant in _required(keyword, known):
                    for item in str(constant.value).splitlines():
                        if found := python_requirement(item, constant.lineno, group):
                            yield found


def read_conda(path: str, data: bytes) -> Iterator[Fact]:
    """A conda environment, its nested pip list, an environment of a cloud service around one, or MLflow's python_env."""
    documents, error = parse_yaml(data)
    if error:
        yield Problem(line=error.line, what=error.what)
    for root in documents[:20]:
        if not isinstance(root, Map):
            continue
        around = root.get("conda_file", "")
        if isinstance(around, str) and around and (place := inside(path, around)):
            yield Include(line=root.at("conda_file"), path=place, reader="conda-environment")
        only_pip = "build_dependencies" in root or posixpath.basename(path).startswith("python_env")
        yield from _conda_list(path, table_at(root, "conda_file").get("dependencies", root.get("dependencies", "")), only_pip)
        yield from _conda_list(path, root.get("build_dependencies", ""), only_pip, "build")


def _conda_list(path: str, items: Value, only_pip: bool, group: str = "") -> Iterator[Fact]:
    if not isinstance(items, Sequence):
        return
    group = group or file_group(path)
    for item, line in zip(items, items.lines, strict=True):
        if isinstance(item, Map):
            yield from _conda_list(path, item.get("pip", ""), only_pip=True, group=group)
        elif not isinstance(item, str):
            continue
        elif only_pip:
            if include := INCLUDE.match(item):
                if place := inside(path, include[1]):
                    yield Include(line=line, path=place, reader="requirements")
            elif found := python_requirement(re.sub(r"^(?:-e|--editable)[ =]\s*", "", item), line, group):
                yield found
        elif spec := _CONDA.fullmatch(item[:2000].strip()):
            version = spec[2].strip()
            yield Dependency(
                line=line, ecosystem="conda", name=spec[1].lower(), version=version, group=group, pinned=bool(_CONDA_EXACT.search(version))
            )


_Strings = list[tuple[str, ast.Constant]]
"""String constants with the key of the dictionary that holds them."""


def _assignments(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What each name is assigned: plain values, and what is added to them; `name["key"] = …` counts under `name`."""
    known: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name):
            known.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and isinstance(target.slice, ast.Constant):
            entry = ast.Dict(keys=[target.slice], values=[value])
            known.setdefault(target.value.id, []).append(entry)
    return known


def _required(keyword: ast.keyword, known: dict[str, list[ast.expr]]) -> Iterator[tuple[str, ast.Constant]]:
    fixed = {"install_requires": "main", "tests_require": "test", "setup_requires": "build"}
    if keyword.arg in fixed:
        yield from ((fixed[keyword.arg], constant) for _, constant in _strings(keyword.value, known, 8))
    elif keyword.arg == "extras_require":
        yield from ((group_of(key.partition(":")[0]), constant) for key, constant in _strings(keyword.value, known, 8))
    elif keyword.arg is None and isinstance(keyword.value, ast.Dict):
        for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield from _required(ast.keyword(arg=key.value, value=value), known)


def _strings(node: ast.expr, known: dict[str, list[ast.expr]], depth: int, key: str = "") -> _Strings:
    """The string constants of a literal, through names, `+`, stars and subscripts, a few steps deep."""
    if depth == 0:
        return []
    if isinstance(node, ast.Constant):
        return [(key, node)] if isinstance(node.value, str) else []
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [found for item in node.elts for found in _strings(item, known, depth - 1, key)][:MAX_DEPENDENCIES]
    if isinstance(node, ast.BinOp):
        return _strings(node.left, known, depth - 1, key) + _strings(node.right, known, depth - 1, key)
    if isinstance(node, ast.Starred):
        return _strings(node.value, known, depth - 1, key)
    if isinstance(node, ast.Name):
        return [found for value in known.get(node.id, [])[:50] for found in _strings(value, known, depth - 4, key)] if depth > 4 else []
    if isinstance(node, ast.Dict):
        return [
            found
            for name, value in zip(node.keys, node.values, strict=True)
            for found in _strings(value, known, depth - 1, str(name.value) if isinstance(name, ast.Constant) else key)
        ]
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return [(key, constant) for name, constant in _strings(node.value, known, depth - 1) if name == node.slice.value]
    return []


READINGS: tuple[Reading, ...] = (
    Reading(
        name="requirements",
        shows=PACKAGES,
        claims=named(r"[^/]*(?:requirements|constraints)[^/]*\.(?:txt|in)|requirements/(?:[^/]+/)?[^/]+\.(?:txt|in)", ".txt", ".in"),
        read=guarded(read_requirements),
    ),
    Reading(name="pyproject", shows=PACKAGES, claims=called("pyproject.toml"), read=guarded(read_pyproject)),
    Reading(name="pixi", shows=PACKAGES, claims=called("pixi.toml"), read=guarded(read_pixi)),
    Reading(name="setup-cfg", shows=PACKAGES, claims=called("setup.cfg"), read=guarded(read_setup_cfg)),
    Reading(name="setup-py", shows=PACKAGES, claims=called("setup.py"), read=guarded(read_setup_py)),
    Reading(name="pipfile", shows=PACKAGES, claims=called("Pipfile"), read=guarded(read_pipfile)),
    Reading(
        name="conda-environment",
        shows=PACKAGES,
        claims=named(r"(?:[^/]*[-_.])?(?:environment|conda|env|condaenv)(?:[-_.][^/]*)?\.ya?ml", ".yml", ".yaml"),
        read=guarded(read_conda),
    ),
    *packages.READINGS,
    *lockfiles.READINGS,
)
