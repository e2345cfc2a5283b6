"""A terminal's page: its width, its colours, and the characters that it can show."""

from __future__ import annotations

import textwrap

from msgspec import Struct

_FALLBACK = str.maketrans(
    {"●": "*", "◐": "o", "○": ".", "─": "=", "·": "-", "–": "-", "→": ">", "…": "~", "’": "'", "—": "-", "▲": "^", "▼": "v"}
)
_STYLES = {"bold": "1", "dim": "2", "cyan": "36", "green": "32", "yellow": "33"}


class Page(Struct, frozen=True, kw_only=True):
    """How text is laid out for one terminal."""

    color: bool
    unicode: bool
    width: int

    def style(self, text: str, style: str) -> str:
        """The text in a style of that name, where there are colours."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text

    def plain(self, text: str) -> str:
        """The text in the characters that the terminal can show; lengths are kept for all that we draw."""
        return text if self.unicode else text.translate(_FALLBACK).encode("ascii", "backslashreplace").decode()

    def wrap(self, text: str, *, first: str, rest: int, style: str = "") -> list[str]:
        """Lines of the text: `first` stands before the first, `rest` blanks before the others."""
        room = max(self.width, rest + 20)
        lines = textwrap.wrap(
            self.plain(text),
            width=room,
            initial_indent=" " * rest,
            subsequent_indent=" " * rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        bodies = [self.style(line[rest:], style) if style else line[rest:] for line in lines] or [""]
        return [self.plain(first).ljust(rest) + bodies[0], *(" " * rest + body for body in bodies[1:])]
