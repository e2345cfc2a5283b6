"""`rung.yaml` → a record: read strictly, by its published schema, and bounded, because the scanned repository wrote it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from rung.excerpt import visible
from rung.globs import expand_braces
from rung.readers.documents import Map, Unreadable, Value, parse_yaml
from rung.readers.documents import Sequence as Items
from rung.records import Annotation, Config, ConfigError, Packs, Scope, Status, SystemRule, TargetRule

NAME = "rung.yaml"
SCHEMA = "rung/config/1"
MAX_BYTES = 256 * 1024
MAX_FORMS = 16
"""Plain globs that the braces of one glob may stand for."""
MAX_STARS = 2
"""Stars in one part of a glob, and `**` in all of it: more would cost much time on long paths."""


def load_config(data: bytes, source: str, packs: Packs) -> Config:
    """The configuration that the bytes hold; an empty file says nothing.

    Args:
        data: the file's content.
        source: what messages call it.
        packs: criteria and frameworks that it may name.

    Raises:
        ConfigError: it is wrong; names file, line and key.
    """
    document = _parsed(data, source)
    _check_schema(document, source)
    config = Config(
        source=source,
        system=_text(document, "system"),
        frameworks=_texts(document.get("frameworks")),
        scope=_scope(document.get("paths")),
        systems=tuple(SystemRule(name=_text(item, "name"), scope=_scope(item["paths"])) for item in _maps(document, "systems")),
        annotations=(*_annotations(document, "attestations", Status.ATTESTED), *_annotations(document, "waivers", Status.WAIVED)),
        under=tuple((name, int(str(level))) for name, level in _map(_map(document, "gate"), "under").items()),
        no_regression="regression" in _texts(_map(document, "gate").get("on")),
        targets=tuple(_target(item, source) for item in _maps(document, "targets")),
        window=int(_text(document, "window") or 90),
    )
    for line, message in _mistakes(document, config, packs):
        raise _wrong(source, line, message)
    return config


def schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of the file."""
    from importlib import resources

    loaded: dict[str, Any] = json.loads(resources.files("rung").joinpath("config.json").read_text(encoding="utf-8"))
    return loaded


def file_part(system: str) -> str:
    """What the name of a system is in the name of a file: `report-PART.json`."""
    return system.replace(" ", "-")


def aside(config: Config) -> str:
    """What an error that a wrong configuration may be behind has to add."""
    return f" (the configuration is wrong and not gone by: {config.mistake})" if config.mistake else ""


def _wrong(source: str, line: int, message: str) -> ConfigError:
    """The file may be hostile: nothing of it reaches a terminal as it is."""
    return ConfigError(visible(f"{source}:{line}: {message}"))


# ── Parsing ──────────────────────────────────────────────────────────────────────────────────────────


