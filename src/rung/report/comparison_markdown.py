"""A comparison as the comment on a pull request: what rose and fell, why, and whether a gate failed; the rest folded away."""

from __future__ import annotations

from rung.report.changes import (
    arrow,
    capabilities_of,
    counted,
    differences,
    evidence_of,
    hops,
    level_phrase,
    place_of,
    readings_phrase,
    revisions,
    score_phrase,
    side,
    standing_phrase,
    strength_phrase,
)
from rung.report.document import Document, cleaned
from rung.report.markup import code, escaped, folded, joined, link, row

_CAPABILITIES_SHOWN = 12
_EVIDENCE_SHOWN = 2
_ROOM = 25_000
"""Characters after which no more evidence is listed; GitHub refuses a comment above 65 536."""


def render(document: Document) -> str:
    """The comment for a document that holds a comparison."""
    return "\n".join(joined(blocks_of(cleaned(document)))) + "\n"


def blocks_of(document: Document) -> list[list[str]]:
    """The comment in blocks, each a list of lines."""
    comparison = document["comparison"]
    entries = capabilities_of(comparison)
    blocks = [
        _heading(comparison),
        *[_capability(comparison, name, body) for name, body in entries[:_CAPABILITIES_SHOWN]],
        [f"{len(entries) - _CAPABILITIES_SHOWN} more capabilities changed."] if len(entries) > _CAPABILITIES_SHOWN else [],
        _dead_ends(comparison),
        _gates(document),
        [] if entries or comparison["criteria"] else ["No capability and no criterion stands elsewhere than before."],
        [escaped(note) for note in comparison["notes"]],
        _levels(comparison),
        _criteria(comparison),
        _unseen(comparison),
    ]
    used = sum(len(line) for block in blocks for line in block)
    return [*blocks, _evidence(comparison, _ROOM - used)]


def _heading(comparison: Document) -> list[str]:
    parts = [f"{escaped(body['title'])} {level_phrase(body)} {arrow(body)}".rstrip() for body in comparison["dimensions"].values()]
    return [f"### Rung: {' · '.join(parts)}", "", escaped(f"{comparison['system']} · {revisions(comparison)}")]


def _levels(comparison: Document) -> list[str]:
    rows = ["| Dimension | Level | Score | |", "| --- | --- | --- | --- |"]
    rows += [
        row(escaped(body["title"]), f"{level_phrase(body)} {arrow(body)}", score_phrase(body), readings_phrase(body))
        for body in (*comparison["dimensions"].values(), comparison["overall"])
    ]
    return folded("Levels and scores", rows)


def _capability(comparison: Document, name: str, body: Document) -> list[str]:
    against = " (counts against maturity)" if body["negative"] else ""
    lines = [f"{arrow(body)} **{escaped(name)}** {body['old']} → {body['new']}{against}"]
    items = evidence_of(comparison, body)
    lines += [f"- {_change(comparison, item)}" for item in items[:_EVIDENCE_SHOWN]]
    if len(items) > _EVIDENCE_SHOWN:
        lines.append(f"- {len(items) - _EVIDENCE_SHOWN} more")
    return lines + ([f"- {escaped(body['reason'])}"] if body["reason"] else [])


def _change(comparison: Document, item: Document) -> str:
    old, new = item["old"], item["new"]
    places = [link(comparison["old"], old["location"])] if old and (not new or old["location"] != new["location"]) else []
    places += [link(comparison["new"], new["location"])] if new else []
    if old and new and old["location"].get("path") == new["location"].get("path"):
        places = places[-1:]
    if new and new["chain"]:
        why = " → ".join(f"{code(where)} {escaped(hop['what'])}".strip() for where, hop in hops(new))
    else:
        gone = code(old["excerpt"]) if old and not new and old["excerpt"] else ""
        why = " ".join(part for part in (gone, escaped(item["reason"])) if part)
    return f"{' → '.join(places)} {escaped(side(item)['tool'])}, {strength_phrase(item)}{': ' + why if why else ''}"


def _gates(document: Document) -> list[str]:
    lines = []
    for gate in document.get("gates", ()):
        lines.append(f"Gate {code(gate['gate'])} {'failed' if gate['failures'] else 'passed'}{':' if gate['failures'] else '.'}")
        lines += [f"- {escaped(failure)}" for failure in gate["failures"]]
    if any(gate["failures"] for gate in document.get("gates", ())):
        lines += ["", "A waiver in `rung.yaml` of the base revision is honoured; one in this change is not."]
    return lines


def _dead_ends(comparison: Document) -> list[str]:
    found = [f"- {'new' if sign == '+' else 'gone'}: {escaped(phrase)}" for sign, phrase in differences(comparison["dead_ends"])]
    return ["**Dead ends**", "", *found] if found else []


def _criteria(comparison: Document) -> list[str]:
    rows = ["| | Criterion | Level | | By |", "| --- | --- | --- | --- | --- |"]
    for item in comparison["criteria"]:
        why = ", ".join(item["capabilities"]) or "; ".join(item["reasons"])
        cells = (escaped(item["title"]), escaped(place_of(comparison, item)), standing_phrase(item), escaped(why))
        rows.append(row(arrow(item), *cells))
    count = len(comparison["criteria"])
    return folded(f"{count} {'criterion' if count == 1 else 'criteria'} changed", rows) if count else []


def _unseen(comparison: Document) -> list[str]:
    found = [
        f"- {'new' if sign == '+' else 'gone'}: {escaped(phrase)}"
        for sign, phrase in differences([*comparison["unsearched"], *comparison["errors"]])
    ]
    return folded("What could not be searched or read changed", found[:50]) if found else []


def _evidence(comparison: Document, room: int) -> list[str]:
    rows = []
    for shown, item in enumerate(comparison["evidence"]):
        line = f"- {item['change']}: {_change(comparison, item)} ({escaped(side(item)['capability'])})"
        room -= len(line)
        if room < 0:
            rows.append(f"- {len(comparison['evidence']) - shown} more: the JSON report has all of them.")
            break
        rows.append(line)
    return folded(f"Evidence: {counted(comparison)}", rows) if rows else []
