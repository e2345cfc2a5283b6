"""Gates: what a document, and its comparison with an earlier one, must not fall short of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rung.report.document import Document


def with_gates(document: Document, under: Mapping[str, int], *, regression: bool) -> Document:
    """The document with the verdict of each gate that was asked for.

    Args:
        document: with a comparison, where regressions are to be judged.
        under: the least level of each dimension, or of `overall`.
        regression: whether nothing may have fallen.
    """
    gates = []
    if under:
        wanted = ", ".join(f"{name}={level}" for name, level in sorted(under.items()))
        gates.append({"gate": f"levels {wanted}", "failures": _below(document, under)})
    if regression and "comparison" in document:
        gates.append({"gate": "no regression", "failures": [item["what"] for item in document["comparison"]["regressions"]]})
    return {**document, "gates": gates} if gates else document


def failures(document: Document) -> list[str]:
    """A sentence for everything that a gate of the document refuses."""
    return [failure for gate in document.get("gates", ()) for failure in gate["failures"]]


def mistakes(documents: Iterable[Document]) -> list[str]:
    """What is wrong with the configuration that the documents should have gone by; its gates could not judge."""
    return list(dict.fromkeys(document["policy"]["mistake"] for document in documents if document.get("policy", {}).get("mistake")))


def _below(document: Document, under: Mapping[str, int]) -> list[str]:
    """Every dimension that stands below its threshold or could not be judged; one that does not apply can't fall short."""
    found = []
    for name, wanted in under.items():
        body = document["overall"] if name == "overall" else document["dimensions"].get(name, {})
        level = body.get("level")
        if level is not None and level < wanted:
            found.append(f"{name} is at level {level}, {wanted} demanded")
        elif level is None and any(criterion["status"] == "unknown" for criterion in body.get("criteria", ())):
            found.append(f"{name} could not be judged, {wanted} demanded: {body['reason']}")
    return found
