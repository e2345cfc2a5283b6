"""The JSON document `rung/comparison/1`: what is different between two assessments, by itself or within the newer one's document."""

from __future__ import annotations

import json

from rung.records import (
    CapabilityChange,
    Comparison,
    CriterionChange,
    Difference,
    Evidence,
    EvidenceChange,
    LevelChange,
    Regression,
    Standing,
)
from rung.report.document import Document, cleaned, evidence_entry

SCHEMA = "rung/comparison/1"


def comparison_of(comparison: Comparison, old: Document, new: Document) -> Document:
    """The comparison of two documents as JSON data, in a stable order."""
    return cleaned(
        {
            "schema": SCHEMA,
            "rung": new["rung"],
            "framework": new["overall"]["framework"],
            "system": new["scope"].get("system", ""),
            "old": _side(old),
            "new": _side(new),
            "overall": _level(comparison.overall),
            "dimensions": {dimension.id: _level(dimension) for dimension in comparison.dimensions},
            "capabilities": {capability.id: _capability(capability) for capability in comparison.capabilities},
            "criteria": [_criterion(criterion) for criterion in comparison.criteria],
            "evidence": [_evidence(item) for item in comparison.evidence],
            "dead_ends": [_difference(item) for item in comparison.dead_ends],
            "unsearched": [_difference(item) for item in comparison.unsearched],
            "errors": [_difference(item) for item in comparison.errors],
            "regressions": [_regression(item) for item in comparison.regressions],
            "notes": list(comparison.notes),
        }
    )


def with_comparison(document: Document, comparison: Document) -> Document:
    """The newer document that holds its comparison with the older one."""
    return {**document, "comparison": comparison}


def render(document: Document) -> str:
    """The comparison of a document that holds one, as JSON text of its own, with the gates that judged it."""
    alone = document["comparison"] | ({"gates": document["gates"]} if "gates" in document else {})
    return json.dumps(alone, indent=2, ensure_ascii=False) + "\n"


def _side(document: Document) -> Document:
    return {"rung": document["rung"], "generated_at": document["generated_at"], "targets": document["targets"]}


def _level(change: LevelChange) -> Document:
    return {"title": change.title, "change": change.change.value, "old": _standing(change.old), "new": _standing(change.new)}


def _standing(standing: Standing) -> Document:
    return {"level": standing.level, "confirmed": standing.confirmed, "ceiling": standing.ceiling, "score": standing.score}


def _capability(change: CapabilityChange) -> Document:
    return {
        "change": change.change.value,
        "negative": change.negative,
        "old": change.old.label,
        "new": change.new.label,
        "evidence": [_known(item).id for item in change.evidence],
        "reason": change.reason,
    }


def _known(change: EvidenceChange) -> Evidence:
    item = change.new or change.old
    assert item is not None
    return item


def _criterion(change: CriterionChange) -> Document:
    return {
        "id": change.id,
        "title": change.title,
        "dimension": change.dimension,
        "level": change.level,
        "essential": change.essential,
        "change": change.change.value,
        "old": {"status": change.old_status, "rating": change.old_rating},
        "new": {"status": change.new_status, "rating": change.new_rating},
        "capabilities": list(change.capabilities),
        "reasons": list(change.reasons),
    }


def _evidence(change: EvidenceChange) -> Document:
    return {
        "id": _known(change).id,
        "change": change.change.value,
        "old": evidence_entry(change.old) if change.old else None,
        "new": evidence_entry(change.new) if change.new else None,
        "reason": change.reason,
    }


def _difference(item: Difference) -> Document:
    return {"change": item.change.value, "path": item.path, "line": item.line, "what": item.what, "remediation": item.remediation}


def _regression(item: Regression) -> Document:
    return {"subject": item.subject, "what": item.what}
