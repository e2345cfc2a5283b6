"""The report for a pull-request comment or a step summary: GitHub-flavoured Markdown."""

from __future__ import annotations

from rung.phrases import plural
from rung.records import position
from rung.report import comparison_markdown
from rung.report.document import Document, cleaned
from rung.report.markup import code, escaped, folded, joined, link, row
from rung.report.views import (
    PARTIAL,
    Rise,
    carries,
    evidence_by_id,
    extent,
    held_back,
    inventory_told,
    mark,
    policy_told,
    primary,
    revision_phrase,
    said,
    score_phrase,
    target_name,
    tools,
    unknown_by_dimension,
    unseen,
    without_level,
)

_BLOCKS_SHOWN = 3
_CRITERIA_EVIDENCE = 3
_ROOM = 55_000
"""Characters after which no more evidence is listed; GitHub refuses a comment above 65 536."""


def render(document: Document) -> str:
    """The Markdown report: the levels, why not higher, the next steps, and the evidence folded away.

    Of a document that holds a comparison it is the comment on the change, with all else folded away.
    """
    document = cleaned(document)
    head = [_heading(document), _table(document)]
    body = [_why_not_higher(document), _next_steps(document), _not_seen(document)]
    policy = _policy(document)
    if "comparison" in document:
        body = [folded("Where the system stands", joined([head[1], *body]))]
        head = comparison_markdown.blocks_of(document)
    blocks = [*head, policy, *body, _criteria(document), _dead_ends(document), _inventory(document), _errors(document)]
    used = sum(len(line) for block in blocks for line in block)
    blocks += [_evidence(document, _ROOM - used), _footer(document)]
    return "\n".join(joined(blocks)) + "\n"


def _heading(document: Document) -> list[str]:
    told = " · ".join(f"{escaped(dimension['title'])} {_level(dimension['level'])}" for dimension in document["dimensions"].values())
    targets = [
        ", ".join(part for part in (escaped(target_name(document, target)), escaped(_state_of(target))) if part)
        for target in document["targets"]
    ]
    return [f"### Rung: {told}", "", " · ".join(targets), *(["", PARTIAL] if document.get("partial") else [])]


def _state_of(target: Document) -> str:
    """The revision; of what is live how much was looked at."""
    return extent(target) if "resources" in target else revision_phrase(target)


def _table(document: Document) -> list[str]:
    lines = ["| Dimension | Level | Confirmed | Could be | Score |", "| --- | --- | --- | --- | --- |"]
    for dimension in document["dimensions"].values():
        title = escaped(dimension["title"])
        cells = _numbers(dimension) if dimension["applicable"] else [escaped(without_level(dimension)), "", "", ""]
        lines.append(row(title, *cells))
    overall = document["overall"]
    lines.append(row("**Overall** (lowest dimension, Rung’s choice)", *_numbers(overall)))
    if overall.get("imbalance"):
        lines += ["", f"Uneven: {escaped(overall['imbalance'])}"]
    return lines


def _numbers(entry: Document) -> list[str]:
    return [f"**{_level(entry['level'])}**", _level(entry["confirmed"]), _level(entry["ceiling"]), score_phrase(entry) or "n/a"]


def _level(level: int | None) -> str:
    return "n/a" if level is None else str(level)


def _why_not_higher(document: Document) -> list[str]:
    rises = held_back(document)
    lines = ["**Why not higher**", ""] if rises else []
    for rise in rises:
        lines += _rise(document, rise)
    return lines


def _rise(document: Document, rise: Rise) -> list[str]:
    label = f"- **{escaped(rise.title)} {rise.to_level}**"
    if not rise.blocks:
        return [f"{label}: nothing unmet was detected; {plural(rise.unknown, 'criterion', 'criteria')} could not be seen"]
    lines = [f"{label}{f': {rise.achieved:.0%} of level {rise.held_by} achieved{told}' if (told := carries(rise)) else ''}"]
    for block in rise.blocks[:_BLOCKS_SHOWN]:
        why = "; ".join(escaped(sentence) for sentence in said(block)) or "not detected"
        lines.append(f"  - {escaped(block['title'])}: {why}{_places(document, block)}")
    if len(rise.blocks) > _BLOCKS_SHOWN:
        lines.append(f"  - {len(rise.blocks) - _BLOCKS_SHOWN} more below full")
    return lines


def _places(document: Document, criterion: Document) -> str:
    found = evidence_by_id(document)
    places = dict.fromkeys(link(document, found[name]["location"]) for name in criterion["evidence"] if name in found)
    return " (" + ", ".join(list(places)[:_CRITERIA_EVIDENCE]) + ")" if places else ""


