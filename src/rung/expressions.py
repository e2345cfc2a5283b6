"""Regular expressions that are compiled when they are first used: most scans need few of those that readers hold."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, compiled when it is first asked; a mistake in it shows only then."""
    return cast("re.Pattern[AnyStr]", _Later(pattern, flags))


class _Later:
    """Stands for an expression; each of its methods is looked up once and then found as a plain attribute."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._given: tuple[Any, int] = (pattern, flags)
        self.pattern = pattern
        """As of a compiled one; others are put together of it before any is needed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(re.compile(*self._given), name)  # `re` keeps what it has compiled, and the methods keep it alive.
        setattr(self, name, found)
        return found
