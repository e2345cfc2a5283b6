"""What a document says about single lines, as annotations that GitHub shows beside a change, within its limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from rung.report.changes import arrow, evidence_of, side, told
from rung.report.document import Document
from rung.report.views import from_root
from rung.verdicts import failures

MOST = 10
"""Annotations of one level that GitHub takes from one step."""
_LONGEST = 1000
_TITLE = 100


class Annotation(Struct, frozen=True, kw_only=True):
    """A sentence about a line, or about the run where there is no path."""

    level: str
    """error, warning or notice."""
    title: str
    message: str
    path: str = ""
    """Relative to the repository's root."""
    line: int = 0


def annotations_of(document: Document) -> tuple[Annotation, ...]:
    """Errors for what a gate refuses, warnings for what else fell and for dead ends."""
    return (*_refused(document), *_fallen(document), *_dead_ends(document))


def within_limits(annotations: Sequence[Annotation]) -> tuple[Annotation, ...]:
    """As many as GitHub takes, those with a place first; the last of a level says how many it leaves out."""
    kept: list[Annotation] = []
    for level in ("error", "warning", "notice"):
        found = sorted(dict.fromkeys(item for item in annotations if item.level == level), key=lambda item: not item.path)
        if len(found) > MOST:
            more = len(found) - MOST + 1
            found = [*found[: MOST - 1], Annotation(level=level, title="Rung", message=f"{more} more: the summary of the run has them.")]
        kept += found
    return tuple(kept)


def command(annotation: Annotation) -> str:
    """The line that makes a step annotate."""
    properties = {"title": _shortened(annotation.title, _TITLE)}
    if annotation.path:
        properties["file"] = annotation.path
        if annotation.line:
            properties["line"] = str(annotation.line)
    told = ",".join(f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items())
    return f"::{annotation.level} {told}::{_escaped(_shortened(annotation.message, _LONGEST))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _refused(document: Document) -> Iterator[Annotation]:
    places = _places(document)
    for sentence in failures(document):
        path, line = places.get(sentence, ("", 0))
        yield Annotation(level="error", title="Rung: gate failed", message=sentence, path=_rooted(document, path), line=line)


def _places(document: Document) -> dict[str, tuple[str, int]]:
    """Where what regressed is decided, by the regression's sentence."""
    comparison = document.get("comparison")
    if comparison is None:
        return {}
    criteria = {item["id"]: item for item in comparison["criteria"]}
    found: dict[str, tuple[str, int]] = {}
    for regression in comparison["regressions"]:
        for name in criteria.get(regression["subject"], {}).get("capabilities", ()):
            items = evidence_of(comparison, comparison["capabilities"][name]) if name in comparison["capabilities"] else []
            location = side(items[0])["location"] if items else {}
            if location.get("path"):
                found.setdefault(regression["what"], (location["path"], location["line"]))
    return found


def _fallen(document: Document) -> Iterator[Annotation]:
    """A warning for each capability that is worse now and that no gate's error names, at the evidence that decides it."""
    comparison = document.get("comparison")
    if comparison is None:
        return
    refused = set(failures(document))
    subjects = {item["subject"] for item in comparison["regressions"] if item["what"] in refused}
    named = {name for item in comparison["criteria"] if item["id"] in subjects for name in item["capabilities"]}
    for name, body in comparison["capabilities"].items():
        if arrow(body) != "▼" or name in named:
            continue
        items = evidence_of(comparison, body)
        title = f"Rung: {name} {body['old']} → {body['new']}"
        location = side(items[0])["location"] if items else {}
        why = told(items[0]) if items else body["reason"]
        gone = bool(items) and items[0]["new"] is None
        yield Annotation(
            level="warning",
            title=title,
            message=why or title,
            path=_rooted(document, location.get("path", "")),
            line=0 if gone else location.get("line", 0),
        )


def _dead_ends(document: Document) -> Iterator[Annotation]:
    """The new ones of a comparison, else all."""
    if "comparison" in document:
        entries = [item for item in document["comparison"]["dead_ends"] if item["change"] == "came"]
        found = [(item["path"], item["line"], item) for item in entries]
    else:
        found = [(item["location"].get("path", ""), item["location"].get("line", 0), item) for item in document["dead_ends"]]
    for path, line, item in found:
        message = f"{item['what']}. {item['remediation']}".strip()
        yield Annotation(level="warning", title="Rung: dead end", message=message, path=_rooted(document, path), line=line)


def _rooted(document: Document, path: str) -> str:
    return from_root(document, document["targets"][0]["id"], path)
