"""JavaScript and TypeScript source as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.languages.language import DOUBLE, SINGLE, SLASH_COMMENT, reading
from rung.readers.reading import EVERY_CALL, Asked
from rung.readers.scanning import Dialect, Scan
from rung.records import Call, Fact, Import, Test

_TOKENS = regex(rf"{SLASH_COMMENT}|/(?P<division>)|{DOUBLE.format(1)}|{SINGLE.format(2)}|`(?P<open>)", re.DOTALL)
_INSIDE = regex(rf"{_TOKENS.pattern}|\{{(?P<inner>)|\}}(?P<outer>)", re.DOTALL)
"""Tokens in the code of a template, which its closing brace ends."""
_QUOTED = frozenset({"s1", "s2"})
_TEMPLATE = regex(r"(?P<text>(?:[^`$\\]++|\\.|\$(?!\{))*+\\?+)(?:`|\$\{|\Z)", re.DOTALL)
_REGEX = regex(r"/(?:[^/\\\[\n]++|\\[^\n]|\[(?:[^\]\\\n]++|\\[^\n])*+\]?)++/[a-z]*+")
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%<>~^\n")
_WORD_BEFORE_REGEX = regex(r"\b(?:return|typeof|case|in|of|do|else|yield|await)\Z")
_FROM = regex(
    r"port(?<=(?:im|ex)port)(?<![\w$.](?:im|ex)port)(?:\b[ \t\n]*+(?:type[ \t\n]++(?!from\b))?(?P<clause>(?:[\w$]++[ \t\n]*+,?[ \t\n]*+)?"
    r"(?:\*(?:[ \t\n]++as[ \t\n]++[\w$]++)?|\{[^{}]{0,4000}+\})?)[ \t\n]*+(?<![\w$])from[ \t\n]*+(?=[\"'])|(?<=import)[ \t\n]*+(?=[\"']))"
)
_IMPORTING = regex(
    r"^(?:import[ \t]{0,9}|(?:import|export)\b(?![ \t]{1,9}type\b)[^;'\"\n]{0,400}\bfrom[ \t]{0,9}|\}[ \t]{0,9}from[ \t]{0,9}"
    r"|(?:const|let|var)\b[^;'\"\n]{0,200}=[ \t]{0,9}require\()[\"'](?P<module>[^\"'\n]{1,200})[\"']",
    re.MULTILINE,
)
"""An import that begins or ends a line, in text that is not scanned."""
_CLAUSE = regex(r"(?P<star>\*[ \t\n]++as[ \t\n]++(?P<space>[\w$]++))|(?P<named>\{[^{}]*+\})|(?P<default>[A-Za-z_$][\w$]*+)")
_REQUIRE = (
    regex(r"require(?<![\w$.]require)[ \t]*+\([ \t\n]*+(?=[\"'])"),
    regex(r"import(?<![\w$.]import)[ \t]*+\([ \t\n]*+(?=[\"'])"),
)
_REQUIRED_AS = regex(
    r"(?:const|let|var|import|,)[ \t\n]{1,20}(?P<target>\{[^{}]{0,1000}\}|[\w$]{1,100})[ \t\n]{0,20}=[ \t\n]{0,20}(?:await[ \t\n]{1,20})?\Z"
)
_BASE = regex(r"extends(?<!\wextends)[ \t\n]++(?P<name>[A-Za-z_$][\w$]*+(?:\.[A-Za-z_$][\w$]*+)*+)")
_TYPED = regex(
    r"(?<![\w$.])(?P<name>[a-z_$][\w$]{0,60})[?!]?:[ \t]{0,4}(?P<type>[A-Z][\w$]{0,60}|[a-z][\w$]{0,60}\.[A-Z][\w$]{0,60})(?![\w$.(])"
)
"""A parameter, field or variable with its type, and not a key of an object with what is called for it."""
_CASE = r"(?:\.(?:only|each|concurrent|failing))?(?:[ \t]*+\((?=[ \t\n]*+[\"'`])|[ \t]*+(?<=each)\([^()]{0,2000}+\)[ \t]*+\((?=[ \t\n]*+[\"'`]))"
_TEST = (regex(rf"it(?<![\w$.]it){_CASE}"), regex(rf"test(?<![\w$.]test){_CASE}"))
_ASSERTION = (
    regex(r"expect(?<![\w$]expect)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"assert(?<![\w$]assert)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"fail(?<![\w$]fail)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"\.should\b"),
    regex(r"t\.(?<![\w$]t\.)(?:is|deepEqual|true|false|throws|ok|equal|same|assert)[ \t]*+\("),
)
_HOLLOW = regex(
    r"expect\(\s*+(true|false|null|[0-9]++)\s*+\)\s*+\.(?:(?:toBe|toEqual|toStrictEqual|to\.(?:equal|eql|be\.equal))\(\s*+\1\s*+\)|to\.be\.\1\b)"
    r"|expect\(\s*+(?:true|1)\s*+\)\s*+\.(?:toBeTruthy|toBeDefined)\("
    r"|(?:assert|assert\.ok|assert\.isTrue|t\.(?:ok|true|assert))\(\s*+(?:true|1)\s*+[,)]"
    r"|(?:assert\.(?:equal|strictEqual|deepEqual)|t\.(?:is|equal|same))\(\s*+(true|false|[0-9]++)\s*+,\s*+\2\s*+[,)]"
)
"""What holds whatever is tested."""
_DIALECT = Dialect(
    prefix="js:",
    called=regex(
        r"\((?:\.\?)?[ \t]*+(?:>[^<>()\n;]{0,120}+<)?!?+([\w$]++(?<=[A-Za-z_$])(?:[ \t\n]*+\.[?!]?[ \t\n]*+[\w$]++(?<=[A-Za-z_$])){0,64}+)"
    ),
    joint=regex(r"[ \t\n]*[?!]?\.[ \t\n]*"),
    keyword=":",
    fields=True,
)
_GENERATED = frozenset({"renders learn react link"})
"""Tests that generators of projects write: of the page that they write, too."""


def facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of JavaScript or TypeScript source."""
    scan = _scan(source)
    names: dict[str, str] = {}
    for match in _FROM.finditer(scan.code):
        module = scan.string(match.end())
        if not module:
            continue
        handed_on = scan.code.startswith("ex", match.start() - len("ex"))
        yield Import(line=scan.line(match.start()), module="js:" + module[: scanning.MAX_NAME], handed_on=handed_on)
        _bind_clause(match["clause"] or "", module, names)
    for match in scanning.in_order(scan.code, _REQUIRE):
        module = scan.string(match.end())
        if not module:
            continue
        yield Import(line=scan.line(match.start()), module="js:" + module[: scanning.MAX_NAME])
        before = scan.code[max(0, match.start() - 1200) : match.start()]
        target = _REQUIRED_AS.search(before) if before.rstrip().endswith(("=", "await")) else None
        if target and target["target"].startswith("{"):
            _bind_named(target["target"], module, names, ":")
        elif target:
            names[target["target"]] = module
    names.pop("require", None)
    yield from scanning.calls(scan, _typed(scan, names), _DIALECT, asked)
    for match in _BASE.finditer(scan.code):
        head, dot, rest = match["name"].partition(".")
        if head in names:
            line = scan.line(match.start())
            yield Call(line=line, name=f"js:{names[head]}{dot}{rest}", kind="base", end_line=line)
    yield from scanning.literals(scan)
    yield from _tests(scan)


