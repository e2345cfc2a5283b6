"""Lock files: which exact versions are installed. They are big and written by machines, so lines are scanned, not parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice

from rung.expressions import regex
from rung.readers.documents import text_of
from rung.readers.reading import PACKAGES, Reading, called, named
from rung.readers.requirements import MAX_DEPENDENCIES, canonical, group_of
from rung.records import Dependency, Fact, Problem

MAX_BYTES = 32 * 1024 * 1024

_TOML_TABLE = regex(r"\[\[?([^\]]+)\]\]?\s*")
_TOML_PAIR = regex(r"(name|version|category|groups|source|uuid)\s*=\s*(.*)")
_TOML_PACKAGE = regex(r"\[?packages?\]")
"""The head of a package's table, behind its first bracket."""
_TOML_ABOUT = regex(r"\n(name|version|category|groups|source)[ \t]*=[ \t]*(.*)")
"""The pairs that tell of a package; most lines of a lock file are about its files."""
_LONG = 16 * 1024
"""Characters of a table that is not remembered."""
_TOML_WORD = regex(r"[\"']([^\"']*)[\"']")
_PIPFILE_SECTION = regex(r" {4}\"([\w-]+)\": \{")
_PIPFILE_NAME = regex(r" {8}\"([^\"]+)\": \{")
_JSON_VERSION = regex(r"\s*\"version\": \"([^\"]*)\"")
_NPM_PACKAGE = regex(
    r"\"(?:[^\"\n]*/)?node_modules/((?:@[^/\"\n]+/)?[^/\"\n]+)\":\s*\{\s*(?:\"name\":\s*\"([^\"\n]+)\",\s*)?\"version\":\s*\"([^\"\n]+)\""
)
_NPM_NESTED = regex(r"\"((?:@[^/\"\n]+/)?[^/\"\n]+)\":\s*\{\s*\"version\":\s*\"([^\"\n]+)\"")
_YARN_VERSION = regex(r" {2}version:? \"?([^\"\s]+)\"?")
_YARN_HEADER = regex(r"\"?((?:@[^@/\s\"]+/)?[^@\s\"]+)@([^\"]*)")
_PNPM_PACKAGE = regex(r" {2}['\"]?/?((?:@[^/'\"\s]+/)?[^@/'\"\s(]+)[@/](\d[^('\":\s_]*)[^:]*:")
_RENV = regex(r"\"Package\":\s*\"([\w.]+)\",\s*\"Version\":\s*\"([\w.-]+)\"")
_CONDA_URL = regex(r"https?://\S+/([A-Za-z0-9_][\w.-]*?)-([^-/\s]+)-[^-/\s]+\.(?:conda|tar\.bz2)")
_WHEEL_URL = regex(r"https?://\S+/([A-Za-z0-9][\w.]*?)-(\d[^-/\s]*)[-.][^/\s]*(?:whl|gz|zip)")
_CONDA_LOCK_KEY = regex(r"(?:- |  )(name|version|manager|category):\s*['\"]?([^'\"\s]+)")
_GEM = regex(r" {4}([\w.-]+) \(([^)]+)\)")

_Locked = tuple[int, str, str, str, str]
"""Line, ecosystem, name, version, group."""


def toml_packages(text: str) -> Iterator[_Locked]:
    """`[[package]]` entries of poetry.lock, uv.lock, pdm.lock, pylock.toml and Cargo.lock; the project itself is left out."""
    line = 0
    for table in ("\n" + text).split("\n["):
        if _TOML_PACKAGE.match(table) and (package := (_toml_package if len(table) < _LONG else _toml_package.__wrapped__)(table)):
            at, name, version, group = package
            yield line + at, "pypi", name, version, group
        line += table.count("\n") + 1


def cargo_packages(text: str) -> Iterator[_Locked]:
    """The crates of a Cargo.lock that come from a registry or repository."""
    crates = re.compile(r"^name = \"([^\"\n]+)\"\nversion = \"([^\"\n]+)\"\nsource = ", re.MULTILINE)
    for line, found in _located(crates, text.replace("\r\n", "\n")):
        yield line, "cargo", found[1], found[2], "main"


def pipfile_packages(text: str) -> Iterator[_Locked]:
    """The sections of a Pipfile.lock."""
    group, name, at = "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if section := _PIPFILE_SECTION.match(line):
            group = {"_meta": "", "develop": "dev"}.get(section[1], group_of(section[1]))
        elif group and (package := _PIPFILE_NAME.match(line)):
            name, at = package[1], number
        elif name and (version := _JSON_VERSION.match(line)):
            yield at, "pypi", canonical(name), version[1].removeprefix("=="), group
            name = ""
        elif name and line.startswith("        }"):
            yield at, "pypi", canonical(name), "", group
            name = ""


