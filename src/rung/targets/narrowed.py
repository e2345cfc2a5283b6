"""A target of which the configuration leaves paths out: they stay listed, so that it is known what was not read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from rung.globs import compile_globs
from rung.records import Coverage, Scope, TargetInfo
from rung.targets.target import Entry, Target, Unread

LEFT_OUT = "left out by rung.yaml"
OTHER_SYSTEM = "part of another system of rung.yaml"
NARROWED = {LEFT_OUT: "the paths taken in again", OTHER_SYSTEM: "a look at that system"}
"""Reasons for which the configuration has a file not read, and what would have it read."""


def within(scope: Scope) -> Callable[[str], bool]:
    """A question `does this path belong to the scope?`; a glob that names a folder means all below it too."""
    inside, outside = compile_globs(_below(scope.inside)), compile_globs(_below(scope.outside))
    return lambda path: (not scope.inside or inside(path)) and not outside(path)


def _below(globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(form for glob in globs for form in (glob, f"{glob.rstrip('/')}/**"))


class Narrowed:
    """See `Target`; files out of the scope are listed as unread."""

    def __init__(self, target: Target, scope: Scope) -> None:
        belongs = within(scope)
        self._target = target
        self._entries = tuple(entry if belongs(entry.path) else replace(entry, unread=LEFT_OUT) for entry in target.list())
        self._left_out = frozenset(entry.path for entry in self._entries if entry.unread == LEFT_OUT)

    @property
    def info(self) -> TargetInfo:
        """Where the target is and in which state."""
        return self._target.info

    def list(self) -> tuple[Entry, ...]:
        """All files, sorted by path."""
        return self._entries

    def read(self, path: str) -> bytes | Unread:
        """The content of a listed file, or why there is none."""
        return Unread(LEFT_OUT) if path in self._left_out else self._target.read(path)

    def coverage(self) -> tuple[Coverage, ...]:
        """What could not be listed or will not be read, grouped by reason."""
        return self._target.coverage()

    def expect(self, paths: Iterable[str]) -> None:
        """Says what is going to be read, so that it can be fetched at once."""
        self._target.expect(path for path in paths if path not in self._left_out)
