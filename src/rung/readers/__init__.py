"""From files to facts: which reader reads what, in how many processes, and what happens when one fails."""

from __future__ import annotations

import gc
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import islice

from msgspec import msgpack
from msgspec.structs import replace

from rung import sharing
from rung.cache import Cache, Content
from rung.excerpt import excerpts
from rung.globs import matches
from rung.hits import Owned, joined
from rung.matchers import Matchers
from rung.prefilter import Prefilter
from rung.readers import constructs, kinds, pointers, settings
from rung.readers.documents import text_of
from rung.readers.reading import Asked, Claimants, Reading
from rung.readers.shell import split
from rung.readers.substance import is_bare, is_generated
from rung.records import NO_PROOF, Call, Fact, Include, Problem, SourceFile, Task
from rung.starts import command_lines
from rung.targets.git import blob_id
from rung.targets.roles import role_of, template_path
from rung.targets.target import Entry, Target, Unread

PARALLEL_FROM = 300
"""Files to look into from which a second process pays."""
_DISTRIBUTIONS = ("pyproject.toml", "setup.cfg", "setup.py")
"""Files that tell what a package is and installs; their facts are kept whether or not a signal asks for them."""
_SHARES = 24
"""Parts for each process: small enough that none has long to wait for the last of another."""
_LEAST_WORK = 2048
_MOST_WORK = 1024 * 1024
"""What a file costs at least and at most, in bytes: opening it, and as much as a reader takes of it."""
_POINTER_SIZE = 1024
"""A Git LFS pointer is smaller than this."""
_REACH = 16 * 1024
"""Bytes behind a start within which its command line is looked for."""
_BETWEEN = rb"[\"']?(?:\s{0,4},\s{0,80}|\s{1,80}-\s{1,8})[\"']?"
"""Between two words of a list in JSON or YAML."""
_TELLING = 6
"""Characters of a command line's first line below which it may stand anywhere."""


Continuations = dict[tuple[str, str], tuple[SourceFile, SourceFile]]
"""What files that others name as their continuation gave, by path and reading: the file as read for itself, and as read that way."""

_Read = tuple[SourceFile, str]
"""A file, and what stands for its bytes where its facts can be kept; see `Content`."""
_Packed = bytes | list[_Read]
"""What a worker hands back: bytes, as `pickle` takes ten times as long for many small records, or what can't be packed as it is."""


