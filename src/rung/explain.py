"""What a criterion, a capability or a detector means, what was sought, what was found and what is next: as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

from msgspec import Struct

from rung.graph import as_text, graph_of
from rung.packs.detectors import MATCHERS
from rung.packs.rules import leaves
from rung.records import (
    Assessment,
    Capability,
    Criterion,
    CriterionResult,
    Detector,
    Evidence,
    Framework,
    Group,
    Leaf,
    Packs,
    RungError,
    Strength,
)
from rung.report.document import LIVE_KINDS

WIDTH = 100
"""Columns that text takes where there are as many: longer lines are hard to read."""


def explain(name: str, packs: Packs, assessment: Assessment | None = None, *, width: int = WIDTH) -> str:
    """The explanation of one id; with an assessment, also what is so in its targets.

    Args:
        name: the id.
        packs: what may have it.
        assessment: of the targets.
        width: columns that there are.

    Raises:
        RungError: no criterion, capability or detector has this id; names the nearest ones.
    """
    for framework in packs.frameworks:
        for criterion in framework.criteria:
            if criterion.id == name:
                return _fitted(_criterion(criterion, framework, packs, assessment), width)
    for capability in packs.capabilities:
        if capability.id == name:
            return _fitted(_capability(capability, packs, assessment), width)
    for detector in packs.detectors:
        if detector.id == name:
            return _fitted(_detector(detector, assessment), width)
    from difflib import get_close_matches

    known = [*(c.id for f in packs.frameworks for c in f.criteria), *(c.id for c in packs.capabilities), *(d.id for d in packs.detectors)]
    near = get_close_matches(name, known, n=3, cutoff=0.5) or [other for other in known if name in other][:3]
    hint = f"; did you mean {', '.join(near)}?" if near else "; `rung list` shows what there is"
    raise RungError(f"`{name}` is no criterion, capability or detector{hint}")


def requirement_text(requirement: Leaf | Group | None) -> str:
    """A requirement as a phrase: `data.quality automated and (data.catalog implemented or data.lineage implemented)`."""
    if requirement is None:
        return "an attestation by a person"
    if isinstance(requirement, Leaf):
        wanted = "looked for and not found" if requirement.strength is Strength.ABSENT else requirement.strength.label
        return f"{requirement.capability} {wanted}"
    parts = [requirement_text(part) if isinstance(part, Leaf) else f"({requirement_text(part)})" for part in requirement.of]
    if requirement.kind == "at_least":
        return f"at least {requirement.count} of: " + ", ".join(parts)
    return (" and " if requirement.kind == "all" else " or ").join(parts)


def _criterion(criterion: Criterion, framework: Framework, packs: Packs, assessment: Assessment | None) -> Iterator[_Line]:
    place = (
        f"{criterion.dimension.capitalize()} level {criterion.level}"
        if criterion.level
        else f"{criterion.dimension.capitalize()}, no level"
    )
    yield _Line(f"{criterion.id}: {criterion.title}")
    yield _Line(f"{place} of {framework.title}{', essential' if criterion.essential else ''}")
    yield _Line()
    yield _labelled("why", criterion.why)
    yield _labelled("asks for", requirement_text(criterion.requires))
    yield _labelled("seen in", ", ".join(criterion.observable))
    yield _labelled("statements", ", ".join(criterion.atoms))
    if assessment and (result := _result(assessment, criterion.id)):
        yield _Line()
        yield _labelled("here", result.status.value.replace("_", " ") + (f", rated {result.rating.value}" if result.rating else ""))
        for blocker in result.blockers or ((result.reason,) if result.reason else ()):
            yield _labelled("", blocker)
    if assessment:
        for capability in dict.fromkeys(leaf.capability for leaf in leaves(criterion.requires)):
            yield _Line()
            yield from _found(capability, packs, assessment)
    yield _Line()
    yield _labelled("next", f"{criterion.remediation} (effort: {criterion.effort})")
    for reference in criterion.references:
        yield _labelled("see", reference)


def _capability(capability: Capability, packs: Packs, assessment: Assessment | None) -> Iterator[_Line]:
    yield _Line(f"{capability.id}: {capability.description}")
    if capability.negative:
        yield _Line("evidence of it counts against maturity")
    if assessment:
        yield _Line()
        yield from _found(capability.id, packs, assessment)
    else:
        yield _Line()
        signals = [(d, s) for d in packs.detectors for s in d.signals if s.capability == capability.id]
        for strength in (Strength.AUTOMATED, Strength.IMPLEMENTED, Strength.DECLARED):
            tools = sorted({d.id for d, s in signals if s.strength is strength})
            if tools:
                yield _labelled(strength.label, ", ".join(tools))
    asked = [
        f"{c.id} ({c.dimension} {c.level})"
        for f in packs.frameworks
        for c in f.criteria
        if capability.id in {x.capability for x in leaves(c.requires)}
    ]
    if asked:
        yield _Line()
        yield _labelled("asked by", ", ".join(asked))


def _detector(detector: Detector, assessment: Assessment | None) -> Iterator[_Line]:
    yield _Line(f"{detector.id}: {detector.title}  {detector.homepage}")
    yield _Line()
    for signal in detector.signals:
        patterns = "; ".join(f"{key} {_values(value)}" if key != "any" else _values(value) for key, value in signal.arguments.items())
        yield _Line(f"  {signal.id:28} {signal.capability:28} {signal.strength.label:12} {signal.matcher}", 6)
        yield _Line(" " * 6 + patterns, 6)
    if assessment:
        own = [item for item in assessment.evidence if item.detector == detector.id]
        yield _Line()
        yield _Line(f"  found in {assessment.scope.get('system', 'the target')}:" if own else "  not detected here")
        for item in own:
            yield from _evidence(item)
        yield from _chains(own)


def _found(capability: str, packs: Packs, assessment: Assessment) -> Iterator[_Line]:
    strength, ids = next(((s, i) for name, s, i in assessment.strengths if name == capability), (Strength.ABSENT, ()))
    yield _Line(f"  {capability} here: {strength.label if strength else 'not detected'}")
    shown = [item for item in assessment.evidence if item.id in set(ids)] or [
        item for item in assessment.evidence if item.capability == capability
    ]
    for item in shown[:20]:
        yield from _evidence(item)
    if len(shown) > 20:
        yield _Line(f"    and {len(shown) - 20} more; `rung scan --format json` has all")
    yield from _chains(shown[:20])
    found = {item.detector for item in shown}
    live = [target for target in assessment.targets if target.kind in LIVE_KINDS]
    has_files = len(live) < len(assessment.targets)
    matchers = {name for name in MATCHERS if name != "api" and has_files} | ({"api", "resource"} if live else set())
    signals = [(d, s) for d in packs.detectors for s in d.signals if s.capability == capability and s.matcher in matchers]
    missing = sorted({d.title for d, _ in signals if d.id not in found})
    looked = [f"{sum(target.files for target in assessment.targets)} files"] if has_files else []
    looked += [f"{sum(target.resources for target in live)} live resources"] if live else []
    if missing:
        yield _labelled("looked for and not found", f"{', '.join(missing)} ({len(signals)} signals, {' and '.join(looked)} searched)")
    for entry in assessment.coverage:
        if not entry.searched and capability in entry.capabilities:
            needs = f"; needs {entry.needs}" if entry.needs else ""
            yield _labelled("could not look", f"{entry.what}: {entry.reason}{needs}")


def _evidence(item: Evidence) -> Iterator[_Line]:
    told = item.note or (item.excerpt if item.location.resource else "")
    yield _Line(f"    {item.tool:24} {item.location.place}  {item.strength.label}{'  (' + told + ')' if told else ''}", 6)


def _chains(evidence: Sequence[Evidence]) -> Iterator[_Line]:
    """What starts the evidence, drawn as trees, whose lines are left as they are."""
    if started := [item for item in evidence if item.chain]:
        yield _Line("  what starts it:")
        yield from (_Line(f"    {line}", None) for line in as_text(graph_of(started)).splitlines())


def _result(assessment: Assessment, criterion: str) -> CriterionResult | None:
    for result in assessment.results:
        for dimension in result.dimensions:
            for item in dimension.criteria:
                if item.id == criterion:
                    return item
    return None


# ── Lines ────────────────────────────────────────────────────────────────────────────────────────────


class _Line(Struct, frozen=True):
    """A line of text, as long as it is."""

    text: str = ""
    indent: int | None = 0
    """Columns before what does not fit on it; None where it is not to be broken."""


def _labelled(label: str, text: str) -> _Line:
    return _Line(f"  {label + ':' if label else '':12} {text}", 15)


def _fitted(lines: Iterable[_Line], width: int) -> str:
    """The lines, broken where they are longer than there are columns."""
    return "".join(f"{part}\n" for line in lines for part in _broken(line, min(width, WIDTH)))


def _broken(line: _Line, width: int) -> Sequence[str]:
    if line.indent is None:
        return (line.text,)
    return wrap(line.text, width, subsequent_indent=" " * line.indent, break_on_hyphens=False, break_long_words=False) or ("",)


def _values(value: object) -> str:
    """What a signal asks for, as a person writes it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_values, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_values(one)}" for key, one in value.items())
    return str(value)
