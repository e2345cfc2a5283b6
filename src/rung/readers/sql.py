"""SQL statements and the Jinja in them, as calls: `sql:create table`, `sql:grant`, `sql:ml.predict`, `dbt.ref`,
and a package's macro as `dbt.dbt_utils.star`. What the user of a database gets on setting it up has names of its own:
`sql:grant all`, `sql:grant usage`, `sql:grant connect`.

No dialect's grammar is followed. One pass blanks out comments, strings and Jinja; what is left is searched
for the verbs that start a statement and for the functions that are used.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain

from msgspec import Struct

from rung.expressions import regex
from rung.readers.documents import text_of
from rung.readers.reading import CODE, Reading, suffixed
from rung.readers.scanning import blank
from rung.records import Call, Fact, Problem

MAX_BYTES = 2 * 1024 * 1024
MAX_CALLS = 10_000
MAX_JINJA = 20_000
"""Characters of one Jinja expression that are read."""

_OPENING = regex(r"--|/\*|'''|\"\"\"|'|\"|`|\$\w*\$|\{\{|\{%|\{#|\n[ \t]*+#")
_FIRST_COMMENT = regex(r"[ \t]*+#[^\n]*+")
_CLOSING = {"/*": "*/", "{{": "}}", "{%": "%}", "{#": "#}", "'''": "'''", '"""': '"""', "`": "`"}
_QUOTED = {"'": regex(r"(?:[^'\\]++|\\.)*+'", re.DOTALL), '"': regex(r"(?:[^\"\\]++|\\.)*+\"", re.DOTALL)}

_TYPES = (
    r"(?:materialized|streaming|live|streaming\s+live|external|dynamic|hybrid|iceberg|foreign|virtual|semantic|secure)\s+(?:table|view|function)"
    r"|(?:masking|row\s+access|aggregation|projection|join|password|network|session|authentication|security|resource)\s+policy"
    r"|(?:storage|notification|api|catalog|security|external\s+access)\s+integration"
    r"|(?:unique|vector|search|fulltext|clustered|nonclustered|columnstore)\s+index"
    r"|(?:table|aggregate|window|external)\s+function|external\s+(?:location|data\s+source|model|volume|file\s+format|schema|catalog)"
    r"|storage\s+credential|service\s+credential|database\s+(?:role|scoped\s+credential)|application\s+role|resource\s+monitor|file\s+format|event\s+table"
    r"|event\s+trigger|feature\s+view|git\s+repository|compute\s+pool|image\s+repository|cortex\s+search\s+service|cortex\s+agent|data\s+metric\s+function"
    r"|row\s+filter|\w+"
)
_MODIFIERS = r"(?:(?:or\s+(?:replace|alter|refresh)|temp|temporary|transient|volatile|unlogged|global|local|recursive|force|private|public|secure)\s+)*"
_NAME = r"(?:if\s+(?:not\s+)?exists\s+)?([\w$.\[\]{}@/:%~-]+)?"
_BEFORE = ("begin", "then", "else", "do", "as", "go")
_STATEMENT = regex(
    rf"(?:^|;|\b(?:{'|'.join(_BEFORE)})\s)[ \t]*(?:"
    rf"(?P<verb>create)\s+{_MODIFIERS}(?P<type>{_TYPES})\s+{_NAME}"
    rf"|(?P<verb2>alter|drop|undrop|refresh|describe)\s+(?P<type2>{_TYPES})\s+{_NAME}"
    r"|(?P<verb3>merge\s+into|insert\s+into|insert\s+overwrite(?:\s+table)?|delete\s+from|copy\s+into|truncate\s+table|load\s+data|export\s+data|export\s+model"
    r"|unload|copy|call|execute\s+task|execute\s+immediate|optimize|vacuum|analyze(?:\s+table)?|comment\s+on|grant|revoke|deny|update|expectation|constraint)"
    r"(?=[\s(])\s*(?:(?:or\s+(?:replace|refresh))\s+)?([\w$.\[\]{}@/:%~-]+)?"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_VERBS = (
    "create|alter|drop|undrop|refresh|describe|merge|insert|delete|copy|truncate|load|export|unload|call|execute|optimize|vacuum|analyze"
    "|comment|grant|revoke|deny|update|expectation|constraint"
)
_START = regex(
    "|".join((*(rf"{mark}(?=[ \t]*+(?:{_VERBS}))" for mark in [r"\n", r";"]), *(rf"{word}(?=\s[ \t]*+(?:{_VERBS}))" for word in _BEFORE)))
)
"""In lower case, what every statement but one that begins the text begins with."""
_CLAUSE = regex(
    r"\b((?:set|unset|add|drop|with)\s+(?:masking|row\s+access|aggregation|projection)\s+policy|enable\s+row\s+level\s+security|set\s+row\s+filter|set\s+mask"
    r"|add\s+constraint|set\s+tags?|with\s+tag)\b\s*([\w$.{}-]+)?",
    re.IGNORECASE,
)
_CLAUSE_WORD = regex(r"\s(?:mask|aggregation\s|projection\s|row\s+(?:access|level|filter)|constraint|tag)")
"""In lower case, what every clause holds."""
_GRANTED = regex(
    r"\bon\s+(?:(?:all|future)\s+)?(?:\w+s?\s+(?:in\s+)?(?:schema\s+|database\s+)?)?([\w$.{}]+)\s+(?:to|from)\b", re.IGNORECASE
)
_PLAIN_GRANTS = frozenset(["all", "usage", "connect"])
"""What the user of a database gets on setting it up."""
_MORE_GRANTED = regex(r"\s*,|.*\bto\s+(?:role|group|database\s+role|share)\b", re.IGNORECASE | re.DOTALL)
"""What begins after such a grant that is more than that, or for more than one user."""
_FUNCTION = regex(r"\((\w++(?<=[A-Za-z_])(?:\.\w++(?<=[A-Za-z_])){0,4}+)(?![\w.$])")
"""A function's name and its bracket, read backwards: there are fewer brackets than names."""
_NO_FUNCTIONS = frozenset(
    [
        "in",
        "and",
        "or",
        "not",
        "exists",
        "values",
        "over",
        "as",
        "on",
        "using",
        "when",
        "then",
        "else",
        "case",
        "where",
        "select",
        "from",
        "join",
        "table",
        "into",
        "filter",
        "within",
        "group",
        "partition",
        "by",
        "is",
        "any",
        "all",
        "some",
        "returns",
        "return",
        "with",
        "set",
        "if",
        "unique",
        "key",
        "references",
        "check",
        "decimal",
        "numeric",
        "varchar",
        "char",
        "nvarchar",
        "number",
        "float",
        "datetime2",
        "interval",
        "union",
        "except",
        "intersect",
        "having",
        "limit",
        "order",
        "distinct",
        "array",
        "struct",
        "map",
        "unnest",
        "lateral",
        "options",
        "include",
        "exclude",
        "columns",
        "column",
        "rows",
        "range",
        "between",
        "end",
        "check",
        "index",
        "add",
    ]
)
_NO_NAMES = frozenset({"", "set", "as", "options", "with", "using", "from", "to", "values", "select"})
_JINJA_CALL = regex(r"(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,4})\s*\(")
_JINJA_BLOCK = regex(r"\{%-?\s*(test|data_test|snapshot|macro|materialization|seed|model)\s+([A-Za-z_]\w*)")
_BUILTIN = frozenset(
    [
        "ref",
        "source",
        "config",
        "var",
        "env_var",
        "is_incremental",
        "this",
        "snapshot",
        "log",
        "run_query",
        "statement",
        "function",
        "unit_test",
    ]
)


