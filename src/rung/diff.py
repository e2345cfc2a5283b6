"""Two assessments of one system → what rose, fell, came, went and moved, each with its reason down to file and line.

Pure, and over the stored documents, so that a fresh scan and a result of last year are compared alike. Evidence is
the same by its id, which knows detector, signal and path and no line numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rung.detect import MAX_PLACES
from rung.records import (
    CapabilityChange,
    Change,
    Comparison,
    CriterionChange,
    Difference,
    Evidence,
    EvidenceChange,
    Hop,
    LevelChange,
    Location,
    Rating,
    Regression,
    RungError,
    Standing,
    Status,
    Strength,
)
from rung.report.document import LIVE_KINDS, Document

_ORDER = (Rating.NOT, Rating.PARTIALLY, Rating.LARGELY, Rating.FULLY)
_EXCUSED = (Status.WAIVED, Status.ATTESTED)
_WHYS = 2
"""Reasons that a regression names before it only counts the rest."""
_NOWHERE = Standing(level=None, confirmed=None, ceiling=None, score=None)


def compare(old: Document, new: Document, *, negative: frozenset[str]) -> Comparison:
    """What is different in `new`.

    Args:
        old: the document of the earlier assessment.
        new: the document of the later one.
        negative: capabilities whose evidence counts against maturity.

    Raises:
        RungError: the two are not rated by the same maturity model.
    """
    if old["overall"]["framework"] != new["overall"]["framework"]:
        raise RungError(
            f"the older result is rated by `{old['overall']['framework']}`, the newer by `{new['overall']['framework']}`:"
            " scan both with the same --framework"
        )
    evidence = _evidence_changes(old, new)
    capabilities = tuple(_capabilities(old, new, evidence, negative))
    criteria = tuple(_criteria(old, new, capabilities))
    dimensions = tuple(_dimensions(old, new))
    abridged = _abridged(old, new)
    return Comparison(
        overall=level_change("overall", "Overall", _standing(old["overall"]), _standing(new["overall"])),
        dimensions=dimensions,
        criteria=criteria,
        capabilities=capabilities,
        evidence=evidence,
        dead_ends=_differences(_dead_ends(old), _dead_ends(new)),
        unsearched=_differences(_unsearched(old, abridged), _unsearched(new, abridged)),
        errors=_differences(_errors(old), _errors(new)),
        regressions=tuple(_regressions(dimensions, criteria, {change.id: change for change in capabilities}, _withheld(new))),
        notes=tuple(_notes(old, new)),
    )


# ── Levels ───────────────────────────────────────────────────────────────────────────────────────────


def _dimensions(old: Document, new: Document) -> Iterator[LevelChange]:
    for name in dict.fromkeys((*new["dimensions"], *old["dimensions"])):
        before, after = old["dimensions"].get(name), new["dimensions"].get(name)
        yield level_change(name, (after or before)["title"], _standing(before), _standing(after))


def level_change(name: str, title: str, old: Standing, new: Standing) -> LevelChange:
    """What became of the level of a dimension, or of the whole."""
    change = Change.SAME
    if old.level is None or new.level is None:
        change = Change.SAME if old.level == new.level else Change.CHANGED
    elif old.level != new.level:
        change = Change.ROSE if new.level > old.level else Change.FELL
    return LevelChange(id=name, title=title, change=change, old=old, new=new)


def _standing(entry: Document | None) -> Standing:
    if entry is None:
        return _NOWHERE
    return Standing(level=entry["level"], confirmed=entry["confirmed"], ceiling=entry["ceiling"], score=entry["score"])


# ── Evidence ─────────────────────────────────────────────────────────────────────────────────────────


def _evidence_changes(old: Document, new: Document) -> tuple[EvidenceChange, ...]:
    before = {item["id"]: _evidence(item) for item in old["evidence"]}
    after = {item["id"]: _evidence(item) for item in new["evidence"]}
    went = {name: item for name, item in before.items() if name not in after}
    came = {name: item for name, item in after.items() if name not in before}
    moved = _moved(before.values(), after.values(), went, came)
    pairs = [(before[name], after[name]) for name in before if name in after] + moved
    changes = [_pair_change(was, now) for was, now in pairs if was.strength != now.strength or was.id != now.id]
    gone, arrived = {was.id for was, _ in moved}, {now.id for _, now in moved}
    # Of a signal that is in very many files only the best are listed: who left or joined that list may have been there all along.
    full_before, full_after = _full(before.values()), _full(after.values())
    changes += [
        EvidenceChange(change=Change.WENT, old=item, new=None, reason=_why_gone(item, new))
        for name, item in went.items()
        if name not in gone and _key(item) not in full_after
    ]
    changes += [
        EvidenceChange(change=Change.CAME, old=None, new=item, reason=item.note)
        for name, item in came.items()
        if name not in arrived and _key(item) not in full_before
    ]
    return tuple(sorted(changes, key=_evidence_order))


def _evidence(item: Document) -> Evidence:
    return Evidence(
        id=item["id"],
        detector=item["detector"],
        signal=item["signal"],
        tool=item["tool"],
        capability=item["capability"],
        strength=Strength[item["strength"].upper()],
        location=Location(**item["location"]),
        chain=tuple(Hop(**hop) for hop in item["chain"]),
        excerpt=item["excerpt"],
        occurrences=item["occurrences"],
        note=item["note"],
    )


def _key(item: Evidence) -> tuple[str, str]:
    return item.detector, item.signal


def _full(items: Iterable[Evidence]) -> frozenset[tuple[str, str]]:
    return frozenset(key for key, count in Counter(map(_key, items)).items() if count >= MAX_PLACES)


def _moved(
    before: Iterable[Evidence], after: Iterable[Evidence], went: Mapping[str, Evidence], came: Mapping[str, Evidence]
) -> list[tuple[Evidence, Evidence]]:
    """The evidence of renamed files: a path that shows nothing any more, and a new one that shows the same lines.

    Most of what the old path showed must stand in the new one with the same text, and no other path may do as well.
    """
    left, kept = _by_path(went.values()), {item.location.path for item in after}
    joined, known = _by_path(came.values()), {item.location.path for item in before}
    fits: list[tuple[int, str, str]] = []
    for path, items in left.items():
        for other, others in joined.items():
            shared = len(_texts(items) & _texts(others))
            if path and other and path not in kept and other not in known and shared * 2 > len(_texts(items)):
                fits.append((shared, path, other))
    pairs = []
    for shared, path, other in fits:
        rivals = [fit for fit in fits if fit != (shared, path, other) and (fit[1] == path or fit[2] == other) and fit[0] >= shared]
        if not rivals:
            by_key = {_key(item): item for item in joined[other]}
            pairs += [(item, by_key[_key(item)]) for item in left[path] if _key(item) in by_key]
    return pairs


def _by_path(items: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    found: dict[str, list[Evidence]] = defaultdict(list)
    for item in items:
        found[item.location.path].append(item)
    return found


def _texts(items: Iterable[Evidence]) -> frozenset[tuple[str, str, str]]:
    return frozenset((*_key(item), item.excerpt) for item in items if item.excerpt)


def _pair_change(was: Evidence, now: Evidence) -> EvidenceChange:
    if was.strength == now.strength:
        return EvidenceChange(change=Change.MOVED, old=was, new=now, reason=f"{was.location.path} is now {now.location.path}")
    if now.strength > was.strength:
        reason = f"no longer: {was.note}" if was.note else ""
        return EvidenceChange(change=Change.ROSE, old=was, new=now, reason=reason)
    reason = now.note or ("nothing starts it any more" if was.chain and not now.chain else "")
    before = f"; before: {_chain_start(was)}" if was.chain and not now.chain else ""
    return EvidenceChange(change=Change.FELL, old=was, new=now, reason=reason + before)


def _chain_start(item: Evidence) -> str:
    first = item.chain[0]
    return f"{first.path}:{first.line} {first.what}" if first.line else f"{first.path} {first.what}"


def _withheld(document: Document) -> dict[str, str]:
    """The capabilities that something live could have shown and was not asked for, with the reason."""
    live = {target["id"] for target in document["targets"] if target["kind"] in LIVE_KINDS}
    gaps = [item for item in document["coverage"] if not item["searched"] and item["target"] in live]
    return {
        name: f"could not be asked: {item['reason']}" + (f"; needs {item['needs']}" if item["needs"] else "")
        for item in reversed(gaps)
        for name in item["capabilities"]
    }


def _why_gone(item: Evidence, new: Document) -> str:
    path = item.location.path
    if item.location.resource:
        return _withheld(new).get(item.capability, "nothing like it is found there any more")
    for error in new["errors"]:
        if path and error["path"] == path:
            return f"the file could not be read: {error['what']}"
    if path and any(other["location"].get("path") == path for other in new["evidence"]):
        return "the file is there; this is not found in it any more"
    return "nothing is found at this path any more" if path else ""


def _evidence_order(change: EvidenceChange) -> tuple[str, str, str, str, str]:
    item = change.new or change.old
    assert item is not None
    return item.capability, item.location.path, item.location.resource, item.id, change.change.value


# ── Capabilities and criteria ────────────────────────────────────────────────────────────────────────


def _capabilities(old: Document, new: Document, evidence: Sequence[EvidenceChange], negative: frozenset[str]) -> Iterator[CapabilityChange]:
    for name in sorted({*old["capabilities"], *new["capabilities"]}):
        before, after = _strength(old, name), _strength(new, name)
        if before == after:
            continue
        change = Change.ROSE if after > before else Change.FELL
        deciding = [item for item in evidence if _capability_of(item) == name and _decides(item, before, after)]
        deciding.sort(key=lambda item: -max(_seen(item.old), _seen(item.new)))
        yield CapabilityChange(
            id=name,
            change=change,
            negative=name in negative,
            old=before,
            new=after,
            evidence=tuple(deciding),
            reason="" if deciding else "no evidence of it changed: what takes it away or lets it count did",
        )


def _strength(document: Document, capability: str) -> Strength:
    body = document["capabilities"].get(capability)
    return Strength[body["strength"].upper()] if body else Strength.ABSENT


def _seen(item: Evidence | None) -> Strength:
    return item.strength if item else Strength.ABSENT


def _decides(item: EvidenceChange, before: Strength, after: Strength) -> bool:
    if after > before:
        return _seen(item.new) > before >= _seen(item.old)
    return _seen(item.old) > after >= _seen(item.new)


def _capability_of(item: EvidenceChange) -> str:
    return (item.new or item.old).capability  # type: ignore[union-attr]


def _criteria(old: Document, new: Document, capabilities: Sequence[CapabilityChange]) -> Iterator[CriterionChange]:
    before, after = _criteria_by_id(old), _criteria_by_id(new)
    changed = {capability.id for capability in capabilities}
    shown = {item["id"]: item["capability"] for item in (*old["evidence"], *new["evidence"])}
    for name in dict.fromkeys((*after, *before)):
        was, now = before.get(name), after.get(name)
        change = _criterion_change(was, now)
        if change is Change.SAME:
            continue
        dimension, body = after.get(name) or before[name]
        hangs_on = {shown[i] for side in (was, now) if side for i in side[1]["evidence"] if i in shown}
        yield CriterionChange(
            id=name,
            title=body["title"],
            dimension=dimension,
            level=body["level"],
            essential=body["essential"],
            change=change,
            old_status=Status(was[1]["status"]) if was else None,
            new_status=Status(now[1]["status"]) if now else None,
            old_rating=_rating(was),
            new_rating=_rating(now),
            capabilities=tuple(sorted(hangs_on & changed)),
            reasons=tuple(now[1]["blockers"] or filter(None, (now[1]["reason"],))) if now else (),
        )


def _criteria_by_id(document: Document) -> dict[str, tuple[str, Document]]:
    return {item["id"]: (name, item) for name, dimension in document["dimensions"].items() for item in dimension["criteria"]}


def _rating(side: tuple[str, Document] | None) -> Rating | None:
    return Rating(side[1]["rating"]) if side and side[1]["rating"] else None


def _criterion_change(was: tuple[str, Document] | None, now: tuple[str, Document] | None) -> Change:
    if was is None or now is None:
        return Change.CAME if was is None else Change.WENT
    old, new = _rating(was), _rating(now)
    if old and new and old != new:
        return Change.ROSE if _ORDER.index(new) > _ORDER.index(old) else Change.FELL
    return Change.SAME if was[1]["status"] == now[1]["status"] else Change.CHANGED


# ── What a gate may refuse ───────────────────────────────────────────────────────────────────────────


def _regressions(
    dimensions: Sequence[LevelChange],
    criteria: Sequence[CriterionChange],
    capabilities: Mapping[str, CapabilityChange],
    withheld: Mapping[str, str],
) -> Iterator[Regression]:
    out_of_sight = {item.id for item in criteria if _is_out_of_sight(item, capabilities, withheld)}
    for dimension in dimensions:
        fallen = [
            item
            for item in criteria
            if item.dimension == dimension.id and item.level <= (dimension.old.level or 0) and item.change in (Change.FELL, Change.CHANGED)
        ]
        excused = bool(fallen) and all(item.new_status in _EXCUSED or item.id in out_of_sight for item in fallen)
        if dimension.change is Change.FELL and not excused:
            what = f"{dimension.title} fell from level {dimension.old.level} to level {dimension.new.level}"
            yield Regression(subject=dimension.id, what=what)
    for item in criteria:
        # Unknown counts: a change that hides what was met must not pass for one that keeps it.
        is_less = item.old_status is Status.MET and item.new_status in (Status.PARTLY, Status.UNMET, Status.UNKNOWN)
        if is_less and item.id not in out_of_sight:
            why = [_sentence(capabilities[name]) for name in item.capabilities] or list(item.reasons)
            more = [f"{len(why) - _WHYS} more"] if len(why) > _WHYS else []
            what = f"{item.title} ({item.dimension} {item.level}): was met, is {item.new_status.value} now"  # type: ignore[union-attr]
            yield Regression(subject=item.id, what=f"{what}: {'; '.join([*why[:_WHYS], *more])}" if why else what)


def _is_out_of_sight(item: CriterionChange, capabilities: Mapping[str, CapabilityChange], withheld: Mapping[str, str]) -> bool:
    """Whether a criterion is less achieved only because something live was not asked this time: a denied call, a region without an answer.

    No change of a repository does that, so that nobody can hide behind it.
    """
    changes = [capabilities[name] for name in item.capabilities if capabilities[name].change is Change.FELL]
    return bool(changes) and all(
        change.id in withheld and change.evidence and all(one.old and one.old.location.resource for one in change.evidence)
        for change in changes
    )


def _sentence(change: CapabilityChange) -> str:
    text = f"{change.id} {change.old.label} → {change.new.label}"
    if not change.evidence:
        return text
    first = change.evidence[0]
    where = (first.new or first.old).location.place  # type: ignore[union-attr]
    return f"{text} ({where}{': ' + first.reason if first.reason else ''})"


# ── Dead ends, coverage, errors ──────────────────────────────────────────────────────────────────────

_Known = Mapping[tuple[str, ...], tuple[str, int, str, str]]
"""Identity without line numbers → path, line, what, remediation."""


def _dead_ends(document: Document) -> _Known:
    return {
        (item["id"],): (item["location"].get("path", ""), item["location"].get("line", 0), item["what"], item["remediation"])
        for item in document["dead_ends"]
    }


def _unsearched(document: Document, whole: frozenset[str]) -> _Known:
    """Each thing that was not searched by itself, though the coverage names several at once; for reasons in `whole` all as one."""
    found: dict[tuple[str, ...], tuple[str, int, str, str]] = {}
    for item in document["coverage"]:
        reason = item["reason"]
        for part in () if item["searched"] else (item["what"],) if reason in whole else item.get("parts") or (item["what"],):
            key = (reason,) if reason in whole else (part, reason)
            found.setdefault(key, ("", 0, ": ".join(filter(None, (part, reason))), item["needs"]))
    return found


def _abridged(*documents: Document) -> frozenset[str]:
    """Reasons of which the coverage names only the first places."""
    return frozenset(item["reason"] for document in documents for item in document["coverage"] if item.get("more"))


def _errors(document: Document) -> _Known:
    return {(item["path"], item["what"]): (item["path"], item["line"], item["what"], "") for item in document["errors"]}


def _differences(before: _Known, after: _Known) -> tuple[Difference, ...]:
    return tuple(
        Difference(change=change, path=path, line=line, what=what, remediation=remediation)
        for change, items, others in ((Change.CAME, after, before), (Change.WENT, before, after))
        for key, (path, line, what, remediation) in items.items()
        if key not in others
    )


def _notes(old: Document, new: Document) -> Iterator[str]:
    if old["rung"]["packs"] != new["rung"]["packs"]:
        yield (
            f"The two results were made by different detectors or rules (packs {old['rung']['packs']} and {new['rung']['packs']}):"
            " a change may be theirs. Scan the older revision again to tell."
        )
    if old["rung"]["version"] != new["rung"]["version"]:
        yield f"The two results were made by different versions of Rung ({old['rung']['version']} and {new['rung']['version']})."
