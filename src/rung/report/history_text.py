"""A history for a terminal: a table of samples, then the commits that changed something."""

from __future__ import annotations

from collections.abc import Iterator

from rung.phrases import plural
from rung.report.changes import arrow, level_phrase, readings_phrase, score_phrase
from rung.report.document import Document
from rung.report.page import Page

SHORT = 7
_STYLES = {"▲": "green", "▼": "yellow"}
_LABEL = 24
"""Characters of a label: many tags may stand on one commit."""


def render(document: Document, *, color: bool = False, verbose: bool = False, width: int = 80, unicode: bool = True) -> str:
    """The history; `verbose` shows commits that changed capabilities and no level, too."""
    page = Page(color=color, unicode=unicode, width=max(width, 40))
    title = f"{document['system']} · {plural(len(document['samples']), noun(document), f'{noun(document)}s')} · {end_phrase(document)}"
    sections = [
        [page.style(line, "bold") if index == 0 else line for index, line in enumerate(page.wrap(title, first="", rest=0))],
        list(_table(document, page)),
        list(_changes(document, page, verbose=verbose)),
        list(_asides(document, page)),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections if section) + "\n"


def noun(document: Document) -> str:
    """What one sample is: month, tag, commit."""
    name: str = document["by"]
    return name.removesuffix("s")


def end_phrase(document: Document) -> str:
    """Where the history ends: `up to main @ 3f2c1ab`."""
    target = document["target"]
    return "up to " + " @ ".join(part for part in (target["branch"], target["revision"][:SHORT]) if part)


def _table(document: Document, page: Page) -> Iterator[str]:
    names = list(document["dimensions"])
    titles = [*document["dimensions"].values(), "Overall"]
    label = min(max(len(noun(document)), *(len(sample["label"]) for sample in document["samples"])), _LABEL)
    commit = document["by"] != "commits"
    head = [noun(document).ljust(label), *(["commit".ljust(SHORT)] if commit else []), *(title[:9].ljust(9) for title in titles)]
    yield page.style("  ".join(head), "dim")
    before: Document | None = None
    for sample in document["samples"]:
        rows = [*(sample["dimensions"][name] for name in names), sample["overall"]]
        olds = [*(before["dimensions"][name] for name in names), before["overall"]] if before else rows
        cells = [page.plain(sample["label"])[:label].ljust(label), *([sample["commit"][:SHORT]] if commit else [])]
        yield "  ".join([*cells, *(_cell(row, old, page) for row, old in zip(rows, olds, strict=True))])
        before = sample


def _cell(row: Document, old: Document, page: Page) -> str:
    if row["level"] is None:
        return "n/a".ljust(9)
    sign = " "
    if old["level"] is not None and old["level"] != row["level"]:
        sign = "▲" if row["level"] > old["level"] else "▼"
    text = page.plain(f"{row['level']}  {row['score']:.2f} {sign}").ljust(9)
    return page.style(text, _STYLES[sign]) if sign in _STYLES else text


def _changes(document: Document, page: Page, *, verbose: bool) -> Iterator[str]:
    shown = [change for change in document["changes"] if verbose or moves_a_level(change)]
    if shown:
        yield page.style("Changed by", "bold")
    for change in shown:
        yield from page.wrap(f"{change['date'][:10]} {change['commit'][:SHORT]}  {change['subject']}", first="", rest=2)
        for level in change["dimensions"].values():
            if level["change"] != "same" or verbose:
                yield from _level(level, change, page)
        if verbose:
            told = {name for level in change["dimensions"].values() for name in level["capabilities"]}
            for name in change["capabilities"].keys() - told:
                yield from page.wrap(strength_phrase(name, change["capabilities"][name]), first="", rest=4)
    if rest := len(document["changes"]) - len(shown):
        yield page.style(f"{plural(rest, 'commit')} changed capabilities or scores and no level: --verbose names them.", "dim")


def _level(level: Document, change: Document, page: Page) -> Iterator[str]:
    sign = arrow(level)
    details = " · ".join(part for part in (f"score {score_phrase(level)}" if score_phrase(level) else "", readings_phrase(level)) if part)
    text = f"{level['title']} {level_phrase(level)} · {details}"
    yield from page.wrap(text, first="  " + (sign if sign in _STYLES else " "), rest=4, style=_STYLES.get(sign, ""))
    for name in level["capabilities"]:
        yield from page.wrap(strength_phrase(name, change["capabilities"][name]), first="", rest=6)
    if not level["capabilities"]:
        yield from page.wrap("no capability changed, but what could be read", first="", rest=6)


def moves_a_level(change: Document) -> bool:
    """Whether a commit changed the level of a dimension."""
    return any(level["change"] != "same" for level in change["dimensions"].values())


def strength_phrase(name: str, capability: Document) -> str:
    """`model.registry absent → implemented: MLflow in train.py`."""
    because = f": {capability['because']}" if capability["because"] else ""
    return f"{name} {capability['old']} → {capability['new']}{because}"


def asides(document: Document) -> Iterator[str]:
    """What a reader of the numbers should know, a sentence each."""
    labels = {sample["commit"]: sample["label"] for sample in document["samples"]}
    for interval in document["intervals"]:
        where = f"Between {labels[interval['old']]} and {labels[interval['new']]}"
        if interval["wavering"]:
            yield f"{where}, {', '.join(interval['wavering'])} rose and fell: see the commits one by one."
        if interval["untold"]:
            yield f"{where}, it can't be told which commit changed what: {interval['untold']}."
    commits = sum(interval["commits"] for interval in document["intervals"])
    scanned = sum(interval["scanned"] for interval in document["intervals"])
    if scanned < commits:
        yield (
            f"{scanned} of {commits} commits were scanned. What came and went again between two scanned ones that are alike is not seen:"
            " --by commits scans them all."
        )
    for entry in document["coverage"]:
        yield f"Not seen: {entry['what']} ({entry['reason']}); {entry['needs']}."
    yield from document["notes"]


def _asides(document: Document, page: Page) -> Iterator[str]:
    for sentence in asides(document):
        yield from page.wrap(sentence, first="", rest=0, style="dim")