def _tests(scan: Scan) -> Iterator[Test]:
    for line, name, assertions in scanning.tests_within(scan, _TEST, _ASSERTION, _HOLLOW):
        if name not in _GENERATED:
            yield Test(line=line, name=name, assertions=assertions)


def _typed(scan: Scan, names: dict[str, str]) -> dict[str, str]:
    """The names with those of parameters and fields of an imported type, which stand for a value of it."""
    typed: dict[str, str] = {}
    for match in _TYPED.finditer(scan.code) if names else ():
        head, dot, rest = match["type"].partition(".")
        if head in names:
            typed[match["name"]] = typed[f"this.{match['name']}"] = f"{names[head]}{dot}{rest}"
    return {**typed, **names}


def _skimmed(text: str) -> Iterator[Fact]:
    """The tests, and the imports by which files are connected."""
    line = done = 0
    for match in _IMPORTING.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        start = match.start()
        word = match[0][: len("export")]
        handed_on = word == "export" or (word[0] == "}" and text.rfind("export", 0, start) > text.rfind("import", 0, start))
        yield Import(line=line + 1, module="js:" + match["module"], handed_on=handed_on)
    if any(pattern.search(text) for pattern in _TEST):
        yield from _tests(_scan(text))


def _bind_clause(clause: str, module: str, names: dict[str, str]) -> None:
    """What `import <clause> from module` binds: a default and a namespace are the module itself."""
    for match in _CLAUSE.finditer(clause):
        if match["space"]:
            names[match["space"]] = module
        elif match["named"]:
            _bind_named(match["named"], module, names, " as ")
        else:
            names[match["default"]] = module


