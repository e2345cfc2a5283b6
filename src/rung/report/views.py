"""What several formats say about a document: why a level is not higher, what was not seen, where evidence stands."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct

from rung.phrases import listed, plural
from rung.records import TAGS, Location
from rung.report.document import Document

STRENGTHS = ("declared", "implemented", "automated", "operating")

STATUS_MARKS = {"unknown": "?", "not_applicable": "–", "attested": "A", "waived": "W"}
MARK_WORDS = {
    "F": "fully achieved",
    "L": "largely achieved",
    "P": "partially achieved",
    "N": "not achieved",
    "?": "unknown: not everything that could prove it was searched",
    "–": "not applicable",
    "A": "attested by a person, not observed",
    "W": "waived: set aside with a reason",
}
_TERMS = {
    "in force": " until {}",
    "expired": ", expired on {} and without effect",
    "not needed": " until {}, not needed: it is met by what was seen",
    "not applicable": " until {}, not applied: the criterion is not rated here",
}
"""What became of an attestation or waiver, with its last day."""


class Rise(Struct, frozen=True, kw_only=True):
    """What keeps one dimension from its next level."""

    dimension: str
    title: str
    to_level: int
    held_by: int
    """The level that keeps it from being reached: itself, or one below it that is achieved too little to carry it."""
    achieved: float | None
    """Share of that level's applicable criteria that is achieved."""
    blocks: tuple[Document, ...]
    """Criteria that are unmet or partly met, the ones that weigh most first."""
    unknown: int
    """Criteria up to that level that could not be seen."""


class Unseen(Struct, frozen=True, kw_only=True):
    """Something that was not searched, how many criteria hang on it, and what makes it visible."""

    what: str
    needs: str
    criteria: int


def primary(document: Document) -> Document:
    """The framework that `overall` and `dimensions` come from."""
    framework: Document = document["frameworks"][document["overall"]["framework"]]
    return framework


def levels(document: Document) -> list[int]:
    """The levels of the primary framework, lowest first; criteria may also stand beside them (level 0)."""
    return [entry["level"] for entry in primary(document)["levels"]]


def mark(criterion: Document) -> str:
    """One character for where a criterion stands: N, P, L, F, or ?, –, A, W."""
    status: str = criterion["status"]
    return STATUS_MARKS.get(status) or criterion["rating"] or "?"


def criteria(document: Document) -> list[Document]:
    """All criteria of the primary framework, in the order of the document."""
    return [criterion for dimension in document["dimensions"].values() for criterion in dimension["criteria"]]


def system_name(document: Document, target: Document) -> str:
    """What people call what was scanned: the target's name, with the system's where that is another."""
    system = document["scope"].get("system", "")
    return target["name"] if system in ("", target["name"]) else f"{system} ({target['name']})"


def target_name(document: Document, target: Document) -> str:
    """What people call one target: a repository as the system, what is live by its provider and name."""
    return str(target["id"]) if "resources" in target else system_name(document, target)


def extent(target: Document) -> str:
    """Its revision and how much of it was looked at."""
    if "resources" in target:
        return f"nothing could be asked: {target['unread']}" if target.get("unread") else plural(target["resources"], "live resource")
    files = plural(target["files"], "file") if target["files"] else ""
    return " · ".join(part for part in (revision_phrase(target), files) if part)


PARTIAL = "Partial: the scan was interrupted before all was looked at."


def inventory_told(document: Document) -> list[str]:
    """How live resources compare with those that code declares, a sentence each."""
    if "inventory" not in document:
        return []
    found = document["inventory"]
    by_hand = found["live"] - found["declared"] - found["uncertain"]
    told = [
        f"{found['declared']} of {plural(found['live'], 'live ML resource')} {'is' if found['declared'] == 1 else 'are'} declared by code"
    ]
    if found["uncertain"]:
        told[0] += f"; {found['uncertain']} more may be: code computes names of their type"
    if by_hand:
        told.append(f"live and not seen in code: {_first(found['by_hand'], by_hand)}")
    if found["not_live"]:
        told.append(f"in code and not live: {_first(found['not_live'], len(found['not_live']))}")
    return told


def _first(items: list[Document], count: int) -> str:
    named = [
        f"{item['what']} ({where})" if (where := item["location"].get("region") or place(item["location"])) else item["what"]
        for item in items[:3]
    ]
    return listed(named, 3, count=count)


