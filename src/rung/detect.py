"""Facts × signals → evidence: what was matched, how strong the proof is, and the chain that shows it at work."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, cached_property, partial
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from rung.copies import published_models
from rung.excerpt import excerpt
from rung.hits import LOWERED, Match, Owned, alike
from rung.libraries import made_for_others
from rung.matchers import Matchers
from rung.modules import LocalNames, Modules
from rung.phrases import listed
from rung.records import (
    NOT_OURS,
    Command,
    Coverage,
    Evidence,
    Hop,
    Location,
    Problem,
    Role,
    ScanError,
    Signal,
    SourceFile,
    Strength,
    Unknown,
    Workflow,
)
from rung.targets.files import LINK
from rung.transitive import brought_along
from rung.unused import switched_off, unused_modules, unused_roles
from rung.wiring import Root, Wiring, is_in_place

MAX_PLACES = 25
"""Files that one signal gives evidence in; the count of all of them stays in `occurrences`."""

_NAMED = 3
"""Files, or places in them, that coverage names; the rest is counted."""
_OF_CODE = frozenset({"call", "file", "gate", "import", "literal", "text"})
"""Matchers whose matches are code that runs when something calls it; what the others find is itself what runs or is declared."""
_ROOTS = {"ci": Root.CI, "schedule": Root.SCHEDULE}
"""What a signal's `in` demands that a chain begins with."""


class _Hit(NamedTuple):
    """A match that proves something."""

    strength: Strength
    match: Match
    chain: tuple[Hop, ...]
    note: str


_Found: TypeAlias = dict[str, dict[str, list[_Hit]]]
"""Hits by signal and file."""


def match(files: Sequence[SourceFile], matchers: Matchers) -> dict[str, tuple[Match, ...]]:
    """What every signal and start matches in each file that anything matches in, by path."""
    shadows = LocalNames.among(files)
    return {file.path: tuple(matchers.matches(file, shadows.seen_from(file.path))) for file in files if file.hits}


def starts_of(matches: Mapping[str, Sequence[Match]]) -> dict[str, tuple[Match, ...]]:
    """The matches that say what a file starts, by path."""
    found = ((path, tuple(match for match in hits if match.owned.start)) for path, hits in matches.items())
    return {path: hits for path, hits in found if hits}


class Detection:
    """What the matches in the files of one target prove, for all of it or for the files of one system of it.

    Args:
        files: every file of the target with its facts.
        matches: what every signal and start matches in each, by path.
        wiring: the chains that reach them.
        target: the id of the target.
    """

    def __init__(self, files: Sequence[SourceFile], matches: Mapping[str, Sequence[Match]], wiring: Wiring, target: str) -> None:
        self._files, self._matches, self._wiring, self._target = files, matches, wiring, target
        self._behind = cache(partial(wiring.tree.modules.behind, files))

    def evidence(self, own: Sequence[SourceFile] | None = None, *, live: AbstractSet[str] = frozenset()) -> tuple[Evidence, ...]:
        """The evidence in the files, or in those of `own`, one record a signal and file, sorted; excerpts are not filled in yet.

        `live` are the capabilities that something live shows.
        """
        found = self._hits(self._files if own is None else own)
        shown = _shown(found, live)
        evidence = [
            item
            for key, places in found.items()
            for item in _evidence(key, places, self._target)
            if not (given := _owned(places).signal.given) or shown.intersection(given)
        ]
        return tuple(
            sorted(
                evidence,
                key=lambda item: (item.capability, -item.strength, item.location.path, item.location.line, item.detector, item.signal),
            )
        )

    def _hits(self, judging: Sequence[SourceFile]) -> _Found:
        """What the matches in some of the files prove."""
        found: _Found = defaultdict(lambda: defaultdict(list))
        for file in judging:
            shown = (match for match in self._matches.get(file.path, ()) if match.owned.start is None)
            for match in alike(shown, partial(self._wiring.tree.parts.at, file.path)):
                if match.owned.key in self._transitive.get(file.path, ()):
                    continue
                if (asked := match.owned.behind) and file.path not in self._behind(asked):
                    continue
                if judged := _judge(file, match, self._wiring):
                    if note := self._set_aside(file.path, match):
                        judged = Strength.DECLARED, (), note
                    strength, chain, note = judged
                    found[match.owned.key][file.path].append(_Hit(strength, match, chain, note))
        return found

    @cached_property
    def _transitive(self) -> Mapping[str, frozenset[str]]:
        return brought_along(self._files, self._matches)

    @cached_property
    def _set_aside(self) -> Callable[[str, Match], str]:
        return _set_aside(self._files, self._matches, self._wiring.tree.modules)


def _set_aside(files: Sequence[SourceFile], matches: Mapping[str, Sequence[Match]], modules: Modules) -> Callable[[str, Match], str]:
    """Why what a file shows is declared only, whatever reaches it; empty when it is the system's own and in use."""
    copied, unused, offered = published_models(files), unused_modules(files), made_for_others(files, matches, modules)
    roles, off = unused_roles(files), switched_off(files)

    def reason(path: str, match: Match) -> str:
        if path in copied:
            return "in a model's folder as others publish it"
        if path in unused:
            return "in a module that nothing uses"
        if path in roles:
            return "in a role that nothing uses"
        if (path, match.line) in off:
            return "switched off by default"
        capability = match.owned.capability
        return "in a library made for others" if capability and capability.offered and path in offered else ""

    return reason


