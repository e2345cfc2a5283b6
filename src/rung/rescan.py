"""One revision after another, scanned as each would be by itself, in the time that its changes take.

What was read is kept by path and content. A revision in which nothing changed that wiring and
rules look at stands where the one before it stood.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import partial

from rung import assess
from rung.cache import cache_of
from rung.detect import Detection, decided_later, starts_of, unread
from rung.hits import Match
from rung.matchers import Matchers
from rung.modules import LocalNames, Modules
from rung.parts import own_uses, part_at
from rung.policy import in_force, systems_of
from rung.prefilter import Prefilter
from rung.readers import Continuations, Readers
from rung.records import (
    LEFT_OUT,
    NO_PROOF,
    NOT_OURS,
    Config,
    Definition,
    Framework,
    Import,
    Include,
    Packs,
    Problem,
    Proof,
    Record,
    Role,
    SourceFile,
    Standing,
    Standings,
    Strength,
    Test,
)
from rung.scan import hidden_by
from rung.sharing import Progress
from rung.targets.objects import MISSING
from rung.targets.target import Entry as Listed
from rung.targets.target import Target
from rung.wiring import Wiring

MOST_FACTS = 100_000
"""Facts, what they name, and hits of files that the last revision does not have, kept in case that another one has them."""
MOST_PROOFS = 5
"""Pieces of evidence that are remembered of one capability."""
_WAITING = 100
"""Files whose facts are written together: a revision changes few."""
_LINES = ("line", "end_line")
_OF_MATCHES = ("line", "task", "workflow", "job", "step", "toothless")
"""What is looked at of a match; how many there are is only told of a single scan."""
_OF_STARTS = (*_OF_MATCHES, "fact")

_Key = tuple[str, str, int, str]
_Shape = tuple[bytes, AbstractSet[tuple[str | None, str]]]


class Rescan:
    """Where a system stands at one revision after another of its repository.

    Memory is bounded by the facts of the largest revision and `MOST_FACTS` more, however many revisions there are.
    """

    def __init__(self, packs: Packs, config: Config, framework: Framework, *, system: str = "") -> None:
        self._packs = packs
        self._config = config
        self._framework = framework
        self._system = system
        self._annotations = in_force(config, system, datetime.now(UTC).date().isoformat())
        self._matchers = Matchers(packs)
        self._cache = cache_of(packs.digest, waiting=_WAITING)
        self._readers = Readers(self._matchers, Prefilter(self._matchers), self._cache)
        self._searched = self._matchers.in_files
        self._negative = frozenset(capability.id for capability in packs.capabilities if capability.negative)
        self._now: dict[str, _Known] = {}
        """The files of the last revision."""
        self._spare = OrderedDict[_Key, _Known]()
        """Files that the last revision does not have, those that went last at the end."""
        self._spare_facts = 0
        self._continuations: Continuations = {}
        self._standings: Standings | None = None
        self.read = 0
        """Files that were read so far."""
        self.missing = False
        """Whether contents of the last revision are not in the clone."""

    def at(self, target: Target, progress: Progress | None = None) -> Standings:
        """Where the system (one that the configuration has; empty where it has none) stands in a target that is another revision of the same repository."""
        before, self._now = self._now, self._look(target, progress)
        self.missing = any(known.own.unread == MISSING for known in self._now.values())
        if not self._keeps(before, target) or self._standings is None:
            self._standings = self._conclude(target, self._now)
        return self._standings

    def keep(self) -> None:
        """Keep what was read for later scans; call it after the last revision, and before this process is forked."""
        if self._cache:
            self._cache.write()

    def _look(self, target: Target, progress: Progress | None) -> dict[str, _Known]:
        """What is known of every file, after reading those of which nothing is."""
        entries = target.list()
        last, spare = self._now, self._spare
        new = [entry for entry in entries if not ((known := last.get(entry.path)) and known.entry == entry) and _key(entry) not in spare]
        read = zip(new, self._readers.read_listed(target, new, progress=progress)) if new else ()
        self.read += len(new)
        made = {entry.path: _Known(entry, file) for entry, file in read}
        now = {}
        for entry in entries:
            known = last.get(entry.path)
            if known is None or known.entry != entry:
                known = made.get(entry.path)
                if known is None:
                    known = spare.pop(_key(entry))
                    self._spare_facts -= known.weight
            now[entry.path] = known
        for path, known in last.items():
            if now.get(path) is not known:
                spare[_key(known.entry)] = known
                self._spare_facts += known.weight
        while self._spare_facts > MOST_FACTS:
            _, forgotten = spare.popitem(last=False)
            self._spare_facts -= forgotten.weight
        return now

    def _keeps(self, before: dict[str, _Known], target: Target) -> bool:
        """Whether wiring and rules see no difference between the last revision's files and those before it, all of which are brought up to date."""
        now = self._now
        changed = {path for path, known in now.items() if before.get(path) is not known}
        same_paths = before.keys() == now.keys()
        if same_paths and not changed:
            return True
        differs = not same_paths
        files = self._whole(target)
        names = LocalNames.among(files)
        modules = Modules.among(files)
        for file in files:
            known = now[file.path]
            if same_paths and file.path not in changed and file is known.whole:
                continue  # Which names are the repository's own only changes with paths.
            was = None if differs else before[file.path].shape(modules)
            known.update(file, partial(names.names, file.path), self._matchers)
            differs = differs or known.shape(modules) != was
        return not differs

    def _whole(self, target: Target) -> Sequence[SourceFile]:
        """The files of the last revision, each with its readings as the continuation of others."""
        files = [known.own for known in self._now.values()]
        if not any(known.includes for known in self._now.values()):
            return files
        return self._readers.follow_includes(target, files, self._continuations)

    def _conclude(self, target: Target, now: dict[str, _Known]) -> Standings:
        identity = target.info.id
        files = [known.whole for known in now.values()]
        matches = {path: known.matches for path, known in now.items() if known.matches}
        wiring = Wiring(files, starts_of(matches))
        own = dict(systems_of(files, self._config))[self._system]
        mine = [file for file in own if file.unread not in NOT_OURS]
        aside = [file for file, marked in zip(files, own) if marked.unread == LEFT_OUT]
        detection = Detection(files, matches, wiring, identity)
        evidence = detection.evidence(mine)
        if aside:
            # What is left out earns nothing, but what counts against maturity can't be left out: that would raise a level.
            against = detection.evidence(aside)
            evidence += tuple(item for item in against if item.capability in self._negative)
        hidden = unread(own, partial(hidden_by, self._readers, self._matchers, target), identity, target.coverage())
        outside = assess.elsewhere(self._packs.elsewhere, evidence, self._packs.capabilities)
        coverage = (*hidden, *decided_later(wiring.unknown(), identity), *outside)
        result = assess.assess(self._framework, evidence, coverage, self._packs.capabilities, self._searched, annotations=self._annotations)
        by_id = {item.id: item for item in evidence}
        strengths = [found for found in assess.strengths(evidence, self._packs.capabilities) if found[1] > Strength.ABSENT]
        return Standings(
            overall=Standing(level=result.level, confirmed=result.confirmed, ceiling=result.ceiling, score=result.score),
            dimensions=tuple(
                (one.id, Standing(level=one.level, confirmed=one.confirmed, ceiling=one.ceiling, score=one.score))
                for one in result.dimensions
            ),
            strengths=tuple((name, strength) for name, strength, _ in strengths),
            proofs={
                name: tuple(
                    Proof(tool=item.tool, path=item.location.path, strength=item.strength, note=item.note)
                    for item in (by_id[identity] for identity in ids[:MOST_PROOFS])
                )
                for name, _, ids in strengths
            },
        )


