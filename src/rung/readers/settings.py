"""Configuration files as flat settings: YAML, TOML, JSON, INI, `.env`, properties, and git's and code hosts' own lists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

from rung.expressions import regex
from rung.readers.documents import (
    MAX_BYTES,
    Map,
    Unreadable,
    Value,
    flatten,
    parse_ini,
    parse_json,
    parse_toml,
    parse_yaml,
    text_of,
)
from rung.readers.placeholders import without_placeholders
from rung.readers.reading import Claims, Reading
from rung.records import Fact, Problem, Setting
from rung.targets.roles import template_path

MAX_SETTINGS = 20_000
"""Settings that one file gives; a larger one is data."""
MAX_LOCK_BYTES = 64 * 1024
MAX_VALUE = 2_000
"""Characters of a value that are kept."""

_LOCK_NAME = regex(r"(?:.*[.-]lock\.(?:json|ya?ml)|(?!dvc\.).*\.lock|npm-shrinkwrap\.json)", re.IGNORECASE)
_NOT_SETTINGS = regex(
    r".*\.(?:py|ipynb|jl|r|rmd|qmd|sql|sh|bash|ps1|js|mjs|cjs|jsx|tsx?|java|scala|kt|kts|go|rs|rb|c|h|cpp|cs|md|rst|html?|css|xml|csv|tsv|parquet|jsonl|gradle|tf|bicep)",
    re.IGNORECASE,
)
_KINDS = {
    "yaml": "yaml",
    "yml": "yaml",
    "dvc": "yaml",
    "cwl": "yaml",
    "toml": "toml",
    "json": "json",
    "json5": "json",
    "jsonc": "json",
    "avsc": "json",
    "ini": "ini",
    "cfg": "ini",
    "properties": "properties",
    "env": "env",
    "envrc": "env",
}
_NAMES = {
    ".gitattributes": "attributes",
    "codeowners": "owners",
    ".gitmodules": "git",
    ".gitconfig": "git",
    ".lfsconfig": "git",
    "pipfile": "toml",
    "mlproject": "yaml",
    "mlmodel": "yaml",
    ".yamllint": "yaml",
    ".condarc": "yaml",
    ".clang-format": "yaml",
}
_INI_SECTION = regex(r"^\[[^\]\n]+\][ \t]*(?:[#;].*)?$", re.MULTILINE)
_ENV_START = regex(r"^\s*(?:export\s+)?[A-Za-z_][\w.-]*\s*=", re.MULTILINE)
_ENV = regex(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)")
_PROPERTY = regex(r"\s*([^\s=:#!][^\s=:]*)\s*[=:\s]\s*(.*)")
_GIT_SECTION = regex(r"\s*\[\s*'?([\w.-]+)(?:\s+\"([^\"\]]*)\")?\s*'?\s*\]")
_GIT_PAIR = regex(r"\s*([A-Za-z][\w.-]*)\s*(?:=\s*(.*))?$")


def settings_reading(is_asked_for: Callable[[str], bool]) -> Reading:
    """The reading of the configuration files that a signal asks for."""
    return Reading(
        name="settings",
        shows=("config",),
        claims=Claims(lambda path: not _NOT_SETTINGS.fullmatch(posixpath.basename(path)) and is_asked_for(path)),
        read=read_settings,
        languages=("settings",),
        skim=lambda _path, _data: (),
    )


def read_settings(path: str, data: bytes) -> Iterator[Fact]:
    """Every scalar of a configuration file in document order, MAX_SETTINGS at most; a large lock file gives none."""
    name = posixpath.basename(template_path(path))
    if len(data) > MAX_LOCK_BYTES and _LOCK_NAME.fullmatch(name):
        return
    if len(data) > MAX_BYTES:
        yield Problem(line=0, what=f"larger than {MAX_BYTES // 1024 // 1024} MiB, not parsed")
        return
    try:
        kind = _kind(path, name, data)
        for count, fact in enumerate(_PARSERS[kind](data) if kind else ()):
            if count >= MAX_SETTINGS:
                yield Problem(line=fact.line, what=f"more than {MAX_SETTINGS} settings, the rest was not read")
                return
            yield fact
    except Unreadable as error:
        yield Problem(line=error.line, what=error.what)


def _kind(path: str, name: str, data: bytes) -> str:
    """The format, told by the name or else by the first of the content; empty when it looks like none."""
    lowered = name.lower()
    if lowered in _NAMES:
        return _NAMES[lowered]
    if lowered == ".env" or lowered.startswith(".env."):
        return "env"
    if posixpath.dirname(path).endswith(".dvc") and lowered in ("config", "config.local"):
        return "git"
    suffix = lowered.rpartition(".")[2]
    if suffix in _KINDS and suffix != lowered:
        return _KINDS[suffix]
    start = text_of(data[:4096])
    if start.lstrip().startswith("{"):
        return "json"
    if _INI_SECTION.search(start):
        return "ini"
    if re.search(r"^[\w.-]+:(?:\s|$)", start, re.MULTILINE) or start.startswith("---"):
        return "yaml"
    return "env" if _ENV_START.search(start) else ""


def _setting(line: int, key: str, value: str) -> Setting:
    return Setting(line=line, key=key[:MAX_VALUE], value=value[:MAX_VALUE])


def _flat(value: Value) -> Iterator[Setting]:
    for key, text, line in flatten(value):
        yield _setting(line, key, text)


def _yaml(data: bytes) -> Iterator[Fact]:
    documents, error = parse_yaml(data)
    for document in documents:
        if not isinstance(document, str):
            yield from _flat(document)
    if error:
        yield Problem(line=error.line, what=error.what)


def _or_template(parse: Callable[[bytes], Value]) -> Callable[[bytes], Iterator[Fact]]:
    """Settings of a format, or of a template of it once its placeholders are plain words."""

    def read(data: bytes) -> Iterator[Fact]:
        try:
            value = parse(data)
        except Unreadable:
            if b"{{" not in data and b"{%" not in data:
                raise
            value = parse(without_placeholders(text_of(data)).encode())
        yield from _flat(value)

    return read


def _json(data: bytes) -> Value:
    """JSON; a `.prettierrc` and its like may as well be YAML."""
    if not data.strip():
        return Map(1)
    return parse_json(data)


def _ini(data: bytes) -> Value:
    """INI; options before the first section stand under no section."""
    try:
        return parse_ini(data)
    except Unreadable:
        headed = parse_ini(b"[\x00]\n" + data)
    whole = Map(1)
    loose = headed.pop("\x00", "")
    for holder in (loose, headed):
        if isinstance(holder, Map):
            for key, value in holder.items():
                whole.put(key, _one_line_up(value), max(holder.at(key) - 1, 1))
    return whole


def _one_line_up(value: Value) -> Value:
    """A section read below a header that the file doesn't have."""
    if not isinstance(value, Map):
        return value
    moved = Map(max(value.line - 1, 1))
    for key, text in value.items():
        moved.put(key, text, max(value.at(key) - 1, 1))
    return moved


