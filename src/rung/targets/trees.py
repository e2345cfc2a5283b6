"""The files below a tree of git, folder by folder: of a tree listed after another only those folders are read that differ."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from rung.expressions import regex
from rung.targets.git import GitError
from rung.targets.listing import Found
from rung.targets.objects import Objects, Talk

UNKNOWN = -1
"""The size of a file whose content is not in the clone."""
SUBMODULE = 0o160000
_DEEPEST = 2048
"""Folders in folders; git itself follows no more."""
_ENTRY = regex(rb"([0-7]{1,7}) ([^\0]+)\0")
"""Mode and name; an id follows."""
_COMMITTER = regex(rb"\ncommitter [^\n]*> (-?\d+)")
_MODES = {b"100644": 0o100644, b"100755": 0o100755, b"40000": stat.S_IFDIR}
_AT_ONCE = 240
"""Requests that fit into any pipe, so that asking never blocks."""
_AHEAD = 1000
"""Folders that are read before the files in them are asked for."""
_MOST_FOLDERS = 2_000_000
"""A tree that names itself again and again has more."""


class _Below(Struct, frozen=True):
    """A folder in a folder."""

    path: str
    tree: str


class _Folder(Struct, frozen=True):
    """What a tree holds, in git's order and with whole paths."""

    tree: str
    items: Sequence[Found | _Below]


