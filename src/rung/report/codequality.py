"""The report as GitLab's Code Quality JSON: an issue for each criterion that is not fully met, at the best place there is for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from rung.report.document import Document, cleaned
from rung.report.views import best_place, said


def render(document: Document) -> str:
    """The JSON text. A merge request shows what differs from its target branch's report, so all gaps are listed."""
    return json.dumps(list(_issues(cleaned(document))), indent=2, ensure_ascii=False) + "\n"


def _issues(document: Document) -> Iterator[dict[str, Any]]:
    of_what = "/".join([document["scope"].get("system", ""), *(target.get("folder", "") for target in document["targets"])])
    for dimension in document["dimensions"].values():
        for criterion in dimension["criteria"] if dimension["applicable"] else ():
            place = best_place(document, dimension, criterion)
            if criterion["status"] in ("unmet", "partly") and place:
                missing = "; ".join(said(criterion)) or "not detected"
                yield {
                    "check_name": criterion["id"],
                    "description": f"{criterion['title']}: {missing}. Next: {criterion['remediation']}",
                    "fingerprint": hashlib.sha256(f"{of_what} {criterion['id']}".encode()).hexdigest(),
                    "severity": "major" if criterion["essential"] else "minor",
                    "location": {"path": place[0], "lines": {"begin": max(place[1], 1)}},
                }
