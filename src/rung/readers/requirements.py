"""Requirements as pip writes them, and what all readers of manifests share: groups, places, lines of list items."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

from rung.expressions import regex
from rung.readers.documents import Map, Unreadable, Value, check_bounds, parse_toml, text_of
from rung.readers.placeholders import without_placeholders
from rung.records import Dependency, Fact, Include, Problem

MAX_DEPENDENCIES = 20_000
"""Dependencies that one file may give; what is beyond is no manifest."""
MAX_PROBLEMS = 20
MAX_STRANGE = 1_000
"""Lines that are no requirements after which a file of mostly such lines is given up."""

_GROUPS = {
    "tests": "test",
    "testing": "test",
    "doc": "docs",
    "documentation": "docs",
    "develop": "dev",
    "development": "dev",
    "devel": "dev",
    "default": "main",
    "base": "main",
    "common": "main",
    "prod": "main",
    "production": "main",
    "requirements": "main",
}
_FILE_WORDS = regex(
    r"requirements?|constraints?|environments?|conda|python|envs?|dependencies|deps|txt|in|ya?ml|lock|tmpl|jinja|j2|template"
)
_NAME = regex(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?)\s*(\[[^\]]*\])?\s*")
_OPERATOR = regex(r"$|[<>=!~;@(]")
_EXACT = regex(r"(?<![<>!~=])={2,3}\s*[^*\s,;=]+(?=$|[,\s;)])")
_HASH = regex(r"\s--hash[= ]\S+")
_OPTION = regex(r"\s--[a-z][a-z-]*(?:[= ]\S+)?")
_COMMENT = regex(r"(?:^|\s)#.*")
_EXACT_URL = regex(r"@[0-9a-f]{40}\b|\.whl\b|\.tar\.gz\b|\.zip\b")
INCLUDE = regex(r"(?:-r|-c|--requirement|--constraint)[ =]*[\"']?([^\"'\s]+)")
_EGG = regex(r"#(?:.*&)?egg=([\w.-]+)")
_REPOSITORY = regex(r"/([\w.-]+?)(?:\.git)?/?(?:@[^/#]+)?(?:#.*)?$")
_WHEEL = regex(r"/([A-Za-z0-9][\w.]*)-\d[^/]*\.(?:whl|tar\.gz|zip)(?:#.*)?$")


def canonical(name: str) -> str:
    """The name of a Python package as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def group_of(name: str) -> str:
    """The group's one name for the many ways it is written: `tests` is `test`, `documentation` is `docs`."""
    plain = re.sub(r"[-_. ]+", "-", name.strip().lower()).strip("-")
    return _GROUPS.get(plain, plain or "main")


def file_group(path: str) -> str:
    """The group that a manifest's file name speaks of: `requirements-dev.txt` and `requirements/dev.txt` are `dev`."""
    words = [word for word in re.split(r"[-_. ]+", posixpath.basename(path).lower()) if word and not _FILE_WORDS.fullmatch(word)]
    return group_of("-".join(words))


def inside(path: str, relative: str) -> str:
    """`relative` as written in the file `path`, as a path from the repository's root; empty when it leads out of it."""
    if "://" in relative or relative.startswith(("/", "~", "$")) or "\\" in relative or "\0" in relative:
        return ""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
    return "" if place == "." or place.startswith(("..", "/")) else place


def python_requirement(text: str, line: int, group: str) -> Dependency | None:
    """One PEP 508 requirement, pip's URL forms too; None when it names no package of an index or repository."""
    hashed = bool(_HASH.search(text))
    text = _OPTION.sub("", _HASH.sub("", _COMMENT.sub("", text[:2000]))).strip().rstrip(",")
    if re.match(r"(?:git|hg|svn|bzr)\+|https?://", text):
        return _from_url(text, line, group, hashed)
    named = _NAME.match(text)
    if not named:
        return None
    wanted = text[named.end() :]
    if not _OPERATOR.match(wanted):
        return None
    version = (wanted if wanted.startswith("@") else wanted.partition(";")[0]).partition(" ;")[0].strip(" ()")
    exact = _EXACT_URL if version.startswith("@") else _EXACT
    return Dependency(
        line=line,
        ecosystem="pypi",
        name=canonical(named[1]),
        version=version,
        group=group,
        pinned=hashed or bool(exact.search(version)),
    )


