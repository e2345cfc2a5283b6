"""What a criterion, a capability or a detector means, what was sought, what was found and what is next: as text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rung.graph import as_text, graph_of
from rung.packs import MATCHERS, leaves
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


def explain(name: str, packs: Packs, assessment: Assessment | None = None) -> str:
    """The explanation of one id; with an assessment, also what is so in its targets.

    Raises:
        RungError: no criterion, capability or detector has this id; names the nearest ones.
    """
    for framework in packs.frameworks:
        for criterion in framework.criteria:
            if criterion.id == name:
                return "\n".join(_criterion(criterion, framework, packs, assessment)) + "\n"
    for capability in packs.capabilities:
        if capability.id == name:
            return "\n".join(_capability(capability, packs, assessment)) + "\n"
    for detector in packs.detectors:
        if detector.id == name:
            return "\n".join(_detector(detector, assessment)) + "\n"
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


def _criterion(criterion: Criterion, framework: Framework, packs: Packs, assessment: Assessment | None) -> Iterator[str]:
    place = (
        f"{criterion.dimension.capitalize()} level {criterion.level}"
        if criterion.level
        else f"{criterion.dimension.capitalize()}, no level"
    )
    yield f"{criterion.id}: {criterion.title}"
    yield f"{place} of {framework.title}{', essential' if criterion.essential else ''}"
    yield ""
    yield from _wrapped("why", criterion.why)
    yield from _wrapped("asks for", requirement_text(criterion.requires))
    yield from _wrapped("seen in", ", ".join(criterion.observable))
    yield from _wrapped("statements", ", ".join(criterion.atoms))
    if assessment and (result := _result(assessment, criterion.id)):
        yield ""
        yield from _wrapped("here", result.status.value.replace("_", " ") + (f", rated {result.rating.value}" if result.rating else ""))
        for blocker in result.blockers or ((result.reason,) if result.reason else ()):
            yield from _wrapped("", blocker)
    if assessment:
        for capability in dict.fromkeys(leaf.capability for leaf in leaves(criterion.requires)):
            yield ""
            yield from _found(capability, packs, assessment)
    yield ""
    yield from _wrapped("next", f"{criterion.remediation} (effort: {criterion.effort})")
    for reference in criterion.references:
        yield from _wrapped("see", reference)


def _capability(capability: Capability, packs: Packs, assessment: Assessment | None) -> Iterator[str]:
    yield f"{capability.id}: {capability.description}"
    if capability.negative:
        yield "evidence of it counts against maturity"
    if assessment:
        yield ""
        yield from _found(capability.id, packs, assessment)
    else:
        yield ""
        signals = [(d, s) for d in packs.detectors for s in d.signals if s.capability == capability.id]
        for strength in (Strength.AUTOMATED, Strength.IMPLEMENTED, Strength.DECLARED):
            tools = sorted({d.id for d, s in signals if s.strength is strength})
            if tools:
                yield from _wrapped(strength.label, ", ".join(tools))
    asked = [
        f"{c.id} ({c.dimension} {c.level})"
        for f in packs.frameworks
        for c in f.criteria
        if capability.id in {x.capability for x in leaves(c.requires)}
    ]
    if asked:
        yield ""
        yield from _wrapped("asked by", ", ".join(asked))


def _detector(detector: Detector, assessment: Assessment | None) -> Iterator[str]:
    yield f"{detector.id}: {detector.title}  {detector.homepage}"
    yield ""
    for signal in detector.signals:
        patterns = "; ".join(f"{key} {value}" if key != "any" else str(value) for key, value in signal.arguments.items())
        yield f"  {signal.id:28} {signal.capability:28} {signal.strength.label:12} {signal.matcher}"
        yield from wrap(patterns, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    if assessment:
        own = [item for item in assessment.evidence if item.detector == detector.id]
        yield ""
        yield f"  found in {assessment.scope.get('system', 'the target')}:" if own else "  not detected here"
        for item in own:
            yield from _evidence(item)
        if any(item.chain for item in own):
            yield "  what starts it:"
            yield from (f"    {line}" for line in as_text(graph_of([item for item in own if item.chain])).splitlines())


def _found(capability: str, packs: Packs, assessment: Assessment) -> Iterator[str]:
    strength, ids = next(((s, i) for name, s, i in assessment.strengths if name == capability), (Strength.ABSENT, ()))
    yield f"  {capability} here: {strength.label if strength else 'not detected'}"
    shown = [item for item in assessment.evidence if item.id in set(ids)] or [
        item for item in assessment.evidence if item.capability == capability
    ]
    for item in shown[:20]:
        yield from _evidence(item)
    if len(shown) > 20:
        yield f"    and {len(shown) - 20} more; --format json has all"
    if any(item.chain for item in shown[:20]):
        yield "  what starts it:"
        yield from (f"    {line}" for line in as_text(graph_of([item for item in shown[:20] if item.chain])).splitlines())
    found = {item.detector for item in shown}
    live = [target for target in assessment.targets if target.kind in LIVE_KINDS]
    has_files = len(live) < len(assessment.targets)
    matchers = {name for name in MATCHERS if name != "api" and has_files} | ({"api", "resource"} if live else set())
    signals = [(d, s) for d in packs.detectors for s in d.signals if s.capability == capability and s.matcher in matchers]
    missing = sorted({d.title for d, _ in signals if d.id not in found})
    looked = [f"{sum(target.files for target in assessment.targets)} files"] if has_files else []
    looked += [f"{sum(target.resources for target in live)} live resources"] if live else []
    if missing:
        yield from _wrapped("looked for and not found", f"{', '.join(missing)} ({len(signals)} signals, {' and '.join(looked)} searched)")
    for entry in assessment.coverage:
        if not entry.searched and capability in entry.capabilities:
            needs = f"; needs {entry.needs}" if entry.needs else ""
            yield from _wrapped("could not look", f"{entry.what}: {entry.reason}{needs}")


def _evidence(item: Evidence) -> Iterator[str]:
    at = item.location
    place = (f"{at.resource} ({at.region})" if at.region else at.resource) or (f"{at.path}:{at.line}" if at.line else at.path)
    told = item.note or (item.excerpt if at.resource else "")
    yield f"    {item.tool:24} {place}  {item.strength.label}{'  (' + told + ')' if told else ''}"


def _result(assessment: Assessment, criterion: str) -> CriterionResult | None:
    for result in assessment.results:
        for dimension in result.dimensions:
            for item in dimension.criteria:
                if item.id == criterion:
                    return item
    return None


def _wrapped(label: str, text: str) -> list[str]:
    head = f"  {label + ':' if label else '':12} "
    return wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * 15, break_on_hyphens=False) or [head]
