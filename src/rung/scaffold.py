"""A new detector's files: a pack and fixtures that fail until they are filled."""

from __future__ import annotations

from pathlib import Path

from rung.expressions import regex
from rung.records import RungError

_ID = regex(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PACK = """\
schema: detector/1
id: {id}
title: {title}
homepage: https://example.com/{id}
signals:
  - id: dependency
    capability: model.experiment-tracking
    strength: declared
    match: {{dependency: [{id}]}}
  - id: used
    capability: model.experiment-tracking
    strength: implemented
    match: {{call: ["{module}.*"]}}
"""
_EXPECTED = """\
# `python tests/cases.py show {id}` prints what is found; `update` writes it here once it is right.
evidence:
  - {id}/used file.py:1 implemented
"""
_LOOKALIKE = """\
# What looks like {title} and is not: a comment, a module of the same name, a similar package. Its detector finds nothing here.
evidence: []
"""


def new_detector(folder: str, name: str) -> tuple[str, ...]:
    """Writes the pack and the fixtures of a detector into a checkout, and gives the paths that were written.

    Raises:
        RungError: the id is none, it is taken, or the folder is no checkout of Rung.
    """
    root = Path(folder)
    if not _ID.fullmatch(name):
        raise RungError(f"`{name}` is no id of a detector: lower case letters and digits, joined by hyphens, such as `great-expectations`")
    if not (root / "detectors").is_dir() or not (root / "fixtures").is_dir():
        raise RungError(f"{folder}: is no checkout of Rung: it has no `detectors` and `fixtures`; give one by --folder")
    given = {"id": name, "title": name.replace("-", " ").title(), "module": name.replace("-", "_")}
    files = {
        root / "detectors" / f"{name}.yaml": _PACK.format(**given),
        root / "fixtures" / name / "used" / "expect.yaml": _EXPECTED.format(**given),
        root / "fixtures" / name / "lookalike" / "expect.yaml": _LOOKALIKE.format(**given),
    }
    if taken := next((path for path in files if path.exists()), None):
        raise RungError(f"{taken} is there already: `rung explain {name}` tells what it finds")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tuple(map(str, files))