def read_requirements(path: str, data: bytes) -> Iterator[Fact]:
    """The lines of a pip requirements or constraints file."""
    text = template_text(data)
    group = file_group(path)
    strange: list[int] = []
    found = 0
    unasked = _brought_along(text)
    for line, written in _logical_lines(text):
        content = _COMMENT.sub("", written).strip()
        if include := INCLUDE.match(content):
            if place := inside(path, include[1]):
                yield Include(line=line, path=place, reader="requirements")
            continue
        wanted = re.sub(r"^(?:-e|--editable)[ =]\s*", "", content).strip("\"'")
        if not wanted or wanted.startswith(("-", ".", "/", "file:", "${", "\\")) or re.match(r"\w:\\", wanted):
            continue
        if dependency := python_requirement(wanted, line, group):
            found += 1
            if line not in unasked:
                yield dependency
        elif not re.match(r"[^\s=<>@;]*(?:/|\.(?:whl|zip|gz))", wanted):
            strange.append(line)
        if len(strange) > MAX_STRANGE and len(strange) > found:
            break
        if found >= MAX_DEPENDENCIES:
            yield Problem(line=line, what=f"more than {MAX_DEPENDENCIES} requirements, the rest was not read")
            return
    if strange and len(strange) > found:
        yield Problem(line=strange[0], what="most lines are no requirements")
        return
    for line in strange[:MAX_PROBLEMS]:
        yield Problem(line=line, what="this line is no requirement")


class Finder:
    """Finds the line of an item of a list, which TOML and INI values don't know, by looking for its text."""

    REACH = 400

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._start = self._last = 0

    def line(self, item: str, start: int) -> int:
        """The first line from `start` (or from the last item found of the list that starts there) that holds the item."""
        if start != self._start:
            self._start = self._last = start
        needle = re.split(r"[\"'\\]|\$\{", item.strip(), maxsplit=1)[0][:80]
        for number in range(self._last, min(self._last + self.REACH, len(self._lines)) + 1):
            if needle and number and needle in self._lines[number - 1]:
                self._last = number
                return number
        return start


def table_at(value: Value, *keys: str) -> Map:
    """The mapping at a path of keys, an empty one when there is none."""
    for key in keys:
        value = value.get(key, "") if isinstance(value, Map) else ""
    return value if isinstance(value, Map) else Map()


def toml_or_template(data: bytes) -> Map:
    """A TOML document, or that of a template once its placeholders are plain words.

    Raises:
        Unreadable: neither.
    """
    try:
        return parse_toml(data)
    except Unreadable:
        if b"{{" not in data and b"{%" not in data:
            raise
        return parse_toml(template_text(data).encode())


def template_text(data: bytes) -> str:
    """The text of a file, a template's placeholders made plain words.

    Raises:
        Unreadable: placeholders nested too deep.
    """
    text = text_of(data)
    if "{{" in text or "{%" in text:
        check_bounds(data)
        text = without_placeholders(text)
    return text


def guarded(read: Callable[[str, bytes], Iterator[Fact]]) -> Callable[[str, bytes], Iterable[Fact]]:
    """A reader whose refusal of the whole file is a `Problem`; what it gave before stands."""

    def guarded_read(path: str, data: bytes) -> Iterator[Fact]:
        try:
            yield from read(path, data)
        except Unreadable as error:
            yield Problem(line=error.line, what=error.what)

    return guarded_read


def _from_url(text: str, line: int, group: str, hashed: bool) -> Dependency | None:
    url = text.partition(" ")[0].partition(";")[0]
    found = _EGG.search(url) or _WHEEL.search(url) or (_REPOSITORY.search(url) if not url.startswith("http") else None)
    if not found:
        return None
    pinned = hashed or bool(_EXACT_URL.search(url))
    return Dependency(line=line, ecosystem="pypi", name=canonical(found[1]), version=f"@ {url}", group=group, pinned=pinned)


def _brought_along(text: str) -> frozenset[int]:
    """The lines of what only other packages of the file ask for, as pip-compile and uv note it (`# via`)."""
    if "# via" not in text:
        return frozenset()
    names: set[str] = set()
    askers: dict[int, list[str]] = {}
    current, listing = 0, False
    for line, written in _logical_lines(text):
        content, _, comment = written.partition("#")
        if named := _NAME.match(content.strip()):
            names.add(canonical(named[1]))
            current, listing = line, False
        said = comment.strip()
        listing = listing or re.match(r"via\b", said) is not None
        if current and listing:
            askers.setdefault(current, []).extend(filter(None, map(str.strip, said.removeprefix("via").split(","))))
    return frozenset(line for line, by in askers.items() if by and names.issuperset(map(canonical, by)))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined, and the number of the first."""
    start, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield start, " ".join((*parts, line)) if parts else line
        start, parts = 0, []
    if parts:
        yield start, " ".join(parts)
