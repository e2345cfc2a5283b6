"""What a reader is: a name, the paths it claims, and a pure function from bytes to facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from rung.expressions import regex
from rung.records import Fact

_BRACKETS = regex(r"\[[^\]]*\]")


class Asked:
    """Which calls anybody asks for, told by the first and the last part of their names; brackets are no part of them.

    Args:
        roots: first parts of which every call is asked for.
        stems: what further such first parts begin with.
        lasts: last parts that are asked for whatever is before them.
        ends: first parts with the last parts that are asked for behind them.
        whole: whether a name that its parts speak for is asked for; those with one of the stems all are.
        like: what last parts of further calls hold; all of these are asked for.
    """

    def __init__(
        self,
        roots: Iterable[str],
        stems: Iterable[str],
        lasts: Iterable[str],
        ends: Mapping[str, AbstractSet[str]] = MappingProxyType({}),
        whole: Callable[[str], bool] = lambda _name: True,
        *,
        like: re.Pattern[str] | None = None,
    ) -> None:
        self._roots = frozenset(roots)
        self._stems = tuple(stems)
        self.lasts = frozenset(lasts)
        self._ends = ends
        self._whole = whole
        self._like = like
        self.name = lru_cache(maxsize=1 << 14)(self._name)
        """Whether a call of this name is asked for."""

    def _name(self, name: str) -> bool:
        bare = _BRACKETS.sub("", name) if "[" in name else name
        root, last = bare.partition(".")[0], bare.rpartition(".")[2]
        if root.startswith(self._stems) or (self._like and self._like.search(last)):
            return True
        return (last in self.lasts or root in self._roots or last in self._ends.get(root, ())) and self._whole(name)

    def root_of(self, name: str) -> bool:
        """Whether any call is asked for by the first part that this name has."""
        root = name.partition(".")[0]
        return root in self._roots or root in self._ends or root.startswith(self._stems)


EVERY_CALL = Asked((), ("",), ())


class Claims:
    """Which paths a reading is for: those that meet a condition, hold a text, and whose file's name has one of some keys.

    A key is a name (`tox.ini`), a last suffix (`.yml`), the part before the first dot with it (`makefile.`), all in lower case, or
    nothing, for names without a dot. Without keys every name will do. Keys and text spare most paths most of the conditions.
    """

    __slots__ = ("condition", "holds", "keys")

    def __init__(self, condition: Callable[[str], bool], *keys: str, holds: str = "") -> None:
        self.condition = condition
        self.keys = frozenset(keys)
        self.holds = holds
        """In lower case, as the path is looked at."""

    def __call__(self, path: str) -> bool:
        """Whether the path is claimed."""
        return self.holds in path.lower() and (not self.keys or not self.keys.isdisjoint(_keys_of(path))) and self.condition(path)


def called(*names: str) -> Claims:
    """Claims files of these names."""
    return Claims(lambda path: path.rpartition("/")[2] in names, *(name.lower() for name in names))


def suffixed(*suffixes: str, any_case: bool = False) -> Claims:
    """Claims files whose last suffix is one of these."""
    ends = tuple(suffixes)
    keys = {suffix.lower() for suffix in suffixes}
    return Claims((lambda _: True) if any_case else (lambda path: path.endswith(ends)), *keys)


def named(pattern: str, *keys: str, holds: str = "") -> Claims:
    """Claims paths whose file name (with as many folders as the pattern has) the pattern matches as a whole."""
    if "/" in pattern.replace("[^/]", ""):
        whole = regex(r"(?:.*/)?(?:" + pattern + ")", re.DOTALL)
        return Claims(lambda path: whole.fullmatch(path) is not None, *keys, holds=holds)
    alone = regex(pattern)
    return Claims(lambda path: alone.fullmatch(path.rpartition("/")[2]) is not None, *keys, holds=holds)


def _keys_of(path: str) -> tuple[str, str, str]:
    name = path.rpartition("/")[2].lower()
    stem, dot, _ = name.partition(".")
    return name, stem + ".", "." + name.rpartition(".")[2] if dot else ""


CODE = ("call", "gate", "import", "literal", "test")
PIPELINE = ("command", "image", "step", "workflow")
COMMANDS = ("chart", "command")
RESOURCES = ("chart", "command", "image", "resource")
PACKAGES = ("dependency",)


class Reading(Struct, frozen=True, kw_only=True):
    """One way to read one kind of file.

    `read(path, data)` gives facts in any order and never raises on bad input: what it could not read is a
    `Problem` fact, and what it could read stands beside it. It must not look at anything but its arguments,
    so that its facts can be kept by the blob's id.
    """

    name: str
    shows: tuple[str, ...]
    """The matchers that live on its facts: what they ask for may be in a file of this kind that could not be read."""
    tried: bool = False
    """Most files that it claims are not of its kind, so that one is taken for such only where it is recognised."""
    claims: Claims
    """Which paths (relative, `/` between parts, a template's suffix taken away) are of this kind."""
    read: Callable[[str, bytes], Iterable[Fact]]
    languages: tuple[str, ...] = ()
    """For source code: what the names of its calls begin with (`go:`; Python's with nothing)."""
    skim: Callable[[str, bytes], Iterable[Fact]] | None = None
    """For source code in which no signal can find a call, literal or gate: the facts that are left, at a fraction of the cost."""
    sparing: Callable[[Asked], Reading] | None = None
    """For source code: this reading without the calls that nobody asks for."""


class Claimants:
    """Readings, and which of them claim a path; only those are asked that have one of its keys, or none."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = tuple(readings)
        self._keys = frozenset(key for reading in self._readings for key in reading.claims.keys)
        self._likely: dict[tuple[str, ...], tuple[tuple[str, Callable[[str], bool], Reading], ...]] = {}
        """By the keys that a path has, the readings to ask, in their order, with the text that the path must hold and the condition."""

    def of(self, path: str) -> tuple[Reading, ...]:
        """The readings that claim a path, in their order."""
        keys = tuple([key for key in _keys_of(path) if key in self._keys])
        likely = self._likely.get(keys)
        if likely is None:
            likely = tuple(
                (reading.claims.holds, reading.claims.condition, reading)
                for reading in self._readings
                if not reading.claims.keys or not reading.claims.keys.isdisjoint(keys)
            )
            self._likely[keys] = likely
        lowered = path.lower()
        return tuple([reading for holds, claims, reading in likely if holds in lowered and claims(path)])
