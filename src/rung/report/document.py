"""The JSON document `rung/assessment/1`: what is stored, and all that any other format is made from."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from rung.excerpt import excerpt, mask_secrets, mask_tokens, visible
from rung.records import (
    Annotation,
    Assessment,
    Coverage,
    CriterionResult,
    DeadEnd,
    DimensionResult,
    Evidence,
    FrameworkResult,
    Inventory,
    Location,
    NextStep,
    Policy,
    RungError,
    ScanError,
    TargetInfo,
)

SCHEMA = "rung/assessment/1"
LIVE_KINDS = ("account", "server", "host")
"""Kinds of targets that hold resources and no files."""

Document = dict[str, Any]
"""A dictionary that `schema.json` describes, fresh or read back from a file."""


def document_of(assessment: Assessment) -> Document:
    """The assessment as JSON data, in a stable order, with control characters shown and secrets masked."""
    primary = assessment.results[0]
    return cleaned(
        {
            "schema": SCHEMA,
            "rung": {"version": assessment.version, "packs": assessment.digest},
            "generated_at": assessment.generated_at,
            "scope": dict(sorted(assessment.scope.items())),
            "targets": [_target(target) for target in assessment.targets],
            "overall": _overall(primary),
            "dimensions": _dimensions(primary),
            "capabilities": {
                capability: {"strength": strength.label, "evidence": list(evidence)}
                for capability, strength, evidence in sorted(assessment.strengths)
            },
            "evidence": [evidence_entry(item) for item in sorted(assessment.evidence, key=_evidence_order)],
            "coverage": [_coverage(item) for item in sorted(assessment.coverage, key=_coverage_order)],
            "errors": [_error(item) for item in sorted(assessment.errors, key=_error_order)],
            "next_steps": [_next_step(step) for step in assessment.next_steps],
            "dead_ends": [_dead_end(item) for item in assessment.dead_ends],
            "frameworks": {result.id: _framework(result) for result in assessment.results},
        }
        | ({"inventory": _inventory(assessment.inventory)} if assessment.inventory else {})
        | ({"policy": _policy(assessment.policy)} if assessment.policy else {})
        | ({"partial": True} if assessment.partial else {})
    )


def render(document: Document) -> str:
    """The document as JSON text: keys in the order of the schema, so that a person can read it too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def read_document(text: str, name: str) -> Document:
    """A stored document, checked against the schema; `name` is what messages call it.

    Raises:
        RungError: the text is no such document; the message names the place.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        document = json.loads(text)
        told = document.get("schema") if isinstance(document, dict) else None
        if told != SCHEMA:
            raise RungError(f"{name}: is no document of {SCHEMA}{f' but of {visible(told)[:100]}' if isinstance(told, str) else ''}")
        error = best_match(Draft202012Validator(schema()).iter_errors(document))
    except (ValueError, RecursionError) as problem:
        raise RungError(f"{name}: is no JSON that can be read: {problem}") from problem
    if error is not None:
        raise RungError(f"{name}: is no document of {SCHEMA}: {error.json_path}: {error.message[:200]}")
    if "comparison" in document:
        inner = best_match(Draft202012Validator(schema("comparison")).iter_errors(document["comparison"]))
        if inner is not None:
            raise RungError(f"{name}: $.comparison: {inner.json_path}: {inner.message[:200]}")
    if document["overall"]["framework"] not in document["frameworks"]:
        raise RungError(f"{name}: $.overall.framework: `{document['overall']['framework']}` is none of its frameworks")
    result: Document = document
    return result


def schema(name: str = "schema") -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of the document, of the `comparison` that it may hold, or of a `history`."""
    from importlib import resources

    text = resources.files("rung.report").joinpath(f"{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def cleaned(document: Document) -> Document:
    """The document with the control characters of every string written as escapes; a stored one may not be ours."""
    if _is_clean(document):
        return document
    result: Document = _cleaned(document)
    return result


def _is_clean(document: Document) -> bool:
    """Whether no string has anything to be escaped, as JSON text tells at once: it has no escapes then but of quotes and backslashes."""
    try:
        text = msgspec.json.encode(document).decode()
    except UnicodeEncodeError:  # A lone surrogate.
        return False
    return text.isprintable() and "\\" not in text.replace("\\\\", "").replace('\\"', "")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {visible(key): _cleaned(item) for key, item in value.items()}
    return value


def _target(target: TargetInfo) -> Document:
    entry = {
        "id": target.id,
        "kind": target.kind,
        "uri": mask_tokens(target.uri),
        "name": target.name,
        "revision": target.revision,
        "branch": target.branch,
        "dirty": target.dirty,
        "remote": mask_tokens(target.remote),
        "files": target.files,
    }
    more: Document = {"folder": target.folder} if target.folder else {}
    if target.kind in LIVE_KINDS:
        more["resources"] = target.resources
    return entry | more | ({"unread": mask_tokens(target.unread)} if target.unread else {})


def _overall(result: FrameworkResult) -> Document:
    overall: Document = {
        "framework": result.id,
        "level": result.level,
        "confirmed": result.confirmed,
        "ceiling": result.ceiling,
        "score": _rounded(result.score),
        "score_low": _rounded(result.score_low),
        "score_high": _rounded(result.score_high),
    }
    if result.imbalance:
        overall["imbalance"] = result.imbalance
    return overall


def _framework(result: FrameworkResult) -> Document:
    return {
        "title": result.title,
        "levels": [{"level": level, "title": title} for level, title in result.levels],
        "overall": _overall(result),
        "dimensions": _dimensions(result),
    }


def _dimensions(result: FrameworkResult) -> Document:
    return {dimension.id: _dimension(dimension) for dimension in result.dimensions}


def _dimension(dimension: DimensionResult) -> Document:
    return {
        "applicable": dimension.applicable,
        "reason": mask_tokens(dimension.reason),
        "title": dimension.title,
        "level": dimension.level,
        "confirmed": dimension.confirmed,
        "ceiling": dimension.ceiling,
        "held_by": dimension.held_by,
        "score": _rounded(dimension.score),
        "score_low": _rounded(dimension.score_low),
        "score_high": _rounded(dimension.score_high),
        "levels": [{"level": level, "achieved": round(share, 4)} for level, share in dimension.achieved],
        "criteria": [_criterion(criterion) for criterion in sorted(dimension.criteria, key=lambda criterion: criterion.level)],
    }


def _policy(policy: Policy) -> Document:
    return {
        "source": policy.source,
        "annotations": [_annotation(annotation) | {"force": force.value} for annotation, force in policy.annotations],
        "notes": [mask_tokens(note) for note in policy.notes],
        "mistake": mask_tokens(policy.mistake),
    }


def _annotation(annotation: Annotation) -> Document:
    return {
        "criterion": annotation.criterion,
        "status": annotation.status.value,
        "owner": annotation.owner,
        "expires": annotation.expires,
        "reason": mask_tokens(annotation.reason),
        "link": mask_tokens(annotation.link),
    }


def _criterion(criterion: CriterionResult) -> Document:
    return {
        "id": criterion.id,
        "level": criterion.level,
        "title": criterion.title,
        "status": criterion.status.value,
        "rating": criterion.rating.value if criterion.rating else None,
        "essential": criterion.essential,
        "decisive": criterion.decisive,
        "evidence": list(criterion.evidence),
        "blockers": [mask_tokens(blocker) for blocker in criterion.blockers],
        "remediation": criterion.remediation,
        "reason": mask_tokens(criterion.reason),
    }


def evidence_entry(item: Evidence) -> Document:
    """A piece of evidence as the document holds it."""
    return {
        "id": item.id,
        "detector": item.detector,
        "signal": item.signal,
        "tool": item.tool,
        "capability": item.capability,
        "strength": item.strength.label,
        "location": _location(item.location),
        "chain": [{"path": hop.path, "line": hop.line, "what": excerpt(hop.what)} for hop in item.chain],
        "excerpt": excerpt(item.excerpt),
        "occurrences": item.occurrences,
        "note": mask_secrets(item.note),
    }


def _location(place: Location) -> Document:
    if place.resource:
        return {"target": place.target, "resource": place.resource, "region": place.region}
    return {"target": place.target, "path": place.path, "line": place.line, "end_line": place.end_line}


def _dead_end(item: DeadEnd) -> Document:
    return {
        "id": item.id,
        "kind": item.kind,
        "location": _location(item.location),
        "what": mask_tokens(item.what),
        "remediation": item.remediation,
    }


def _inventory(inventory: Inventory) -> Document:
    return {
        "live": inventory.live,
        "declared": inventory.declared,
        "uncertain": inventory.uncertain,
        "by_hand": [{"what": visible(one.what), "location": _location(one.location)} for one in inventory.by_hand],
        "not_live": [{"what": visible(one.what), "location": _location(one.location)} for one in inventory.not_live],
    }


def _coverage(item: Coverage) -> Document:
    body: Document = {"target": item.target, "what": item.what, "searched": item.searched}
    if item.parts:
        body |= {"parts": list(item.parts), "more": item.more}
    return body | {"reason": mask_tokens(item.reason), "needs": item.needs, "capabilities": sorted(item.capabilities)}


def _error(item: ScanError) -> Document:
    return {"target": item.target, "path": item.path, "line": item.line, "what": excerpt(item.what)}


def _next_step(step: NextStep) -> Document:
    return {
        "dimension": step.dimension,
        "to_level": step.to_level,
        "criterion": step.criterion,
        "title": step.title,
        "remediation": step.remediation,
        "effort": step.effort,
        "because": mask_tokens(step.because),
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 2)


def _evidence_order(item: Evidence) -> tuple[str, str, str, str, int, str]:
    place = item.location
    return item.capability, place.target, place.path, place.resource, place.line, item.id


def _coverage_order(item: Coverage) -> tuple[str, bool, str, str]:
    return item.target, item.searched, item.what, item.reason


def _error_order(item: ScanError) -> tuple[str, str, int, str]:
    return item.target, item.path, item.line, item.what
