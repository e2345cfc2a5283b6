"""The files below a tree of git, folder by folder: of a tree listed after another only those folders are read that differ."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from rung.expressions import regex
from rung.targets.git import GitError
from rung.targets.listing import Found
from rung.targets.objects import WINDOW, Objects, Talk

UNKNOWN = -1
"""The size of a file whose content is not in the clone."""
SUBMODULE = 0o160000
_DEEPEST = 2048
"""Folders in folders; git itself follows no more."""
_ENTRY = regex(rb"([0-7]{1,7}) ([^\0]+)\0")
"""Mode and name; an id follows."""
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
        return list(islice((item for item in following if isinstance(item, _Below) and self._known(item) is None), WINDOW))

    # ── Asking git ───────────────────────────────────────────────────────────────────────────────────

    def _top(self, commit: str, folder: str) -> _Folder:
        ((tree, data),) = self._trees([f"{commit}^{{tree}}"])
        for part in folder.split("/") if folder else ():
            inside = (below for mode, path, below in _entries(data, self._width) if stat.S_ISDIR(mode) and path == part)
            if (found := next(inside, None)) is None:
                raise GitError("it has no such folder")
            ((tree, data),) = self._trees([found])
        top = _Below("", tree)
        return self._known(top) or self._folder_of(top, data, self._sizes([(top, data)]))

    def _read(self, wanted: Sequence[_Below]) -> dict[str, _Folder]:
        """Folders by path."""
        found = [(below, data) for below, (_, data) in zip(wanted, self._trees([below.tree for below in wanted]), strict=True)]
        sizes = self._sizes(found)
        return {below.path: self._folder_of(below, data, sizes) for below, data in found}

    def _folder_of(self, below: _Below, data: bytes, sizes: dict[str, int]) -> _Folder:
        above = f"{below.path}/" if below.path else ""
        items: list[Found | _Below] = []
        for mode, name, made in _entries(data, self._width):
            path = above + name
            items.append(_Below(path, made) if stat.S_ISDIR(mode) else Found(path, sizes.get(made, UNKNOWN), mode, 0, made))
        return _Folder(below.tree, items)

    def _sizes(self, folders: Sequence[tuple[_Below, bytes]]) -> dict[str, int]:
        """The sizes of the files in folders, as far as they are in the clone."""
        sizes: dict[str, int] = {}
        asked: dict[str, None] = {}
        for below, data in folders:
            known = self._folders.get(below.path)
            if known:
                sizes |= {item.blob: item.size for item in known.items if isinstance(item, Found)}
            asked |= dict.fromkeys(made for mode, _, made in _entries(data, self._width) if stat.S_ISREG(mode) or stat.S_ISLNK(mode))
        if unknown := [blob for blob in asked if blob not in sizes]:
            self._kinds = talk = _ours(self._kinds) or self._objects.talk("--batch-check")
            for start in range(0, len(unknown), WINDOW):
                part = unknown[start : start + WINDOW]
                talk.ask(part)
                for blob in part:
                    header = talk.header()
                    if header[0] != blob:
                        raise GitError("it answers what was not asked")
                    sizes[blob] = UNKNOWN if header[1] == "missing" else int(header[2])
        return sizes

    def _trees(self, names: Sequence[str]) -> list[tuple[str, bytes]]:
        """The ids and contents of trees, no more than can be asked for at once."""
        self._contents = talk = _ours(self._contents) or self._objects.talk()
        talk.ask(names)
        found = []
        for _ in names:
            header = talk.header()
            if header[1] != "tree":
                raise GitError("a folder of it is missing")
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
        yield _canonical(int(found[1], 8)), os.fsdecode(found[2]), data[found.end() : place].hex()


def _canonical(mode: int) -> int:
    if stat.S_ISREG(mode):
        return 0o100755 if mode & 0o100 else 0o100644
    return stat.S_IFLNK if stat.S_ISLNK(mode) else stat.S_IFDIR if stat.S_ISDIR(mode) else SUBMODULE
