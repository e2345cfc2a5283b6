"""Python that manifests of Kubernetes carry as data: the files of a ConfigMap, which pods mount and run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from rung.readers.documents import parse_yaml
from rung.readers.python import facts_of
from rung.readers.reading import CODE, EVERY_CALL, Asked, Reading, suffixed
from rung.readers.workflows import mapping, scalar
from rung.records import Fact

_MAX_FILES = 200


def _read_configmaps(asked: Asked, _path: str, data: bytes) -> Iterator[Fact]:
    """The facts of each Python file that a ConfigMap holds as a block of text, at the manifest's lines."""
    if b"ConfigMap" not in data or b".py:" not in data:
        return
    documents, _ = parse_yaml(data)
    for document in map(mapping, documents):
        if scalar(document.get("kind")) != "ConfigMap":
            continue
        held = mapping(document.get("data"))
        for name, text in islice(held.items(), _MAX_FILES):
            if name.endswith(".py") and isinstance(text, str):
                yield from facts_of(text, first_line=held.at(name) + 1, asked=asked)


def _configmaps(asked: Asked = EVERY_CALL) -> Reading:
    return Reading(
        name="configmap-python",
        shows=CODE,
        tried=True,
        claims=suffixed(".yaml", ".yml"),
        read=partial(_read_configmaps, asked),
        languages=("",),
        sparing=_configmaps,
    )


READINGS: tuple[Reading, ...] = (_configmaps(),)
