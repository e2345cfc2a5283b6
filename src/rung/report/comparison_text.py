"""A comparison for a terminal: what rose and fell first, and the lines of files that made it so."""

from __future__ import annotations

from rung.report.changes import (
    arrow,
    capabilities_of,
    counted,
    differences,
    evidence_of,
    level_phrase,
    place_of,
    readings_phrase,
    revisions,
    score_phrase,
    side,
    standing_phrase,
    strength_phrase,
    told,
    where,
)
from rung.report.document import Document, cleaned
from rung.report.page import Page

_EVIDENCE_SHOWN = 3
_DIFFERENCES_SHOWN = 5
_STYLES = {"▲": "green", "▼": "yellow"}


def render(document: Document, *, color: bool = False, verbose: bool = False, width: int = 80, unicode: bool = True) -> str:
    """The comparison of a document that holds one; `verbose` shows all evidence that changed."""
    page = Page(color=color, unicode=unicode, width=max(width, 40))
    sections = [section for section in sections_of(cleaned(document), page, verbose=verbose) if section]
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections) + "\n"


def sections_of(document: Document, page: Page, *, verbose: bool) -> list[list[str]]:
    """The comparison in sections, each a list of lines."""
    comparison = document["comparison"]
    first, *rest = page.wrap(f"{comparison['system']} · {revisions(comparison)}", first="", rest=0)
    return [
        [page.style(first, "bold"), *rest],
        _levels(comparison, page),
        *[_capability(comparison, name, body, page, verbose=verbose) for name, body in capabilities_of(comparison)],
        _criteria(comparison, page),
        _differences("Dead ends", comparison["dead_ends"], page),
        _differences("Not searched", comparison["unsearched"], page),
        _differences("Could not be read", comparison["errors"], page),
        _evidence(comparison, page, verbose=verbose),
        [line for note in comparison["notes"] for line in page.wrap(note, first="", rest=0, style="dim")],
        _gates(document, page),
    ]


def _levels(comparison: Document, page: Page) -> list[str]:
    rows = [*comparison["dimensions"].values(), comparison["overall"]]
    margin = max(len(row["title"][:20]) for row in rows) + 2
    lines = []
    for row in rows:
        sign = arrow(row)
        level = f"{level_phrase(row)} {sign if sign != '=' else ''}".ljust(9)
        rest = " · ".join(part for part in (f"score {score_phrase(row)}" if score_phrase(row) else "", readings_phrase(row)) if part)
        title = page.style(page.plain(row["title"][:20]).ljust(margin), "bold")
        shown = page.plain(level)
        lines.append(f"{title}{page.style(shown, _STYLES[sign]) if sign in _STYLES else shown}  {page.plain(rest)}")
    return lines


def _capability(comparison: Document, name: str, body: Document, page: Page, *, verbose: bool) -> list[str]:
    sign = arrow(body)
    against = "  (counts against maturity)" if body["negative"] else ""
    lines = [page.style(page.plain(f"{sign} {name}"), _STYLES[sign]) + page.plain(f"  {body['old']} → {body['new']}{against}")]
    items = evidence_of(comparison, body)
    shown = items if verbose else items[:_EVIDENCE_SHOWN]
    for item in shown:
        lines += _change(item, page)
    if len(items) > len(shown):
        lines.append(page.style(f"    {len(items) - len(shown)} more: -v shows all", "dim"))
    return lines + (page.wrap(body["reason"], first="", rest=4, style="dim") if body["reason"] else [])


def _change(item: Document, page: Page) -> list[str]:
    head = f"    {page.style(page.plain(where(item)), 'cyan')}  {page.plain(side(item)['tool'])}  {page.plain(strength_phrase(item))}"
    return [head, *(page.wrap(told(item), first="", rest=6, style="dim") if told(item) else [])]


def _criteria(comparison: Document, page: Page) -> list[str]:
    if not comparison["criteria"]:
        return [page.style("No criterion stands elsewhere than before", "bold")]
    lines = [page.style("Criteria", "bold")]
    for criterion in comparison["criteria"]:
        sign = arrow(criterion) or " "
        told_ = f"{place_of(comparison, criterion)}  {criterion['title']}: {standing_phrase(criterion)}"
        lines += page.wrap(told_, first=f"  {sign}", rest=4)
        why = f"by {', '.join(criterion['capabilities'])}" if criterion["capabilities"] else "; ".join(criterion["reasons"])
        lines += page.wrap(why, first="", rest=6, style="dim") if why else []
    return lines


def _differences(title: str, entries: list[Document], page: Page) -> list[str]:
    if not entries:
        return []
    lines = [page.style(title, "bold")]
    for sign, phrase in differences(entries)[:_DIFFERENCES_SHOWN]:
        lines += page.wrap(phrase, first=f"  {sign}", rest=4)
    return lines + ([page.style(f"    {len(entries) - _DIFFERENCES_SHOWN} more", "dim")] if len(entries) > _DIFFERENCES_SHOWN else [])


def _evidence(comparison: Document, page: Page, *, verbose: bool) -> list[str]:
    if not comparison["evidence"]:
        return ["No evidence changed"]
    lines = page.wrap(f"Evidence: {counted(comparison)}{'' if verbose else ' · -v shows each'}", first="", rest=0)
    for item in comparison["evidence"] if verbose else ():
        lines += _change(item, page)
    return lines


def _gates(document: Document, page: Page) -> list[str]:
    lines = []
    for gate in document.get("gates", ()):
        lines += page.wrap(f"Gate `{gate['gate']}` {'failed' if gate['failures'] else 'passed'}", first="", rest=0, style="bold")
        for failure in gate["failures"]:
            lines += page.wrap(failure, first="", rest=2)
    return lines
