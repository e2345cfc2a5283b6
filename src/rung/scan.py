"""The whole program on one screen: target → facts → evidence → assessment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from rung import __version__, assess
from rung.cache import cache_of
from rung.config import NAME
from rung.dead_ends import DeadEnds
from rung.detect import Detection, decided_later, match, names_shown, problems, starts_of, unread
from rung.excerpt import excerpts
from rung.inventory import Declared, is_compared
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.policy import in_force, policy_of, systems_of
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.records import (
    LEFT_OUT,
    NOT_OURS,
    TAGS,
    Assessment,
    Config,
    Coverage,
    DeadEnd,
    Evidence,
    Framework,
    Inventory,
    Packs,
    Problem,
    Resource,
    ScanError,
    SourceFile,
    TargetInfo,
)
from rung.sharing import Progress
from rung.targets.opening import open_target
from rung.targets.target import Target, Unread
from rung.wiring import Wiring

if TYPE_CHECKING:  # What asks accounts is only imported where one is asked.
    from rung.accounts import Accounts
    from rung.collect import Live


def scan_path(
    path: str,
    *,
    revision: str = "",
    subfolder: str = "",
    frameworks: Sequence[str] = (),
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Assessment:
    """Scans what a path names as one system, whatever configuration lies in it.

    Args:
        path: a folder, most often a git work tree; a revision of a repository (`folder@REV`), or the URL of one.
        revision: the revision, where `path` names none; empty for the work tree, or a remote repository's default branch.
        subfolder: the part of it to scan, relative to it; empty for all.
        frameworks: ids of the maturity models to rate by; empty for the default one.
        progress: hears of files read.
        say: hears of what takes long before that, a sentence each.

    Raises:
        TargetError: it can't be read.
        PackError: a pack of ours is wrong.
    """
    packs = load_packs()
    return scan(opened(path, packs, revision=revision, subfolder=subfolder, say=say), packs, frameworks=frameworks, progress=progress)


def opened(path: str, packs: Packs, *, revision: str = "", subfolder: str = "", say: Callable[[str], None] = lambda _: None) -> Target:
    """What a path names, listed and ready to be scanned; see `scan_path`."""

    @cache
    def readers() -> Readers:
        matchers = Matchers(packs)
        return Readers(matchers, Prefilter(matchers))

    return open_target(path, revision, subfolder=subfolder, needed=lambda file: file == NAME or readers().opens(file), say=say)


def scan(target: Target, packs: Packs, *, frameworks: Sequence[str] = (), progress: Progress | None = None) -> Assessment:
    """Scans one target with the given packs and assesses it as a system of its own."""
    return scan_systems((target,), packs, Config(), frameworks=frameworks, progress=progress)[0]


def scan_systems(
    targets: Sequence[Target],
    packs: Packs,
    config: Config,
    *,
    frameworks: Sequence[str] = (),
    progress: Progress | None = None,
    accounts: Accounts | None = None,
) -> tuple[Assessment, ...]:
    """Scans targets and assesses each system that the configuration finds in a repository; without any, all of them as one.

    All files of a repository are read once and wired as one, so that a workflow at the root still starts what a system's folder holds.
    What is live is part of every system.

    Args:
        targets: repositories; none where only what is live is looked at.
        packs: what to go by.
        config: what the systems' configuration says.
        frameworks: ids of the maturity models; empty for those of the configuration, else the default one.
        progress: hears of files read.
        accounts: what is live.
    """
    matchers = Matchers(packs)
    readers = Readers(matchers, Prefilter(matchers), cache_of(packs.digest))
    read = [(target, readers.read_all(target, progress=progress)) for target in targets]
    declared = _declared(read, packs, matchers) if accounts else None
    lives = accounts.look(matchers, declared) if accounts else ()
    searching = _Searching(packs, readers, matchers, config, [item for live in lives for item in live.evidence])
    parts: dict[str, list[_Part]] = {} if targets else {"": []}
    for target, files in read:
        for system, part in searching.parts(target, files):
            parts.setdefault(system, []).append(_apart(part, len(parts.get(system, ()))))
    wanted = frameworks or config.frameworks or (packs.frameworks[0].id,)
    chosen = [framework for framework in packs.frameworks if framework.id in wanted]
    inventory = (
        declared.inventory(frozenset(name for live in lives for name in live.listed)) if declared and declared.any and lives else None
    )
    return tuple(
        _concluded(system, found, lives, packs=packs, config=config, frameworks=chosen, searching=searching, inventory=inventory)
        for system, found in parts.items()
    )


class _Part(Struct, frozen=True, kw_only=True):
    """What one target shows of one system."""

    info: TargetInfo
    evidence: tuple[Evidence, ...]
    coverage: tuple[Coverage, ...]
    errors: tuple[ScanError, ...]
    dead_ends: tuple[DeadEnd, ...]


class _Searching:
    """The looking through of repositories, all by the same packs and configuration."""

    def __init__(self, packs: Packs, readers: Readers, matchers: Matchers, config: Config, live: Sequence[Evidence]) -> None:
        self._packs, self._readers, self.matchers, self._config = packs, readers, matchers, config
        self._live = [item for item in live if not matchers.signal(item).given]
        self.shown = frozenset(item.capability for item in self._live)
        """Capabilities that what is live shows by itself."""
        self._negative = frozenset(capability.id for capability in packs.capabilities if capability.negative)

    def parts(self, target: Target, files: Sequence[SourceFile]) -> Iterator[tuple[str, _Part]]:
        """What a repository shows of each of its systems; no name where there is no split."""
        identity = target.info.id
        matches = match(files, self.matchers)
        starts = starts_of(matches)
        wiring = Wiring(files, starts)
        detection = Detection(files, matches, wiring, identity)
        later = decided_later(wiring.unknown(), identity)
        dead_ends = DeadEnds(target, wiring.tree, starts)
        for system, own in systems_of(files, self._config):
            mine = [file for file in own if file.unread not in NOT_OURS]
            aside = [file for file, marked in zip(files, own) if marked.unread == LEFT_OUT]
            paths = {file.path for file in mine}
            found = detection.evidence(mine, live=self.shown)
            # What is left out earns nothing, but what counts against maturity can't be left out: that would raise a level.
            against = (item for item in detection.evidence(aside) if item.capability in self._negative)
            evidence = tuple(_with_excerpts((*found, *against), files, target))
            ends = dead_ends.find(evidence, self._packs.detectors, self._packs.dead_ends, live=self._live)
            yield (
                system,
                _Part(
                    info=replace(target.info, files=sum(file.path != TAGS for file in mine)),
                    evidence=evidence,
                    coverage=(*unread(own, partial(hidden_by, self._readers, self.matchers, target), identity, target.coverage()), *later),
                    errors=problems(mine, identity),
                    dead_ends=tuple(end for end in ends if end.location.path in paths),
                ),
            )


def _concluded(
    system: str,
    parts: Sequence[_Part],
    lives: Sequence[Live],
    *,
    packs: Packs,
    config: Config,
    frameworks: Sequence[Framework],
    searching: _Searching,
    inventory: Inventory | None,
) -> Assessment:
    """The assessment of a system from what its targets show."""
    matchers = searching.matchers
    evidence = tuple(item for part in parts for item in part.evidence)
    shown = searching.shown | {
        name for item in evidence for name in names_shown(f"{item.detector}/{item.signal}", matchers.signal(item), item.strength)
    }
    evidence += tuple(
        item for live in lives for item in live.evidence if not (given := matchers.signal(item).given) or shown.intersection(given)
    )
    coverage = tuple(entry for found in (*(part.coverage for part in parts), *(live.coverage for live in lives)) for entry in found)
    coverage = (*coverage, *(assess.elsewhere(packs.elsewhere, evidence, packs.capabilities) if parts else (_no_repository(matchers),)))
    now = datetime.now(UTC)
    today = now.date().isoformat()
    annotations = in_force(config, system, today)
    searched = matchers.in_files | {name for entry in coverage if entry.searched for name in entry.capabilities}
    results = tuple(
        assess.assess(framework, evidence, coverage, packs.capabilities, searched, annotations=annotations) for framework in frameworks
    )
    infos = (*(part.info for part in parts), *(live.info for live in lives))
    return Assessment(
        version=__version__,
        digest=packs.digest,
        generated_at=now.isoformat(timespec="seconds"),
        scope={"system": system or config.system or (infos[0].name if infos else "nothing")}
        | ({"repository": infos[0].name} if system else {}),
        targets=infos,
        results=results,
        strengths=assess.strengths(evidence, packs.capabilities),
        evidence=evidence,
        coverage=coverage,
        errors=tuple(error for part in parts for error in part.errors),
        next_steps=assess.next_steps(frameworks[0], results[0]),
        dead_ends=tuple(end for found in (*(part.dead_ends for part in parts), *(live.dead_ends for live in lives)) for end in found),
        policy=policy_of(config, system, today, results),
        inventory=inventory,
        partial=any(live.stopped for live in lives),
    )


def _apart(part: _Part, number: int) -> _Part:
    """A part whose target's id is unlike those of the system's other repositories, of which there are so many already."""
    if not number:
        return part
    old, new = part.info.id, f"{part.info.id}-{number + 1}"
    return _Part(
        info=replace(part.info, id=new),
        evidence=tuple(
            replace(item, id=sha256(f"{new} {item.id}".encode()).hexdigest()[:12], location=replace(item.location, target=new))
            for item in part.evidence
        ),
        coverage=tuple(replace(entry, target=new) if entry.target == old else entry for entry in part.coverage),
        errors=tuple(replace(error, target=new) for error in part.errors),
        dead_ends=tuple(
            replace(end, id=sha256(f"{new} {end.id}".encode()).hexdigest()[:12], location=replace(end.location, target=new))
            for end in part.dead_ends
        ),
    )


def _declared(read: Sequence[tuple[Target, Sequence[SourceFile]]], packs: Packs, matchers: Matchers) -> Declared:
    """What the repositories declare of the types that are compared with what is live."""
    types = frozenset(resource.type for resource in packs.resources if is_compared(resource, matchers))
    return Declared(((target.info.id, files) for target, files in read), matchers.canonical, types)


def _no_repository(matchers: Matchers) -> Coverage:
    """What is not seen where no target is a repository."""
    needs = "its folder or URL as a target"
    return Coverage(
        target="",
        what="the repository",
        searched=False,
        reason="none was named",
        needs=needs,
        capabilities=tuple(sorted(matchers.in_files)),
    )


def hidden_by(readers: Readers, matchers: Matchers, target: Target, file: SourceFile) -> tuple[str, ...]:
    """The capabilities that a file could have shown, had it been read whole; what is not the system's own hides nothing, nor do archives and examples.

    Configuration that could be opened hides what asks for keys whose words are in its text.
    """
    if file.unread in NOT_OURS:
        return ()
    if (file.hits or any(not isinstance(fact, Problem) for fact in file.facts)) and file.path.endswith((".py", ".ipynb")):
        return ()  # The line scanner has read what the parser could not.
    recognised = any(isinstance(fact, Resource) for fact in file.facts)
    kinds = {kind for reading in readers.claiming(file.path) if recognised or not reading.tried for kind in reading.shows}
    data = target.read(file.path) if "config" in kinds and not file.unread else None
    asking = matchers.asking_for_settings(file.path) if data is None or isinstance(data, Unread) else readers.asked_in(file.path, data)
    return matchers.could_show(kinds, file.role, asking)


def _with_excerpts(evidence: Sequence[Evidence], files: Sequence[SourceFile], target: Target) -> list[Evidence]:
    """The evidence with the line it stands on, shortened and without secrets."""
    known = {file.path: file.excerpts for file in files if file.hits}
    lines: dict[str, set[int]] = {}
    for item in evidence:
        if item.location.line and item.location.line not in known[item.location.path]:
            lines.setdefault(item.location.path, set()).add(item.location.line)
    # What is known by its name was not opened to be read.
    target.expect(sorted(lines))
    for path in sorted(lines):
        data = target.read(path)
        if not isinstance(data, Unread):
            known[path] = known[path] | excerpts(data, lines[path])
    return [replace(item, excerpt=known[item.location.path].get(item.location.line, "")) for item in evidence]
