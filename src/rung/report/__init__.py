"""Views of the JSON document, one module a format; each is a pure function from the document to text."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from rung.report.document import Document, document_of, read_document, schema


def _render_of(module: str, name: str = "render") -> Callable[..., str]:
    render: Callable[..., str] = getattr(import_module(f"rung.report.{module}"), name)
    return render


def _of(module: str, name: str = "render") -> Callable[[Document], str]:
    """A function of a module, which is imported when the function is called."""

    def render(document: Document) -> str:
        return _render_of(module, name)(document)

    return render


class Format(NamedTuple):
    """How a format is rendered, and the suffix of a file that holds it."""

    render: Callable[[Document], str]
    suffix: str


FORMATS: dict[str, Format] = {
    "text": Format(_of("text"), ".txt"),
    "json": Format(_of("document"), ".json"),
    "markdown": Format(_of("markdown"), ".md"),
    "html": Format(_of("html"), ".html"),
    "sarif": Format(_of("sarif"), ".sarif"),
    "codequality": Format(_of("codequality"), ".json"),
    "junit": Format(_of("junit"), ".xml"),
    "badge": Format(_of("badge"), ".svg"),
}


COMPARISONS: dict[str, Callable[[Document], str]] = {
    "text": _of("comparison_text"),
    "json": _of("comparison"),
    "markdown": _of("comparison_markdown"),
    "sarif": _of("sarif"),
}
"""How the comparison that a document holds is rendered by itself."""


def render(name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8") -> str:
    """The document in the format of that name; the options are for text only, which a terminal may show narrowly."""
    if name != "text":
        return FORMATS[name].render(document)
    return _render_of("text")(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


def render_comparison(
    name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8"
) -> str:
    """The comparison that the document holds in the format of that name; the options are for text only."""
    if name != "text":
        return COMPARISONS[name](document)
    return _render_of("comparison_text")(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


HISTORIES: dict[str, Callable[[Document], str]] = {
    "text": _of("history_text"),
    "csv": _of("history", "render_csv"),
    "json": _of("history", "render_json"),
    "html": _of("history_html"),
}
"""How the document of a history is rendered."""


def render_history(
    name: str, document: Document, *, verbose: bool = False, color: bool = False, width: int = 80, encoding: str = "utf-8"
) -> str:
    """A history in the format of that name; the options are for text only."""
    if name != "text":
        return HISTORIES[name](document)
    return _render_of("history_text")(document, color=color, verbose=verbose, width=width, unicode=_shows(encoding))


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
