"""What is live → evidence: one engine that lists, tells more and matches, driven by the resource packs.

Resources stream through: of each only what it proves is kept, and of those only the best of a signal. What could not be asked is
coverage with what it would need, and never an empty list.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import BoundedSemaphore, Event, Lock
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from rung.asking import LIVE, Conditions, asked_of
from rung.detect import MAX_PLACES
from rung.excerpt import excerpt
from rung.hits import Owned
from rung.inventory import DECLARED, Declared, is_compared
from rung.matchers import Matchers
from rung.patterns import Attributes
from rung.phrases import listed
from rung.records import Coverage, DeadEnd, Evidence, Listing, Location, Resource, ResourceType, Strength, TargetInfo, Trap
from rung.sharing import Progress
from rung.targets.live.driver import CallError, Driver, interrupted
from rung.targets.live.fields import at_path, filled, flattened, items_at, names_in, time_of
from rung.wildcards import Condition, any_glob, folded, last_part

WINDOW = timedelta(days=90)
"""What was used within it is in use."""
MOST_TOLD = 1_000
"""Resources of one type and region of which more is asked than their list says."""
_LISTERS = 8
_TELLERS = 24
_WAITING = 4 * _TELLERS
"""Resources that wait until more is asked of them: listing goes no further ahead."""
_SILENCES = 2
"""Calls of a service in a row without any answer after which it is not asked again in a region, and services after which nothing is there."""
_NAMED = 3
"""Types and regions that a sentence names before it only counts the rest."""


class Live(Struct, frozen=True, kw_only=True):
    """What a live target showed."""

    info: TargetInfo
    evidence: tuple[Evidence, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    dead_ends: tuple[DeadEnd, ...] = ()
    listed: frozenset[str] = frozenset()
    """Types of which all resources were listed."""
    stopped: bool = False
    """The scan was interrupted before all was asked."""


class Terms(Struct, frozen=True, kw_only=True):
    """By what a live target is judged, and what may end its scan."""

    types: tuple[ResourceType, ...]
    matchers: Matchers
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    window: timedelta = WINDOW
    stop: Event = field(default_factory=Event)
    tellers: int = _TELLERS
    declared: Declared | None = None
    """What code declares, to be compared with what is live."""


def collect(driver: Driver, terms: Terms, progress: Progress | None = None) -> Live:
    """Asks for everything that the packs list of a driver's provider, several things at a time, and judges it."""
    with closing(driver):
        try:
            regions = driver.regions()
        except CallError as error:
            return lost(driver.info, driver.provider, error, terms)
        return _Collection(driver, terms, regions, progress).run()


def lost(info: TargetInfo, provider: str, error: CallError, terms: Terms) -> Live:
    """What is known of a target of which nothing can be asked."""
    listed = (resource.type for resource in terms.types if resource.provider == provider and resource.live)
    capabilities = tuple(sorted({owned.signal.capability for name in listed for owned in terms.matchers.asking_for(name)}))
    gap = Coverage(
        target=info.id,
        what=info.name,
        searched=False,
        reason=error.reason,
        needs=error.needs,
        capabilities=capabilities,
        place=observable_in(info),
    )
    return Live(info=info, coverage=(gap,))


def observable_in(info: TargetInfo) -> str:
    """Where criteria say that what the target shows can be seen."""
    return "host" if info.kind == "host" else "live"


class _Seen(NamedTuple):
    """A resource that a signal matched; those that sort first prove most."""

    strength: int
    """The lower the stronger."""
    note: str
    resource: str
    region: str
    excerpt: str

    @property
    def place(self) -> tuple[str, str]:
        """Where it is."""
        return self.resource, self.region


class _Missed(NamedTuple):
    """What a call that gave no answer would have shown."""

    reason: str
    needs: str


