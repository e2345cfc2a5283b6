"""The fixture cases: what is found in each, what is expected, and commands to look at them.

python tests/cases.py show ID…     print the evidence found in the cases of a detector
python tests/cases.py update ID…   write it as the expectation, and what is reached where the case lists that, after looking at it
python tests/cases.py check [ID…]  print what differs
python tests/cases.py real FOLDER ID…   print a detector's evidence over the repositories in a folder
"""

from __future__ import annotations

import atexit
import shutil
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import mkdtemp

import yaml
from msgspec.structs import replace

from rung.collect import Live, Terms, collect
from rung.detect import Detection, match, starts_of
from rung.hits import Match
from rung.inventory import Declared, is_compared
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.records import Evidence, Hop, Location, Packs, SourceFile, Strength, Task
from rung.targets.live.recording import SUFFIX, Recording
from rung.targets.worktree import open_worktree
from rung.tree import Point
from rung.wiring import Wiring
from tests.hostile import git
from tests.repositories import commit

FIXTURES = Path(__file__).parent.parent / "fixtures"
EXPECTATION = "expect.yaml"


@dataclass(frozen=True)
class Case:
    detector: str
    name: str

    @property
    def folder(self) -> Path:
        return FIXTURES / self.detector / self.name

    @property
    def expected(self) -> list[str]:
        return self.listed("evidence") or []

    def listed(self, key: str) -> list[str] | None:
        """A list of the expectation, None when it has none: `evidence`, the paths that are `reached` by something automatic or `unreached`.

        Also the `tags` of the repository that the case is.
        """
        file = self.folder / EXPECTATION
        found = yaml.safe_load(file.read_text()).get(key) if file.exists() else None
        return None if found is None else list(found)

    @property
    def recorded(self) -> bool:
        """Whether the case holds a recording of something live."""
        return any(self.folder.glob("*" + SUFFIX))

    @property
    def lookalike(self) -> bool:
        return self.name.startswith("lookalike")


def cases(*detectors: str) -> list[Case]:
    """All cases of the given detectors (of all, when none is given), sorted."""
    folders = sorted(folder for folder in FIXTURES.iterdir() if folder.is_dir() and folder.name != "scenarios")
    chosen = [folder for folder in folders if not detectors or folder.name in detectors]
    return [Case(folder.name, case.name) for folder in chosen for case in sorted(folder.iterdir()) if case.is_dir()]


class Finder:
    """Finds evidence in folders with all packs, compiled once."""

    def __init__(self, packs: Packs | None = None) -> None:
        self.packs = packs or load_packs()
        self._matchers = Matchers(self.packs)
        self._readers = Readers(self._matchers, Prefilter(self._matchers))
        self._known: dict[Path, list[Evidence]] = {}
        self._lives: dict[Path, list[Live]] = {}

    def evidence(self, folder: Path) -> list[Evidence]:
        """All evidence in a folder; asked again, the same list."""
        if folder not in self._known:
            self._known[folder] = self.scan(folder)
        return self._known[folder]

    def scan(self, folder: Path) -> list[Evidence]:
        """All evidence in a folder as it is now: of its files, and of what its recordings show live."""
        files, matches, wiring = self.read(folder)
        return [*Detection(files, matches, wiring, "repo").evidence(), *(item for live in self.lives(folder) for item in live.evidence)]

    def lives(self, folder: Path) -> list[Live]:
        """What the recordings of a folder show, when they were made, beside what its files declare."""
        if folder not in self._lives:
            recordings = [Recording(str(path)) for path in sorted(folder.glob("*" + SUFFIX))]
            files = self.read(folder)[0] if recordings else []
            declared = Declared([("repo", files)], self._matchers.canonical, self._compared)
            terms = Terms(types=self.packs.resources, matchers=self._matchers, tellers=2, declared=declared)
            self._lives[folder] = [collect(one, replace(terms, now=one.recorded_at)) for one in recordings]
        return self._lives[folder]

    @cached_property
    def _compared(self) -> frozenset[str]:
        return frozenset(resource.type for resource in self.packs.resources if is_compared(resource, self._matchers))

    def read(self, folder: Path) -> tuple[list[SourceFile], dict[str, tuple[Match, ...]], Wiring]:
        """The files of a folder, what packs match in them, and how they are wired."""
        if not any(path.is_file() and path.name != EXPECTATION and not path.name.endswith(SUFFIX) for path in folder.rglob("*")):
            return [], {}, Wiring([], {})
        target = open_worktree(str(_apart(folder)))
        files = [
            file for file in self._readers.read_all(target, processes=1) if file.path != EXPECTATION and not file.path.endswith(SUFFIX)
        ]
        matches = match(files, self._matchers)
        return files, matches, Wiring(files, starts_of(matches))

    def chains(self, folder: Path) -> dict[str, tuple[tuple[Hop, ...], ...]]:
        """The chains that reach each file of a folder, or a task of it, without a person; files that none reaches are left out."""
        files, _, wiring = self.read(folder)
        chains = {
            file.path: (
                wiring.of(Point(file.path)),
                *(wiring.of(Point(file.path, fact)) for fact in file.facts if isinstance(fact, Task)),
            )
            for file in files
        }
        return {path: found for path, all_of_them in chains.items() if (found := tuple(chain for chain in all_of_them if chain))}

    def found(self, case: Case) -> list[str]:
        """The evidence of a case as the lines that its expectation holds."""
        return sorted(line_of(item) for item in self.evidence(case.folder))

    def dead_ends(self, case: Case) -> list[str]:
        """What the recordings of a case show to lead nowhere, as the lines that its expectation holds."""
        return sorted(f"{end.kind} {place_of(end.location)}" for live in self.lives(case.folder) for end in live.dead_ends)


