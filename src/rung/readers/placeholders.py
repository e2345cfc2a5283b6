"""Text of templates (Helm, Jinja, Go, Terraform) as what it is a template of: placeholders as plain words, what only steers it left out."""

from __future__ import annotations

import re

from rung.expressions import regex

_PLACEHOLDER_LINE = regex(
    r"^[ \t]*+(?:\{\{-?[ \t]*+(?:if|else|end|range|with|define|block|template|include|toYaml|tpl|/\*|\$\w+[ \t]*+:?=)[^\n]*\}\}"
    r"|\{\{[^\n]{0,300}\|[ \t]*+n?indent\b[^\n]{0,40}\}\}|\{%[^\n]*%\}|%\{~?[ \t]*+(?:if|else|endif|for|endfor)\b[^\n]*\})[ \t]*$",
    re.MULTILINE,
)
_REMARK = regex(r"\{\{-?[ \t]{0,40}/\*|\{#")
_REMARK_END = regex(r"\*/[ \t]{0,40}-?\}\}")
_BLOCK = regex(
    r"^([ \t]*+(?:-|[\w./-]{1,80}:)[ \t]+)\{\{-[ \t]*+(?:(?:if|range|with)\b[^\n]{0,300}|[^\n]{0,300}\|[ \t]*+n?indent\b[^\n]{0,40})\}\}[ \t]*$",
    re.MULTILINE,
)
"""A key or item that a template's block follows."""
_MARKS = regex(r"[\"'{}:#,\[\]]")
_FLOW_LINE = regex(r"[^\"'#{\[]*[:-][ ]+(?:\{(?!\{)|\[)")
_FLOW_VALUE = regex(r"(?<=[:,{\[\s])(?:[^\s,{}\[\]\"'$]*+\$\{[^{}\"\n]*+\})++[^\s,{}\[\]\"']*+(?=[ ]*+[,}\]])")
"""A value with a placeholder in a flow mapping or sequence, where its brackets would be read as YAML's."""
_RAW_STRING = regex(r"\{\{-?\s*`([^`\n]*)`\s*-?\}\}")
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}
"""What ends a placeholder."""


def without_placeholders(text: str) -> str:
    """Template text with its placeholders made into plain words, every line kept in its place.

    `{{ .Values.image.tag }}` becomes `${.Values.image.tag}`; lines that only steer the template become empty.
    """
    text = _BLOCK.sub(r"\1", _PLACEHOLDER_LINE.sub("", _without_remarks(text)))
    text = _RAW_STRING.sub(r"\1", text)
    return "\n".join(_plain_line(line) if "{{" in line or "{%" in line or "{#" in line else line for line in text.split("\n"))


def _without_remarks(text: str) -> str:
    """Template text without its comments, which may go on over lines: of these only the ends are left."""
    parts: list[str] = []
    done = at = 0
    closed = {"/*": True, "{#": True}
    while found := _REMARK.search(text, at):
        kind, at = found[0][-2:], found.end()
        end = text.find("*/" if kind == "/*" else "#}", at) if closed[kind] else -1
        if end < 0:
            closed[kind] = False  # No closer here means none further on.
            continue
        at = end + 2
        if kind == "/*":
            if not (whole := _REMARK_END.match(text, end)):
                continue
            at = whole.end()
        parts += (text[done : found.start()], "\n" * text.count("\n", found.start(), at))
        done = at
    return "".join((*parts, text[done:]))


def _plain_line(line: str) -> str:
    """A line without placeholders: each ends at the first closer after it, and one without a closer stays."""
    parts: list[str] = []
    done = at = 0
    open_ = set(_CLOSERS)
    while (at := line.find("{", at)) >= 0:
        opener = line[at : at + 2]
        end = line.find(_CLOSERS[opener], at + 2) if opener in open_ else -1
        if end < 0:
            open_.discard(opener)  # No closer here means none further on, so the line is looked through but once.
            at += 1
            continue
        parts.append(line[done:at])
        if opener == "{{" and (inner := line[at + 2 : end].strip("- \t")):
            parts.append("${" + _MARKS.sub(" ", inner).strip("- \t") + "}")
        done = at = end + 2
    plain = "".join((*parts, line[done:]))
    return _FLOW_VALUE.sub(lambda found: f'"{found[0]}"', plain) if _FLOW_LINE.match(line) else plain