def _parsed(data: bytes, source: str) -> Map:
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{source}: larger than {MAX_BYTES // 1024} KiB: this is no configuration")
    documents, error = parse_yaml(data)
    if error is None:
        error = next(_repeated(data), None)
    if error is not None:
        raise _wrong(source, error.line, error.what)
    if not documents or documents[0] == "":
        return Map(1)
    if len(documents) > 1 or not isinstance(documents[0], Map):
        raise _wrong(source, 1, "expected one mapping with keys such as `system`, `paths`, `waivers`")
    return documents[0]


def _repeated(data: bytes) -> Iterator[Unreadable]:
    """Keys that stand twice, of which a parser would silently drop one; and aliases, which could unfold without end."""
    import yaml

    open_: list[tuple[set[str] | None, list[bool]]] = []
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        keys, turn = open_[-1] if open_ else (None, [False])
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            open_.pop()
            continue
        if isinstance(event, yaml.AliasEvent):
            yield Unreadable("an alias: write the value out", line)
        if isinstance(event, yaml.ScalarEvent) and keys is not None and turn[0]:
            if event.value in keys or event.value == "<<":
                yield Unreadable(f"`{event.value}` is there twice" if event.value in keys else "`<<`: write the keys out", line)
            keys.add(event.value)
        if isinstance(event, yaml.NodeEvent):
            turn[0] = not turn[0]
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_.append((set() if isinstance(event, yaml.MappingStartEvent) else None, [True]))


def _check_schema(document: Map, source: str) -> None:
    from jsonschema import Draft202012Validator

    errors = [(_line(document, error.absolute_path), error) for error in Draft202012Validator(schema()).iter_errors(_plain(document))]
    for line, error in sorted(errors, key=lambda entry: entry[0]):
        key = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = next(name for name in error.instance if name not in known)
            where = f"{key}.{unknown}" if key else unknown
            at = _line(document, (*error.absolute_path, unknown))
            raise _wrong(source, at, f"`{where}` is unknown{_nearest(unknown, known)}; there are {', '.join(known)}")
        raise _wrong(source, line, f"`{key or 'the file'}`: {error.message[:200]}")


def _plain(value: Value, key: str = "") -> Any:
    """The value as JSON has it: every scalar is text here, and a level is a number there."""
    if isinstance(value, Map):
        return {name: int(str(child)) if key == "under" and _is_number(child) else _plain(child, name) for name, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, Items) else value


def _is_number(value: Value) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4


def _line(document: Map, path: Iterable[str | int]) -> int:
    """Where the value of a path stands."""
    line, value = 1, document
    at: Any = value
    for part in path:
        if isinstance(at, Map) and isinstance(part, str) and part in at:
            line, at = at.at(part), at[part]
        elif isinstance(at, Items) and isinstance(part, int) and part < len(at):
            line, at = at.lines[part], at[part]
    return line


def _nearest(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f", did you mean `{near[0]}`?" if near else ""


# ── Records ──────────────────────────────────────────────────────────────────────────────────────────


def _map(holder: Map, key: str) -> Map:
    value = holder.get(key)
    return value if isinstance(value, Map) else Map()


def _maps(holder: Map, key: str) -> list[Map]:
    return [item for item in holder.get(key, ()) if isinstance(item, Map)]


def _text(holder: Map, key: str) -> str:
    return str(holder.get(key, ""))


def _texts(value: Value | None) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, Items) else ()


def _scope(value: Value | None) -> Scope:
    return Scope(inside=_texts(value.get("in")), outside=_texts(value.get("out"))) if isinstance(value, Map) else Scope()


def _target(item: Map, source: str) -> TargetRule:
    """One target; a folder counts from the file that names it."""
    kind = next((key for key in item if key != "optional"), "")
    value, optional = _plain(item.get(kind, "")), _text(item, "optional") == "true"
    if kind == "path":
        is_folder = "://" not in value and not os.path.isabs(value)
        return TargetRule(
            kind=kind, value=os.path.normpath(os.path.join(os.path.dirname(source), value)) if is_folder else value, optional=optional
        )
    settings = value if isinstance(value, dict) else {}
    named = settings.pop("profile", settings.pop("repository", "")) if isinstance(value, dict) else value
    return TargetRule(kind=kind, value=str(named), settings=settings, optional=optional)


def _annotations(document: Map, key: str, status: Status) -> Iterator[Annotation]:
    for item in _maps(document, key):
        yield Annotation(
            criterion=_text(item, "criterion"),
            status=status,
            reason=_text(item, "reason"),
            owner=_text(item, "owner"),
            expires=_text(item, "expires"),
            link=_text(item, "link"),
            system=_text(item, "system"),
        )


def _mistakes(document: Map, config: Config, packs: Packs) -> Iterator[tuple[int, str]]:
    """What the schema can't know: each with its line."""
    frameworks = [framework.id for framework in packs.frameworks]
    for name in config.frameworks:
        if name not in frameworks:
            yield document.at("frameworks"), f"there is no framework `{name}`; there are {', '.join(frameworks)}"
    known = ["path", *(provider.id for provider in packs.providers)]
    for item, target in zip(_maps(document, "targets"), config.targets):
        if target.kind not in known or len(item) - ("optional" in item) != 1:
            yield item.line, f"`{target.kind}` names no target{_nearest(target.kind, known)}; a target has one key of {', '.join(known)}"
    if config.systems and sum(target.kind == "path" for target in config.targets) > 1:
        yield document.at("systems"), "several repositories are one system: `systems` splits a single one"
    names = [rule.name for rule in config.systems]
    for name in names:
        if names.count(name) > 1:
            yield document.at("systems"), f"there are two systems `{name}`; names are unique"
        if other := next((other for other in names if other != name and file_part(other) == file_part(name)), ""):
            yield document.at("systems"), f"the reports of the systems `{name}` and `{other}` would be one file; rename one"
    scopes = [(document.at("paths"), config.scope)]
    scopes += [(item.line, rule.scope) for item, rule in zip(_maps(document, "systems"), config.systems)]
    for line, scope in scopes:
        for glob in (*scope.inside, *scope.outside):
            if fault := _glob_fault(glob):
                yield line, f"`{glob}`: {fault}"
    criteria = sorted({criterion.id for framework in packs.frameworks for criterion in framework.criteria})
    seen: set[tuple[str, str]] = set()
    lines = [item.line for key in ("attestations", "waivers") for item in _maps(document, key)]
    for line, annotation in zip(lines, config.annotations):
        if annotation.criterion not in criteria:
            hint = _nearest(annotation.criterion, criteria) or "; `rung list rules` shows all"
            yield line, f"there is no criterion `{annotation.criterion}`{hint}"
        if annotation.system and annotation.system not in names:
            yield line, f"there is no system `{annotation.system}` in `systems`"
        if not _is_date(annotation.expires):
            yield line, f"`expires: {annotation.expires}` is no date; write it as 2027-03-01"
        if {(annotation.criterion, annotation.system), (annotation.criterion, "")} & seen:
            yield line, f"`{annotation.criterion}` is attested or waived twice; keep one"
        seen.add((annotation.criterion, annotation.system))


def _glob_fault(glob: str) -> str:
    try:
        forms = expand_braces(glob)
    except ValueError:
        return f"its braces stand for more than {MAX_FORMS} globs"
    if len(forms) > MAX_FORMS:
        return f"its braces stand for more than {MAX_FORMS} globs"
    if glob.startswith("/") or ".." in glob.split("/"):
        return "paths start at the repository's root and stay in it: write `src/**`"
    single = max(part.replace("**", "").count("*") for form in forms for part in form.split("/"))
    if single > MAX_STARS or max(form.count("**") for form in forms) > MAX_STARS:
        return f"more than {MAX_STARS} `*` in one part or `**` in all"
    return ""


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
