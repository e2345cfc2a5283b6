"""The parts of Python files that run apart from each other: functions, classes, the `__main__` guard, and the code around them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from rung.modules import Modules
from rung.records import AROUND, EVERYTHING, GUARD, Definition, Fact, Import, SourceFile


def part_at(facts: Iterable[Fact]) -> Callable[[int], str | None]:
    """From a line of a file to the part that it is in; None for any line of a file of which no parts are known."""
    known = [fact for fact in facts if isinstance(fact, Definition)]
    if not known:
        return lambda _line: None
    parts = [(0, 0, AROUND), *sorted((fact.line, fact.end_line, fact.name) for fact in known if fact.line)]
    first = [line for line, _, _ in parts]

    def at(line: int) -> str | None:
        _, end, name = parts[bisect_right(first, line) - 1]
        return name if line <= end else AROUND

    return at


class _File:
    """What the parts of a file are, import and use: the same wherever its imports lead to the same files."""

    __slots__ = ("at", "file", "found", "imports", "names", "parts", "uses", "whole")

    def __init__(self, file: SourceFile, modules: Modules) -> None:
        self.file = file
        self.found = modules.imported(file)
        self.parts = {fact.name: fact for fact in file.facts if isinstance(fact, Definition)}
        self.at = part_at(self.parts.values())
        self.imports: dict[str | None, list[tuple[Import, str]]] = defaultdict(list)
        """The imports of the repository's own, each with the file that it finds, by the part that does so."""
        self.names: dict[str, tuple[str, str]] = {}
        """Where the names come from that the file imports: a file, and the name there."""
        self.whole: list[str] = []
        """The modules that it imports as a whole."""
        for fact, target in self.found:
            self.imports[self.at(fact.line)].append((fact, target))
            _, rest = modules.locate(fact.module, file.path) or (target, "")
            self.names.setdefault(fact.module.rpartition(".")[2], (target, rest))
            if not rest:
                self.whole.append(target)
        told = {AROUND, GUARD, *self.imports, *(self.at(hit.line) for hit in file.hits)}
        own = {fact.module for imports in self.imports.values() for fact, _ in imports}
        self.uses = {part.name: uses for part, uses in own_uses(self.parts.values(), own) if uses or part.command or part.name in told}
        """What the parts use of the repository; of parts in which nothing matches those that use something."""


_FAR = 3
"""From module to module that commands of a command line are looked for behind the program that runs."""
_Run = tuple[Import, str, str | None]
"""An import, the file that it finds, and the part of that which runs with it."""


class _Told:
    """What was worked out of the files of a target."""

    __slots__ = ("files", "modules", "runs")

    def __init__(self, modules: Modules | None) -> None:
        self.modules = modules
        self.files: dict[str, _File] = {}
        self.runs: dict[tuple[str, str | None], tuple[tuple[_File, ...], tuple[_Run, ...]]] = {}
        """What runs with a file and part of it, and the files in which that was looked up."""


_LAST = [_Told(None)]
"""What was worked out of the last files: most are the same in the next revision of a repository."""