class _Known:
    """A file as it was read, and what follows from it in the last revision that had it."""

    __slots__ = ("_asked", "_local", "_shape", "entry", "includes", "matches", "own", "weight", "whole")

    def __init__(self, entry: Listed, own: SourceFile) -> None:
        self.entry = entry
        self.own = own
        self.whole = own
        """With its reading as the continuation of another file."""
        self.includes = any(isinstance(fact, Include) for fact in own.facts)
        self.weight = len(own.facts) + len(own.hits) + sum(len(fact.uses) for fact in own.facts if isinstance(fact, Definition))
        self.matches: tuple[Match, ...] = ()
        self._asked: frozenset[str] | None = None
        self._local: AbstractSet[str] = frozenset()
        self._shape = b""

    def update(self, whole: SourceFile, names: Callable[[], AbstractSet[str]], matchers: Matchers) -> None:
        """Match again, if the file reads on differently now, or some of the `names` of the repository's own that it imports changed."""
        if whole is not self.whole and (whole.facts, whole.hits) != (self.whole.facts, self.whole.hits):
            self._asked = None
            self.whole = whole
        if self._asked == frozenset():
            return
        known = self._asked
        self._asked = frozenset(module for hit in whole.hits for group in hit.modules for module in group)
        local = self._asked & names() if self._asked else frozenset[str]()
        if known is not None and local == self._local:
            return
        self._local = local
        self.matches = tuple(matchers.matches(self.whole, local.__contains__))
        self._shape = b""

    def shape(self, modules: Modules) -> _Shape:
        """The same for two files of one path between which neither wiring nor rules see a difference, among the same `modules`.

        Lines count by their order only, an import by the file of the repository that it leads to, parts of a file by what they use of it.
        """
        if not self._shape:
            self._shape = _shape_of(self.whole, self.matches)
        if self.whole.role is Role.TEST or self.whole.role in NO_PROOF:
            return self._shape, frozenset()  # Nobody goes on from what a test imports.
        imported = modules.imported(self.whole)
        at = part_at(self.whole.facts)
        return self._shape, frozenset(
            [(at(fact.line), path) for fact, path in imported] + list(_uses_of(self.whole, {fact.module for fact, _ in imported}))
        )


