"""The JSON document `rung/history/1`: levels over time, and the commits that changed them; CSV is its samples only."""

from __future__ import annotations

import csv
import io
import json

from rung.excerpt import excerpt, mask_tokens
from rung.records import Coverage, History, Interval, LevelChange, Mark, Sample, Standing, StrengthChange
from rung.report.document import Document, cleaned

SCHEMA = "rung/history/1"
_READINGS = ("level", "confirmed", "ceiling", "score")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def history_document(history: History) -> Document:
    """The history as JSON data, in a stable order."""
    target = history.target
    return cleaned(
        {
            "schema": SCHEMA,
            "rung": {"version": history.version, "packs": history.digest},
            "system": history.system,
            "target": {
                "name": target.name,
                "uri": mask_tokens(target.uri),
                "remote": mask_tokens(target.remote),
                "revision": target.revision,
                "branch": target.branch,
                "folder": target.folder,
            },
            "framework": history.framework,
            "levels": [{"level": level, "title": title} for level, title in history.levels],
            "dimensions": dict(history.titles),
            "by": history.by,
            "samples": [_sample(sample) for sample in history.samples],
            "changes": [_mark(mark) for mark in history.marks],
            "intervals": [_interval(interval) for interval in history.intervals],
            "coverage": [_coverage(entry) for entry in history.coverage],
            "notes": list(history.notes),
        }
    )


def render_json(document: Document) -> str:
    """The document as JSON text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_csv(document: Document) -> str:
    """One line a sample, the oldest first, with what rose and fell since the sample before it."""
    names = ["overall", *document["dimensions"]]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["sample", "commit", "date", *(f"{name}_{reading}" for name in names for reading in _READINGS), "rose", "fell"])
    before: Document = {}
    for sample in document["samples"]:
        rows = [sample["overall"], *(sample["dimensions"][name] for name in document["dimensions"])]
        rose, fell = moved(before, sample) if before else ([], [])
        numbers = [row[reading] for row in rows for reading in _READINGS]
        writer.writerow([_plain(sample["label"]), sample["commit"], sample["date"], *numbers, " ".join(rose), " ".join(fell)])
        before = sample
    return table.getvalue()


def moved(before: Document, after: Document) -> tuple[list[str], list[str]]:
    """The dimensions by level and the capabilities by strength that rose and that fell from one sample to another."""
    order = ("absent", "declared", "implemented", "automated", "operating")
    rose: list[str] = []
    fell: list[str] = []
    for name in after["dimensions"]:
        old, new = before["dimensions"][name]["level"], after["dimensions"][name]["level"]
        if old is not None and new is not None and old != new:
            (rose if new > old else fell).append(name)
    for name in sorted({*before["capabilities"], *after["capabilities"]}):
        was, now = (order.index(side["capabilities"].get(name, "absent")) for side in (before, after))
        if was != now:
            (rose if now > was else fell).append(name)
    return rose, fell


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: tags are named by others."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sample(sample: Sample) -> Document:
    return {
        "label": sample.label,
        "commit": sample.commit,
        "date": sample.date,
        "overall": _standing(sample.standings.overall),
        "dimensions": {name: _standing(standing) for name, standing in sample.standings.dimensions},
        "capabilities": {name: strength.label for name, strength in sample.standings.strengths},
    }


def _standing(standing: Standing) -> Document:
    return {"level": standing.level, "confirmed": standing.confirmed, "ceiling": standing.ceiling, "score": standing.score}


def _mark(mark: Mark) -> Document:
    explains = dict(mark.explains)
    return {
        "commit": mark.commit,
        "date": mark.date,
        "subject": excerpt(mark.subject),
        "overall": _level(mark.overall),
        "dimensions": {change.id: _level(change) | {"capabilities": list(explains[change.id])} for change in mark.dimensions},
        "capabilities": {change.id: _strength(change) for change in mark.capabilities},
    }


def _level(change: LevelChange) -> Document:
    return {"title": change.title, "change": change.change.value, "old": _standing(change.old), "new": _standing(change.new)}


def _strength(change: StrengthChange) -> Document:
    return {
        "change": "rose" if change.new > change.old else "fell",
        "negative": change.negative,
        "old": change.old.label,
        "new": change.new.label,
        "because": change.because,
    }


def _interval(interval: Interval) -> Document:
    return {
        "old": interval.old,
        "new": interval.new,
        "commits": interval.commits,
        "scanned": interval.scanned,
        "wavering": list(interval.wavering),
        "untold": interval.untold,
    }


def _coverage(entry: Coverage) -> Document:
    return {"what": entry.what, "reason": entry.reason, "needs": entry.needs}
