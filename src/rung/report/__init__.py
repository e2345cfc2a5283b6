"""Views of the JSON document, one module a format; each is a pure function from the document to text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rung.report import (
    badge,
    codequality,
    comparison,
    comparison_markdown,
    comparison_text,
    document,
    history,
    history_html,
    history_text,
    html,
    junit,
    markdown,
    sarif,
    text,
)
from rung.report.document import Document, document_of, read_document, schema


class Format(NamedTuple):
    """How a format is rendered, and the suffix of a file that holds it."""

    render: Callable[[Document], str]
    suffix: str


FORMATS: dict[str, Format] = {
    "text": Format(text.render, ".txt"),
    "json": Format(document.render, ".json"),
    "markdown": Format(markdown.render, ".md"),
    "html": Format(html.render, ".html"),
    "sarif": Format(sarif.render, ".sarif"),
    "codequality": Format(codequality.render, ".json"),
    "junit": Format(junit.render, ".xml"),
    "badge": Format(badge.render, ".svg"),
}


COMPARISONS: dict[str, Callable[[Document], str]] = {
    "text": comparison_text.render,
    "json": comparison.render,
    "markdown": comparison_markdown.render,
    "sarif": sarif.render,
}
"""How the comparison that a document holds is rendered by itself."""


def render(name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8") -> str:
    """The document in the format of that name; the options are for text only, which a terminal may show narrowly."""
    if name != "text":
        return FORMATS[name].render(document)
    return text.render(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


def render_comparison(
    name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8"
) -> str:
    """The comparison that the document holds in the format of that name; the options are for text only."""
    if name != "text":
        return COMPARISONS[name](document)
    return comparison_text.render(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


HISTORIES: dict[str, Callable[[Document], str]] = {
    "text": history_text.render,
    "csv": history.render_csv,
    "json": history.render_json,
    "html": history_html.render,
}
"""How the document of a history is rendered."""


def render_history(
    name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8"
) -> str:
    """A history in the format of that name; the options are for text only."""
    if name != "text":
        return HISTORIES[name](document)
    return history_text.render(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


def _shows(encoding: str) -> bool:
    try:
        "●◐○─·–→’…".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


__all__ = [
    "COMPARISONS",
    "FORMATS",
    "HISTORIES",
    "Document",
    "Format",
    "document_of",
    "read_document",
    "render",
    "render_comparison",
    "render_history",
    "schema",
]
