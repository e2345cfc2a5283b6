"""What the infrastructure readers share: a resource's attributes as bounded text, and the images among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from rung.expressions import regex
from rung.readers.documents import Unreadable, Value, flatten, parse_yaml, text_of
from rung.readers.placeholders import without_placeholders
from rung.records import Image

MAX_ATTRIBUTES = 300
"""Attributes kept of one resource; schemas and dashboards go on for thousands."""
MAX_TEXT = 2000
"""Characters kept of one value."""
MAX_REPAIRS = 12
"""Lines of a template that may be given up before it counts as unreadable."""

_IMAGE_KEY = regex(
    r"(?:^|\.)(?:(?:init|ephemeral|primary|sidecar)?_?containers?(?:_?definitions?|_?properties|\.properties)?|script|sidecars|steps)\.image$|(?:^|\.)image_?uri$",
    re.IGNORECASE,
)
_LITERAL_IMAGE = regex(r"[\w.-][^\s()?]*")
_CONTROL_AT_EDGE = regex(
    r"(?<=[ \t\n])\{\{-?[ \t]*+(?:if|else|range|with)\b[^{}\n]*\}\}(?=[\w-]+:)|\{\{-?[ \t]*+end[ \t]*+-?\}\}(?=[ \t]*$)", re.MULTILINE
)
"""Control words before a key or at the end of a line."""
_CONTROL = regex(r"\{\{-?\s*(?:if|else|end|range|with|define|block|template|include)\b[^{}\n]*\}\}")
_LONE_PLACEHOLDER = regex(r"^[ \t]*\{\{[^\n]*\}\}[ \t]*$", re.MULTILINE)


def shortened(text: str) -> str:
    """The text, cut to what an attribute may hold."""
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT]


def bounded(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The first MAX_ATTRIBUTES pairs, their values shortened."""
    return tuple((key, shortened(value)) for key, value in islice(pairs, MAX_ATTRIBUTES))


def attributes_of(value: Value, leave: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """A value's scalars as dotted keys and text, without the top-level keys named in `leave`."""
    return bounded((key, text) for key, text, _ in flatten(value) if key and key.partition(".")[0] not in leave)


def images_of(attributes: Iterable[tuple[str, str, int]], *, expressions: bool = False) -> Iterator[Image]:
    """Container images among (key, value, line); those that are a placeholder from the first character on are no names.

    Where a value can be an expression of the language (`expressions`), only what can't be one counts.
    """
    for key, value, line in attributes:
        if not key.endswith(("mage", "ri", "RI")) or not _IMAGE_KEY.search(key) or not _LITERAL_IMAGE.fullmatch(value):
            continue
        if not expressions or "/" in value or ":" in value:
            yield Image(line=line, name=shortened(value), use="deployment")


def parse_template(data: bytes) -> tuple[list[Value], Unreadable | None]:
    """All documents of a YAML template, without its placeholders.

    A template is YAML only once it is rendered, so lines that stand in the way are given up, MAX_REPAIRS at most:
    first control words inside of lines and lines that are a placeholder and nothing else, then each line that the
    parser stops at.
    """
    text = _CONTROL_AT_EDGE.sub("", text_of(data))
    documents, error = parse_yaml(without_placeholders(text).encode())
    if not error:
        return documents, None
    lines = without_placeholders(_LONE_PLACEHOLDER.sub("", _CONTROL.sub("", text))).split("\n")
    best, first = documents, error
    for _ in range(MAX_REPAIRS):
        documents, error = parse_yaml("\n".join(lines).encode())
        if not error:
            return documents, None
        best = max(best, documents, key=len)
        at = min(error.line, len(lines)) - 1
        while at > 0 and not lines[at].strip():
            at -= 1
        if at < 0:
            break
        lines[at] = ""
    return best, first