class Parts:
    """The parts of the Python files of a target, and what each of them runs.

    Args:
        files: all files, by path.
        modules: where the repository's own modules are.
    """

    def __init__(self, files: Mapping[str, SourceFile], modules: Modules) -> None:
        self._files = files
        self._modules = modules
        self._last = _LAST[0]
        self._here = _LAST[0] = _Told(modules)
        self._asked: list[_File] | None = None
        """The files that are looked up for what runs with a part, while that is."""
        self._packages: dict[str, tuple[str, ...]] = {}
        """The modules of packages, by the paths of these."""

    def of(self, path: str) -> Mapping[str, Definition]:
        """The parts of a file by their names; none where they are not known, as of a file that was not parsed."""
        return self._file(path).parts

    def at(self, path: str, line: int) -> str | None:
        """The part of a file that a line is in; None where its parts are not known."""
        return self._file(path).at(line)

    def is_used(self, path: str, part: str) -> bool:
        """Whether anything else in the file names one of its functions or classes, or another file that imports it does."""
        own = self._file(path).parts.values()
        if not own or any(part in one.uses or EVERYTHING in one.uses for one in own if one.name != part):
            return True
        users, taken = self._used_elsewhere
        return path in taken or any(user != path for user in users.get(part, ()))

    @cached_property
    def _used_elsewhere(self) -> tuple[Mapping[str, AbstractSet[str]], AbstractSet[str]]:
        """The files that use an imported name, by all its parts; and the files that are imported by some that may use all of them."""
        users = defaultdict[str, set[str]](set)
        taken = set[str]()
        for path in self._files:
            if not path.endswith((".py", ".ipynb")) or path.endswith("__init__.py"):
                continue  # A package that hands a name on does nothing with it.
            file = self._file(path)
            uses = {use for one in file.parts.values() for use in one.uses}
            for use in uses:
                for name in use.split(".")[1:]:
                    users[name].add(path)
            if not file.parts or EVERYTHING in uses:
                taken.update(target for _, target in file.found if target != path)
        return users, taken

    def with_it(self, path: str, part: str | None) -> Sequence[str | None]:
        """The parts of a file that run with one of them, or with all of it (None), which may be among them; without those of no consequence."""
        uses = self._file(path).uses
        if part is None:
            return tuple(uses)
        named = (AROUND, *uses.get(part, ()))
        return tuple([None if use == EVERYTHING else use for use in named if use == EVERYTHING or (use in uses and use != part)])

    def imported(self, path: str, part: str | None) -> Sequence[_Run]:
        """The imports that run something with a part of a file, or with all of it (None): each with a file, and which part of that.

        A part imports what stands in it; what stands around all parts is imported once, and used by those that name it.
        """
        known = self._here.runs.get((path, part))
        if known is None:
            if self._last.modules is self._modules:
                known = self._last.runs.get((path, part))
            if known is None or any(self._file(file.file.path) is not file for file in known[0]):
                asked: list[_File] = []
                self._asked = asked
                found = tuple(self._runs(path, part))
                self._asked = None
                known = tuple(dict.fromkeys(asked)), found
            self._here.runs[path, part] = known
        return known[1]

    def _runs(self, path: str, part: str | None) -> Iterator[_Run]:
        file = self._file(path)
        if part is None:
            yield from ((fact, *self._origin(fact.module, path, target)) for fact, target in file.imports.get(None, ()))
            return
        wanted = _by_import(file.uses.get(part, ()))
        for owner in dict.fromkeys((part, AROUND)):
            for fact, target in file.imports.get(owner, ()):
                used = wanted.get(fact.module, ())
                if owner != part and not used:
                    continue
                origin = self._origin(fact.module, path, target)
                if owner == part and (origin[0] == target or self.of(target)):  # What a package hands on else is not known to run.
                    yield fact, target, AROUND
                for use in used:
                    if use == fact.module:
                        yield from ((fact, *one) for one in self._all_of(*origin))
                    else:
                        yield fact, *self._origin(use, path, target)

    def made_of(self, path: str, part: str | None) -> Iterator[str]:
        """The module of a program, and those that it runs with before one of its commands is chosen, the nearest first."""
        seen = {(path, part): 0}
        files = {path}
        yield path
        for (at, name), far in (todo := list(seen.items())):
            if name and (known := self.of(at).get(name)) and known.command:
                continue
            within = [(at, other) for other in self.with_it(at, name)]
            further = [(found, inner) for _, found, inner in self.imported(at, name)] if far < _FAR else ()
            for place in (*within, *further):
                if place not in seen:
                    seen[place] = far + (place[0] != at)
                    todo.append((place, seen[place]))
                if place[0] not in files:
                    files.add(place[0])
                    yield place[0]

    def behind(self, path: str, name: str) -> tuple[str, str | None]:
        """The file and part that a dotted name stands for in a module, through others that it hands the name on from; None for all of it."""
        seen = set[str]()
        while head := name.partition(".")[0]:
            file = self._file(path)
            if head in file.parts:
                return path, head
            seen.add(path)
            further = file.names.get(head) or next(((target, head) for target in file.whole if head in self.of(target)), None)
            if further is None or further[0] in seen:
                return path, AROUND
            path, name = further
        return path, None

    def _file(self, path: str) -> _File:
        known = self._here.files.get(path)
        if known is None:
            file = self._files[path]
            known = self._last.files.get(path)
            if known is None or known.file is not file or known.found is not self._modules.imported(file):
                known = _File(file, self._modules)
            self._here.files[path] = known
        if self._asked is not None:
            self._asked.append(known)
        return known

    def _origin(self, name: str, importer: str, target: str) -> tuple[str, str | None]:
        """The file and part that an imported name stands for; None for all of a module."""
        return self.behind(*(self._modules.locate(name, importer) or (target, "")))

    def _all_of(self, path: str, part: str | None) -> Iterator[tuple[str, str | None]]:
        """A part of a file; of a package that is handed over as a whole every module, as who gets it looks through them."""
        yield path, part
        if part is None and path.endswith("/__init__.py"):
            if path not in self._packages:
                folder = path.removesuffix("__init__.py")
                self._packages[path] = tuple(one for one in self._files if one.startswith(folder) and one.endswith(".py") and one != path)
            yield from ((other, None) for other in self._packages[path])


def own_uses(parts: Iterable[Definition], own: AbstractSet[str]) -> Iterator[tuple[Definition, tuple[str, ...]]]:
    """The parts of a file with what they use of it, and of its imports in `own`."""
    parts = tuple(parts)
    names = {EVERYTHING, *(part.name for part in parts)}
    for part in parts:
        yield part, tuple([use for use in part.uses if use in names or not own.isdisjoint(_brought_by(use))])


def _brought_by(use: str) -> tuple[str, ...]:
    """The names of imports that may bring what a part uses: itself, or what it is an attribute of."""
    before, dot, _ = use.rpartition(".")
    return (use, before if before.strip(".") else f"{before}.") if dot else (use,)


def _by_import(uses: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The names that a part uses, by the imports that may bring them."""
    found: dict[str, list[str]] = defaultdict(list)
    for use in uses:
        for name in _brought_by(use):
            found[name].append(use)
    return found
