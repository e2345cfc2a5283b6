"""The report as SARIF 2.1.0: each criterion that is not fully met is a result at the best place there is for it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

from rung.report.document import Document, cleaned
from rung.report.markup import escaped
from rung.report.views import best_place, from_root, levels, primary, said, slug, web_address

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"


def render(document: Document) -> str:
    """The SARIF log as JSON text, for the primary framework; of a document that holds a comparison only the new gaps."""
    document = cleaned(document)
    criteria = [
        (name, dimension, criterion)
        for name, dimension in document["dimensions"].items()
        if dimension["applicable"]
        for criterion in dimension["criteria"]
    ]
    new = _new_gaps(document)
    results, unplaced = [], []
    for index, (name, dimension, criterion) in enumerate(criteria):
        if criterion["status"] not in ("unmet", "partly") or (new is not None and criterion["id"] not in new):
            continue
        place = best_place(document, dimension, criterion)
        if place is None:
            unplaced.append(_notification(f"{criterion['id']}: {_message(criterion)}", None))
        else:
            result = _result(index, name, _level_name(document, dimension, criterion), criterion, _physical(*place))
            results.append(result if new is None else result | {"baselineState": new[criterion["id"]]})
    notifications = unplaced + [_error(document, error) for error in document["errors"]]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Rung",
                "version": document["rung"]["version"],
                "rules": [_rule(name, _level_name(document, dimension, criterion), criterion) for name, dimension, criterion in criteria],
                "properties": {"packs": document["rung"]["packs"], "framework": primary(document)["title"]},
            }
        },
        "automationDetails": {"id": _category(document)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the scanned repository."}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "results": results,
    }
    provenance = [entry for target in document["targets"] if (entry := _provenance(target))]
    if provenance:
        run["versionControlProvenance"] = provenance
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _category(document: Document) -> str:
    """What code scanning keeps apart: the framework, and the part of the repository where it is one."""
    folders = {target["folder"] for target in document["targets"] if target.get("folder")}
    parts = [*sorted(folders), *([document["scope"]["system"]] if "repository" in document["scope"] else [])]
    return "/".join(["rung", document["overall"]["framework"], *map(slug, parts), ""])


def _new_gaps(document: Document) -> dict[str, str] | None:
    """Criteria that are worse than before, with SARIF's word for it; None when there is no before."""
    if "comparison" not in document:
        return None
    return {
        item["id"]: "updated" if item["old"]["status"] in ("partly", "unmet") else "new"
        for item in document["comparison"]["criteria"]
        if item["change"] in ("fell", "came", "changed")
    }


def _rule(name: str, level_name: str, criterion: Document) -> dict[str, Any]:
    next_step = criterion["remediation"]
    return {
        "id": criterion["id"],
        "name": "".join(part.capitalize() for part in criterion["id"].replace(".", "-").split("-")),
        "shortDescription": {"text": criterion["title"]},
        "fullDescription": {"text": f"{criterion['title']} (asked for by {level_name})."},
        "help": {
            "text": f"{criterion['title']}. What to do: {next_step}",
            "markdown": f"**{escaped(criterion['title'])}**\n\nAsked for by {escaped(level_name)}"
            f"{', essential' if criterion['essential'] else ''}.\n\nWhat to do: {escaped(next_step)}",
        },
        "defaultConfiguration": {"level": _level(criterion)},
        "properties": {"tags": ["mlops", name, f"level-{criterion['level']}"]},
    }


def _level_name(document: Document, dimension: Document, criterion: Document) -> str:
    level = criterion["level"]
    return f"{dimension['title']} {level}" if level in levels(document) else f"{dimension['title']}, beside the levels"


def _result(index: int, name: str, level_name: str, criterion: Document, location: dict[str, Any]) -> dict[str, Any]:
    # GitHub follows an alert by this fingerprint: it stays the same alert when the evidence moves.
    fingerprint = hashlib.sha256(criterion["id"].encode()).hexdigest()[:16]
    return {
        "ruleId": criterion["id"],
        "ruleIndex": index,
        "level": _level(criterion),
        "message": {"text": f"{_plain(level_name)}: {_message(criterion)}"},
        "locations": [location],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1", "rungCriterion/v1": criterion["id"]},
        "properties": {
            "dimension": name,
            "level": criterion["level"],
            "status": criterion["status"],
            "rating": criterion["rating"],
            "essential": criterion["essential"],
        },
    }


def _message(criterion: Document) -> str:
    missing = "; ".join(said(criterion)) or "not detected"
    return _plain(f"{criterion['title']}: {missing}. Next: {criterion['remediation']}")


def _plain(text: str) -> str:
    """SARIF messages know links `[text](address)` and placeholders `{0}`: text from outside makes neither."""
    return re.sub(r"\{(\d+)\}", r"{{\1}}", text.replace("](", "] ("))


def _level(criterion: Document) -> str:
    return "warning" if criterion["essential"] else "note"


def _physical(path: str, line: int, end_line: int) -> dict[str, Any]:
    region = {"startLine": max(line, 1)}
    if end_line > line:
        region["endLine"] = end_line
    return {"physicalLocation": {"artifactLocation": {"uri": quote(path), "uriBaseId": _ROOT}, "region": region}}


def _error(document: Document, error: Document) -> dict[str, Any]:
    path = from_root(document, error["target"], error["path"])
    location = _physical(path, error["line"], 0) if path else None
    return _notification(_plain(error["what"]), location)


def _notification(text: str, location: dict[str, Any] | None) -> dict[str, Any]:
    notification: dict[str, Any] = {"level": "note", "message": {"text": text}}
    return notification | ({"locations": [location]} if location else {})


def _provenance(target: Document) -> dict[str, Any] | None:
    address = web_address(target["remote"])
    if not address:
        return None
    entry = {"repositoryUri": address, "revisionId": target["revision"], "branch": target["branch"]}
    return {key: value for key, value in entry.items() if value} | {"mappedTo": {"uriBaseId": _ROOT}}