class _Plain(Struct, frozen=True):
    """SQL without comments, strings and Jinja, all characters in their places."""

    text: str
    lowered: str
    original: str
    jinja: tuple[tuple[int, int], ...]
    starts: tuple[int, ...]

    def line(self, position: int) -> int:
        return bisect_right(self.starts, position)

    def name(self, start: int, end: int) -> str:
        """An object's name as written, without quotes, `{}` where Jinja makes it."""
        if start < 0:
            return ""
        written = self.original[start:end][:500]
        return re.sub(r"[`\"\[\]]", "", re.sub(r"\{\{[^}]*\}\}", "{}", written)).strip(".")


def read_sql(_path: str, data: bytes) -> Iterator[Fact]:
    """Statements, policy clauses, the first use of each function, and dbt's calls and blocks of a SQL file."""
    if len(data) > MAX_BYTES:
        yield Problem(line=0, what=f"larger than {MAX_BYTES // 1024 // 1024} MiB, not read")
        return
    sql = _plain(text_of(data))
    for count, found in enumerate(chain(_statements(sql), _functions(sql), _jinja(sql))):
        if count >= MAX_CALLS:
            yield Problem(line=found.line, what=f"more than {MAX_CALLS} statements, the rest was not read")
            return
        yield found


def _plain(text: str) -> _Plain:
    parts: list[str] = []
    jinja: list[tuple[int, int]] = []
    position = 0
    if comment := _FIRST_COMMENT.match(text):
        position = comment.end()
        parts.append(" " * position)
    while opening := _OPENING.search(text, position):
        start, mark = opening.start(), opening[0]
        end = _end(text, opening)
        content = text[start:end]
        parts.append(text[position:start])
        if mark in ("{{", '"', "`"):
            parts.append(blank(content, "_"))
        elif mark == "'":
            parts.append("'" + blank(content[1:-1]) + "'" if len(content) > 1 else " ")
        else:
            parts.append(blank(content))
        if mark in ("{{", "{%"):
            jinja.append((start, end))
        position = end
    parts.append(text[position:])
    plain = "".join(parts)
    starts = (0, *accumulate(len(line) + 1 for line in text.split("\n")))
    return _Plain(plain, plain.replace("İ", "i").lower(), text, tuple(jinja), starts)


