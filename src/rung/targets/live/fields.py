"""Values of an answer: found by paths, filled into calls, and flattened as attributes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rung.expressions import regex

VALUE = "value"
"""The field of an item that is a plain text."""
_FIELD = regex(r"\{([A-Za-z0-9_.-]+)\}")
_MOST = 2_000
"""Attributes of a resource that are looked at."""
_MOST_OF_ONE = 500
"""Values of one key among them: a run can have thousands of metrics before all else that it logged."""
_LONGEST = 32_768
"""Characters of a value that are looked at."""
_MILLISECONDS = 100_000_000_000
"""From here on a number is milliseconds since 1970; as seconds it would be the year 5138."""


def at_path(value: Any, path: str) -> Iterator[Any]:
    """What lies at a dotted path; lists on the way and at its end give each of their items, an empty path the value itself."""
    if isinstance(value, list):
        for item in value:
            yield from at_path(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        head, _, rest = path.partition(".")
        head = head.removesuffix("[]")
        if head in value and value[head] is not None:
            yield from at_path(value[head], rest)


def items_at(answer: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """The items of an answer; a plain one becomes the field `value`."""
    for item in at_path(answer, path):
        if isinstance(item, Mapping):
            yield item
        elif item is not None:
            yield {VALUE: item}


def filled(template: Any, fields: Mapping[str, Any]) -> Any:
    """A template with `{field}` replaced by what the fields hold at that path; a text that is one field keeps the value's type.

    Raises:
        KeyError: a field is not there.
    """
    if isinstance(template, str):
        if (whole := _FIELD.fullmatch(template)) is not None:
            return _field(fields, whole[1])
        return _FIELD.sub(lambda match: str(_field(fields, match[1])), template)
    if isinstance(template, Mapping):
        return {key: filled(value, fields) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, fields) for value in template]
    return template


def names_in(template: str) -> tuple[str, ...]:
    """The fields that a text names."""
    return tuple(_FIELD.findall(template))


def replaced(template: str, fill: Any) -> str:
    """The text with each `{field}` replaced by `fill(name)`."""
    return _FIELD.sub(lambda match: str(fill(match[1])), template)


def flattened(value: Any, is_asked: Callable[[str], bool] = lambda _: True) -> tuple[tuple[str, str], ...]:
    """The scalars of a value as dotted keys with texts, list positions left out: as declared resources have them.

    Args:
        value: a mapping.
        is_asked: whether a key is wanted.
    """
    counts: Counter[str] = Counter()
    found: list[tuple[str, str]] = []
    for pair in _flat(value, ""):
        counts[pair[0]] += 1
        if counts[pair[0]] <= _MOST_OF_ONE and is_asked(pair[0]):
            found.append(pair)
            if len(found) >= _MOST:
                break
    return tuple(found)


def text_of(value: Any) -> str:
    """A scalar as text: true and false in lower case, times in ISO 8601."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return str(value)[:_LONGEST]


def time_of(value: Any) -> datetime | None:
    """A point in time, written as a time, as ISO 8601, or as seconds or milliseconds since 1970; None for anything else."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        if isinstance(value, str) and not re.fullmatch(r"\d{9,16}(?:\.\d+)?", value):
            return time_of(datetime.fromisoformat(value)) if value[:4].isdigit() else None
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and float(value) > 0:
            number = float(value)
            return datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _field(fields: Mapping[str, Any], path: str) -> Any:
    found = next((value for value in at_path(fields, path) if value is not None), None)
    if found is None:
        raise KeyError(path)
    return found


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(child, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for child in value:
            yield from _flat(child, prefix)
    elif value is not None and prefix:
        yield prefix, text_of(value)