def npm_packages(text: str) -> Iterator[_Locked]:
    """A package-lock.json or npm-shrinkwrap.json of any version; version 2 lists everything twice and is read once."""
    if '"node_modules/' in text:
        pattern, version_at = _NPM_PACKAGE, 3
    else:
        pattern, version_at = _NPM_NESTED, 2
    previous: tuple[int, re.Match[str]] | None = None
    for line, found in _located(pattern, text):
        if previous:
            yield _npm_entry(text, *previous, found.start(), version_at)
        previous = line, found
    if previous:
        yield _npm_entry(text, *previous, len(text), version_at)


def yarn_packages(text: str) -> Iterator[_Locked]:
    """A yarn.lock, of version 1 or of Berry; workspaces of the repository itself are left out."""
    name, at = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] not in ("", " ", "#") and line.endswith(":"):
            header = _YARN_HEADER.match(line[:2000])
            name, at = (header[1], number) if header and not header[2].startswith("workspace:") else ("", 0)
        elif name and (version := _YARN_VERSION.match(line)):
            yield at, "npm", name, version[1], "main"
            name = ""


def pnpm_packages(text: str) -> Iterator[_Locked]:
    """The `packages:` section of a pnpm-lock.yaml of any version."""
    inside = False
    waiting: tuple[int, str, str] | None = None
    group = "main"
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] not in ("", " "):
            inside = line.startswith("packages:")
        elif inside and (package := _PNPM_PACKAGE.match(line[:1000])):
            if waiting:
                yield waiting[0], "npm", waiting[1], waiting[2], group
            waiting, group = (number, package[1], package[2]), "main"
        elif waiting and line.strip() == "dev: true":
            group = "dev"
    if waiting:
        yield waiting[0], "npm", waiting[1], waiting[2], group


def conda_packages(text: str) -> Iterator[_Locked]:
    """A conda-lock.yml, an `@EXPLICIT` list of package URLs, or a pixi.lock; each package once for all platforms."""
    seen: set[tuple[str, str, str]] = set()
    for entry in _conda_entries(text):
        identity = entry[1:4]
        if identity not in seen:
            seen.add(identity)
            yield entry


def renv_packages(text: str) -> Iterator[_Locked]:
    """The packages of an renv.lock."""
    for line, found in _located(_RENV, text):
        yield line, "cran", found[1], found[2], "main"


def julia_packages(text: str) -> Iterator[_Locked]:
    """The packages of a Julia Manifest.toml; other files of that name have no uuids and give nothing."""
    name, at, version, identified = "", 0, "", False
    for number, line in enumerate([*text.splitlines(), "["], 1):
        if line.startswith("["):
            table = _TOML_TABLE.match(line)
            if name and identified:
                yield at, "julia", name, version, "main"
            is_package = table is not None and line.startswith("[[")
            name, at, version, identified = (table[1].removeprefix("deps.") if table and is_package else ""), number, "", False
        elif name and (pair := _TOML_PAIR.match(line)):
            identified = identified or pair[1] == "uuid"
            version = pair[2].strip(" \"'") if pair[1] == "version" else version


def gem_packages(text: str) -> Iterator[_Locked]:
    """The resolved gems of a Gemfile.lock."""
    for number, line in enumerate(text.splitlines(), 1):
        if gem := _GEM.fullmatch(line):
            yield number, "gem", gem[1], gem[2], "main"


@lru_cache(maxsize=1 << 12)  # A lock file changes often in a history, but few of its tables.
def _toml_package(table: str) -> tuple[int, str, str, str] | None:
    """The line in its table, name, version and group of a package that a lock file says is installed."""
    entry: dict[str, str] = {}
    at = 0
    for number, found in _located(_TOML_ABOUT, table):
        at = number if found[1] == "name" else at
        entry[found[1]] = found[2][:500]
    name = _TOML_WORD.match(entry.get("name", ""))
    version = _TOML_WORD.match(entry.get("version", ""))
    if not name or re.match(r"\{\s*(?:editable|virtual|directory)\b", entry.get("source", "")):
        return None
    groups = _TOML_WORD.findall(entry.get("groups", entry.get("category", "")))
    group = "main" if not groups or {"main", "default"} & set(groups) else group_of(groups[0])
    return at, canonical(name[1]), version[1] if version else "", group