def _end(text: str, opening: re.Match[str]) -> int:
    """Where the comment, string, quoted name or Jinja ends; one that never closes reaches to the end of the text."""
    mark, after = opening[0], opening.end()
    if mark == "--" or (mark.endswith("#") and mark != "{#"):
        end = text.find("\n", after)
        return len(text) if end < 0 else end
    if mark in _QUOTED:
        closed = _QUOTED[mark].match(text, after)
        return closed.end() if closed else len(text)
    closing = _CLOSING.get(mark, mark)
    end = text.find(closing, after)
    return len(text) if end < 0 else end + len(closing)


def _statements(sql: _Plain) -> Iterator[Call]:
    for found in _begun(sql):
        verb = found["verb"] or found["verb2"] or found["verb3"]
        kind = found["type"] or found["type2"] or ""
        index = 3 if found["verb"] else 6 if found["verb2"] else 8
        name = sql.name(*found.span(index))
        at = found.start("verb") if found["verb"] else found.start("verb2") if found["verb2"] else found.start("verb3")
        words = " ".join(f"{verb} {kind}".lower().split())
        if words.startswith(("grant", "revoke", "deny")):
            if words == "grant" and name.lower() in _PLAIN_GRANTS and not _MORE_GRANTED.match(*_rest(sql, found.end())):
                words = f"grant {name.lower()}"
            name = _granted(sql, found.end())
        elif name.lower() in _NO_NAMES:
            if words in ("update", "copy", "call", "analyze", "constraint", "optimize"):
                continue
            name = ""
        yield Call(line=sql.line(at), name=f"sql:{words}", arguments=(name,) if name else ())
    for found in _CLAUSE.finditer(sql.text) if _CLAUSE_WORD.search(sql.lowered) else ():
        name = sql.name(*found.span(2))
        yield Call(line=sql.line(found.start()), name="sql:" + " ".join(found[1].lower().split()), arguments=(name,) if name else ())