def _uses_of(file: SourceFile, own: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """What the parts of a file use of it, and of the imports in `own`, each with what uses it; a file that has parts has the first of them."""
    parts = [fact for fact in file.facts if isinstance(fact, Definition)]
    yield from ((part.name, "") for part in parts[:1])
    for part, uses in own_uses(parts, own):
        if part.command:
            yield part.command, part.name
        yield from ((part.name, use) for use in uses)


def _key(entry: Listed) -> _Key:
    return entry.path, entry.blob, entry.size, entry.unread


# ── The shape of a file ──────────────────────────────────────────────────────────────────────────────


def _shape_of(file: SourceFile, matches: Sequence[Match]) -> bytes:
    tells = bool(file.hits) or any(not isinstance(fact, Problem) for fact in file.facts)
    parts: list[object] = [file.path, file.role, file.lfs, file.unread, tells]
    lines: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    for fact in file.facts:
        if not isinstance(fact, (Definition, Import, Test)):  # Of tests nothing is asked but what matches.
            _flatten(fact, parts, lines, seen)
    at = part_at(file.facts)
    for match in matches:
        parts += (match.owned.key, at(match.line))
        for name in _OF_MATCHES if match.owned.start is None else _OF_STARTS:
            _flatten_field(name, getattr(match, name), parts, lines, seen)
    ranks = {line: rank for rank, line in enumerate(sorted({line for _, line in lines} | {0}))}
    for index, line in lines:
        parts[index] = ranks[line]
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _flatten(value: object, parts: list[object], lines: list[tuple[int, int]], seen: dict[int, int]) -> None:
    # As deep as records are: commands in steps in jobs in workflows.
    if isinstance(value, tuple):
        parts.append(len(value))
        for item in value:
            _flatten(item, parts, lines, seen)
    elif isinstance(value, Record):
        if id(value) in seen:
            parts.append(("again", seen[id(value)]))
            return
        seen[id(value)] = len(seen)
        parts.append(type(value).__name__)
        for name in value.__struct_fields__:
            _flatten_field(name, getattr(value, name), parts, lines, seen)
    else:
        parts.append(value)


def _flatten_field(name: str, value: object, parts: list[object], lines: list[tuple[int, int]], seen: dict[int, int]) -> None:
    if name in _LINES and isinstance(value, int):
        lines.append((len(parts), value))
    _flatten(value, parts, lines, seen)