def _bind_named(text: str, module: str, names: dict[str, str], sign: str) -> None:
    for part in text.strip("{}").split(",")[:300]:
        original, _, alias = part.strip().removeprefix("type ").partition(sign)
        original, alias = original.strip(), alias.strip()
        if original:
            names[alias or original] = module if original == "default" else f"{module}.{original}"


def _scan(text: str) -> Scan:
    """Blanks comments, strings, regular expressions and the text of templates; code inside `${}` stays."""
    pieces: list[str] = []
    strings: dict[int, tuple[int, str]] = {}
    depths: list[int] = []
    """For each template that the position is in the code of: the braces that are open in that code."""
    opened: list[int] = []
    """Where these templates begin."""
    done = position = 0
    while position >= 0:
        tokens = (_INSIDE if depths else _TOKENS).finditer(text, position)
        position = -1
        for match in tokens:
            kind = match.lastgroup
            start, end = match.span()
            if kind in _QUOTED:
                inside, done_inside = match.span(kind)
                content = text[inside:done_inside]
                pieces += (text[done:inside], scanning.blank(content))
                strings[start] = (end, content)
                done = done_inside
            elif kind == "c":
                pieces += (text[done:start], scanning.blank(match[0]))
                done = end
            elif kind == "division":
                if expression := _expression(text, start):
                    pieces += (text[done:start], scanning.blank(expression[0]))
                    done = position = expression.end()
                    break
            elif kind == "inner":
                depths[-1] += 1
            elif kind == "outer" and depths[-1]:
                depths[-1] -= 1
            else:
                begin = start
                if kind == "outer":
                    depths.pop()
                    begin = opened.pop()
                part = _TEMPLATE.match(text, end)
                content = part["text"]  # type: ignore[index]
                pieces += (text[done:end], scanning.blank(content))
                done = end + len(content)
                position = part.end()  # type: ignore[union-attr]
                into_code = position - done == len("${")
                if into_code:
                    depths.append(0)
                    opened.append(begin)
                known = strings[begin][1] if begin in strings else ""
                more = (content + "{}" if into_code else content) if len(known) < scanning.MAX_NAME else ""
                strings[begin] = (position, known + more)
                break
    pieces.append(text[done:])
    return Scan(text, "".join(pieces), strings)


def _expression(text: str, start: int) -> re.Match[str] | None:
    """The regular expression that a slash begins; None when it divides."""
    before = text[max(0, start - 20) : start].rstrip(" \t")
    begins = not before or before[-1] in _BEFORE_REGEX or _WORD_BEFORE_REGEX.search(before)
    return _REGEX.match(text, start, start + 400) if begins else None


READING = reading(
    "javascript",
    "js:",
    (".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".mts", ".cts"),
    facts=facts,
    opener=(*_TEST, _IMPORTING),
    tests=_skimmed,
)
