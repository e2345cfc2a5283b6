"""Python modules, and scripts of JavaScript, R and Julia, of the repository itself: which names are its own, and which file a name lives in."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from rung.records import Import, Role, SourceFile

_SCRIPT = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
"""Suffixes of JavaScript and TypeScript, in the order in which a name without one is looked for."""
_CLASSES = (".java", ".kt", ".scala")
"""Suffixes of the languages of the JVM, whose classes live in a file by their name, in folders by their package."""
_INCLUDED = (".R", ".r", ".jl", *_CLASSES)
"""Suffixes of the languages in which one file takes in another by its path."""
_AIRFLOW = ("dags", "plugins")
"""Folders from which DAGs import, whether or not they are marked as packages."""
_ALIASES = ("@/", "~/", "#/")
"""What projects write for the folder of their own sources."""
_OF_SCRIPTS, _OF_OTHERS = "js:", ":"
"""What stands for the names of JavaScript, and of R and the like, which are paths."""
_MOST_LOCATED = 100_000
"""Names that are remembered from one revision to the next, however many there are."""


class _Imports:
    """The imports of a file."""

    __slots__ = ("_names", "file", "found")

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.found: tuple[tuple[Import, str], ...] | None = None
        """Those that are the repository's own, each with the path of the module's file; None until they are asked for."""
        self._names: frozenset[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Of all imports the parts of their dotted names; of those of other languages than Python a mark of that."""
        if self._names is None:
            modules = {fact.module for fact in self.file.facts if isinstance(fact, Import)}
            self._names = frozenset(part for module in modules for part in _parts_of(module))
        return self._names


def _parts_of(module: str) -> Sequence[str]:
    language, colon, _ = module.partition(":")
    if not colon:
        return module.split(".")
    return (_OF_SCRIPTS if language == "js" else _OF_OTHERS,)