def _pairs(pattern: re.Pattern[str], comments: str) -> Callable[[bytes], Iterator[Fact]]:
    """Settings of a file of `key = value` lines with continuations."""

    def read(data: bytes) -> Iterator[Fact]:
        lines = enumerate(text_of(data).splitlines(), 1)
        for number, first in lines:
            line = first
            while line.endswith("\\") and len(line) < MAX_VALUE and (following := next(lines, None)):
                line = line[:-1] + following[1].lstrip()
            if line.lstrip()[:1] in comments:
                continue
            if pair := pattern.match(line):
                yield _setting(number, pair[1], _unquoted(pair[2]))

    return read


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] in ("'", '"') and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()


def _git(data: bytes) -> Iterator[Fact]:
    """Git's own kind of INI: `[remote "x"]` with `url = y` is `remote.x.url`."""
    section = ""
    for number, whole in enumerate(text_of(data).splitlines(), 1):
        line = whole[: MAX_VALUE * 2]
        if line.lstrip()[:1] in ("#", ";", ""):
            continue
        if header := _GIT_SECTION.match(line):
            section = header[1] + (f".{header[2]}" if header[2] else "")
        elif section and (pair := _GIT_PAIR.match(line)):
            yield _setting(number, f"{section}.{pair[1]}", (pair[2] or "").strip() if pair[2] is not None else "true")


def _attributes(data: bytes) -> Iterator[Fact]:
    """`.gitattributes`: each attribute of a pattern under `<pattern>.<attribute>`; a bare one is true, `-x` false."""
    for number, line in enumerate(text_of(data).splitlines(), 1):
        found = re.match(r"\s*(?:\"([^\"]+)\"|([^\s#\"]\S*))\s+(.+)", line[: MAX_VALUE * 2])
        for attribute in found[3].split() if found else ():
            name, has_value, value = attribute.partition("=")
            assert found is not None
            if not name.startswith("!"):
                yield _setting(
                    number, f"{found[1] or found[2]}.{name.lstrip('-')}", value if has_value else str(not name.startswith("-")).lower()
                )


def _owners(data: bytes) -> Iterator[Fact]:
    """CODEOWNERS: the pattern is the key, its owners the value; a pattern without owners has an empty one."""
    for number, line in enumerate(text_of(data).splitlines(), 1):
        content = re.split(r"(?:^|\s)#", line[: MAX_VALUE * 2], maxsplit=1)[0].strip()
        if content and not content.startswith(("[", "^[")):
            pattern, *owners = content.split()
            yield _setting(number, pattern, " ".join(owners))


_PARSERS: dict[str, Callable[[bytes], Iterable[Fact]]] = {
    "yaml": _yaml,
    "toml": _or_template(parse_toml),
    "json": _or_template(_json),
    "ini": _or_template(_ini),
    "env": _pairs(_ENV, "#;"),
    "properties": _pairs(_PROPERTY, "#!"),
    "git": _git,
    "attributes": _attributes,
    "owners": _owners,
}