def _owned(places: Mapping[str, Sequence[_Hit]]) -> Owned:
    """The signal whose hits these are."""
    return next(iter(places.values()))[0].match.owned


def _evidence(key: str, places: Mapping[str, Sequence[_Hit]], target: str) -> Iterator[Evidence]:
    """The best hit of one signal in each file, from the strongest place on; those beyond `MAX_PLACES` are counted only."""
    owned = _owned(places)
    best = [
        (path, max(hits, key=lambda hit: (hit.strength, -hit.match.line)), sum(hit.match.number for hit in hits))
        for path, hits in places.items()
    ]
    best.sort(key=lambda item: (-item[1].strength, item[0]))
    left_out = sum(count for _, _, count in best[MAX_PLACES:])
    for index, (path, hit, count) in enumerate(best[:MAX_PLACES]):
        yield Evidence(
            id=_identity(key, path),
            detector=owned.detector,
            signal=owned.signal.id,
            tool=owned.tool,
            capability=owned.signal.capability,
            strength=hit.strength,
            location=Location(target=target, path=path, line=hit.match.line, end_line=hit.match.end_line or hit.match.line),
            chain=hit.chain,
            occurrences=count + (left_out if index == 0 else 0),
            note=hit.note,
        )


def problems(files: Sequence[SourceFile], target: str) -> tuple[ScanError, ...]:
    """What in the files could not be read, one error a place, sorted."""
    errors = {
        # Several readers may stumble over one place of a file: it is one error.
        (file.path, fact.line): ScanError(target=target, path=file.path, what=fact.what, line=fact.line)
        for file in files
        for fact in sorted((fact for fact in file.facts if isinstance(fact, Problem)), key=lambda fact: fact.what, reverse=True)
    }
    return tuple(errors[key] for key in sorted(errors))


def unread(
    files: Sequence[SourceFile], hidden: Callable[[SourceFile], Iterable[str]], target: str, told: Sequence[Coverage] = ()
) -> tuple[Coverage, ...]:
    """Coverage of files that were listed and not read, or read with problems, by reason.

    Args:
        files: every file of the system. A link within the tree hides nothing: what it leads to is read where it is.
        hidden: the capabilities that a file could have shown.
        target: the id of the target.
        told: what the target itself says of its coverage; what it says of such files gets their capabilities.
    """
    groups: dict[str, list[SourceFile]] = defaultdict(list)
    for file in files:
        reason = file.unread or next((f"broken: {fact.what}" for fact in file.facts if isinstance(fact, Problem)), "")
        if reason and reason != LINK:
            groups[reason].append(file)
    capabilities = {
        reason: tuple(sorted({capability for file in members for capability in hidden(file)})) for reason, members in groups.items()
    }
    known = {one.reason for one in told}
    return (
        *(replace(one, capabilities=capabilities.get(one.reason, one.capabilities)) for one in told),
        *(
            _not_searched(
                [(file.path, file.path) for file in sorted(members, key=lambda file: file.path)],
                ", ",
                target=target,
                reason=reason,
                needs=NOT_OURS.get(reason) or ("the file mended" if reason.startswith("broken") else "a look by hand"),
                capabilities=capabilities[reason],
            )
            for reason, members in sorted(groups.items())
            if reason not in known
        ),
    )


def decided_later(unknown: Sequence[Unknown], target: str) -> tuple[Coverage, ...]:
    """Coverage of what something automatic starts and reading can't tell, by reason."""
    groups: dict[str, list[Unknown]] = defaultdict(list)
    for one in unknown:
        groups[one.reason].append(one)
    return tuple(
        _not_searched(
            [(f"{one.path}:{one.line} {excerpt(one.what)}", f"{one.path} {excerpt(one.what)}") for one in members],
            "; ",
            target=target,
            reason=reason,
            needs="the target written out" if "another repository" not in reason else "a scan of that repository",
        )
        for reason, members in sorted(groups.items())
    )


def _not_searched(
    named: Sequence[tuple[str, str]], separator: str, *, target: str, reason: str, needs: str, capabilities: tuple[str, ...] = ()
) -> Coverage:
    """Coverage of things that share a reason, the first of them named; each is given as people read it, and without its line."""
    return Coverage(
        target=target,
        what=listed((shown for shown, _ in named), _NAMED, by=separator),
        searched=False,
        parts=tuple(part for _, part in named[:_NAMED]) if len(named) > 1 or named[0][0] != named[0][1] else (),
        more=max(len(named) - _NAMED, 0),
        reason=reason,
        needs=needs,
        capabilities=capabilities,
    )