class Readers:
    """All readings, and the signals that look into raw text, for one set of packs; `kept` are the facts of earlier scans."""

    def __init__(self, matchers: Matchers, prefilter: Prefilter, kept: Cache | None = None) -> None:
        self._kept = kept
        self._matchers = matchers
        self._prefilter = prefilter
        readings = (*kinds.READINGS, settings.settings_reading(matchers.asks_for_settings))
        self._claimants = Claimants(readings)
        self._by_name: dict[str, Reading] = {reading.name: reading for reading in readings}
        self._plans: dict[str, tuple[tuple[Reading, ...], bool]] = {}
        self._spared: dict[str, Reading] = {}

    def _sparing(self, reading: Reading) -> Reading:
        """The reading, without the calls that nobody asks for; made when a file first needs it."""
        if reading.sparing is None:
            return reading
        if reading.name not in self._spared:
            roots, lasts, ends = self._matchers.called(reading.languages)
            self._spared[reading.name] = reading.sparing(
                Asked(roots, constructs.STEMS, lasts, ends, self._matchers.may_match, like=constructs.OWN)
            )
        return self._spared[reading.name]

    def names(self) -> tuple[str, ...]:
        """The names of all readings, sorted."""
        return tuple(sorted(self._by_name))

    def named(self, name: str) -> Reading:
        """The reading of a name that `names` gives."""
        return self._sparing(self._by_name[name])

    def opens(self, path: str) -> bool:
        """Whether the content of a file of this path is looked at, whatever its size."""
        readings, wants_text = self._plan(path)
        return bool(readings) or wants_text

    def _plan(self, path: str) -> tuple[tuple[Reading, ...], bool]:
        """Who reads a file of this path, and whether signals look into its raw text."""
        plan = self._plans.get(path)
        if plan is None:
            plan = self.claiming(path), role_of(path) not in NO_PROOF and self._matchers.wants_text(path)
            self._plans[path] = plan
        return plan

    def claiming(self, path: str) -> tuple[Reading, ...]:
        """The readings that read a file of this path."""
        return () if role_of(path) in NO_PROOF else self._claimants.of(template_path(path))

    def asked_in(self, path: str, data: bytes) -> Sequence[Owned]:
        """The configuration signals and starts of a path that can find something in its bytes, whether these can be parsed or not."""
        return self._prefilter.asked_in(path, data)

    def expect(self, target: Target, entries: Iterable[Entry]) -> None:
        """Tells the target which of these files will be read, in this order."""
        target.expect(entry.path for entry in entries if self._looks_into(entry))

    def _looks_into(self, entry: Entry) -> bool:
        return not entry.unread and (self.opens(entry.path) or (entry.size <= _POINTER_SIZE and role_of(entry.path) not in NO_PROOF))

    def read_all(
        self, target: Target, *, processes: int | None = None, progress: Callable[[int, int], None] | None = None
    ) -> tuple[SourceFile, ...]:
        """Every file of the target with its facts, in the order of the listing."""
        files = self.read_listed(target, target.list(), processes=processes, progress=progress)
        if progress:
            progress(len(files), len(files))
        return self.follow_includes(target, files)

    def read_listed(
        self,
        target: Target,
        entries: Sequence[Entry],
        *,
        processes: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[SourceFile]:
        """Some files of the target with their own facts, in the given order; what continues them is left to `follow_includes`.

        Two processes share the work above `PARALLEL_FROM` files; a file that kills its process becomes an unread file.
        """
        if self._kept is None:
            return [file for file, _ in self._read_new(target, entries, processes, progress)]
        # Of a file whose content is named, nobody needs to ask whether it is looked into.
        wanted = [entry for entry in entries if entry.blob or entry.unread or self._looks_into(entry)]
        files = self._kept.find(
            Content(entry.path, entry.size, blob) for entry in wanted if (blob := entry.unread or entry.blob or _blob_of(target, entry))
        )
        missing = [entry for entry in entries if entry.path not in files]
        read = self._read_new(target, missing, processes, progress)
        self._kept.keep((Content(entry.path, entry.size, blob), file) for entry, (file, blob) in zip(missing, read) if blob)
        files.update((file.path, file) for file, _ in read)
        return [files[entry.path] for entry in entries]

    def _read_new(
        self, target: Target, entries: Sequence[Entry], processes: int | None, progress: Callable[[int, int], None] | None
    ) -> list[_Read]:
        is_much = next(islice(filter(self._looks_into, entries), PARALLEL_FROM - 1, None), None) is not None
        count = processes or sharing.processes(4 if is_much else 1)
        if count == 1 or not hasattr(os, "fork"):
            return self._read_here(target, entries, progress)
        return self._read_forked(target, entries, count, progress)

    def _read_here(self, target: Target, entries: Sequence[Entry], progress: Callable[[int, int], None] | None) -> list[_Read]:
        files = []
        self.expect(target, entries)
        for index, entry in enumerate(entries):
            files.append(self.read_and_name(target, entry))
            if progress and index % 50 == 0:
                progress(index, len(entries))
        return files

    def _read_forked(
        self, target: Target, entries: Sequence[Entry], count: int, progress: Callable[[int, int], None] | None
    ) -> list[_Read]:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        chunks = _shares(entries, count * _SHARES)
        by_path: dict[str, _Read] = {}
        with ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("fork"), initializer=_adopt, initargs=(self, target)
        ) as pool:
            futures = [pool.submit(_read_chunk, chunk) for chunk in chunks]
            for chunk, future in zip(chunks, futures, strict=True):
                try:
                    read = _unpacked(future.result())
                except BrokenProcessPool:
                    read = self._read_apart(target, chunk)
                by_path.update((file.path, (file, blob)) for file, blob in read)
                if progress:
                    progress(len(by_path), len(entries))
        return [by_path[entry.path] for entry in entries]

    def _read_apart(self, target: Target, entries: Sequence[Entry]) -> list[_Read]:
        """Halves the entries, each half in a process of its own, until the file that kills its process stands alone."""
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"), initializer=_adopt, initargs=(self, target)) as pool:
            try:
                return _unpacked(pool.submit(_read_chunk, entries).result())
            except BrokenProcessPool:
                pass
        if len(entries) == 1:
            return [(self._unread(entries[0], "its content kills the parser"), "")]
        middle = len(entries) // 2
        return self._read_apart(target, entries[:middle]) + self._read_apart(target, entries[middle:])

    def read(self, target: Target, entry: Entry) -> SourceFile:
        """One file with its facts; a file that nothing claims is listed without being opened."""
        return self.read_and_name(target, entry)[0]

    def read_and_name(self, target: Target, entry: Entry) -> _Read:
        """Like `read`, with what stands for the bytes where the facts can be kept, as in `Content`; empty when they can't."""
        if entry.unread:
            return self._unread(entry, entry.unread), entry.unread
        file = SourceFile(path=entry.path, size=entry.size, role=role_of(entry.path))
        if not self._looks_into(entry):
            return self._matchers.matched(file), entry.blob  # An index that lies of the content does no harm: path and size tell all.
        readings, wants_text = self._plan(entry.path)
        data = target.read(entry.path)
        if isinstance(data, Unread):
            return self._unread(entry, data.reason), ""
        blob = blob_id(data, entry.blob) if self._kept and len(data) == entry.size else ""
        pointed = pointers.lfs_pointer(data) if entry.size <= _POINTER_SIZE else None
        if pointed is not None:
            return _shown(self._matchers.matched(replace(file, size=pointed, lfs=True)), data), blob
        is_ours = not (any(map(_reads_code, readings)) and is_generated(data))
        texts = self._matchers.texts.found_in(entry.path, data, text_of) if wants_text and is_ours else ()
        facts = self._facts(readings, entry.path, data, closely=is_ours)
        settled = self._matchers.matched(replace(file, facts=facts), texts=texts, bare=bool(readings) and is_bare(data))
        return _shown(with_command_lines(settled, self._matchers, data), data), blob

    def _unread(self, entry: Entry, reason: str) -> SourceFile:
        return self._matchers.matched(SourceFile(path=entry.path, size=entry.size, role=role_of(entry.path), unread=reason))

    def _facts(self, readings: Iterable[Reading], path: str, data: bytes, *, closely: bool = True) -> tuple[Fact, ...]:
        """What a file says to those that read it; where it isn't looked at closely, what binds it to others."""
        facts: list[Fact] = []
        whole = posixpath.basename(path) in _DISTRIBUTIONS
        for reading in map(self._sparing, readings):
            is_skimmed = reading.skim and not whole and not (closely and self._prefilter.worth_reading(reading.languages, path, data))
            try:
                facts.extend((reading.skim if reading.skim and is_skimmed else reading.read)(path, data))
            except RecursionError:
                facts.append(Problem(line=0, what=f"nested too deep to be read as {reading.name}"))
            except Exception as error:  # noqa: BLE001 - the one place: a fault of ours in one file must not lose what the others show
                facts.append(
                    Problem(line=0, what=f"not read as {reading.name}: {type(error).__name__}, a fault of Rung's that is worth a report")
                )
        facts.extend(constructs.resources_of(fact for fact in facts if isinstance(fact, Call)))
        return tuple(facts)

    def follow_includes(self, target: Target, files: Sequence[SourceFile], known: Continuations | None = None) -> tuple[SourceFile, ...]:
        """Reads what files name as their continuation, the way the including file was read; each file and way once.

        `known` is what an earlier call read, of files of which the very same record is given again; it is brought up to date.
        """
        own = {file.path: file for file in files}
        by_path = dict(own)
        done: set[tuple[str, str]] = set()
        queue = [fact for file in files for fact in file.facts if fact.__class__ is Include]
        while queue:
            include = queue.pop()
            reading = self._by_name.get(include.reader)
            for path in [path for path in by_path if matches(path, include.path)] if "*" in include.path else [include.path]:
                file = by_path.get(path)
                if file is None or reading is None or file.unread or (path, include.reader) in done or reading.claims(template_path(path)):
                    continue
                done.add((path, include.reader))
                before = known.get((path, include.reader)) if known is not None else None
                if before and before[0] is own[path]:
                    more = before[1]
                else:
                    data = target.read(path)
                    if isinstance(data, Unread):
                        continue
                    again = replace(own[path], facts=self._facts((reading,), path, data))
                    more = _shown(with_command_lines(self._matchers.matched(again, by_path=False), self._matchers, data), data)
                    if known is not None:
                        known[path, include.reader] = own[path], more
                by_path[path] = joined(file, more)
                queue.extend(fact for fact in more.facts if isinstance(fact, Include))
        return tuple(by_path[file.path] for file in files)