def policy_told(document: Document) -> list[tuple[str, str]]:
    """Each attestation and waiver as its mark (empty without effect) and a sentence; then what else there is to say of the policy."""
    if "policy" not in document:
        return []
    titles = {criterion["id"]: criterion["title"] for criterion in criteria(document)}
    told = []
    for entry in document["policy"]["annotations"]:
        term = _TERMS[entry["force"]].format(entry["expires"])
        link = f" ({entry['link']})" if entry["link"] else ""
        name = titles.get(entry["criterion"], entry["criterion"])
        sentence = f"{name}: {entry['status']} by {entry['owner']}{term}: {entry['reason']}{link}"
        told.append((STATUS_MARKS[entry["status"]] if entry["force"] == "in force" else "", sentence))
    mistake = document["policy"]["mistake"]
    notes = [*document["policy"]["notes"], *([f"The configuration is wrong and not gone by: {mistake}"] if mistake else [])]
    return told + [("", note) for note in notes]


def evidence_by_id(document: Document) -> dict[str, Document]:
    """Evidence by its id."""
    return {item["id"]: item for item in document["evidence"]}


def tools(document: Document) -> int:
    """How many different tools left evidence."""
    return len({item["tool"] for item in document["evidence"]})


def held_back(document: Document) -> list[Rise]:
    """For each applicable dimension below the top: the next level, and the criteria that stand in the way."""
    rises = []
    for name, dimension in document["dimensions"].items():
        level = dimension["level"]
        higher = sorted(candidate for candidate in levels(document) if level is not None and candidate > level)
        if not dimension["applicable"] or not higher:
            continue
        rises.append(_rise(name, dimension, [rung for rung in levels(document) if rung <= higher[0]]))
    return rises


def _rise(name: str, dimension: Document, rungs: list[int]) -> Rise:
    to_level = max(rungs)
    reach = [criterion for criterion in dimension["criteria"] if criterion["level"] in rungs]
    low = ("unmet", "partly", "attested", "waived")
    short = [criterion for criterion in reach if criterion["status"] in low and criterion["rating"] not in ("F", None)]
    held_by = dimension["held_by"] or to_level
    short.sort(key=lambda criterion: _weight(criterion, held_by))
    shares = {entry["level"]: entry["achieved"] for entry in dimension["levels"]}
    return Rise(
        dimension=name,
        title=dimension["title"],
        to_level=to_level,
        held_by=held_by,
        achieved=shares.get(held_by),
        blocks=tuple(short),
        unknown=sum(criterion["status"] == "unknown" for criterion in reach),
    )


def _weight(criterion: Document, held_by: int) -> tuple[bool, bool, int]:
    return criterion["level"] != held_by, not criterion["decisive"], "NPLF".find(criterion["rating"] or "N")


def carries(rise: Rise) -> str:
    """What to add to the share of the level that holds a dimension back, where that is not the next one."""
    return f", too little to carry level {rise.to_level}" if rise.held_by != rise.to_level else ""


def said(criterion: Document) -> list[str]:
    """What is missing or too weak, in the assessment's words; whose word stands against it first."""
    if criterion["status"] in ("attested", "waived"):
        return [criterion["reason"], *criterion["blockers"]]
    return list(criterion["blockers"]) or ([criterion["reason"]] if criterion["reason"] else [])


def unknown_by_dimension(document: Document) -> list[tuple[str, int]]:
    """Title of each dimension with unknown criteria, and how many."""
    rungs = levels(document)
    counted = [
        (dimension["title"], sum(entry["status"] == "unknown" and entry["level"] in rungs for entry in dimension["criteria"]))
        for dimension in document["dimensions"].values()
    ]
    return [(title, count) for title, count in counted if count]


