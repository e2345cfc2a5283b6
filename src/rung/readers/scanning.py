"""Source text without a parser: comments and strings blanked in one linear pass, then calls read by their shape.

For languages (and broken files) that no parser of ours understands. Every pattern is possessive or bounded, so that
hostile text costs no more than its length. Patterns that are searched for begin with plain characters, and what must not
stand before them is asked behind them: so the search runs over all other text at the speed of C.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct

from rung.expressions import regex
from rung.readers.reading import EVERY_CALL, Asked
from rung.records import Call, Literal

MAX_BYTES = 1024 * 1024
"""Source code beyond this size is generated or data; only its first part is scanned."""
MAX_NAME = 200
MAX_LITERALS = 300
MAX_DISTINCT = 300
"""Different names of functions that no import explains, kept of one file."""

_SCHEME_OR_PLACE = regex(
    r"(?:jdbc:)?[A-Za-z][\w+.-]{0,20}+://[^\s]|[A-Za-z]:[\\/][^\s]|\\\\[\w.-]{2,60}\\[^\s]|~/[^\s]|/(?:home|Users|mnt|data|root|opt/ml|dbfs|Volumes|content|kaggle|workspace)/[^\s]"
)
_DATA_SUFFIXES = (
    ".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".pkl", ".pickle", ".joblib", ".h5", ".hdf5", ".keras", ".pt", ".pth", ".ckpt",
    ".safetensors", ".onnx", ".pb", ".tflite", ".feather", ".avro", ".orc", ".tfrecord", ".tfrecords", ".npy", ".npz", ".zarr", ".nc",
    ".sqlite", ".sqlite3", ".db", ".duckdb", ".rds", ".rdata", ".jld2", ".bson",
)  # fmt: skip
_BLOCK = 4096
"""Characters whose lines are counted at once."""
_MAX_OBJECTS = 2
"""Object literals within object literals whose keys are kept."""
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_GAP = regex(r"[ \t\r\n]*+")
_BLANKS = " \t\r\n"
_MARKED = _BLANKS + "?!"
"""What can stand between a name and the joint behind it."""
_JOINTS = (".", "$", "@")
_BEFORE_CHAINED = frozenset((*_BLANKS, *_JOINTS))
_OWN = ("this", "self")
_BOUNDARY = regex(r"[,;(\[{\"'`]")
_MEMBERS = (regex(r"\.\s*+([\w$!]++)"), regex(r"@\s*+([\w$!]++)"))
"""The words behind joints that follow names of languages in which only what was imported is called."""
_KEYWORD = regex(r"\s*+([A-Za-z_.][\w.]*+)\s*+(=(?![=>])|:(?!:))\s*+")
_SCALAR = regex(r"-?\d[\w.]*+\Z|(?:[Tt]rue|TRUE|[Ff]alse|FALSE|None|NULL|null|nil|nothing|undefined)\Z")
_BRACKET_WORD = regex(r"[\w.:/@-]{1,60}+\Z")
_WORD_BEFORE = regex(r"([A-Za-z]++)[ \t]++\Z")
_DEFINES = ("function", "def", "func", "fun", "class", "interface", "macro", "struct", "enum", "trait", "object")
_ASSIGNING = ("=", "<-")
_PREPARING = ("new", "await", "try")
"""Words between the sign of an assignment and the call."""
_ASSIGNED = regex(
    r"(?<![\w$.])((?:this\.|self\.)?[A-Za-z_$][\w$]{0,60})(?:\s{0,4},\s{0,4}\w{1,60})?\s{0,4}(?::[^=;\n(]{0,60})?(?::=|<-|=)\s{0,8}"
    r"(?:(?:await|new|try)\s{1,4}){0,2}&?\Z"
)


def worth_keeping(text: str) -> bool:
    """Whether a string constant is a URI, a path of one machine, or the name of a data or model file."""
    if "/" not in text and "." not in text and "\\" not in text:
        return False
    if _SCHEME_OR_PLACE.match(text):
        return True
    is_name = "\n" not in text and (not text.startswith(".") or text.startswith(("./", "..")))
    return is_name and text[-12:].lower().endswith(_DATA_SUFFIXES)


def bracketed(argument: str) -> str:
    """The mark that a call's first literal argument leaves in the name of what it returns: `[sagemaker]`."""
    return f"[{argument}]" if _BRACKET_WORD.match(argument) else ""


def bounded(name: str) -> str:
    """A name of at most MAX_NAME characters; its middle is what goes."""
    return name if len(name) <= MAX_NAME else f"{name[:120]}…{name[-79:]}"