class Modules:
    """Which file a module of the repository lives in: a Python one by the folders that imports can start from, others by their paths."""

    def __init__(self, paths: AbstractSet[str], scripts: AbstractSet[str] = frozenset(), included: AbstractSet[str] = frozenset()) -> None:
        self.places = paths, scripts, included
        self._paths = paths
        self._included = included
        self._scripts = Scripts(scripts)
        self._classes = Classes(included)
        self._packages = {path.removesuffix("/__init__.py") for path in self._paths if path.endswith("/__init__.py")}
        self._tops = {path.removesuffix(".py") for path in self._paths} | folders_of(self._paths)
        """Where a module or a folder of modules is."""
        self._names = {top.rpartition("/")[2] for top in self._tops}
        """What they are called, so that a name of somebody else's is told at once."""
        self._roots = sorted({"", *(folder for folder in self._sources() if folder)}, key=lambda folder: (folder.count("/"), folder))
        self._below = self._tops_below(self._roots)
        """The roots in which there is something of a name."""
        self._located: dict[tuple[str, str], tuple[str, str] | None] = {}
        self._from_roots: dict[str, tuple[tuple[str, str], ...]] = {}
        """What was found below the roots for a dotted name."""
        self._imports: dict[str, _Imports] = {}

    @classmethod
    def among(cls, files: Sequence[SourceFile]) -> Modules:
        """The modules that some files are: the very ones of the last call when that was for files at the same paths.

        Of files at other paths all is taken over that can't be otherwise among these.
        """
        paths = (
            frozenset(file.path for file in files if file.path.endswith((".py", ".ipynb"))),
            frozenset(file.path for file in files if file.path.endswith((*_SCRIPT, "package.json"))),
            frozenset(file.path for file in files if file.path.endswith(_INCLUDED)),
        )
        last = _LAST[-1] if _LAST else None
        if last and paths == last.places:
            return last
        _LAST[:] = [made := cls(*paths)]
        if last:
            made._take_over(last)
        return made

    def _take_over(self, last: Modules) -> None:
        """Remember what modules at other paths know of names that none of the paths that differ can be called by."""
        if self._roots != last._roots:
            return
        modules, scripts, included = (now ^ then for now, then in zip(self.places, last.places, strict=True))
        called = {_name_of(path) for path in modules}
        if scripts:
            called.add(_OF_SCRIPTS)
        if included:
            called.add(_OF_OTHERS)
        packages = self._packages ^ last._packages
        here = frozenset[str]().union(*self.places)
        for path, known in last._imports.items():
            if path in here and known.names.isdisjoint(called) and posixpath.dirname(path) not in packages:
                self._imports[path] = known
        if len(last._located) < _MOST_LOCATED:
            for (name, path), located in last._located.items():
                if path in here and called.isdisjoint(name.split(".")) and posixpath.dirname(path) not in packages:
                    self._located[name, path] = located

    def _sources(self) -> Iterator[str]:
        """Folders that hold the top of a package, the usual names for a source root, and what Airflow puts on the path."""
        for package in self._packages:
            parent = posixpath.dirname(package)
            if parent not in self._packages or posixpath.basename(parent) == "src":  # Some mark their source root as a package too.
                yield parent
        yield from ("src", "lib", "python", "app")
        yield from (top for top in self._tops if top.rpartition("/")[2] in _AIRFLOW)

    def _tops_below(self, folders: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By the name of a module or folder, those of some folders that it is in, in their order."""
        names: dict[str, list[str]] = {folder: [] for folder in folders}
        for top in self._tops:
            folder, _, name = top.rpartition("/")
            if folder in names:
                names[folder].append(name)
        found: dict[str, list[str]] = defaultdict(list)
        for folder, inner in names.items():
            for name in inner:
                found[name].append(folder)
        return found

    def imported(self, file: SourceFile) -> tuple[tuple[Import, str], ...]:
        """The imports of a file that are the repository's own, each with the path of the module's file."""
        known = self._imports_of(file)
        if known.found is None:
            pairs = ((fact, self._own(fact.module, file.path)) for fact in file.facts if isinstance(fact, Import) and not fact.handed_on)
            known.found = tuple((fact, path) for fact, path in pairs if path)
        return known.found

    def _imports_of(self, file: SourceFile) -> _Imports:
        known = self._imports.get(file.path)
        if known is None or known.file is not file:
            known = self._imports[file.path] = _Imports(file)
        return known

    def source(self, fact: Import, found: str, files: Mapping[str, SourceFile]) -> str:
        """The file that an imported name comes from, where the package that `found` is only hands it on; else `found`.

        What else that package imports runs nothing of what it holds.
        """
        name = fact.module.rpartition(".")[2]
        seen = set[str]()
        while found.endswith("/__init__.py") and found in files and found not in seen and name != found.split("/")[-2]:
            seen.add(found)
            found = next((path for inner, path in self.imported(files[found]) if inner.module.rpartition(".")[2] == name), found)
        return found

    def behind(self, files: Sequence[SourceFile], modules: tuple[str, ...]) -> frozenset[str]:
        """The files of source that import one of some modules, and those that these import, through however many others."""
        by_path = {file.path: file for file in files if file.role is Role.SOURCE}
        below = tuple(module + end for module in modules for end in "./")
        tops = {_parts_of(module)[0] for module in modules}
        new = [
            file
            for file in by_path.values()
            if not tops.isdisjoint(self._imports_of(file).names)
            and any(
                isinstance(fact, Import)
                and (fact.module in modules or fact.module.startswith(below))
                and not self._own(fact.module, file.path)
                for fact in file.facts
            )
        ]
        found = {file.path for file in new}
        while new:
            for fact, package in self.imported(new.pop()):
                path = self.source(fact, package, by_path)
                if path in by_path and path not in found:
                    found.add(path)
                    new.append(by_path[path])
        return frozenset(found)

    def _own(self, module: str, importer: str) -> str | None:
        """The file that an import of any language leads to."""
        language, colon, name = module.partition(":")
        if not colon:
            return self.find(module, importer)
        if language == "js":
            return self._scripts.find(name, importer)
        if language == "jvm":
            return self._classes.find(name, importer)
        places = (posixpath.normpath(posixpath.join(folder, name)) for folder in (posixpath.dirname(importer), ""))
        return next((path for path in places if path in self._included and path != importer), None)

    def find(self, module: str, importer: str) -> str | None:
        """The file of a dotted module (or of the module that a name of it lives in), seen from the importing file."""
        found = self.locate(module, importer)
        return found[0] if found else None

    def locate(self, module: str, importer: str) -> tuple[str, str] | None:
        """The file of a dotted name of Python, as `find` gives it, and what of the name is behind the module."""
        key = module, importer
        if key not in self._located:
            self._located[key] = self._locate(module, importer)
        return self._located[key]

    def _locate(self, module: str, importer: str) -> tuple[str, str] | None:
        if module.startswith("."):
            dots = len(module) - len(module.lstrip("."))
            folder = posixpath.dirname(importer)
            for _ in range(dots - 1):
                folder = posixpath.dirname(folder)
            found = self._within(folder, module.lstrip("."))
            return next((place for place in found if place[0] != importer), None)
        if module.partition(".")[0] not in self._names:
            return None
        own = posixpath.dirname(importer)
        if own not in self._packages and (beside := next((place for place in self._within(own, module) if place[0] != importer), None)):
            return beside
        below = self._from_roots.get(module)
        if below is None:
            roots = self._below.get(module.partition(".")[0], ())
            below = self._from_roots[module] = tuple(place for folder in roots for place in self._within(folder, module))
        return next((place for place in (*below, *self._beside(own, module)) if place[0] != importer), None)

    def _beside(self, folder: str, module: str) -> Iterator[tuple[str, str]]:
        """What a script finds in its own folder, although that is marked as a package."""
        return self._within(folder, module) if folder in self._packages else iter(())

    def _within(self, folder: str, module: str) -> Iterator[tuple[str, str]]:
        """The files below a folder that a dotted name can live in, the longest module first, and what is left of the name."""
        parts = [part for part in module.split(".") if part]
        below = f"{folder}/" if folder else ""
        if not parts or below + parts[0] not in self._tops:
            return
        for length in range(len(parts), 0, -1):
            base = below + "/".join(parts[:length])
            for path in (base + ".py", base + "/__init__.py"):
                if path in self._paths:
                    yield path, ".".join(parts[length:])


class Classes:
    """Which file an imported class of the JVM leads to; of `paths` those that hold such classes count."""

    def __init__(self, paths: AbstractSet[str]) -> None:
        self._stems: dict[str, list[str]] = defaultdict(list)
        """The paths of files by what the class in them is called."""
        for path in sorted(paths):
            if path.endswith(_CLASSES):
                self._stems[posixpath.basename(path).rpartition(".")[0]].append(path)

    def find(self, name: str, importer: str) -> str | None:
        """The file of a class by its full name, or of the class that a member of that name belongs to; in the importer's module if it is there."""
        parts = name.split(".")
        for length in range(len(parts), max(1, len(parts) - 2), -1):
            inner = "/".join(parts[:length])
            found = [path for path in self._stems.get(parts[length - 1], ()) if f"/{path.rpartition('.')[0]}".endswith(f"/{inner}")]
            if found:
                nearest = max(found, key=lambda path: len(posixpath.commonprefix((path, importer))))
                return nearest if nearest != importer else None
        return None


class Scripts:
    """Which file an import of JavaScript or TypeScript leads to; `paths` are such files, and the `package.json` of the packages."""

    def __init__(self, paths: AbstractSet[str]) -> None:
        self._paths = paths
        self._packages: dict[str, list[str]] = defaultdict(list)
        """Folders of packages by the last part of the name, which is taken for the package's."""
        for path in paths:
            folder, _, name = path.rpartition("/")
            if name == "package.json" and folder:
                self._packages[posixpath.basename(folder)].append(folder)

    def find(self, name: str, importer: str) -> str | None:
        """The file of a path from the importing one, from the folder of its sources, or of a package of the same repository."""
        found = next((path for base in self._bases(name, importer) if (path := self._file(base))), None)
        return found if found != importer else None

    def _bases(self, name: str, importer: str) -> Iterator[str]:
        if name.startswith("."):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(importer), name))
        elif name.startswith(_ALIASES):
            folder = importer
            while folder:
                folder = posixpath.dirname(folder)
                yield from (posixpath.normpath(posixpath.join(folder, top, name[2:])) for top in ("", "src", "app"))
        else:
            package, inner = _package_and_path(name)
            folder = package.rpartition("/")[2]
            # Folders leave out the product's name.
            while inner and package.startswith("@") and folder not in self._packages and "-" in folder:
                folder = folder.partition("-")[2]
            folders = self._packages.get(folder, ())
            if len(folders) == 1:
                yield from (posixpath.normpath(posixpath.join(folders[0], top, inner)) for top in ("src", "", "lib"))

    def _file(self, base: str) -> str | None:
        stem, suffix = posixpath.splitext(base)
        if suffix in _SCRIPT:  # Modules of TypeScript name what they are compiled to.
            candidates = [base, *(stem + other for other in _SCRIPT)]
        else:
            candidates = [base + end for end in _SCRIPT] + [posixpath.join(base, "index") + end for end in _SCRIPT]
        return next((path for path in candidates if path in self._paths), None)