def _npm_entry(text: str, line: int, found: re.Match[str], end: int, version_at: int) -> _Locked:
    dev = re.search(r"\"dev\": ?true", text[found.end() : min(end, found.end() + 5000)]) is not None
    name = found[1] if version_at == 2 else found[2] or found[1]
    return line, "npm", name, found[version_at], "dev" if dev else "main"


def _conda_entries(text: str) -> Iterator[_Locked]:
    entry: dict[str, str] = {}
    at = 0
    for number, line in enumerate(text.splitlines(), 1):
        if pair := _CONDA_LOCK_KEY.match(line):
            if pair[1] == "name" and line.startswith("- "):
                yield from _conda_entry(entry, at)
                entry, at = {}, number
            entry.setdefault(pair[1], pair[2])
        elif "://" in line and len(line) < 2000:
            if line.lstrip(" -").startswith(("conda:", "http", "- conda:")) and (conda := _CONDA_URL.search(line)):
                yield number, "conda", conda[1].lower(), conda[2], "main"
            elif line.lstrip(" -").startswith("pypi:") and (wheel := _WHEEL_URL.search(line)):
                yield number, "pypi", canonical(wheel[1]), wheel[2], "main"
    yield from _conda_entry(entry, at)


def _conda_entry(entry: dict[str, str], at: int) -> Iterator[_Locked]:
    if {"name", "version", "manager"} <= entry.keys():
        pip = entry["manager"] == "pip"
        name = canonical(entry["name"]) if pip else entry["name"].lower()
        yield at, "pypi" if pip else "conda", name, entry["version"], group_of(entry.get("category", "main"))


def _located(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Matches with their lines."""
    line, position = 1, 0
    for found in pattern.finditer(text):
        line += text.count("\n", position, found.start())
        position = found.start()
        yield line, found


def _lock_reader(packages: Callable[[str], Iterator[_Locked]]) -> Callable[[str, bytes], Iterable[Fact]]:
    """A reading's function from a scanner of text: bounded, each dependency pinned."""

    def read(_path: str, data: bytes) -> Iterator[Fact]:
        if len(data) > MAX_BYTES:
            yield Problem(line=0, what=f"larger than {MAX_BYTES // 1024 // 1024} MiB, not read")
            return
        found = packages(text_of(data))
        for line, ecosystem, name, version, group in islice(found, MAX_DEPENDENCIES):
            yield Dependency(line=line, ecosystem=ecosystem, name=name, version=version, group=group, pinned=True)
        if beyond := next(found, None):
            yield Problem(line=beyond[0], what=f"more than {MAX_DEPENDENCIES} locked packages, the rest was not read")

    return read


READINGS: tuple[Reading, ...] = (
    Reading(
        name="python-lock",
        shows=PACKAGES,
        claims=named(r"(?:poetry|uv|pdm)\.lock|pylock(?:\.[^/]+)?\.toml", ".lock", ".toml"),
        read=_lock_reader(toml_packages),
    ),
    Reading(name="pipfile-lock", shows=PACKAGES, claims=called("Pipfile.lock"), read=_lock_reader(pipfile_packages)),
    Reading(name="cargo-lock", shows=PACKAGES, claims=called("Cargo.lock"), read=_lock_reader(cargo_packages)),
    Reading(name="npm-lock", shows=PACKAGES, claims=called("package-lock.json", "npm-shrinkwrap.json"), read=_lock_reader(npm_packages)),
    Reading(name="yarn-lock", shows=PACKAGES, claims=called("yarn.lock"), read=_lock_reader(yarn_packages)),
    Reading(name="pnpm-lock", shows=PACKAGES, claims=called("pnpm-lock.yaml", "pnpm-lock.yml"), read=_lock_reader(pnpm_packages)),
    Reading(
        name="conda-lock",
        shows=PACKAGES,
        claims=named(
            r"(?:[^/]*[-_.])?conda-lock(?:[-_.][^/]*)?\.ya?ml|conda-(?:linux|osx|win)-\w+\.lock|pixi\.lock", ".yml", ".yaml", ".lock"
        ),
        read=_lock_reader(conda_packages),
    ),
    Reading(name="renv-lock", shows=PACKAGES, claims=called("renv.lock"), read=_lock_reader(renv_packages)),
    Reading(
        name="julia-manifest",
        shows=PACKAGES,
        claims=named(r"(?:Julia)?Manifest(?:-v[\d.]+)?\.toml", ".toml"),
        read=_lock_reader(julia_packages),
    ),
    Reading(name="gem-lock", shows=PACKAGES, claims=called("Gemfile.lock"), read=_lock_reader(gem_packages)),
)