def _judge(file: SourceFile, match: Match, wiring: Wiring) -> tuple[Strength, tuple[Hop, ...], str] | None:
    """Strength, chain and the reason for a lowered strength; None when the match proves nothing where it stands."""
    signal = match.owned.signal
    strength = signal.strength
    if file.role not in signal.where:
        return (Strength.DECLARED, (), LOWERED[file.role]) if file.role in LOWERED and not match.owned.only_in else None
    if strength is Strength.DECLARED:
        return None if match.owned.only_in else (strength, (), "")
    if file.role is Role.TEMPLATE:
        only = _ROOTS.get(match.owned.only_in)
        never = only is Root.SCHEDULE and match.workflow is None and wiring.of_match(file.path, match, only=only) is None
        return None if never else (min(strength, Strength.IMPLEMENTED), (), "in a project template")
    if (match.job and match.job.disabled) or (match.step and match.step.disabled):
        return Strength.DECLARED, (), "disabled: its condition is never true"
    if match.workflow is not None and _is_out_of_place(file.path, match.workflow):
        return Strength.DECLARED, (), "never runs: its system does not look there"
    chain = wiring.of_match(file.path, match, only=_ROOTS.get(match.owned.only_in))
    if chain is None and match.owned.only_in == "schedule":
        return None
    if chain is None and match.workflow is not None:
        by_hand = wiring.by_hand(file.path, match)
        return min(strength, Strength.IMPLEMENTED), by_hand, "only started by hand" if by_hand else "nothing was seen to start it"
    if chain is None and match.owned.only_in:
        by_hand = wiring.by_hand(file.path, match)
        return (min(strength, Strength.IMPLEMENTED), by_hand, "only started by hand") if by_hand else None
    if isinstance(match.fact, Command) and (script := wiring.lacks(match.fact)):
        return Strength.DECLARED, (), f"`{script}` is not in the repository"
    swallowed = match.toothless or (match.step and match.step.continue_on_error) or (match.job and match.job.continue_on_error)
    capability = match.owned.capability
    if capability and capability.blocking and (swallowed or (chain and wiring.throws_away(chain))):
        return Strength.IMPLEMENTED, (), "a failure is thrown away"
    if chain and capability and capability.asked and _in_service_only(file.path, match, wiring):
        return min(strength, Strength.IMPLEMENTED), (), "a service does it when somebody asks"
    if chain and signal.at_most < Strength.AUTOMATED:
        return min(strength, signal.at_most), (), "being reached proves no more"
    if chain and strength >= Strength.AUTOMATED and _of_a_neighbour(file.path, match, chain):
        chain = None
    if chain:
        here = Hop(path=file.path, line=match.line, what=match.owned.tool)
        there_already = (chain[-1].path, chain[-1].line) == (here.path, here.line)
        return Strength.AUTOMATED, chain if there_already else (*chain, here), ""
    if strength >= Strength.AUTOMATED:
        what = "provisioned as code" if signal.matcher == "resource" else match.owned.tool
        return strength, (Hop(path=file.path, line=match.line, what=what),), ""
    by_hand = wiring.by_hand(file.path, match)
    return strength, by_hand, "only started by hand" if by_hand else "no automatic trigger was seen to reach it"


def _is_out_of_place(path: str, workflow: Workflow) -> bool:
    """Whether a workflow lies where its system never looks, and no other can call it there, as one can an action."""
    return not is_in_place(path, workflow) and not any(trigger.kind == "call" for trigger in workflow.triggers)


def _of_a_neighbour(path: str, match: Match, chain: tuple[Hop, ...]) -> bool:
    """Whether all that starts a resource's file is another resource that it declares, which starts no other of them."""
    return match.owned.signal.matcher == "resource" and len(chain) == 1 and chain[0].path == path and chain[0].line != match.line


def _in_service_only(path: str, match: Match, wiring: Wiring) -> bool:
    """Whether a match is in code that a service holds, and that no pipeline, schedule or event runs."""
    if match.task is not None or match.workflow is not None or match.owned.signal.matcher not in _OF_CODE:
        return False
    return not any(wiring.of_match(path, match, only=root) for root in (Root.CI, Root.SCHEDULE))


def _shown(found: _Found, live: AbstractSet[str]) -> frozenset[str]:
    """Capabilities that something live shows, or a signal that depends on nothing else or on what is shown; and these signals."""
    best = {key: max(hit.strength for hits in places.values() for hit in hits) for key, places in found.items()}
    proven = {
        (name, signal.given)
        for key, strength in best.items()
        for signal in (_owned(found[key]).signal,)
        for name in names_shown(key, signal, strength)
    }
    shown = set(live)
    while more := {name for name, given in proven if not given or not shown.isdisjoint(given)} - shown:
        shown |= more
    return frozenset(shown)


def names_shown(key: str, signal: Signal, strength: Strength) -> tuple[str, ...]:
    """What evidence of a signal stands for where another is only given with it: itself, and its capability where it is practised.

    A signal that proves no more than a mention stands for itself wherever it is found.
    """
    if strength >= Strength.IMPLEMENTED:
        return signal.capability, key
    return (key,) if strength >= signal.strength else ()


def _identity(key: str, path: str) -> str:
    return hashlib.sha256(f"{key}\0{path}".encode()).hexdigest()[:12]