def _next_steps(document: Document) -> list[str]:
    steps = document["next_steps"][:3]
    lines = ["**Next steps**", ""] if steps else []
    for index, step in enumerate(steps, 1):
        dimension = document["dimensions"].get(step["dimension"], {}).get("title", step["dimension"])
        because = f": {escaped(step['because'])}" if step["because"] else ""
        lines.append(f"{index}. {escaped(step['remediation'])}")
        lines.append(f"   {escaped(dimension)} → {step['to_level']}, {escaped(step['effort'])} effort{because}")
    return lines


def _not_seen(document: Document) -> list[str]:
    unknown, gaps = unknown_by_dimension(document), unseen(document)
    if not unknown and not gaps:
        return []
    told = ", ".join(f"{escaped(title)} {count}" for title, count in unknown)
    total = plural(sum(count for _, count in unknown), "criterion", "criteria")
    lines = [f"**Not seen**: {total} unknown, not counted as missing ({told})" if unknown else "**Not seen**", ""]
    for gap in gaps[:6]:
        needs = f" → {escaped(gap.needs)}" if gap.needs else ""
        lines.append(f"- {f'{gap.criteria}: ' if gap.criteria else ''}{escaped(gap.what)}{needs}")
    return lines


def _policy(document: Document) -> list[str]:
    told = policy_told(document)
    if not told:
        return []
    lines = ["**Vouched for (A) or set aside (W)**, not counted as achieved", ""]
    return lines + [f"- {sign + ' ' if sign else ''}{escaped(sentence)}" for sign, sentence in told]


def _criteria(document: Document) -> list[str]:
    rows = ["| | Criterion | Level | What is missing or was seen |", "| --- | --- | --- | --- |"]
    count = 0
    for dimension in document["dimensions"].values():
        for criterion in dimension["criteria"] if dimension["applicable"] else []:
            count += 1
            essential = " (essential)" if criterion["essential"] else ""
            why = "; ".join(escaped(sentence) for sentence in said(criterion))
            level = f"{escaped(dimension['title'])} {criterion['level']}"
            rows.append(row(mark(criterion), escaped(criterion["title"]) + essential, level, why + _places(document, criterion)))
    legend = "F fully, L largely, P partially, N not achieved; ? unknown; – not applicable; A attested; W waived"
    return folded(f"{plural(count, 'criterion', 'criteria')}", [legend, "", *rows]) if count else []


def _evidence(document: Document, room: int) -> list[str]:
    items = document["evidence"]
    if not items:
        return []
    rows = ["| Where | Tool | Capability | Strength | |", "| --- | --- | --- | --- | --- |"]
    for shown, item in enumerate(items):
        chain = " → ".join(f"{code(position(hop['path'], hop['line']))} {escaped(hop['what'])}" for hop in item["chain"])
        live = item["excerpt"] if "resource" in item["location"] else ""
        told = "; ".join(part for part in (chain, escaped(item["note"] or live)) if part)
        line = row(link(document, item["location"]), escaped(item["tool"]), escaped(item["capability"]), escaped(item["strength"]), told)
        room -= len(line)
        if room < 0:
            rows += ["", f"{len(items) - shown} more: the JSON and HTML reports have all of them."]
            break
        rows.append(line)
    return folded(f"{plural(len(items), 'piece')} of evidence from {plural(tools(document), 'tool')}", rows)


def _dead_ends(document: Document) -> list[str]:
    items = document["dead_ends"]
    lines = [f"**Dead ends** ({len(items)})", ""] if items else []
    lines += [f"- {link(document, item['location'])}: {escaped(item['what'])}" for item in items[:10]]
    return lines + ([f"- {len(items) - 10} more"] if len(items) > 10 else [])


def _inventory(document: Document) -> list[str]:
    told = inventory_told(document)
    return ["**Code and what is live**", "", *(f"- {escaped(sentence)}" for sentence in told)] if told else []


def _errors(document: Document) -> list[str]:
    errors = document["errors"]
    rows = [f"- {code(position(error['path'], error['line']) or error['target'])}: {escaped(error['what'])}" for error in errors[:50]]
    return folded(f"{plural(len(errors), 'thing')} could not be read", rows) if errors else []


def _footer(document: Document) -> list[str]:
    title = escaped(primary(document)["title"])
    return [f"<sub>Levels of {title}. Rung {escaped(document['rung']['version'])}, packs {escaped(document['rung']['packs'])}.</sub>"]
