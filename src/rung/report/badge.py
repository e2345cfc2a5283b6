"""The levels as a small SVG badge."""

from __future__ import annotations

from html import escape

from rung.report.document import Document, cleaned

_LABEL = "MLOps"
_HEIGHT = 20
_NARROW, _WIDE = "fijlrt.,:;|!'()[] ·", "mwMW@%"
# One hue, darker with the level: the badge states, it does not praise or blame. White text keeps 4.5:1 on each.
_COLORS = {None: "#6b7280", 0: "#64748b", 1: "#56708f", 2: "#3f6a98", 3: "#2b5f9e", 4: "#1d4f91"}


def render(document: Document) -> str:
    """The SVG text, such as `MLOps | Data 3 · Model 2 · Code n/a`."""
    document = cleaned(document)
    told = " · ".join(f"{dimension['title']} {_level(dimension)}" for dimension in document["dimensions"].values())
    level = document["overall"]["level"]
    left, right = _width(_LABEL) + 12, _width(told) + 12
    whole = left + right
    title = f"{_LABEL}: {told}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
        f'<clipPath id="r"><rect width="{whole}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT}" fill="#30363d"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLORS.get(level, _COLORS[4])}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{_LABEL}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{escape(told)}</text></g></svg>\n'
    )


def _level(dimension: Document) -> str:
    return "n/a" if dimension["level"] is None else str(dimension["level"])


def _width(text: str) -> int:
    """About how wide Verdana sets the text at 11 pixels; `textLength` evens out the rest."""
    return round(sum(3.9 if character in _NARROW else 10.2 if character in _WIDE else 7.0 for character in text))
