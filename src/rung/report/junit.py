"""The report as JUnit XML: a suite for each dimension, a case for each criterion."""

from __future__ import annotations

from xml.etree import ElementTree

from rung.report.document import Document, cleaned
from rung.report.views import evidence_by_id, place, said

_SKIPPED = ("unknown", "not_applicable", "attested", "waived")


def render(document: Document) -> str:
    """The XML text; unmet and partly met criteria fail, what was not observed is skipped."""
    document = cleaned(document)
    root = ElementTree.Element("testsuites", name="rung")
    found = evidence_by_id(document)
    for name, dimension in document["dimensions"].items():
        suite = ElementTree.SubElement(root, "testsuite", name=dimension["title"], timestamp=document["generated_at"][:19])
        for criterion in dimension["criteria"]:
            suite.append(_case(name, dimension, criterion, found))
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(name: str, dimension: Document, criterion: Document, found: dict[str, Document]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=f"{name}.level{criterion['level']}", name=f"{criterion['id']}: {criterion['title']}")
    status = criterion["status"]
    why = "; ".join(said(criterion)) or dimension["reason"]
    if status in _SKIPPED:
        ElementTree.SubElement(case, "skipped", message=f"{status.replace('_', ' ')}: {why}" if why else status.replace("_", " "))
    elif status != "met":
        failure = ElementTree.SubElement(case, "failure", type=status, message=why or "not detected")
        failure.text = f"rated {criterion['rating']}; next: {criterion['remediation']}"
    places = [f"{item['strength']}  {place(item['location'])}  {item['tool']}" for item in _items(criterion, found)]
    if places:
        ElementTree.SubElement(case, "system-out").text = "\n".join(places)
    return case


def _items(criterion: Document, found: dict[str, Document]) -> list[Document]:
    return [found[name] for name in criterion["evidence"] if name in found]


def _count(element: ElementTree.Element) -> None:
    for attribute, path in (("tests", ".//testcase"), ("failures", ".//failure"), ("skipped", ".//skipped")):
        element.set(attribute, str(len(element.findall(path))))
    element.set("errors", "0")
