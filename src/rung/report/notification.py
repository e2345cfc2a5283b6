"""What is told of a regression: as JSON `rung/notification/1` for any webhook, and as a message for Slack and what takes Slack's messages."""

from __future__ import annotations

from rung.report.changes import arrow, capabilities_of, evidence_of, level_phrase, revisions, strength_phrase, told, where
from rung.report.document import Document, cleaned

SCHEMA = "rung/notification/1"
_REASONS = 20
_PLACES = 3
_SECTION = 3_000
"""Characters that Slack takes in a section."""
_HEADER = 150
_CUT = "… The report has the rest."


def notification_of(document: Document) -> Document:
    """What fell in a document that holds a comparison, and why."""
    comparison = cleaned(document["comparison"])
    return {
        "schema": SCHEMA,
        "rung": comparison["rung"],
        "system": comparison["system"],
        "repository": document["scope"].get("repository", ""),
        "framework": comparison["framework"],
        "old": _side(comparison["old"]),
        "new": _side(comparison["new"]),
        "levels": {
            name: {"title": body["title"], "change": body["change"], "old": body["old"]["level"], "new": body["new"]["level"]}
            for name, body in [*comparison["dimensions"].items(), ("overall", comparison["overall"])]
        },
        "regressions": comparison["regressions"],
        "reasons": _reasons(comparison),
        "notes": comparison["notes"],
    }


def slack_message(document: Document) -> Document:
    """The same as a message: its blocks for Slack, its text for notifications and for whatever knows no blocks."""
    comparison = cleaned(document["comparison"])
    title = f"Rung: {comparison['system']} fell"
    levels = " · ".join(
        f"*{_plain(body['title'])}* {level_phrase(body)} {arrow(body)}".rstrip() for body in comparison["dimensions"].values()
    )
    regressions = [f"• {_plain(item['what'])}" for item in comparison["regressions"]]
    reasons = [
        f"▼ {_plain(reason['what'])}\n" + "\n".join(f"    {_plain(place)}" for place in reason["places"]) for reason in _reasons(comparison)
    ]
    sections = [levels, *(_joined(lines) for lines in (regressions, reasons) if lines)]
    compared = _joined([_plain(text) for text in (revisions(comparison), *comparison["notes"])])
    return {
        "text": "\n".join([_plain(title), *sections, compared]),
        "unfurl_links": False,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title[:_HEADER]}},
            *({"type": "section", "text": {"type": "mrkdwn", "text": section}} for section in sections),
            {"type": "context", "elements": [{"type": "mrkdwn", "text": compared}]},
        ],
    }


def _side(side: Document) -> Document:
    targets = [{key: target[key] for key in ("kind", "name", "revision", "branch")} for target in side["targets"]]
    return {"generated_at": side["generated_at"], "targets": targets}


def _reasons(comparison: Document) -> list[Document]:
    """Each capability that is worse, and the places that made it so."""
    worse = [(name, body) for name, body in capabilities_of(comparison) if arrow(body) == "▼"]
    return [
        {
            "capability": name,
            "what": f"{name} {body['old']} → {body['new']}",
            "places": [
                " ".join(filter(None, (f"{where(item)}: {strength_phrase(item)}", f"({told(item)})" if told(item) else "")))
                for item in evidence_of(comparison, body)[:_PLACES]
            ]
            or [body["reason"]],
        }
        for name, body in worse[:_REASONS]
    ]


def _plain(text: str) -> str:
    """Text from outside that stays text: no mention and no link, in Slack's markup and in Markdown."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", "@\u200b").replace("](", "]\u200b(")


def _joined(lines: list[str]) -> str:
    """As many lines as a section takes."""
    kept: list[str] = []
    room = _SECTION - len(_CUT) - 1
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, _CUT])
        kept.append(line)
    return "\n".join(kept)