def unseen(document: Document) -> list[Unseen]:
    """Why criteria are unknown, the reason that most of them share first; then what else was not searched."""
    rungs = levels(document)
    reasons = Counter(
        criterion["reason"].rstrip(".")
        for criterion in criteria(document)
        if criterion["status"] == "unknown" and criterion["level"] in rungs
    )
    told = [
        Unseen(what=reason, needs="", criteria=count) for reason, count in sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    gaps = [item for item in document["coverage"] if not item["searched"] and (item["capabilities"] or not told)]
    gaps.sort(key=lambda item: (-len(item["capabilities"]), item["what"], item["reason"]))
    return told + [
        Unseen(what=": ".join(part for part in (item["what"], item["reason"]) if part), needs=item["needs"], criteria=0)
        for item in gaps
        if not any(item["what"] in reason for reason in reasons)
    ]


def absence(entry: Document) -> str:
    """Why a dimension, or the whole, has no level, in two words: what could not be seen may well apply."""
    return "not seen" if any(criterion["status"] == "unknown" for criterion in entry.get("criteria", ())) else "not applicable"


def without_level(dimension: Document) -> str:
    """Why a dimension has no level."""
    return f"{absence(dimension)}: {dimension['reason']}"


def level_phrase(entry: Document) -> str:
    """`level 2 · confirmed 1 · could be 3` of a dimension or of the whole."""
    if entry["level"] is None:
        return absence(entry)
    parts = [f"level {entry['level']}"]
    if entry["confirmed"] is not None and entry["confirmed"] != entry["level"]:
        parts.append(f"confirmed {entry['confirmed']}")
    if entry["ceiling"] is not None and entry["ceiling"] != entry["level"]:
        parts.append(f"could be {entry['ceiling']}")
    return " · ".join(parts)


def score_phrase(entry: Document) -> str:
    """`2.60 (2.40–3.10)`, the range only where there is one; empty without a score."""
    score, low, high = entry["score"], entry["score_low"], entry["score_high"]
    if score is None:
        return ""
    return f"{score:.2f}" if low is None or high is None or low == high else f"{score:.2f} ({low:.2f}–{high:.2f})"


def place(location: Document) -> str:
    """Where evidence stands, for people."""
    return Location(**location).place


def revision_phrase(target: Document) -> str:
    """`main @ 3f2c1ab, with uncommitted changes`; empty for a folder without version control."""
    short = target["revision"][:7] if re.fullmatch(r"[0-9a-f]{40,64}", target["revision"]) else target["revision"]
    text = " @ ".join(part for part in (target["branch"], short) if part)
    return f"{text}, with uncommitted changes" if text and target["dirty"] else text


def source_url(document: Document, target_id: str, path: str, line: int = 0, end_line: int = 0) -> str:
    """The code host's page of a line at the scanned revision; empty when host or revision is unknown."""
    target = next((item for item in document["targets"] if item["id"] == target_id), None)
    return "" if target is None or not path else _page(target, path, line, end_line)


def best_place(document: Document, dimension: Document, criterion: Document) -> tuple[str, int, int] | None:
    """The path from the repository's root, first and last line of a criterion's first file, else of one of its dimension, else of any.

    Code hosts refuse a finding without a file. The lines are 0 where the evidence is not the criterion's own.
    """
    found = evidence_by_id(document)
    around = [name for other in dimension["criteria"] for name in other["evidence"]]
    for name in [*criterion["evidence"], *around, *found]:
        place = found.get(name, {}).get("location", {})
        if place.get("path"):
            own = name in criterion["evidence"]
            path = from_root(document, place["target"], place["path"])
            return path, place["line"] if own else 0, place["end_line"] if own else 0
    return None


def from_root(document: Document, target_id: str, path: str) -> str:
    """A path of a target relative to the root of its repository, which is what code hosts ask for."""
    return next((_below(target, path) for target in document["targets"] if target["id"] == target_id), path)


def _below(target: Document, path: str) -> str:
    return f"{target['folder']}/{path}" if path and target.get("folder") else path


def _page(target: dict[str, Any], path: str, line: int, end_line: int) -> str:
    base, revision = web_address(target["remote"]), target["revision"]
    if not base or not re.fullmatch(r"[0-9a-f]{7,64}", revision):
        return ""
    host = urlsplit(base).hostname or ""
    if path == TAGS:
        return f"{base}/-/tags" if "gitlab" in host else f"{base}/tags" if "github" in host else ""
    last = end_line if end_line > line else 0
    file = quote(_below(target, path))
    if "gitlab" in host:
        return f"{base}/-/blob/{revision}/{file}" + (f"#L{line}" + (f"-{last}" if last else "") if line else "")
    if "bitbucket" in host:
        return f"{base}/src/{revision}/{file}" + (f"#lines-{line}" + (f":{last}" if last else "") if line else "")
    if "github" in host:
        return f"{base}/blob/{revision}/{file}" + (f"#L{line}" + (f"-L{last}" if last else "") if line else "")
    return ""


def web_address(remote: str) -> str:
    """The remote when it is a plain web address (no script, no login, no query), else empty."""
    address = remote.removesuffix("/").removesuffix(".git")
    return address if re.fullmatch(r"https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?:/[A-Za-z0-9._~-]{1,200}){1,10}", address) else ""


def slug(text: str) -> str:
    """The text as a part of an anchor."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