def _package_and_path(name: str) -> tuple[str, str]:
    """`@scope/name/inner/path` as the package and the path in it."""
    parts = name.split("/")
    length = 2 if name.startswith("@") else 1
    return "/".join(parts[:length]), "/".join(parts[length:])


_LAST: list[Modules] = []
"""The last modules that were asked for, if any: most are the same in the next revision of a repository."""


def _name_of(path: str) -> str:
    """What a module at a path is called: by its file, or by its folder where it is a package."""
    folder, _, name = path.rpartition("/")
    return folder.rpartition("/")[2] if name == "__init__.py" else name.removesuffix(".py")


def folders_of(paths: Iterable[str]) -> set[str]:
    """The folders that some files are in, but for the root."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


class LocalNames:
    """Which top-level module names are the repository's own, so that a local `mlflow.py` is not taken for the library."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)
        self._packages: set[str] = set()
        for path in paths:
            folder, _, name = path.rpartition("/")
            if name == "__init__.py":
                self._packages.add(folder)
                parent, _, package = folder.rpartition("/")
                self._names[parent].add(package)
            else:
                self._names[folder].add(name.removesuffix(".py"))

    @classmethod
    def among(cls, files: Sequence[SourceFile]) -> LocalNames:
        """The names that some files give: the very ones of the last call when that was for files at the same paths."""
        return _local_names_at(frozenset(file.path for file in files if file.path.endswith(".py")))

    def seen_from(self, path: str) -> Callable[[str], bool]:
        """A test for module names as imported from the file `path`."""
        return self.names(path).__contains__

    def names(self, path: str) -> AbstractSet[str]:
        """The names that are the repository's own where the file `path` imports them."""
        folder, name = posixpath.split(path)
        own = name.removesuffix(".py")
        known = self._names[""] | self._names["src"]
        if folder not in self._packages:
            known = known | (self._names[folder] - {own})
        return known


@lru_cache(maxsize=1)
def _local_names_at(paths: frozenset[str]) -> LocalNames:
    return LocalNames(paths)