def as_receiver(name: str) -> str:
    """A name short enough to grow: what a variable remembers of the call that it was assigned from."""
    return name if len(name) <= 100 else name[:100].rpartition(".")[0] or name[:100]


class Scan:
    """A text, its code with comments and the insides of strings blanked, and where strings and brackets end.

    `code` has every character at the offset that it has in `text`. Lines and brackets are counted when they are first asked for.
    """

    __slots__ = ("_closing", "_lines", "_opening", "code", "first_line", "strings", "text")

    def __init__(self, text: str, code: str, strings: dict[int, tuple[int, str]], first_line: int = 1) -> None:
        self.text = text
        self.code = code
        self.strings = strings
        """Offset of the opening quote → (offset behind the closing one, content)."""
        self.first_line = first_line
        self._lines: list[int] = []
        """The line at the beginning of each block."""
        self._closing: dict[str, dict[int, int]] = {}
        """For each kind of bracket the closing one of each that is open."""
        self._opening: dict[int, int] | None = None

    def line(self, offset: int) -> int:
        """The line of an offset."""
        if not self._lines:
            ends = (self.text.count("\n", start, start + _BLOCK) for start in range(0, len(self.text), _BLOCK))
            self._lines = list(accumulate(ends, initial=self.first_line))
        block = offset // _BLOCK
        return self._lines[block] + self.text.count("\n", block * _BLOCK, offset)

    def closing(self, offset: int) -> int:
        """Where the bracket at `offset` closes; the end of the text if it never does."""
        return self._pairs(self.code[offset]).get(offset, len(self.code))

    def opening(self, offset: int) -> int:
        """Where the round bracket that closes at `offset` opens, -1 if it never did."""
        if self._opening is None:
            self._opening = {close: start for start, close in self._pairs("(").items()}
        return self._opening.get(offset, -1)

    def _pairs(self, bracket: str) -> dict[int, int]:
        pairs = self._closing.get(bracket)
        if pairs is None:
            pairs = self._closing[bracket] = {}
            find, closer = self.code.find, _CLOSERS[bracket]
            stack: list[int] = []
            start, end = find(bracket), find(closer)
            while end >= 0:
                if 0 <= start < end:
                    stack.append(start)
                    start = find(bracket, start + 1)
                else:
                    if stack:
                        pairs[stack.pop()] = end
                    end = find(closer, end + 1)
        return pairs

    def string(self, offset: int) -> str | None:
        """The content of the string that begins at `offset`, blanks before it skipped."""
        found = self.strings.get(offset) or self.strings.get(_GAP.match(self.code, offset).end())  # type: ignore[union-attr]
        return found[1] if found else None


def blank(text: str, filler: str = " ") -> str:
    """Blanks, or another character, for every character but newlines."""
    return "\n".join([filler * len(line) for line in text.split("\n")]) if "\n" in text else filler * len(text)


def scan(text: str, tokens: re.Pattern[str], first_line: int = 1) -> Scan:
    """Blanks what `tokens` matches: comments, in which its group `c` is, and of strings what is in its other groups, one in each."""
    comment = tokens.groupindex["c"]
    pieces: list[str] = []
    strings: dict[int, tuple[int, str]] = {}
    done = 0
    for match in tokens.finditer(text):
        group = match.lastindex or 0
        start, end = match.span() if group == comment else match.span(group)
        content = text[start:end]
        pieces += (text[done:start], blank(content))
        done = end
        if group != comment:
            strings[match.start()] = (match.end(), content)
    pieces.append(text[done:])
    return Scan(text, "".join(pieces), strings, first_line)


def literals(source: Scan) -> Iterator[Literal]:
    """The strings worth keeping, MAX_LITERALS at most."""
    left = MAX_LITERALS
    for offset, (_, content) in source.strings.items():
        if left and worth_keeping(content[:MAX_NAME]):
            left -= 1
            yield Literal(line=source.line(offset), value=content[:MAX_NAME])


class Dialect(Struct, frozen=True, kw_only=True):
    """How calls look in a language."""

    prefix: str
    """What its names carry: `js:`."""
    called: re.Pattern[str]
    """An open bracket and, behind what may stand between, the dotted name that is called, all of it read backwards.

    The name is group 1 and ends the match. There are far fewer brackets than names, and each is looked at once.
    """
    joint: re.Pattern[str]
    """What stands between the parts of a name."""
    keyword: str = "="
    """The sign between a keyword and its value; `:` looks into object literals."""
    bare: bool = False
    """Functions that no import explains are kept, as far as they are not noise."""
    written: bool = False
    """Dotted names that no import explains are kept as written."""
    fields: bool = False
    """What a class assigns to a name of its own is a member of `this`."""
    noise: frozenset[str] = frozenset()


