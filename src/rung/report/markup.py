"""GitHub-flavoured Markdown in parts, safe for text from outside."""

from __future__ import annotations

import re

from rung.expressions import regex
from rung.report.document import Document
from rung.report.views import place, source_url

_SPECIAL = regex(r"([\\`*_\[\]|~$])")
# A code host turns these into notifications, references and links even where they are only text.
_AUTOLINK = regex(r"(?i)(@|#|(?<=http):|(?<=https):|(?<=ftp):|(?<=www)\.|(?<=GH)-(?=\d))(?=\S)")
_PIPE = regex(r"(?<!\\)\|")


def escaped(text: str) -> str:
    """Text from outside that stays text: no markup, no HTML, no mention, no link."""
    text = _SPECIAL.sub(r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _AUTOLINK.sub(r"\1<!-- -->", text)


def code(text: str) -> str:
    """Text from outside as a code span that it cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def link(document: Document, location: Document) -> str:
    """A place in code, as a link to its page where the code host is known."""
    text = code(place(location))
    url = source_url(document, location["target"], location.get("path", ""), location.get("line", 0), location.get("end_line", 0))
    return f"[{text}](<{url}>)" if url else text


def row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(_PIPE.sub(r"\\|", cell.strip()) for cell in cells) + " |"


def folded(summary: str, lines: list[str]) -> list[str]:
    """Lines that a click opens."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def joined(blocks: list[list[str]]) -> list[str]:
    """The lines of all blocks that have any, an empty line between two blocks."""
    filled = [block for block in blocks if block]
    return [line for index, block in enumerate(filled) for line in (("", *block) if index else block)]