def _begun(sql: _Plain) -> Iterator[re.Match[str]]:
    """Each beginning of a statement, where the words before let one begin."""
    end = 0
    for at in chain((0,), (start.start() + (start[0][0] == "\n") for start in _START.finditer(sql.lowered))):
        if at >= end and (found := _STATEMENT.match(sql.text, at)):
            end = found.end()
            yield found


def _granted(sql: _Plain, position: int) -> str:
    """The object of a grant or revocation: what stands after ON, up to the end of the statement."""
    found = _GRANTED.search(*_rest(sql, position))
    return sql.name(*found.span(1)) if found else ""


def _rest(sql: _Plain, position: int) -> tuple[str, int, int]:
    """What of a statement is left, as a text and its bounds."""
    end = sql.text.find(";", position, position + 2000)
    return sql.text, position, end if end >= 0 else min(len(sql.text), position + 2000)


def _functions(sql: _Plain) -> Iterator[Call]:
    seen: set[str] = set()
    size = len(sql.text)
    for found in reversed(list(_FUNCTION.finditer(sql.text[::-1]))):
        name = found[1][::-1].lower()
        if name not in seen and name not in _NO_FUNCTIONS and name.strip("_."):
            seen.add(name)
            yield Call(line=sql.line(size - found.end()), name=f"sql:{name}")


def _jinja(sql: _Plain) -> Iterator[Call]:
    for start, end in sql.jinja:
        text = sql.original[start : min(end, start + MAX_JINJA)]
        if block := _JINJA_BLOCK.match(text):
            yield Call(line=sql.line(start), name="dbt.test" if block[1] == "data_test" else f"dbt.{block[1]}", arguments=(block[2],))
            continue
        for found in _JINJA_CALL.finditer(text):
            name = found[1]
            if name in _BUILTIN or "." in name:
                arguments, keywords = _arguments(text, found.end())
                yield Call(line=sql.line(start + found.start()), name=f"dbt.{name}", arguments=arguments, keywords=keywords)


def _arguments(text: str, start: int) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Literal arguments of a Jinja call; nearly all of them are Python literals, so they are parsed as such, never run."""
    depth, end = 1, start
    for bracket in re.finditer(r"[()]", text[start : start + 4000]):
        depth += 1 if bracket[0] == "(" else -1
        if depth == 0:
            end = start + bracket.start()
            break
        if depth > 20:
            return (), ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = ast.parse(f"f({text[start:end]}\n)".replace("\n", " "), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return (), ()
    if not isinstance(call, ast.Call):
        return (), ()
    keywords: list[tuple[str, str]] = []
    for keyword in call.keywords:
        if keyword.arg:
            keywords.append((keyword.arg, _literal(keyword.value)))
            if isinstance(keyword.value, ast.Dict):
                for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                    if isinstance(key, ast.Constant):
                        keywords.append((f"{keyword.arg}.{_literal(key)}", _literal(value)))
    return tuple(_literal(argument) for argument in call.args if isinstance(argument, ast.Constant)), tuple(keywords)


def _literal(node: ast.expr) -> str:
    """A literal as text (Jinja writes `true` where Python writes `True`), anything else empty."""
    if isinstance(node, ast.Constant):
        return str(node.value)[:200]
    return node.id if isinstance(node, ast.Name) and node.id in ("true", "false", "none") else ""


READINGS: tuple[Reading, ...] = (
    Reading(
        name="sql",
        shows=CODE,
        claims=suffixed(".sql", ".ddl", ".hql", any_case=True),
        read=read_sql,
        languages=("sql:", "dbt."),
        skim=lambda _path, _data: (),
    ),
)
