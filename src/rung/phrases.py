"""Words for several things, as all that Rung says puts them."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], most: int, *, count: int = 0, by: str = ", ") -> str:
    """`a, b, c and 2 more`.

    Args:
        names: in the order to name them.
        most: how many of them are named.
        count: how many there are, where that is more than the names that are known.
        by: what stands between two names.
    """
    known = list(names)
    rest = max(count, len(known)) - len(known[:most])
    return by.join(known[:most]) + (f" and {rest} more" if rest else "")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}".replace(",", " ")
