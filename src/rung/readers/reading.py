"""What a reader is: a name, the paths it claims, and a pure function from bytes to facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from rung.records import Fact


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