class Trees:
    """Lists the trees of one repository, one after another; it remembers the folders of the last."""

    __slots__ = ("_contents", "_folders", "_kinds", "_objects", "_width")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._width = 32 if objects.kind == "sha256" else 20
        self._contents: Talk | None = None
        self._kinds: Talk | None = None
        self._folders: dict[str, _Folder] = {}

    def files(self, commit: str, folder: str = "") -> Generator[Found, None, None]:
        """The files, links and submodules below a folder of a commit, as `git ls-tree -r` gives them; raises `GitError`.

        Paths are relative to the folder. What is given is remembered, and so must not be changed.
        """
        try:
            now: dict[str, _Folder] = {}
            yield from self._files(self._top(commit, folder), now)
            self._folders = now
        except OSError as error:
            self.close()
            raise GitError("it ended") from error
        except GitError:
            self.close()
            raise

    def date_of(self, commit: str) -> int:
        """When a commit was committed, in seconds since 1970; raises `GitError`."""
        ((_, data),) = self._read_all([commit], "commit")
        found = _COMMITTER.search(data)
        if found is None:
            raise GitError("a commit has an unknown form")
        return int(found[1])

    def close(self) -> None:
        """End git; listing again would start it again."""
        for talk in (self._contents, self._kinds):
            if talk is not None:
                talk.close()
        self._contents = self._kinds = None

    def __del__(self) -> None:
        self.close()

    def _files(self, top: _Folder, now: dict[str, _Folder]) -> Iterator[Found]:
        """The files of a folder and of those below it, which are put into `now`."""
        now[""] = top
        ahead: dict[str, _Folder] = {}
        open_folders = [(top.items, 0)]
        while open_folders:
            items, start = open_folders.pop()
            for place in range(start, len(items)):
                item = items[place]
                if isinstance(item, Found):
                    yield item
                    continue
                below = ahead.pop(item.path, None) or self._known(item)
                if below is None:
                    ahead |= self._read(self._unknown(items, place))
                    below = ahead.pop(item.path)
                now[item.path] = below
                if len(now) > _MOST_FOLDERS or len(open_folders) > _DEEPEST:
                    raise GitError("its folders have no end")
                open_folders += ((items, place + 1), (below.items, 0))
                break

    def _known(self, below: _Below) -> _Folder | None:
        known = self._folders.get(below.path)
        return known if known and known.tree == below.tree else None

    def _unknown(self, items: Sequence[Found | _Below], start: int) -> list[_Below]:
        """The folders from a place on of which nothing is known, as many as can be asked for at once."""
        following = (items[place] for place in range(start, len(items)))
        return list(islice((item for item in following if isinstance(item, _Below) and self._known(item) is None), _AT_ONCE))

    # ── Asking git ───────────────────────────────────────────────────────────────────────────────────

    def _top(self, commit: str, folder: str) -> _Folder:
        ((tree, data),) = self._trees([f"{commit}^{{tree}}"])
        for part in folder.split("/") if folder else ():
            inside = (below for mode, path, below in _entries(data, self._width) if mode == stat.S_IFDIR and path == part)
            if (found := next(inside, None)) is None:
                raise GitError("it has no such folder")
            ((tree, data),) = self._trees([found])
        top = _Below("", tree)
        return self._known(top) or self._folders_of([(top, data)])[0]

    def _read(self, wanted: Sequence[_Below]) -> dict[str, _Folder]:
        """Folders by path, and of those below them as many as are asked for in a few rounds."""
        read: dict[str, _Folder] = {}
        waiting = deque(wanted)
        while waiting and len(read) < _AHEAD:
            asked = [waiting.popleft() for _ in range(min(_AT_ONCE, len(waiting)))]
            found = zip(asked, self._trees([below.tree for below in asked]), strict=True)
            made = self._folders_of([(below, data) for below, (_, data) in found])
            for below, folder in zip(asked, made, strict=True):
                read[below.path] = folder
                waiting += self._unknown(folder.items, 0)
        return read

    def _folders_of(self, found: Sequence[tuple[_Below, bytes]]) -> list[_Folder]:
        """The folders that trees of these contents are, with the sizes of their files."""
        folders: list[_Folder] = []
        sizes: dict[str, int] = {}
        unknown: list[Found] = []
        for below, data in found:
            if known := self._folders.get(below.path):
                sizes = {item.blob: item.size for item in known.items if isinstance(item, Found)}
            items = self._items(below, data, sizes)
            folders.append(_Folder(below.tree, items))
            unknown += [item for item in items if isinstance(item, Found) and item.size == UNKNOWN and item.mode != SUBMODULE]
            sizes = {}
        self._size(unknown)
        return folders

    def _items(self, below: _Below, data: bytes, sizes: Mapping[str, int]) -> list[Found | _Below]:
        """What the content of a tree lists, with the sizes that are known."""
        above = f"{below.path}/" if below.path else ""
        items: list[Found | _Below] = []
        for mode, name, made in _entries(data, self._width):
            path = above + name
            items.append(_Below(path, made) if mode == stat.S_IFDIR else Found(path, sizes.get(made, UNKNOWN), mode, 0, made))
        return items

    def _size(self, files: Sequence[Found]) -> None:
        """Give files their sizes, as far as they are in the clone."""
        for start in range(0, len(files), _AT_ONCE):
            self._kinds = talk = _ours(self._kinds) or self._objects.talk("--batch-check")
            part = files[start : start + _AT_ONCE]
            talk.ask([file.blob for file in part])
            for file, header in zip(part, talk.headers(len(part)), strict=True):
                if header[0] != file.blob:
                    raise GitError("it answers what was not asked")
                if header[1] != "missing":
                    file.size = int(header[2])

    def _trees(self, names: Sequence[str]) -> list[tuple[str, bytes]]:
        return self._read_all(names, "tree")

    def _read_all(self, names: Sequence[str], kind: str) -> list[tuple[str, bytes]]:
        """The ids and contents of objects of a kind, no more than can be asked for at once."""
        self._contents = talk = _ours(self._contents) or self._objects.talk()
        talk.ask(names)
        found = []
        for _ in names:
            header = talk.header()
            if header[1] != kind:
                raise GitError("a folder of it is missing" if kind == "tree" else "a commit is missing")
            found.append((header[0], talk.content(int(header[2]))))
        return found


def _ours(talk: Talk | None) -> Talk | None:
    if talk is not None and not talk.is_ours:
        talk.close()
        return None
    return talk


def _entries(data: bytes, width: int) -> Iterator[tuple[int, str, str]]:
    """Mode, name and id of what a tree holds, the mode as one of those that git knows."""
    place = 0
    while place < len(data):
        found = _ENTRY.match(data, place)
        if not found or found.end() + width > len(data):
            raise GitError("a folder of it is damaged")
        place = found.end() + width
        yield _MODES.get(found[1]) or _canonical(int(found[1], 8)), os.fsdecode(found[2]), data[found.end() : place].hex()


def _canonical(mode: int) -> int:
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    return stat.S_IFLNK if stat.S_ISLNK(mode) else stat.S_IFDIR if stat.S_ISDIR(mode) else SUBMODULE