def calls(source: Scan, names: dict[str, str], dialect: Dialect, asked: Asked = EVERY_CALL) -> Iterator[Call]:
    """Calls whose name can be resolved through `names` (binding → full name), assignments and chains, in order.

    Calls that nobody asks for are left out.
    """
    code = source.code
    resolved_only = not (dialect.bare or dialect.written)
    if resolved_only and not names:
        return
    bound = any(asked.root_of(full) or asked.name(full) for full in map(dialect.prefix.__add__, names.values()))
    if resolved_only and not bound and all(asked.lasts.isdisjoint(member.findall(code)) for member in _MEMBERS):
        return
    called = _called(code, dialect)
    if resolved_only and not bound and not _any_member_asked_for(source, asked, called):
        return
    known = dict(names)
    done: dict[int, str] = {}
    assigned: dict[int, str] = {}
    distinct: set[str] = set()
    for start, written, end, open_at in called:
        chain = _chained_on(source, start)
        if chain is None and resolved_only and written.partition(".")[0].rstrip(_MARKED) not in known and not written.startswith(_OWN):
            continue
        parts = dialect.joint.split(written)
        target = ""
        if chain is not None:
            base = done.get(chain)
            if base is None:
                continue
            name = ".".join((base, *parts))
            target = assigned.get(chain, "")
        else:
            name = _resolved(parts, known, dialect)
            if not name or (parts[0] not in known and name in dialect.noise):
                continue
            before = code[max(0, start - 200) : start]
            if _is_defined(before):
                continue
            target = _assigned_to(before)
        name = bounded(name)
        if parts[0] not in known and chain is None:
            if name not in distinct and len(distinct) >= MAX_DISTINCT:
                continue
            if dialect.bare and len(parts) == 1 and name in distinct:
                continue
            distinct.add(name)
        first = source.string(open_at + 1)
        receiver = as_receiver(name + (bracketed(first) if first else ""))
        done[open_at] = receiver
        if target:
            assigned[open_at] = target
            known.update(_bound(target, receiver, known, dialect))
        if not asked.name(dialect.prefix + name):
            continue
        close = source.closing(open_at)
        positional, keywords = arguments(source, open_at, close, dialect.keyword)
        yield Call(
            line=source.line(end - 1),
            name=dialect.prefix + name,
            arguments=positional,
            keywords=keywords,
            end_line=source.line(min(close, len(code) - 1)),
        )


def arguments(source: Scan, open_at: int, close: int, keyword: str, depth: int = 0) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Literal positional and all keyword arguments between two brackets; only the first 4,000 characters and 40 arguments.

    What an object literal among the keywords holds follows it, its keys joined by dots.
    """
    positional: list[str] = []
    keywords: list[tuple[str, str]] = []
    for start, end in _segments(source, open_at + 1, min(close, open_at + 4000)):
        if keyword == ":" and source.code[start] == "{":
            keywords += arguments(source, start, min(end - 1, start + 4000), "::")[1]
            continue
        value = _value(source, start, end)
        match = _KEYWORD.match(source.code, start, end)
        if match and match[2] == keyword[-1] and keyword != ":":
            keywords.append((match[1], _value(source, match.end(), end)))
            if keyword == "::" and depth < _MAX_OBJECTS and source.code[match.end() : match.end() + 1] == "{":
                inner = arguments(source, match.end(), min(end - 1, match.end() + 4000), "::", depth + 1)[1]
                keywords.extend((f"{match[1]}.{key}", value) for key, value in inner)
        elif value:
            positional.append(value)
    return tuple(positional), tuple(keywords)


def between(offsets: list[int], start: int, end: int) -> int:
    """How many of the sorted offsets lie behind `start` and before `end`."""
    return bisect_left(offsets, end) - bisect_right(offsets, start) if end > start else 0


def in_order(code: str, patterns: tuple[re.Pattern[str], ...]) -> list[re.Match[str]]:
    """The matches of all patterns that don't begin inside another: what one pattern of many choices would find.

    A pattern that begins with one text is searched for many times as fast as a choice of texts.
    """
    found: list[re.Match[str]] = []
    for match in sorted((match for pattern in patterns for match in pattern.finditer(code)), key=re.Match.start):
        if not found or match.start() >= found[-1].end():
            found.append(match)
    return found


def tests_within(
    source: Scan, opener: tuple[re.Pattern[str], ...], assertion: tuple[re.Pattern[str], ...], hollow: re.Pattern[str]
) -> Iterator[tuple[int, str, int]]:
    """Every call that `opener` finds (it ends at the open bracket): line, first string argument, assertions inside that aren't `hollow`."""
    openers = in_order(source.code, opener)
    asserted = (
        [match.start() for match in in_order(source.code, assertion) if not hollow.match(source.code, match.start())] if openers else []
    )
    for match in openers:
        open_at = match.end() - 1
        inside = between(asserted, open_at, source.closing(open_at))
        yield source.line(match.start()), (source.string(open_at + 1) or "")[:MAX_NAME], inside


