"""A history as one self-contained page: a chart for each dimension, the same in a table, and the commits that changed it.

The charts are SVG, drawn here; nothing on the page runs, and nothing comes from a network.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from typing import Any

from rung.phrases import plural
from rung.report.changes import arrow, level_phrase, readings_phrase, score_phrase
from rung.report.document import Document
from rung.report.history_text import SHORT, asides, end_phrase, moves_a_level, noun
from rung.report.views import slug, web_address

_WIDTH, _HEIGHT = 1100, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 14, 12, 24
_TICKS = 8
_CHARACTER = 7
"""Pixels of a character of a tick's label."""


def render(document: Document) -> str:
    """The HTML page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(
        plural=plural, level_phrase=level_phrase, score_phrase=score_phrase, readings_phrase=readings_phrase, arrow=arrow, slug=slug
    )
    return environment.from_string(_packaged("history.html.jinja")).render(_view(document)) + "\n"


def _packaged(name: str) -> str:
    return resources.files("rung.report").joinpath(name).read_text(encoding="utf-8")


def _view(document: Document) -> dict[str, Any]:
    from markupsafe import Markup

    scale = _Scale(document)
    page = web_address(document["target"]["remote"])
    commits = {entry["commit"] for entry in (*document["samples"], *document["changes"])}
    return {
        "style": Markup(_packaged("page.css") + _packaged("history.css")),  # noqa: S704 - our own files
        "document": document,
        "noun": noun(document),
        "told": end_phrase(document),
        "page": page,
        "urls": {commit: f"{page}/commit/{commit}" if page else "" for commit in commits},
        "short": SHORT,
        "charts": [_chart(document, name, title, scale) for name, title in document["dimensions"].items()],
        "box": {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP, "bottom": _HEIGHT - _BOTTOM},
        "grid": [{"level": level["level"], "y": scale.y(level["level"]), "title": level["title"]} for level in document["levels"]],
        "ticks": scale.ticks(),
        "levels": [change for change in document["changes"] if moves_a_level(change)],
        "others": [change for change in document["changes"] if not moves_a_level(change)],
        "asides": list(asides(document)),
    }


class _Scale:
    """Where dates and scores are on a chart."""

    def __init__(self, document: Document) -> None:
        times = [_time(entry["date"]) for entry in (*document["samples"], *document["changes"])]
        self._first, self._last = min(times), max(times)
        self._bottom: int = min(0, *(level["level"] for level in document["levels"]))
        self._top: int = max(level["level"] for level in document["levels"])

    def x(self, date: str) -> float:
        """The place of a date; in the middle when there is only one."""
        span = self._last - self._first
        share = (_time(date) - self._first) / span if span else 0.5
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, score: float) -> float:
        """The height of a level or score."""
        share = (score - self._bottom) / (self._top - self._bottom)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def ticks(self) -> list[Document]:
        """Dates evenly spread, by month where there is time enough."""
        long = self._last - self._first > _TICKS * 31 * 86_400
        count = _TICKS if self._last > self._first else 1
        dates = [self._first + (self._last - self._first) * index / max(count - 1, 1) for index in range(count)]
        stamps = [datetime.fromtimestamp(seconds, UTC).isoformat() for seconds in dates]
        labels = [stamp[: 7 if long else 10] for stamp in stamps]
        places = [
            min(max(self.x(stamp), _LEFT), _WIDTH - _RIGHT - len(label) * _CHARACTER) for stamp, label in zip(stamps, labels, strict=True)
        ]
        return [{"x": place, "label": label} for place, label in zip(places, labels, strict=True)]


def _time(date: str) -> float:
    return datetime.fromisoformat(date).timestamp()


def _chart(document: Document, name: str, title: str, scale: _Scale) -> Document:
    """A dimension's scores as a line of steps, its levels as the area below, and its changes of level as marks."""
    lines: list[list[tuple[float, float, float]]] = [[]]
    known = [(sample["date"], sample["dimensions"][name]) for sample in document["samples"]]
    known += [(change["date"], change["dimensions"][name]["new"]) for change in document["changes"] if name in change["dimensions"]]
    for date, row in sorted(known, key=lambda point: point[0]):
        if row["level"] is None:
            lines.append([])
        else:
            lines[-1].append((scale.x(date), scale.y(row["score"]), scale.y(row["level"])))
    floor = scale.y(0) if document["levels"] else 0
    changes = [change for change in document["changes"] if change["dimensions"].get(name, {}).get("change", "same") != "same"]
    return {
        "id": name,
        "title": title,
        "told": _told(document, name, changes),
        "scores": [_steps([(x, y) for x, y, _ in line]) for line in lines if line],
        "areas": [_area([(x, y) for x, _, y in line], floor) for line in lines if line],
        "marks": [
            {
                "x": scale.x(change["date"]),
                "y": scale.y(change["dimensions"][name]["new"]["level"] or 0),
                "sign": arrow(change["dimensions"][name]) or "●",
                "anchor": f"c-{change['commit'][:SHORT]}",
                "label": f"{change['date'][:10]} {change['commit'][:SHORT]}: {level_phrase(change['dimensions'][name])}, {change['subject']}",
            }
            for change in changes
        ],
    }


def _told(document: Document, name: str, changes: list[Document]) -> str:
    """The chart in words."""
    first, last = (document["samples"][index]["dimensions"][name] for index in (0, -1))
    start, end = ("not applicable" if row["level"] is None else f"level {row['level']}, score {row['score']:.2f}" for row in (first, last))
    return f"from {start} to {end}; {plural(len(changes), 'commit')} changed the level" if changes else f"from {start} to {end}"


def _steps(points: list[tuple[float, float]]) -> str:
    """A path that keeps each height until the next point."""
    x, y = points[0]
    return f"M{x} {y}" + "".join(f"H{x}V{y}" for x, y in points[1:]) + ("" if len(points) > 1 else "h2")


def _area(points: list[tuple[float, float]], floor: float) -> str:
    return f"M{points[0][0]} {floor}V{points[0][1]}" + "".join(f"H{x}V{y}" for x, y in points[1:]) + f"V{floor}Z"
