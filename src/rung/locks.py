"""Whether the lock of a DVC pipeline still describes it: stages whose command or inputs changed since."""

from __future__ import annotations

from collections.abc import Iterator

from rung.readers.documents import Map, Sequence, Value, parse_yaml
from rung.targets.target import Unread

_PIPELINE, _LOCK = "dvc.yaml", "dvc.lock"
_PARAMETERS = (".yaml", ".yml", ".json", ".toml")


def lock_of(path: str) -> str:
    """Where the lock of a pipeline's file would be; empty for any other file."""
    return path.removesuffix(_PIPELINE) + _LOCK if ("/" + path).endswith("/" + _PIPELINE) else ""


def stale_stages(pipeline: bytes | Unread, lock: bytes | Unread) -> Iterator[tuple[str, int, str]]:
    """Stages of `dvc.yaml` that differ from `dvc.lock`: name, line in the lock, and what differs.

    Stages with parameters in their text are resolved only when they run, and so are left out.
    """
    if isinstance(pipeline, Unread) or isinstance(lock, Unread):
        return
    stages, locked = _stages(pipeline), _stages(lock)
    for name, entry in locked.items():
        then = entry
        now = stages.get(name)
        if not isinstance(then, Map) or not isinstance(entry, Map):
            continue
        if now is None:
            if "@" not in name and stages:
                yield name, locked.at(name), "is no longer a stage"
        elif isinstance(now, Map) and "foreach" not in now and "matrix" not in now and "${" not in str(now):
            if _commands(now.get("cmd")) != _commands(then.get("cmd")):
                yield name, locked.at(name), "has another command now"
            elif not now.get("wdir") and (missing := _paths(now.get("deps")) ^ _paths(then.get("deps"))):
                yield name, locked.at(name), f"has other inputs now (`{min(missing)}`)"


def _stages(data: bytes) -> Map:
    documents, _ = parse_yaml(data)
    root = documents[0] if documents else None
    stages = root.get("stages") if isinstance(root, Map) else None
    return stages if isinstance(stages, Map) else Map(0)


def _commands(value: Value | None) -> list[str]:
    lines = value if isinstance(value, Sequence) else [value]
    return [" ".join(line.replace("\\\n", " ").split()) for line in lines if isinstance(line, str)]


def _paths(value: Value | None) -> set[str]:
    """The files that a stage depends on, but for those of parameters, which a lock lists apart."""
    names = set()
    for item in value if isinstance(value, Sequence) else ():
        named = item if isinstance(item, str) else item.get("path") or next(iter(item), "") if isinstance(item, Map) else ""
        if isinstance(named, str) and named and not named.endswith(_PARAMETERS):
            names.add(named.removeprefix("./").rstrip("/"))
    return names