_Called = tuple[int, str, int, int]
"""Where a name that is called begins, itself, where it ends, and its open bracket."""


def _called(code: str, dialect: Dialect) -> list[_Called]:
    """Each name that is called, in order."""
    size = len(code)
    spans = [(size - match.end(), size - match.start(1), size - match.start() - 1) for match in dialect.called.finditer(code[::-1])]
    return [(start, code[start:end], end, open_at) for start, end, open_at in reversed(spans)]


def _any_member_asked_for(source: Scan, asked: Asked, called: list[_Called]) -> bool:
    """Whether what is called behind a joint may be asked for."""
    return any(
        name.rpartition(".")[2].strip() in asked.lasts and ("." in name or _chained_on(source, start) is not None)
        for start, name, _, _ in called
    )


def _is_defined(before: str) -> bool:
    """Whether a name is defined and not called, told by what is before it."""
    if not before.rstrip().endswith(_DEFINES):
        return False
    word = _WORD_BEFORE.search(before[-16:])
    return word is not None and word[1] in _DEFINES


def _assigned_to(before: str) -> str:
    """The name that the result of a call is assigned to, told by what is before it; empty if there is none."""
    sign = before.rstrip().removesuffix("&").rstrip()
    while sign.endswith(_PREPARING):
        sign = sign.rstrip("abcdefghijklmnopqrstuvwxyz").rstrip()
    assignment = _ASSIGNED.search(before) if sign.endswith(_ASSIGNING) else None
    return assignment[1] if assignment else ""


def _bound(target: str, receiver: str, known: dict[str, str], dialect: Dialect) -> dict[str, str]:
    """The names that a value is known by when it is assigned to one."""
    field = f"this.{target}"
    return {target: receiver, field: known.get(field, receiver)} if dialect.fields else {target: receiver}


def _chained_on(source: Scan, start: int) -> int | None:
    """The open bracket of the call whose result the name at `start` is a member of; None when it is of no call's."""
    if source.code[start - 1] not in _BEFORE_CHAINED:
        return None
    begin = max(0, start - 300)
    before = source.code[begin:start].rstrip(_BLANKS)
    if not before.endswith(_JOINTS):
        return None
    before = before[:-1].rstrip(_MARKED)
    return source.opening(begin + len(before) - 1) if before.endswith(")") else -1


def _resolved(parts: list[str], known: dict[str, str], dialect: Dialect) -> str:
    head = f"{parts[0]}.{parts[1]}" if len(parts) > 2 and parts[0] in _OWN else parts[0]
    rest = parts[2:] if head != parts[0] else parts[1:]
    if (base := known.get(head)) is not None:
        return ".".join((base, *rest))
    if (dialect.bare and len(parts) == 1) or (dialect.written and len(parts) > 1):
        return ".".join(parts)
    return ""


def _segments(source: Scan, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans between top-level commas, without blanks at their ends."""
    left = 40
    begin = at = start
    while left:
        match = _BOUNDARY.search(source.code, at, end)
        here = match.start() if match else end
        if match and match[0] not in ",;":
            at = source.strings[here][0] if here in source.strings else (source.closing(here) + 1 if match[0] in "([{" else here + 1)
            continue
        text = source.code[begin:here]
        stripped = text.strip()
        if stripped:
            left -= 1
            offset = begin + len(text) - len(text.lstrip())
            yield offset, offset + len(stripped)
        if not match:
            return
        begin = at = here + 1


def _value(source: Scan, start: int, end: int) -> str:
    found = source.strings.get(start)
    if found:
        return found[1][:MAX_NAME] if found[0] == end else ""
    text = source.code[start:end]
    return text if len(text) <= 40 and _SCALAR.match(text) else ""