def _apart(folder: Path) -> Path:
    """A fixture's folder outside of this repository, about which git would be asked for each of them."""
    return _copy() / folder.relative_to(FIXTURES) if folder.is_relative_to(FIXTURES) else folder


@cache
def _copy() -> Path:
    copy = Path(mkdtemp())
    atexit.register(shutil.rmtree, copy)
    shutil.copytree(FIXTURES, copy, dirs_exist_ok=True)
    for case in cases():
        if tags := case.listed("tags"):
            repository = commit(copy / case.detector / case.name)
            for tag in tags:
                git(repository, "tag", str(tag))
    return copy


def line_of(item: Evidence) -> str:
    return f"{item.detector}/{item.signal} {place_of(item.location)} {item.strength.label}"


def place_of(location: Location) -> str:
    """A line of a file, or a resource behind the name of its provider."""
    return f"{location.target.partition(':')[0]}:{location.resource}" if location.resource else f"{location.path}:{location.line}"


def _written(key: str, lines: list[str]) -> str:
    return f"{key}:\n" + "".join(f"  - {line}\n" for line in lines) if lines else f"{key}: []\n"


def unshown(finder: Finder, detector: str) -> list[str]:
    """Signals of a detector that no case of its own shows at their full strength or above."""
    shown: dict[str, Strength] = {}
    for case in cases(detector):
        for item in finder.evidence(case.folder):
            if item.detector == detector:
                shown[item.signal] = max(item.strength, shown.get(item.signal, Strength.ABSENT))
    signals = next(pack.signals for pack in finder.packs.detectors if pack.id == detector)
    return [signal.id for signal in signals if shown.get(signal.id, Strength.ABSENT) < signal.strength]


def main(arguments: list[str]) -> int:
    command, *ids = arguments
    finder = Finder()
    if command == "real":
        folder, *ids = ids
        for tree in sorted(Path(folder).iterdir()):
            for item in finder.evidence(tree):
                if item.detector in ids:
                    file = tree / item.location.path
                    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
                    text = lines[item.location.line - 1].strip()[:100] if 0 < item.location.line <= len(lines) else ""
                    print(f"{tree.name[:30]:30} {item.capability} {line_of(item)} x{item.occurrences} | {text} | {item.note}")
        return 0
    wrong = 0
    for case in cases(*ids):
        found = finder.found(case)
        if command == "update":
            reached = sorted(finder.chains(case.folder)) if case.listed("reached") is not None else None
            dead_ends = finder.dead_ends(case) or None
            asked = {key: case.listed(key) for key in ("unreached", "tags")}
            lists = {"evidence": found, "dead_ends": dead_ends, "reached": reached, **asked}
            (case.folder / EXPECTATION).write_text("".join(_written(key, lines) for key, lines in lists.items() if lines is not None))
        if command == "check" and found == sorted(case.expected):
            continue
        print(f"── {case.detector}/{case.name}")
        for line in sorted({*found, *case.expected}):
            mark = " " if line in found and line in case.expected else "+" if line in found else "-"
            print(f"  {mark} {line}")
        wrong += 1
    for detector in ids or [pack.id for pack in finder.packs.detectors]:
        own = cases(detector)
        if not any(case.lookalike for case in own):
            print(f"{detector}: no lookalike case")
        for case in own:
            if case.lookalike and any(line.startswith(f"{detector}/") for line in finder.found(case)):
                print(f"{detector}/{case.name}: the lookalike is taken for the tool")
        if missing := unshown(finder, detector):
            print(f"{detector}: no case shows {', '.join(missing)}")
    return 1 if wrong and command == "check" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
