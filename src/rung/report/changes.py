"""What several formats say about a comparison: arrows, phrases, and which evidence made a capability change."""

from __future__ import annotations

from rung.records import position
from rung.report.document import Document
from rung.report.views import STRENGTHS, place, revision_phrase

_BETTER, _WORSE = "▲", "▼"


def arrow(entry: Document) -> str:
    """▲ where it is better now, ▼ where it is worse, = where it is the same, empty where neither can be said."""
    if entry["change"] == "same":
        return "="
    if entry["change"] not in ("rose", "fell"):
        return ""
    return _BETTER if (entry["change"] == "rose") != entry.get("negative", False) else _WORSE


def level_phrase(entry: Document) -> str:
    """`2 → 3`, or the one level that did not change."""
    old, new = (_number(entry[side]["level"]) for side in ("old", "new"))
    return old if old == new else f"{old} → {new}"


def score_phrase(entry: Document) -> str:
    """`2.20 → 2.44`, the one score that did not change, or nothing where there is none."""
    old, new = (_number(entry[side]["score"]) for side in ("old", "new"))
    return ("" if new == "n/a" else new) if old == new else f"{old} → {new}"


def readings_phrase(entry: Document) -> str:
    """What became of the confirmed level and the ceiling, where they changed."""
    named = (("confirmed", "confirmed"), ("could be", "ceiling"))
    pairs = [(name, _number(entry["old"][key]), _number(entry["new"][key])) for name, key in named]
    return " · ".join(f"{name} {old} → {new}" for name, old, new in pairs if old != new)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def revisions(comparison: Document) -> str:
    """`3f2c1ab → main @ 9ab01cd` for each target, where the revisions are known."""
    old, new = (
        ", ".join(filter(None, (revision_phrase(target) for target in comparison[side]["targets"]))) or comparison[side]["generated_at"]
        for side in ("old", "new")
    )
    return f"{old} → {new}"


def standing_phrase(criterion: Document) -> str:
    """`partly → met`; with ratings where the status alone does not say it."""
    old, new = criterion["old"], criterion["new"]
    words = {"N": "not", "P": "partially", "L": "largely", "F": "fully"}
    if old["status"] == new["status"]:
        return f"{words[old['rating']]} → {words[new['rating']]} achieved"
    return " → ".join((side["status"] or "not asked").replace("_", " ") for side in (old, new))


def place_of(comparison: Document, criterion: Document) -> str:
    """`Model 3`: the dimension's title and the level."""
    title = comparison["dimensions"].get(criterion["dimension"], {}).get("title", criterion["dimension"])
    return f"{title} {criterion['level']}" if criterion["level"] else str(title)


def capabilities_of(comparison: Document) -> list[tuple[str, Document]]:
    """The capabilities that changed: what is worse first, then what criteria hang on."""
    moved = {name for criterion in comparison["criteria"] for name in criterion["capabilities"]}
    return sorted(comparison["capabilities"].items(), key=lambda entry: (arrow(entry[1]) == _BETTER, entry[0] not in moved, entry[0]))


def evidence_of(comparison: Document, capability: Document) -> list[Document]:
    """The evidence changes that made a capability change: the strongest first, of these the ones nearest to their trigger."""
    known = {item["id"]: item for item in comparison["evidence"]}
    found = [known[name] for name in capability["evidence"] if name in known]
    return sorted(found, key=lambda item: (-STRENGTHS.index(side(item)["strength"]), len(side(item)["chain"])))


def side(change: Document) -> Document:
    """The evidence as it is now, or as it was when it is gone."""
    item: Document = change["new"] or change["old"]
    return item


def strength_phrase(change: Document) -> str:
    """`implemented → automated`, `new, automated`, `gone, was automated`."""
    old, new = change["old"], change["new"]
    if old and new:
        return str(new["strength"]) if old["strength"] == new["strength"] else f"{old['strength']} → {new['strength']}"
    return f"new, {new['strength']}" if new else f"gone, was {old['strength']}"


def chain_phrase(item: Document) -> str:
    """The chain from the trigger to the evidence on one line; empty when nothing starts it."""
    return " → ".join(f"{where_} {hop['what']}".strip() for where_, hop in hops(item))


def hops(item: Document) -> list[tuple[str, Document]]:
    """Each hop of the chain with its place; only the line where the file is that of the hop before."""
    chain = item["chain"]
    return [
        (f":{hop['line']}" if before and before["path"] == hop["path"] and hop["line"] else position(hop["path"], hop["line"]), hop)
        for before, hop in zip([None, *chain], chain)
    ]


def told(change: Document) -> str:
    """Why an evidence change is as it is: what starts it now, else the reason, with the line's text for what is gone."""
    if change["new"] and change["new"]["chain"]:
        return chain_phrase(change["new"])
    if change["new"] or not change["old"]["excerpt"]:
        return str(change["reason"])
    return f"{change['old']['excerpt']}  ({change['reason']})" if change["reason"] else str(change["old"]["excerpt"])


def counted(comparison: Document) -> str:
    """`46 pieces of evidence: 18 came, 28 rose`, empty when none changed."""
    words = [item["change"] for item in comparison["evidence"]]
    parts = [f"{words.count(word)} {word}" for word in ("came", "went", "rose", "fell", "moved") if word in words]
    return ", ".join(parts)


def differences(entries: list[Document]) -> list[tuple[str, str]]:
    """Each as a sign (+ came, - went) and a phrase with its place."""
    return [
        (
            "+" if entry["change"] == "came" else "-",
            ": ".join(part for part in (position(entry["path"], entry["line"]) if entry["path"] else "", entry["what"]) if part),
        )
        for entry in entries
    ]


def where(change: Document) -> str:
    """The place of an evidence change; both when it moved."""
    old, new = change["old"], change["new"]
    if old and new and old["location"].get("path") != new["location"].get("path"):
        return f"{place(old['location'])} → {place(new['location'])}"
    return place(side(change)["location"])
