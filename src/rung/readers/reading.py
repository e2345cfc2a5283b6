"""What a reader is: a name, the paths it claims, and a pure function from bytes to facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from msgspec import Struct

from rung.records import Fact

_BRACKETS = re.compile(r"\[[^\]]*\]")


class Asked:
    """Which calls anybody asks for, told by the first or the last part of their names; brackets are no part of them.

    Args:
        roots: first parts of which every call is asked for.
        stems: what further such first parts begin with.
        lasts: last parts.
    """

    def __init__(self, roots: Iterable[str], stems: Iterable[str], lasts: Iterable[str]) -> None:
        self._roots = frozenset(roots)
        self._stems = tuple(stems)
        self.lasts = frozenset(lasts)
        self.name = lru_cache(maxsize=1 << 14)(self._name)
        """Whether a call of this name is asked for."""

    def _name(self, name: str) -> bool:
        bare = _BRACKETS.sub("", name) if "[" in name else name
        root = bare.partition(".")[0]
        return bare.rpartition(".")[2] in self.lasts or root in self._roots or root.startswith(self._stems)


EVERY_CALL = Asked((), ("",), ())


class Reading(Struct, frozen=True, kw_only=True):
    """One way to read one kind of file.

    `read(path, data)` gives facts in any order and never raises on bad input: what it could not read is a
    `Problem` fact, and what it could read stands beside it. It must not look at anything but its arguments,
    so that its facts can be kept by the blob's id.
    """

    name: str
    claims: Callable[[str], bool]
    """Whether a path (relative, `/` between parts, a template's suffix taken away) is of this kind."""
    read: Callable[[str, bytes], Iterable[Fact]]
    languages: tuple[str, ...] = ()
    """For source code: what the names of its calls begin with (`go:`; Python's with nothing)."""
    skim: Callable[[str, bytes], Iterable[Fact]] | None = None
    """For source code in which no signal can find a call, literal or gate: the facts that are left, at a fraction of the cost."""
    sparing: Callable[[Asked], Reading] | None = None
    """For source code: this reading without the calls that nobody asks for."""
