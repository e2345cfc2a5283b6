"""The report as one self-contained page: no network, no build step; everything from outside is escaped by Jinja."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from rung.phrases import plural
from rung.records import position
from rung.report import changes
from rung.report.document import Document, cleaned
from rung.report.views import (
    MARK_WORDS,
    PARTIAL,
    STRENGTHS,
    absence,
    carries,
    evidence_by_id,
    extent,
    held_back,
    inventory_told,
    level_phrase,
    levels,
    mark,
    place,
    policy_told,
    primary,
    said,
    score_phrase,
    slug,
    source_url,
    target_name,
    tools,
    unknown_by_dimension,
    unseen,
    web_address,
    without_level,
)

_MARK_STYLES = {
    "F": "full",
    "L": "large",
    "P": "part",
    "N": "none",
    "?": "unknown",
    "–": "na",
    "A": "attested",
    "W": "waived",
}
_BLOCKS_SHOWN = 2
_EVIDENCE_SHOWN = 10
"""Evidence that one criterion lists; the rest is in the list by tool."""

# The picture: a ladder of 100 units' width, rungs 46 apart.
_RUNG_GAP, _TOP, _LEFT, _RAIL = 46, 30, 34, 96


def render(document: Document) -> str:
    """The HTML page."""
    from jinja2 import Environment, StrictUndefined

    document = cleaned(document)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(
        plural=plural,
        level_phrase=level_phrase,
        score_phrase=score_phrase,
        without_level=without_level,
        absence=absence,
        slug=slug,
        position=position,
    )
    return environment.from_string(_packaged("page.html.jinja")).render(_view(document)) + "\n"


@cache
def _packaged(name: str) -> str:
    return resources.files("rung.report").joinpath(name).read_text(encoding="utf-8")


def _view(document: Document) -> dict[str, Any]:
    """All that the template shows; it decides nothing itself."""
    from markupsafe import Markup

    script = _packaged("page.js")
    evidence = [_shown(document, item) for item in document["evidence"]]
    known = {item["id"]: item for item in evidence}
    framework = primary(document)
    return {
        "style": Markup(_packaged("page.css")),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "document": document,
        "name": target_name(document, document["targets"][0]) if len(document["targets"]) == 1 else document["scope"]["system"],
        "targets": [_target(document, target) for target in document["targets"]],
        "partial": PARTIAL if document.get("partial") else "",
        "inventory": inventory_told(document),
        "framework": framework,
        "top": max(levels(document)),
        "ladders": [_ladder(document, name) for name in document["dimensions"]],
        "rises": held_back(document),
        "carries": carries,
        "policy": policy_told(document),
        "changes": changes,
        "said": said,
        "mark": mark,
        "words": MARK_WORDS,
        "styles": _MARK_STYLES,
        "marks_used": _marks_used(document),
        "unknown": unknown_by_dimension(document),
        "gaps": unseen(document),
        "matrix": [_matrix(document, name, known) for name in document["dimensions"]],
        "blocks_shown": _BLOCKS_SHOWN,
        "evidence_shown": _EVIDENCE_SHOWN,
        "evidence": evidence,
        "by_tool": _grouped(evidence, "tool"),
        "by_file": _grouped(evidence, "file"),
        "areas": _in_order(document, {item["area"] for item in evidence}),
        "strengths": STRENGTHS,
        "tool_count": tools(document),
        "capabilities": _capabilities(document),
        "dead_ends": [
            {**item, "where": place(item["location"]), "url": _url(document, item["location"])} for item in document["dead_ends"]
        ],
        "errors": [{**error, "where": position(error["path"], error["line"]) or error["target"]} for error in document["errors"]],
        "frameworks": [_side(name, entry) for name, entry in document["frameworks"].items()],
    }


def _target(document: Document, target: Document) -> Document:
    return {
        **target,
        "name": target_name(document, target),
        "page": web_address(target["remote"]),
        "told": extent(target) or target["kind"],
    }


def _in_order(document: Document, areas: Iterable[str]) -> list[str]:
    """Areas of capabilities: the dimensions first, in their own order."""
    dimensions = list(document["dimensions"])
    return sorted(areas, key=lambda area: (dimensions.index(area) if area in dimensions else len(dimensions), area))


def _shown(document: Document, item: Document) -> Document:
    """A piece of evidence with its links."""
    location = item["location"]
    path = location.get("path", "")
    url = _url(document, location)
    chain = [
        {**hop, "where": position(hop["path"], hop["line"]), "url": source_url(document, location["target"], hop["path"], hop["line"])}
        for hop in item["chain"]
    ]
    return {
        **item,
        "where": place(location),
        "line": location.get("line", 0),
        "file": path or f"{location['resource']}",
        "url": url,
        "chain": chain,
        "area": item["capability"].split(".", 1)[0],
    }


def _url(document: Document, location: Document) -> str:
    return source_url(document, location["target"], location.get("path", ""), location.get("line", 0), location.get("end_line", 0))


def _grouped(evidence: list[Document], key: str) -> list[tuple[str, list[Document]]]:
    groups: dict[str, list[Document]] = defaultdict(list)
    for item in evidence:
        groups[item[key]].append(item)
    return sorted(groups.items(), key=lambda group: (group[0].casefold(), group[0]))


# ── The picture ──────────────────────────────────────────────────────────────────────────────────────


def _ladder(document: Document, name: str) -> Document:
    """Where everything of one ladder is drawn."""
    dimension = document["dimensions"][name]
    steps = primary(document)["levels"]
    bottom = _TOP + _RUNG_GAP * len(steps)
    known = evidence_by_id(document)
    rows = {criterion["level"] for criterion in dimension["criteria"]}
    rungs = []
    for index, entry in enumerate(steps):
        count = len({item for item in _evidence_of(dimension["criteria"], entry["level"]) if item in known})
        state = _state(dimension, entry["level"])
        rungs.append(
            {
                "level": entry["level"],
                "title": entry["title"],
                "y": bottom - _RUNG_GAP * (index + 1) + 12,
                "state": state,
                "count": count,
                "label": f"{dimension['title']} level {entry['level']}: {state}, {plural(count, 'piece')} of evidence",
                "anchor": f"row-{slug(name)}-{entry['level']}" if entry["level"] in rows else f"dim-{slug(name)}",
            }
        )
    return {
        **dimension,
        "id": name,
        "rungs": rungs,
        "left": _LEFT,
        "right": _LEFT + _RAIL,
        "width": _LEFT + _RAIL + 14,
        "top": _TOP - 12,
        "bottom": bottom + 6,
        "score_y": _height(dimension, rungs, bottom),
    }


def _state(dimension: Document, level: int) -> str:
    if not dimension["applicable"] or dimension["level"] is None:
        return absence(dimension)
    if level <= dimension["level"]:
        return "confirmed" if dimension["confirmed"] is not None and level <= dimension["confirmed"] else "reached"
    return "possible" if dimension["ceiling"] is not None and level <= dimension["ceiling"] else "not reached"


def _height(dimension: Document, rungs: list[Document], bottom: int) -> float | None:
    """How high the score stands, between the rungs."""
    score = dimension["score"]
    if score is None or not rungs:
        return None
    middle = [(rung["level"], rung["y"] + 10) for rung in rungs]
    lowest, highest = middle[0], middle[-1]
    if score <= lowest[0]:
        share = max(score, 0.0) / lowest[0] if lowest[0] else 1.0
        return float(bottom + 6 - share * (bottom + 6 - lowest[1]))
    for (below, low), (above, high) in pairwise(middle):
        if score <= above:
            return float(low - (low - high) * (score - below) / (above - below))
    return float(highest[1])


# ── The matrix ───────────────────────────────────────────────────────────────────────────────────────


def _matrix(document: Document, name: str, known: dict[str, Document]) -> Document:
    dimension = document["dimensions"][name]
    shares = {entry["level"]: entry["achieved"] for entry in dimension["levels"]}
    rows = []
    listed = levels(document)
    beside = sorted({criterion["level"] for criterion in dimension["criteria"]} - set(listed))
    for entry in [*primary(document)["levels"], *({"level": level, "title": "Beside the levels"} for level in beside)]:
        tiles = [_tile(criterion, known) for criterion in dimension["criteria"] if criterion["level"] == entry["level"]]
        if tiles:
            rows.append(
                {
                    **entry,
                    "anchor": f"row-{slug(name)}-{entry['level']}",
                    "tiles": tiles,
                    "achieved": shares.get(entry["level"]),
                    "state": _state(dimension, entry["level"]) if entry["level"] in listed else "not counted",
                }
            )
    return {**dimension, "id": name, "rows": rows}


def _tile(criterion: Document, known: dict[str, Document]) -> Document:
    return {
        **criterion,
        "mark": mark(criterion),
        "anchor": f"c-{slug(criterion['id'])}",
        "items": [known[item] for item in criterion["evidence"] if item in known],
        "said": said(criterion),
    }


def _evidence_of(criteria: Iterable[Document], level: int) -> list[str]:
    return [item for criterion in criteria if criterion["level"] == level for item in criterion["evidence"]]


def _marks_used(document: Document) -> list[str]:
    used = {mark(criterion) for dimension in document["dimensions"].values() for criterion in dimension["criteria"]}
    return [character for character in MARK_WORDS if character in used]


def _capabilities(document: Document) -> list[tuple[str, list[Document]]]:
    groups: dict[str, list[Document]] = defaultdict(list)
    for capability, entry in document["capabilities"].items():
        area, _, rest = capability.partition(".")
        strength = entry["strength"]
        rank = STRENGTHS.index(strength) + 1 if strength in STRENGTHS else 0
        groups[area].append({"id": capability, "short": rest or area, "strength": strength, "rank": rank, "count": len(entry["evidence"])})
    return [(area, groups[area]) for area in _in_order(document, groups)]


def _side(name: str, entry: Document) -> Document:
    """A framework as a row of bars."""
    steps = [level["level"] for level in entry["levels"]]
    bars = []
    for dimension in entry["dimensions"].values():
        cells = [{"level": level, "state": _state(dimension, level)} for level in steps]
        bars.append({**dimension, "cells": cells})
    return {**entry, "id": name, "bars": bars, "levels_listed": entry["levels"]}
