"""Packages of the repository that are made for others: published to an index, and neither run nor used by anything here.

What such a package offers (a connection to a database, a check of data, a drift detector) its repository does not thereby
practise. The test is strict on purpose: a package with a command of its own, or one that anything but tests, documentation,
examples and tooling imports, is taken for a part of a system.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rung.expressions import regex
from rung.hits import Match
from rung.modules import Modules
from rung.records import Command, Distribution, Entry, Role, SourceFile, Task, Workflow

_TOOLING = regex(r"(?:^|/)(?:\.github|benchmarks?|ci|evals?|hack|scripts?|tools?|util)/|(?:^|/)(?:setup|noxfile|tasks|conf)\.py$")
"""Where the package's own development lives: code that builds, measures and documents it."""
_MODULE = regex(r"(\w+)((?:[.:]\w+)*)")
"""A module, or an object of one, as a command names it."""
_SOURCES = ("src", "lib", "python")
_R = regex(r"\.(?:[Rr]|Rmd|qmd)$")
_OF_R_PACKAGE = regex(r"(?:R|tests|vignettes|man|inst|data-raw|dev|tools|pkgdown|\.github)/|README\.\w+$")
"""Where the files of an R package lie; what else is written in R may use it."""


def made_for_others(files: Sequence[SourceFile], matches: Mapping[str, Sequence[Match]], modules: Modules) -> frozenset[str]:
    """Paths of the Python and R files of packages that are made for others.

    Args:
        files: every file of the target with its facts.
        matches: what signals match in them, by path; they tell whether anything is published.
        modules: where the target's own Python modules are.
    """
    if not any(match.owned.signal.publishes for hits in matches.values() for match in hits):
        return frozenset(_sent_to_cran(files))
    members = _packages(files)
    silent = _without_commands(files)
    found = {
        package
        for package, own in members.items()
        if _silent(package, silent) and not any(isinstance(fact, Entry) for file in own for fact in file.facts)
    }
    found -= _started(files, found) if found else set()
    package_of = {file.path: package for package, own in members.items() for file in own}
    users = _users(files, modules, package_of) if found else {}
    while used := _used(users, package_of, found):
        found -= used
    return frozenset((*(path for path, package in package_of.items() if package in found), *_sent_to_cran(files)))


def _sent_to_cran(files: Sequence[SourceFile]) -> Iterator[str]:
    """The files of R packages that are sent to CRAN, where no script beside them may use them."""
    paths = {file.path for file in files}
    for note in paths:
        folder, _, name = note.rpartition("/")
        below = f"{folder}/" if folder else ""
        if name != "cran-comments.md" or f"{below}DESCRIPTION" not in paths:
            continue
        code = [
            file for file in files if file.role in (Role.SOURCE, Role.NOTEBOOK) and file.path.startswith(below) and _R.search(file.path)
        ]
        if all(_OF_R_PACKAGE.match(file.path[len(below) :]) for file in code):
            yield from (file.path for file in code if file.path.startswith(f"{below}R/"))


def _packages(files: Sequence[SourceFile]) -> dict[str, list[SourceFile]]:
    """The top packages of the source, and the Python files in and below each."""
    own = [file for file in files if file.path.endswith(".py") and file.role is Role.SOURCE]
    folders = {file.path.removesuffix("/__init__.py") for file in own if file.path.endswith("/__init__.py")}
    members: dict[str, list[SourceFile]] = defaultdict(list)
    tops = {"": ""}
    """By folder, the outermost package that it is in, empty when it is in none."""
    for file in own:
        folder = file.path.rpartition("/")[0]
        unknown = []
        while folder not in tops:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        for below in reversed(unknown):
            parent, _, name = below.rpartition("/")
            tops[below] = tops[parent] or (below if below in folders and name != "src" else "")
            folder = below
        if top := tops[folder]:
            members[top].append(file)
    return members


def _without_commands(files: Sequence[SourceFile]) -> dict[str, bool]:
    """Folders of distributions, and whether the distribution installs no command."""
    found: dict[str, bool] = {}
    for file in files:
        if file.role is Role.SOURCE:
            for fact in file.facts:
                if fact.__class__ is Distribution:
                    folder = posixpath.dirname(file.path)
                    found[folder] = found.get(folder, True) and not fact.commands
    return found


def _silent(package: str, silent: Mapping[str, bool]) -> bool:
    """Whether a package stands where a distribution keeps its own, and the distribution installs no command."""
    folder = posixpath.dirname(package)
    if folder not in silent and posixpath.basename(folder) in _SOURCES:
        folder = posixpath.dirname(folder)
    return silent.get(folder, False)


def _started(files: Sequence[SourceFile], packages: set[str]) -> set[str]:
    """The packages that some command runs: as a program, or by the name of a module or an object in it."""
    names = {posixpath.basename(package): package for package in packages}
    return {
        names[found[1]]
        for file in files
        for command in _commands(file)
        for index, word in enumerate(command.words)
        if (found := _MODULE.fullmatch(word)) and found[1] in names and (found[2] or index == 0)
    }


def _commands(file: SourceFile) -> Iterator[Command]:
    for fact in file.facts:
        if isinstance(fact, Task):
            yield from fact.commands
        elif isinstance(fact, Workflow):
            yield from (command for job in fact.jobs for step in job.steps for command in step.commands)


def _used(users: Mapping[str, Sequence[SourceFile]], package_of: Mapping[str, str], found: set[str]) -> set[str]:
    """The packages that source or notebooks outside of all packages made for others import."""
    return {package for package in found if any(package_of.get(file.path) not in found for file in users.get(package, ()))}


def _users(files: Sequence[SourceFile], modules: Modules, package_of: Mapping[str, str]) -> dict[str, list[SourceFile]]:
    """Source and notebooks that import each package, but for the package's own and for tooling."""
    users: dict[str, list[SourceFile]] = defaultdict(list)
    for file in files:
        if file.role in (Role.SOURCE, Role.NOTEBOOK) and not _TOOLING.search(file.path):
            for package in {package_of.get(path, "") for _, path in modules.imported(file)} - {"", package_of.get(file.path)}:
                users[package].append(file)
    return users
