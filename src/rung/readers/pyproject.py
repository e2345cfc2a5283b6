"""pyproject.toml, pixi.toml and Pipfile: every table in which a packager keeps dependencies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.readers.documents import Map, Sequence, Value, text_of
from rung.readers.requirements import Finder, canonical, group_of, inside, python_requirement, table_at, toml_or_template
from rung.records import Dependency, Distribution, Fact, Include


def read_pyproject(path: str, data: bytes) -> Iterator[Fact]:
    """What a pyproject.toml builds, and every table of it in which a packager keeps dependencies."""
    root = toml_or_template(data)
    finder = Finder(text_of(data))
    project, tool, build = table_at(root, "project"), table_at(root, "tool"), table_at(root, "build-system")
    for built in (project, table_at(tool, "poetry")):
        if "name" in built:
            dynamic = built.get("dynamic", "")
            commands = "scripts" in built or "gui-scripts" in built or "scripts" in dynamic
            yield Distribution(line=built.at("name"), name=str(built["name"]), commands=commands)
    own_name = canonical(str(project.get("name", "")))
    sources = table_at(tool, "uv", "sources")
    for dependency in _pep508_tables(project, build, root, tool, finder):
        if dependency.name != own_name or not own_name:
            yield _at_source(dependency, sources)
    yield from _poetry(table_at(tool, "poetry"))
    yield from _pixi(table_at(tool, "pixi"))
    for table in (table_at(tool, "setuptools", "dynamic"), *table_at(tool, "setuptools", "dynamic", "optional-dependencies").values()):
        wanted = table.get("dependencies", table) if isinstance(table, Map) else ""
        if isinstance(wanted, Map):
            yield from _includes(path, wanted.get("file", ""), wanted.at("file"))
    hook = table_at(tool, "hatch", "metadata", "hooks", "requirements_txt")
    yield from _includes(path, hook.get("files", ""), hook.at("files"))


def read_pixi(_path: str, data: bytes) -> Iterator[Fact]:
    """A pixi.toml: conda and PyPI dependencies, by feature."""
    yield from _pixi(toml_or_template(data))


def read_pipfile(_path: str, data: bytes) -> Iterator[Fact]:
    """The package tables of a Pipfile."""
    root = toml_or_template(data)
    for section, table in root.items():
        if isinstance(table, Map) and section not in ("source", "requires", "scripts", "pipenv"):
            group = {"packages": "main", "dev-packages": "dev"}.get(section, group_of(section))
            yield from _versioned(table, "pypi", group)


def _includes(path: str, names: Value, line: int) -> Iterator[Include]:
    for name in names if isinstance(names, Sequence) else [names]:
        if isinstance(name, str) and name and (place := inside(path, name)):
            yield Include(line=line, path=place, reader="requirements")


def _pep508_tables(project: Map, build: Map, root: Map, tool: Map, finder: Finder) -> Iterator[Dependency]:
    """Dependencies in lists of PEP 508 strings; groups that include others give only their own items."""
    lists: list[tuple[Map, str, str]] = [(project, "dependencies", "main"), (build, "requires", "build")]
    flit = table_at(tool, "flit", "metadata")
    lists.append((flit, "requires", "main"))
    lists += [(table_at(tool, packager), "dev-dependencies", "dev") for packager in ("uv", "rye", "pdm")]
    for table in (
        table_at(project, "optional-dependencies"),
        table_at(root, "dependency-groups"),
        table_at(tool, "pdm", "dev-dependencies"),
        table_at(flit, "requires-extra"),
    ):
        lists += [(table, key, group_of(key)) for key in table]
    for name, environment in table_at(tool, "hatch", "envs").items():
        group = "dev" if name == "default" else group_of(name)
        if isinstance(environment, Map):
            lists += [(environment, key, group) for key in ("dependencies", "extra-dependencies")]
    for table, key, group in lists:
        items = table.get(key, "")
        for item in items if isinstance(items, Sequence) else ():
            if isinstance(item, str) and (found := python_requirement(item, finder.line(item, table.at(key)), group)):
                yield found


def _at_source(dependency: Dependency, sources: Map) -> Dependency:
    """The dependency as uv's sources replace it: a git revision is where it comes from, not the index."""
    for name, source in sources.items():
        if isinstance(source, Map) and "git" in source and canonical(name) == dependency.name:
            revision = str(source.get("rev", source.get("tag", "")))
            version = f"@ git+{source['git']}" + (f"@{revision}" if revision else "")
            return Dependency(
                line=dependency.line, ecosystem="pypi", name=dependency.name, version=version, group=dependency.group, pinned=bool(revision)
            )
    return dependency


def _poetry(poetry: Map) -> Iterator[Dependency]:
    extra_of: dict[str, str] = {}
    for extra, names in table_at(poetry, "extras").items():
        for name in names if isinstance(names, Sequence) else ():
            extra_of.setdefault(canonical(str(name)), group_of(extra))
    for found in _versioned(table_at(poetry, "dependencies"), "pypi", "main"):
        group = extra_of.get(found.name, "main")
        yield Dependency(line=found.line, ecosystem="pypi", name=found.name, version=found.version, group=group, pinned=found.pinned)
    yield from _versioned(table_at(poetry, "dev-dependencies"), "pypi", "dev")
    for name, group_table in table_at(poetry, "group").items():
        yield from _versioned(table_at(group_table, "dependencies"), "pypi", group_of(name))


def _pixi(pixi: Map) -> Iterator[Dependency]:
    places = [(pixi, "main")]
    places += [(feature, group_of(name)) for name, feature in table_at(pixi, "feature").items() if isinstance(feature, Map)]
    for table, group in places:
        yield from _versioned(table_at(table, "dependencies"), "conda", group)
        yield from _versioned(table_at(table, "pypi-dependencies"), "pypi", group)


def _versioned(table: Map, ecosystem: str, group: str) -> Iterator[Dependency]:
    """Dependencies of a `name = version` table, the version being text, a table, or a list of tables; local paths are none."""
    for name, wanted in table.items():
        first = wanted[0] if isinstance(wanted, Sequence) and wanted else wanted
        if (ecosystem == "pypi" and name == "python") or (isinstance(first, Map) and ("path" in first or "workspace" in first)):
            continue
        version, pinned = _version_of(first)
        plain = canonical(name) if ecosystem == "pypi" else name.lower()
        yield Dependency(line=table.at(name), ecosystem=ecosystem, name=plain, version=version, group=group, pinned=pinned)


def _version_of(wanted: Value) -> tuple[str, bool]:
    if isinstance(wanted, Map):
        for key in ("git", "url", "file"):
            if key in wanted:
                revision = str(wanted.get("rev", wanted.get("ref", wanted.get("tag", ""))))
                return f"@ {wanted[key]}" + (f"@{revision}" if revision else ""), bool(revision) or key != "git"
        wanted = wanted.get("version", "")
    version = wanted if isinstance(wanted, str) else ""
    return "" if version == "*" else version, bool(re.fullmatch(r"={0,3}\s*\d[^*,\s]*", version))