def _reads_code(reading: Reading) -> bool:
    """Whether it reads a language that programs are written in."""
    return reading.skim is not None and "settings" not in reading.languages


def with_command_lines(file: SourceFile, matchers: Matchers, data: bytes) -> SourceFile:
    """A file with the command lines that starts find in it (of a container, an operator, a process) as tasks.

    Args:
        file: as `matchers` settled it.
        matchers: what finds the starts, and then what the commands show.
        data: the content of the file, in which a command line is looked for.
    """
    tasks = tuple(
        Task(line=match.line, kind="started", name=match.owned.key, commands=commands, inputs=(text,))
        for match in matchers.starting(file)
        for text in command_lines(match.fact, match.owned.start)
        if (commands := split(text, _line_of(text, data, match.line)))
    )
    return joined(file, matchers.matched(replace(file, facts=tasks, hits=()), by_path=False)) if tasks else file


def _line_of(text: str, data: bytes, line: int) -> int:
    """The line on which a command line begins that is written out in a file from some line on; that line where it is not."""
    said = text.lstrip()
    first = said.partition("\n")[0].strip().encode()
    start = 0
    for _ in range(line - 1):
        start = data.find(b"\n", start) + 1
    if len(first) < _TELLING:
        return line
    at = data.find(first, start, start + _REACH)
    if at < 0 and len(words := first.split(maxsplit=2)) > 1:  # A list of words.
        listed = re.compile(_BETWEEN.join(re.escape(word) for word in words[:2])).search(data, start, start + _REACH)
        at = listed.start() if listed else -1
    return line if at < 0 else line + data.count(b"\n", start, at) - text.count("\n", 0, len(text) - len(said))


