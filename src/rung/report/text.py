"""The report for a terminal: one screen that says where the system stands, why, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable

from rung.phrases import plural
from rung.records import position
from rung.report import comparison_text
from rung.report.document import Document, cleaned
from rung.report.page import Page
from rung.report.views import (
    MARK_WORDS,
    PARTIAL,
    Rise,
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
    target_name,
    tools,
    unknown_by_dimension,
    unseen,
    without_level,
)

_SEGMENT = 5
_MARK_STYLES = {"F": "green", "L": "green", "P": "yellow", "N": "bold", "?": "cyan"}
_BLOCKS_SHOWN = 2
_GAPS_SHOWN = 4
_STEPS_SHOWN = 3
_EVIDENCE_SHOWN = 8
_DEAD_ENDS_SHOWN = 5


def render(document: Document, *, color: bool = False, verbose: bool = False, width: int = 80, unicode: bool = True) -> str:
    """The text report; `verbose` adds every criterion with its evidence, without `unicode` it keeps to ASCII."""
    document = cleaned(document)
    page = Page(color=color, unicode=unicode, width=max(width, 40))
    sections = [
        _header(document, page),
        _ladders(document, page),
        *_compared(document, page, verbose=verbose),
        _why_not_higher(document, page),
        _not_seen(document, page),
        _policy(document, page),
        _next_steps(document, page),
        _dead_ends(document, page, verbose=verbose),
        _inventory(document, page),
        _criteria(document, page) if verbose else [],
        _other_frameworks(document, page),
        _problems(document, page, verbose=verbose),
        _footer(document, page, verbose=verbose),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections if section) + "\n"


def _compared(document: Document, page: Page, *, verbose: bool) -> list[list[str]]:
    if "comparison" not in document:
        return []
    return [[page.style("Compared", "bold")], *comparison_text.sections_of(document, page, verbose=verbose)]


def _header(document: Document, page: Page) -> list[str]:
    lines = []
    for target in document["targets"]:
        parts = [target_name(document, target), extent(target)]
        name, *rest = page.wrap(" · ".join(part for part in parts if part), first="", rest=0)
        lines += [page.style(name, "bold"), *rest]
    return lines + (page.wrap(PARTIAL, first="", rest=0) if document.get("partial") else [])


# ── The picture ──────────────────────────────────────────────────────────────────────────────────────


def _ladders(document: Document, page: Page) -> list[str]:
    rungs = levels(document)
    dimensions = list(document["dimensions"].values())
    margin = max([len("overall"), *(len(dimension["title"][:20]) for dimension in dimensions)]) + 2
    numerals = "".join(str(level).ljust(_SEGMENT + 1) for level in rungs)
    lines = [" " * margin + page.style(f"{numerals[:-_SEGMENT]}  score", "dim")]
    for dimension in dimensions:
        lines += _ladder(dimension, rungs, margin, page)
    lines += _overall(document, margin, page)
    legend = "● reached  ◐ possible: not everything could be seen  ○ not reached"
    return [*lines, *(page.style(line, "dim") for line in page.wrap(legend, first="", rest=margin))]


def _ladder(dimension: Document, rungs: list[int], margin: int, page: Page) -> list[str]:
    title = page.style(page.plain(dimension["title"][:20]).ljust(margin), "bold")
    if not dimension["applicable"] or dimension["level"] is None:
        first, *rest = page.wrap(without_level(dimension), first="", rest=margin)
        return [title + first[margin:], *rest]
    picture = page.plain(_rungs(dimension, rungs))
    told = page.plain(f"{score_phrase(dimension).split(' ')[0]}  {level_phrase(dimension)}")
    if margin + len(picture) + 2 + len(told) <= page.width:
        return [f"{title}{picture}  {told}"]
    return [title + picture, " " * margin + told]


def _rungs(dimension: Document, levels: list[int]) -> str:
    """The ladder lying down: a filled line up to the score, a mark for each level."""
    level, ceiling, score = dimension["level"], dimension["ceiling"] or dimension["level"], dimension["score"] or 0.0
    drawn = ""
    for index, rung in enumerate(levels):
        if index:
            below = levels[index - 1]
            share = min(max((score - below) / (rung - below), 0.0), 1.0) if level < rung else 1.0
            filled = min(int(share * _SEGMENT + 0.5), _SEGMENT)
            drawn += "─" * filled + "·" * (_SEGMENT - filled)
        drawn += "●" if rung <= level else "◐" if rung <= ceiling else "○"
    return drawn


def _overall(document: Document, margin: int, page: Page) -> list[str]:
    overall = document["overall"]
    if overall["level"] is None:
        return page.wrap("no dimension applies, so there is no level", first="overall", rest=margin)
    told = f"{level_phrase(overall)} · mean score {score_phrase(overall)} of {max(levels(document))}"
    lines = page.wrap(told, first="overall", rest=margin)
    rule = "the lowest dimension’s level; combining them is Rung’s choice"
    lines += [page.style(line, "dim") for line in page.wrap(rule, first="", rest=margin)]
    if overall.get("imbalance"):
        lines += page.wrap(overall["imbalance"], first="uneven", rest=margin)
    return lines


# ── Why, what was not seen, and what next ────────────────────────────────────────────────────────────


def _why_not_higher(document: Document, page: Page) -> list[str]:
    rises = held_back(document)
    if not rises:
        return []
    found = evidence_by_id(document)
    margin = max(len(rise.title) for rise in rises) + 6
    lines = [page.style("Why not higher", "bold")]
    for rise in rises:
        lines += _rise(rise, found, margin, page)
    return lines


def _rise(rise: Rise, found: dict[str, Document], margin: int, page: Page) -> list[str]:
    label = f"  {rise.title} {rise.to_level}"
    if not rise.blocks:
        seen = f"nothing unmet was detected; {plural(rise.unknown, 'criterion', 'criteria')} could not be seen"
        return page.wrap(seen if rise.unknown else "too few of its criteria are fully met", first=label, rest=margin)
    lines = []
    for block in rise.blocks[:_BLOCKS_SHOWN]:
        lines += page.wrap(_titled(block, rise.to_level), first=label, rest=margin)
        label = ""
        for sentence in said(block)[:2] or _places(block, found):
            lines += [page.style(line, "dim") for line in page.wrap(sentence, first="", rest=margin + 2)]
    more = [f"{len(rise.blocks) - _BLOCKS_SHOWN} more below full"] if len(rise.blocks) > _BLOCKS_SHOWN else []
    if rise.unknown:
        more.append(f"{rise.unknown} not seen")
    if rise.achieved is not None:
        more.append(f"{rise.achieved:.0%} of level {rise.held_by} achieved{carries(rise)}")
    return lines + [page.style(line, "dim") for line in page.wrap(" · ".join(more), first="", rest=margin) if more]


def _titled(criterion: Document, to_level: int) -> str:
    below = f" (level {criterion['level']})" if criterion["level"] != to_level else ""
    return f"{criterion['title']}{below}"


def _places(criterion: Document, found: dict[str, Document]) -> list[str]:
    items = [found[name] for name in criterion["evidence"] if name in found][:2]
    return [f"{item['tool']} {item['strength']} at {place(item['location'])}" for item in items] or ["not detected"]


def _not_seen(document: Document, page: Page) -> list[str]:
    gaps, unknown = unseen(document), unknown_by_dimension(document)
    if not gaps and not unknown:
        return []
    told = " · ".join(f"{title} {count}" for title, count in unknown)
    total = plural(sum(count for _, count in unknown), "criterion", "criteria")
    heading = f"Not seen: {total} unknown, not missing ({told})" if unknown else "Not seen"
    lines = [page.style(line, "bold") for line in page.wrap(heading, first="", rest=0)]
    for gap in gaps[:_GAPS_SHOWN]:
        told = f"{gap.what}  →  {gap.needs}" if gap.needs else gap.what
        lines += page.wrap(told, first=f"  {gap.criteria or ''}", rest=6)
    if len(gaps) > _GAPS_SHOWN:
        lines.append(page.style(f"  {len(gaps) - _GAPS_SHOWN} more", "dim"))
    return lines


def _policy(document: Document, page: Page) -> list[str]:
    told = policy_told(document)
    if not told:
        return []
    source = document["policy"]["source"]
    heading = f"Vouched for (A) or set aside (W), not counted as achieved{f' · {source}' if source else ''}"
    lines = [page.style(line, "bold") for line in page.wrap(heading, first="", rest=0)]
    for sign, sentence in told:
        lines += page.wrap(sentence, first=f"  {sign or '·'}", rest=5)
    return lines


def _next_steps(document: Document, page: Page) -> list[str]:
    steps = document["next_steps"][:_STEPS_SHOWN]
    if not steps:
        return []
    number = {1: "One next step", 2: "Two next steps", 3: "Three next steps"}[len(steps)]
    lines = [page.style(number, "bold")]
    for index, step in enumerate(steps, 1):
        dimension = document["dimensions"].get(step["dimension"], {}).get("title", step["dimension"])
        lines += page.wrap(step["remediation"], first=f"  {index}", rest=5)
        told = " · ".join(
            part for part in (f"{dimension} → {step['to_level']}", f"{step['effort']} effort", step["because"], step["criterion"]) if part
        )
        lines += page.wrap(told, first="", rest=5, style="dim")
    return lines


def _dead_ends(document: Document, page: Page, *, verbose: bool) -> list[str]:
    items = document["dead_ends"]
    shown = items if verbose else items[:_DEAD_ENDS_SHOWN]
    lines = [page.style(page.plain(f"Dead ends ({len(items)})"), "bold")] if items else []
    for item in shown:
        where = page.style(page.plain(place(item["location"])), "cyan")
        lines += [f"  {where}", *page.wrap(item["what"], first="", rest=5)]
    return lines + ([page.style(f"  {len(items) - len(shown)} more: -v shows all", "dim")] if len(items) > len(shown) else [])


def _inventory(document: Document, page: Page) -> list[str]:
    told = inventory_told(document)
    lines = [page.style("Code and what is live", "bold")] if told else []
    for sentence in told:
        lines += page.wrap(sentence, first="", rest=2)
    return lines


# ── Everything ───────────────────────────────────────────────────────────────────────────────────────


def _criteria(document: Document, page: Page) -> list[str]:
    found = evidence_by_id(document)
    lines = []
    used = set()
    for dimension in document["dimensions"].values():
        if not dimension["applicable"]:
            continue
        shares = {entry["level"]: entry["achieved"] for entry in dimension["levels"]}
        level = None
        for criterion in dimension["criteria"]:
            if criterion["level"] != level:
                level = criterion["level"]
                share = f" · {shares[level]:.0%} achieved" if level in shares else ""
                name = f"{dimension['title']} {level}{share}" if level in levels(document) else f"{dimension['title']}, beside the levels"
                lines += ["", page.style(page.plain(name), "bold")]
            used.add(mark(criterion))
            lines += _criterion(criterion, found, page)
    words = [f"  {character}   {MARK_WORDS[character]}" for character in MARK_WORDS if character in used]
    legend = [page.style(page.plain(line), "dim") for line in [*words, "   *  essential for its level"]]
    return [page.style("Every criterion", "bold"), *legend, *lines]


def _criterion(criterion: Document, found: dict[str, Document], page: Page) -> list[str]:
    character = mark(criterion)
    first, *rest = page.wrap(f"{criterion['title']}  [{criterion['id']}]", first="", rest=6)
    letter = page.style(page.plain(character), _MARK_STYLES.get(character, "dim"))
    lines = [f"  {letter}{'*' if criterion['essential'] else ' '}  {first[6:]}", *rest]
    for sentence in said(criterion):
        lines += page.wrap(sentence, first="", rest=6, style="dim")
    items = _unlike(found[name] for name in criterion["evidence"] if name in found)
    told: list[Document] = []
    for item in items[:_EVIDENCE_SHOWN]:
        lines += _evidence(item, page, same=item["chain"] == told)
        told = item["chain"]
    if len(items) > _EVIDENCE_SHOWN:
        lines.append(page.style(f"        {len(items) - _EVIDENCE_SHOWN} more", "dim"))
    return lines


def _unlike(items: Iterable[Document]) -> list[Document]:
    """The first of each that would read the same: several signals of a tool may meet in one line."""
    first: dict[tuple[str, ...], Document] = {}
    for item in items:
        first.setdefault((place(item["location"]), item["tool"], item["strength"], item["note"], str(item["chain"])), item)
    return list(first.values())


def _evidence(item: Document, page: Page, *, same: bool) -> list[str]:
    where = page.plain(place(item["location"]))
    told = f"  {page.plain(item['tool'])}  {item['strength']}"
    repeated = bool(item["chain"]) and same
    live = item["excerpt"] if "resource" in item["location"] else ""
    note = page.plain("".join(f"  {part}" for part in (item["note"] or live, "by the same chain" if repeated else "") if part))
    lines = [f"      {page.style(where, 'cyan')}{told}{page.style(note, 'dim')}"]
    if item["chain"] and not repeated:
        hops = " → ".join(" ".join(part for part in (position(hop["path"], hop["line"]), hop["what"]) if part) for hop in item["chain"])
        lines += page.wrap(hops, first="", rest=8, style="dim")
    return lines


def _other_frameworks(document: Document, page: Page) -> list[str]:
    others = [entry for name, entry in document["frameworks"].items() if name != document["overall"]["framework"]]
    if not others:
        return []
    lines = [page.style("The same evidence in other frameworks", "bold")]
    for entry in others:
        parts = [
            f"{dimension['title']}: {level_phrase(dimension)}" for dimension in entry["dimensions"].values() if len(entry["dimensions"]) > 1
        ]
        overall = level_phrase(entry["overall"])
        lines += page.wrap(f"{entry['title']}: {overall}" + (f" ({'; '.join(parts)})" if parts else ""), first="", rest=2)
    return lines


def _problems(document: Document, page: Page, *, verbose: bool) -> list[str]:
    errors = document["errors"]
    if not errors:
        return []
    shown = errors if verbose else errors[:3]
    lines = [page.style(f"{plural(len(errors), 'thing')} could not be read", "bold")]
    for error in shown:
        where = position(error["path"], error["line"]) or error["target"]
        lines += page.wrap(f"{where}: {error['what']}", first="", rest=2)
    return lines + ([page.style(f"  {len(errors) - len(shown)} more: -v shows all", "dim")] if len(errors) > len(shown) else [])


def _footer(document: Document, page: Page, *, verbose: bool) -> list[str]:
    framework = primary(document)
    counted = f"{plural(len(document['evidence']), 'piece')} of evidence from {plural(tools(document), 'tool')}"
    lines = page.wrap(f"{counted} · levels of {framework['title']}", first="", rest=0)
    first = next((block["id"] for rise in held_back(document) for block in rise.blocks), "")
    hints = [
        (f"rung explain {first}", "what was sought and found") if first else ("", ""),
        ("" if verbose else "rung scan -v", "every criterion with its evidence"),
        ("rung scan --format html", "the whole picture as a page"),
    ]
    hints = [(command, what) for command, what in hints if command]
    column = max(len(command) for command, _ in hints) + 2
    return lines + [page.style(f"  {page.plain(command).ljust(column)}{what}", "dim") for command, what in hints]
