"""What Rung knows, as rows: detectors, capabilities, rules, frameworks and resource types."""

from __future__ import annotations

from rung.explain import requirement_text
from rung.packs import load_packs

Row = dict[str, str]


def catalogue(what: str) -> list[Row]:
    """The rows of one list, sorted, each with the same keys."""
    packs = load_packs()
    if what == "detectors":
        return [
            {
                "id": detector.id,
                "title": detector.title,
                "signals": str(len(detector.signals)),
                "capabilities": " ".join(sorted({signal.capability for signal in detector.signals})),
                "homepage": detector.homepage,
            }
            for detector in packs.detectors
        ]
    if what == "capabilities":
        detectors = {
            capability.id: {d.id for d in packs.detectors for s in d.signals if s.capability == capability.id}
            for capability in packs.capabilities
        }
        return [
            {"id": c.id, "detectors": str(len(detectors[c.id])), "polarity": "negative" if c.negative else "positive", "is": c.description}
            for c in packs.capabilities
        ]
    if what == "rules":
        return [
            {
                "framework": f.id,
                "dimension": c.dimension,
                "level": str(c.level),
                "id": c.id,
                "title": c.title,
                "asks for": requirement_text(c.requires),
            }
            for f in packs.frameworks
            for c in f.criteria
        ]
    if what == "frameworks":
        return [{"id": f.id, "title": f.title, "criteria": str(len(f.criteria)), "source": f.source} for f in packs.frameworks]
    return [{"type": r.type, "terraform": " ".join(r.terraform)} for r in packs.resources]


def catalogue_text(rows: list[Row]) -> str:
    """Rows as aligned columns with a heading; the last column is as long as it needs to be."""
    if not rows:
        return ""
    keys = list(rows[0])
    widths = {key: min(44, max(len(key), *(len(row[key]) for row in rows))) for key in keys[:-1]}
    lines = ["  ".join([*(key.upper().ljust(widths[key]) for key in keys[:-1]), keys[-1].upper()])]
    lines += ["  ".join([*(row[key].ljust(widths[key]) for key in keys[:-1]), row[keys[-1]]]).rstrip() for row in rows]
    return "\n".join(lines) + "\n"