def _shown(file: SourceFile, data: bytes) -> SourceFile:
    """A file with the lines that are shown of it, should what matches there be evidence."""
    return replace(file, excerpts=excerpts(data, (hit.line for hit in file.hits))) if file.hits else file


def _shares(entries: Sequence[Entry], count: int) -> list[list[Entry]]:
    """The entries in parts of about the same work, the largest files first: what is left for the end is small."""
    shares: list[list[Entry]] = [[] for _ in range(count)]
    heap = [(0, index) for index in range(count)]
    for entry in sorted(entries, key=lambda entry: (-entry.size, entry.path)):
        work, index = heappop(heap)
        shares[index].append(entry)
        heappush(heap, (work + min(entry.size, _MOST_WORK) + _LEAST_WORK, index))
    return shares


def _blob_of(target: Target, entry: Entry) -> str:
    data = target.read(entry.path)
    return "" if isinstance(data, Unread) else blob_id(data)


_adopted: tuple[Readers, Target]
"""What a forked worker reads with; set once by its initializer, so that only paths and facts cross the pipe."""


def _adopt(readers: Readers, target: Target) -> None:
    global _adopted  # noqa: PLW0603 - a worker process has no other way to be handed something once
    _adopted = (readers, target)
    gc.freeze()


def _read_chunk(entries: Sequence[Entry]) -> _Packed:
    readers, target = _adopted
    readers.expect(target, entries)
    read = [readers.read_and_name(target, entry) for entry in entries]
    try:
        return msgpack.encode(read)
    except (UnicodeEncodeError, OverflowError):  # A lone surrogate, or a number beyond 64 bits.
        return read


def _unpacked(packed: _Packed) -> list[_Read]:
    return msgpack.decode(packed, type=list[_Read]) if isinstance(packed, bytes) else packed