class _Kind(Struct):
    """A type, ready to be listed."""

    type: str
    listing: Listing
    children: list[_Kind]
    signals: tuple[Owned, ...]
    capabilities: frozenset[str]
    is_asked: Condition
    """Whether anything asks for an attribute of this key; the others are not looked at."""
    traps: tuple[tuple[Trap, Conditions, tuple[str, ...]], ...]
    compared: bool
    """Its resources are compared with what is declared."""

    def below(self) -> Iterator[_Kind]:
        """It, and the types that are listed for each of its resources."""
        yield self
        for child in self.children:
            yield from child.below()


class _Collection:
    """The collecting of one target."""

    def __init__(self, driver: Driver, terms: Terms, regions: Sequence[str], progress: Progress | None) -> None:
        self._driver = driver
        self._terms = terms
        self._regions = regions
        self._progress = progress
        self._lock = Lock()
        self._slots = BoundedSemaphore(_WAITING)
        self._seen: dict[str, dict[tuple[str, str], _Seen]] = defaultdict(dict)
        """By signal, and by resource and region: several runs or versions of one name are one place."""
        self._counts: Counter[str] = Counter()
        self._owned: dict[str, Owned] = {}
        self._missed: dict[_Missed, tuple[set[str], set[str], set[str]]] = defaultdict(lambda: (set(), set(), set()))
        """By what was missing: types, regions and capabilities."""
        self._trapped: dict[tuple[str, str], list[DeadEnd]] = defaultdict(list)
        self._silent: Counter[tuple[str, str]] = Counter()
        """Silences in a row by region and service."""
        self._mute: dict[str, set[str]] = defaultdict(set)
        """By region, the services that were silent since one answered."""
        self._searched: set[str] = set()
        self._total = 0
        self._kinds = _kinds([resource for resource in terms.types if resource.provider == driver.provider], terms.matchers)

    def run(self) -> Live:
        """Lists all, and gives what was seen; the same whatever came first."""
        asked = [(kind, region) for kind in self._kinds for region in (self._regions[:1] if kind.listing.everywhere else self._regions)]
        with ThreadPoolExecutor(self._terms.tellers) as tellers, ThreadPoolExecutor(min(_LISTERS, self._terms.tellers)) as listers:
            # By region last, so that what is slow in one does not hold up the others.
            jobs = [listers.submit(self._list_all, kind, region, {}, tellers) for kind, region in asked]
            for done, job in enumerate(jobs, 1):
                job.result()
                if self._progress:
                    self._progress(done, len(jobs))
        info = replace(self._driver.info, resources=self._total)
        return Live(
            info=info,
            evidence=self._evidence(),
            coverage=(*self._gaps(), *self._driver.coverage(), self._looked()),
            dead_ends=tuple(end for ends in self._trapped.values() for end in sorted(ends, key=_place)[:MAX_PLACES]),
            listed=frozenset(self._searched) - {name for types, _, _ in self._missed.values() for name in types},
            stopped=self._terms.stop.is_set(),
        )

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────

    def _pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        self._go_on()
        service = call.partition(":")[0]
        if len(self._mute[region]) >= _SILENCES:
            raise CallError("the region does not answer" if region else "it does not answer", needs="a scan when it does")
        if self._silent[region, service] >= _SILENCES:
            raise CallError("the service does not answer", needs="a scan when it does")
        try:
            for page in self._driver.pages(call, parameters, region):
                self._silent[region, service] = 0
                self._mute[region] = set()
                yield page
                self._go_on()
        except CallError as error:
            if error.silent:
                with self._lock:
                    self._silent[region, service] += 1
                    self._mute[region].add(service)
            raise

    def _go_on(self) -> None:
        if self._terms.stop.is_set():
            raise interrupted()

    def _list_all(self, kind: _Kind, region: str, fields: Mapping[str, Any], tellers: Executor | None) -> None:
        """Lists the resources of a type; `fields` are those of the one that they belong to, should there be one."""
        listing = kind.listing
        jobs: list[Future[None]] = []
        number = 0
        try:
            for item, alone in _alone(self._items(listing, region, fields)):
                number += 1
                if number > MOST_TOLD and (listing.details or kind.children):
                    self._tell(kind, item, region, fields, None, more=False)
                elif alone:
                    # All else may belong to the only one of its type, as to a repository: the tellers are for that.
                    self._tell(kind, item, region, fields, tellers)
                elif tellers is None or not (listing.details or kind.children):
                    self._tell(kind, item, region, fields, None)
                else:
                    self._slots.acquire()
                    job = tellers.submit(self._tell, kind, item, region, fields, None)
                    job.add_done_callback(lambda _: self._slots.release())
                    jobs.append(job)
                    if len(jobs) > 2 * _WAITING:
                        jobs = [earlier for earlier in jobs if not earlier.done() or earlier.exception()]
            with self._lock:
                self._searched.add(kind.type)
        except CallError as error:
            if not error.is_absence(listing.read):
                for one in kind.below():
                    self._miss(one, region, error, listing.read.permission)
            else:
                with self._lock:
                    self._searched.update(one.type for one in kind.below())
        for job in jobs:
            job.result()
        if not number:
            with self._lock:  # There is nothing that the types below could belong to.
                self._searched.update(one.type for one in kind.below() if kind.type in self._searched)
        if number > MOST_TOLD and (listing.details or kind.children):
            told = CallError(f"of {number:,} only the first {MOST_TOLD:,} were looked at closely", needs="a look by hand")
            for one in kind.below():
                self._miss(one, region, told, ())

    def _items(self, listing: Listing, region: str, fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        number = 0
        for page in self._pages(listing.read.call, self._parameters(listing.read.call, listing.read.parameters, fields), region):
            for item in items_at(page, listing.items):
                yield item
                number += 1
                if listing.newest and number >= listing.newest:
                    return

    def _parameters(self, call: str, parameters: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
        known = ChainMap(dict(self._driver.variables), dict(fields))  # A field may have the name of a variable, and hold something else.
        try:
            given: dict[str, Any] = filled(dict(parameters), known)
            return given | {name: filled(f"{{{name}}}", known) for name in names_in(call)}
        except KeyError as error:
            raise CallError(f"what it is asked about has no {error.args[0]}", code="NoField", needs="a look by hand") from error

    def _tell(
        self, kind: _Kind, item: Mapping[str, Any], region: str, fields: Mapping[str, Any], tellers: Executor | None, *, more: bool = True
    ) -> None:
        """Asks what else is to be known of a resource, judges it, and lists what belongs to it, by threads of its own where there are any."""
        listing = kind.listing
        whole: dict[str, Any] = dict(item)
        complete = more or not listing.details
        for detail in listing.details if more else ():
            known = ChainMap(whole, dict(fields))
            try:
                parameters = self._parameters(detail.read.call, detail.read.parameters, known)
            except CallError:
                continue  # The resource has nothing that the call is about.
            try:
                page: Any = next(self._pages(detail.read.call, parameters, region), {})
            except CallError as error:
                if not error.is_absence(detail.read):
                    self._miss(kind, region, error, detail.read.permission)
                    complete = False
                continue
            _put(whole, detail.into, list(at_path(page, detail.take)))
        name = _name(listing, ChainMap(whole, dict(fields))) or self._driver.info.name  # What an account has one of goes by the account.
        self._judge(kind, whole, region, name, complete=complete)
        if more:
            for child in kind.children:
                self._list_all(child, region, ChainMap(whole, dict(fields)), tellers)

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────

    def _judge(self, kind: _Kind, whole: Mapping[str, Any], region: str, name: str, *, complete: bool) -> None:
        """Keeps what a resource proves; one that is not completely known proves nothing by what it lacks."""
        listing = kind.listing
        attributes = flattened(whole, kind.is_asked)
        declared = self._terms.declared
        if kind.compared and declared and declared.meet(kind.type, name, self._driver.info.id, region):
            attributes = (*attributes, (DECLARED, "true"))
        resource = Resource(line=0, dialect=LIVE, type=kind.type, name=name, attributes=attributes)
        known = Attributes((folded(key), value) for key, value in resource.attributes)
        times = [time for path in listing.at for value in at_path(whole, path) if (time := time_of(value))]
        used = max(times, default=None)
        place = f"{kind.type}/{name}"
        found = []
        for owned in self._terms.matchers.of_resource(resource, kind.type):
            if owned.start or (owned.signal.arguments.get("without") and not complete):
                continue  # What a resource of an account starts is there as well, and speaks for itself.
            strength, note = self._proved(owned, listing, used, complete=complete)
            found.append((owned, _Seen(-strength, note, place, region, _shown(owned, known, used))))
        traps = [trap for trap, wanted, without in kind.traps if (complete or not without) and known.fit(wanted, without, whole=True)]
        with self._lock:
            self._total += 1
            for owned, seen in found:
                self._owned[owned.key] = owned
                self._counts[owned.key] += 1
                best = self._seen[owned.key]
                best[seen.place] = min(seen, best.get(seen.place, seen))
                if len(best) > 4 * MAX_PLACES:
                    self._seen[owned.key] = {one.place: one for one in sorted(best.values())[:MAX_PLACES]}
            for trap in traps:
                ends = self._trapped[kind.type, trap.id]
                ends.append(self._dead_end(trap, name, place, region))
                if len(ends) > 4 * MAX_PLACES:
                    ends.sort(key=_place)
                    del ends[MAX_PLACES:]

    def _proved(self, owned: Owned, listing: Listing, used: datetime | None, *, complete: bool) -> tuple[Strength, str]:
        signal = owned.signal
        most = Strength.OPERATING if signal.matcher != "api" and signal.strength > Strength.DECLARED else signal.strength
        where = signal.arguments.get("where")
        if not listing.at or (isinstance(where, dict) and DECLARED in where):
            return most, ""  # It is in force by being there; so is the code that made it, whoever uses what it made.
        if used is None:
            note = "never used" if complete else "when it was used could not be seen"
            return min(most, Strength.IMPLEMENTED), note if most > Strength.IMPLEMENTED else ""
        if used < self._terms.now - self._terms.window and most > Strength.AUTOMATED:
            return Strength.AUTOMATED, f"last used {used.date().isoformat()}"
        return most, ""

    def _dead_end(self, trap: Trap, name: str, place: str, region: str) -> DeadEnd:
        identity = hashlib.sha256(f"{trap.id}\0{self._driver.info.id}\0{place}\0{region}".encode()).hexdigest()[:12]
        location = Location(target=self._driver.info.id, resource=place, region=region)
        return DeadEnd(id=identity, kind=trap.id, location=location, what=f"{name}: {trap.what}", remediation=trap.remediation)

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────

    def _evidence(self) -> tuple[Evidence, ...]:
        target = self._driver.info.id
        evidence = []
        for key, seen in self._seen.items():
            owned = self._owned[key]
            best = sorted(seen.values())[:MAX_PLACES]
            left_out = self._counts[key] - len(best)
            for index, one in enumerate(best):
                evidence.append(
                    Evidence(
                        id=hashlib.sha256(f"{key}\0{target}\0{one.resource}\0{one.region}".encode()).hexdigest()[:12],
                        detector=owned.detector,
                        signal=owned.signal.id,
                        tool=owned.tool,
                        capability=owned.signal.capability,
                        strength=Strength(-one.strength),
                        location=Location(target=target, resource=one.resource, region=one.region),
                        excerpt=one.excerpt,
                        occurrences=1 + (left_out if index == 0 else 0),
                        note=one.note,
                    )
                )
        return tuple(evidence)

    def _miss(self, kind: _Kind, region: str, error: CallError, permission: Sequence[str]) -> None:
        with self._lock:
            types, regions, capabilities = self._missed[_Missed(error.reason, error.needs or ", ".join(permission))]
            types.add(kind.type)
            regions.add(region)
            capabilities.update(kind.capabilities)

    def _gaps(self) -> Iterator[Coverage]:
        for (reason, needs), (types, regions, capabilities) in sorted(self._missed.items()):
            where = f" in {_several(regions)}" if any(regions) else ""
            yield Coverage(
                target=self._driver.info.id,
                what=_several(types) + where,
                searched=False,
                reason=reason,
                needs=needs,
                capabilities=tuple(sorted(capabilities)),
                place=observable_in(self._driver.info),
            )

    def _looked(self) -> Coverage:
        kinds = [one for kind in self._kinds for one in kind.below() if one.type in self._searched]
        regions = f" in {_several(self._regions)}" if any(self._regions) else ""
        return Coverage(
            target=self._driver.info.id,
            what=f"{len(kinds)} type{'s' * (len(kinds) != 1)} of resources{regions}",
            searched=True,
            capabilities=tuple(sorted({capability for kind in kinds for capability in kind.capabilities})),
            place=observable_in(self._driver.info),
        )


# ── what is listed ───────────────────────────────────────────────────────────────────────────────────


def _kinds(types: Sequence[ResourceType], matchers: Matchers) -> list[_Kind]:
    """The types that are listed once, with those that are listed for each of their resources below them."""
    made = {resource.type: _kind(resource, resource.live, matchers) for resource in types if resource.live}
    for kind in made.values():
        if kind.listing.each:
            made[kind.listing.each].children.append(kind)
    return [kind for kind in made.values() if not kind.listing.each]


def _kind(resource: ResourceType, listing: Listing, matchers: Matchers) -> _Kind:
    signals = matchers.asking_for(resource.type)
    traps = (last_part(key) for trap in listing.dead_ends for key in (*trap.where, *trap.without))
    is_last = lru_cache(maxsize=1024)(any_glob(sorted({*matchers.keys_asked(resource.type), *traps})))
    capabilities = frozenset(owned.signal.capability for owned in signals)
    return _Kind(
        type=resource.type,
        listing=listing,
        children=[],
        signals=signals,
        capabilities=capabilities,
        is_asked=lambda key: is_last(last_part(key)),
        traps=tuple((trap, *asked_of(trap.where, trap.without)) for trap in listing.dead_ends),
        compared=is_compared(resource, matchers),
    )


def _alone(items: Iterator[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each item, and whether it is the only one; one after which no other could be read is not known to be."""
    for first in items:
        try:
            second = next(items, None)
        except CallError:
            yield first, False
            raise
        yield first, second is None
        if second is not None:
            yield second, False
        break
    for item in items:
        yield item, False


def _name(listing: Listing, fields: Mapping[str, Any]) -> str:
    """The name of a resource: what lies at a path in it, or a text made of its fields and of those of what it belongs to; empty without."""
    try:
        name = filled(listing.name, fields) if "{" in listing.name else next(at_path(fields, listing.name), "")
    except KeyError:
        name = ""
    return str(name)


def _put(whole: dict[str, Any], into: str, values: list[Any]) -> None:
    """Joins what a call told with what is known of a resource."""
    if not into:
        for value in values:
            if isinstance(value, Mapping):
                whole.update(value)
        return
    *path, last = into.split(".")
    inner = whole
    for part in path:
        known = inner.get(part)
        inner[part] = dict(known) if isinstance(known, Mapping) else {}  # A copy: the item belongs to the driver's answer.
        inner = inner[part]
    there = inner.get(last)
    inner[last] = [*(there if isinstance(there, list) else [] if there is None else [there]), *values]


# ── sentences ────────────────────────────────────────────────────────────────────────────────────────


def _shown(owned: Owned, known: Attributes, used: datetime | None) -> str:
    """What of a resource the signal went by."""
    where = owned.signal.arguments.get("where")
    parts = []
    for key, wanted in where.items() if isinstance(where, dict) else ():
        is_value = any_glob([wanted] if isinstance(wanted, str) else wanted)
        parts.extend([f"{key}: {value}" for value in known.values(folded(str(key))) if is_value(value)][:1])
    if used:
        parts.append(f"last used {used.date().isoformat()}")
    return excerpt(" · ".join(parts))


def _several(names: Iterable[str]) -> str:
    return listed(sorted(names), _NAMED)


def _place(end: DeadEnd) -> tuple[str, str]:
    return end.location.resource, end.location.region
