"""Scala, Java and Kotlin source as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.languages.language import DOUBLE, SLASH_COMMENT, TRIPLE, reading
from rung.readers.reading import EVERY_CALL, Asked
from rung.readers.scanning import Dialect, Scan
from rung.records import Call, Fact, Import, Test

_TOKENS = regex(rf"{SLASH_COMMENT}|{TRIPLE.format(1)}|{DOUBLE.format(2)}|'(?P<s3>[^'\\\n]|\\[^'\n]{{1,6}}|\\')'", re.DOTALL)
_IMPORT = regex(
    r"^[ \t]*+import[ \t]++(?:static[ \t]++)?(?P<path>[A-Za-z_]\w*+(?:\.(?!_\b)\w++)*+)(?P<tail>\.\{[^{}]{0,2000}+\}|\.[*_])?(?:[ \t]++as[ \t]++(?P<alias>\w++))?",
    re.MULTILINE,
)
_LED_TO = regex(
    r"^import[ \t]++(?:static[ \t]++)?(?P<path>(?!(?:javax?|scala|kotlinx?|org\.(?:junit|slf4j|mockito|apache))\.)[a-z]\w*+(?:\.(?!_\b)\w++)*+)",
    re.MULTILINE,
)
"""An import that may lead to a file of the repository, in text that is not scanned."""
_TYPED = regex(
    r"\b(?P<type>[A-Z]\w*+)(?:<[^<>\n]{0,80}>)?[ \t]++(?P<name>[a-z]\w*+)[ \t]*+[;=,)]|\b(?P<name2>[a-z]\w*+)[ \t]*+:[ \t]*+(?P<type2>[A-Z]\w*+)"
)
_ANNOTATION = regex(r"(?<![\w@])@(?:(?:file|field|get|set|param):)?(?P<name>[A-Z]\w*+)(?:[ \t]*+(?P<open>\())?")
_MOST_STARS = 20
"""Packages all of whose names a file imports, in which an annotation is looked for."""
_BASE = regex(r"\b(?:extends|with|implements)[ \t]++(?P<name>[A-Z]\w*+)")
_TEST = regex(r"@(?:Test|ParameterizedTest|RepeatedTest)\b")
_METHOD = regex(r"(?P<name>`[^`\n]{1,200}`|\b[A-Za-z_]\w*+)[ \t]*+\(")
_SCALA_TEST = regex(r"(?<![\w.])(?:test|it|scenario|property)[ \t]*+\((?=\")")
_SCALA_SHOULD = regex(
    r"\"(?P<name> *)\"[ \t]++(?:should|must|can|in|when)\b[^{\n]{0,200}\bin[ \t]*+\{|\bit[ \t]++should[ \t]++\" *\"[ \t]++in[ \t]*+\{"
)
_TESTS = regex(rf"{_TEST.pattern}|{_SCALA_TEST.pattern}|\b(?:should|must|can|in|when)\b")
_ASSERTION = regex(
    r"\b(?:assert\w*+|verify\w*+|expect\w*+|fail|intercept)[ \t]*+[(\[{<]|\b(?:should(?:Be|Equal)?|must(?:Be|Equal)?|shouldBe|mustBe)\b(?![ \t]*+\" )"
)
_DIALECT = Dialect(
    prefix="jvm:",
    called=regex(
        r"\([ \t]*+(?:\][^\[\]\n]{0,80}+\[|>[^<>\n;]{0,80}+<)?([\w$]++(?<=[A-Za-z_$])(?:[ \t\n]*+\.\??[ \t\n]*+[\w$]++(?<=[A-Za-z_$])){0,64}+)"
    ),
    joint=regex(r"[ \t\n]*\??\.[ \t\n]*"),
    keyword="=",
)


def facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Scala, Java or Kotlin source."""
    scan = scanning.scan(source, _TOKENS)
    names: dict[str, str] = {root: root for root in ("org", "com", "io", "ai")}
    stars: list[str] = []
    for match in _IMPORT.finditer(scan.code):
        path, tail = match["path"], match["tail"] or ""
        line = scan.line(match.start("path"))
        if tail.startswith(".{"):
            for part in tail[2:-1].split(","):
                words = re.split(r"\s*=>\s*|\s+as\s+", part.strip())
                full = path if words[0] in ("_", "*", "") else f"{path}.{words[0]}"
                if re.match(r"\w*\Z", words[0]):
                    yield Import(line=line, module="jvm:" + full)
                    names[words[-1]] = full
        else:
            yield Import(line=line, module="jvm:" + path)
            if not tail:
                names[match["alias"] or path.rpartition(".")[2]] = path
            elif len(stars) < _MOST_STARS:
                stars.append(path)
    typed = dict(names)
    for match in _TYPED.finditer(scan.code):
        kind = match["type"] or match["type2"]
        if kind in names:
            name = match["name"] or match["name2"]
            typed[name] = typed[f"this.{name}"] = names[kind]
    yield from scanning.calls(scan, typed, _DIALECT, asked)
    yield from _annotations(scan, names, stars, asked)
    for match in _BASE.finditer(scan.code):
        if match["name"] in names:
            yield Call(line=scan.line(match.start()), name="jvm:" + names[match["name"]], kind="base", end_line=scan.line(match.start()))
    yield from scanning.literals(scan)
    yield from _tests(scan)


def _annotations(scan: Scan, names: dict[str, str], stars: Sequence[str], asked: Asked) -> Iterator[Call]:
    """Annotations of imported names; one that no import explains may be of any package that is imported whole."""
    for match in _ANNOTATION.finditer(scan.code):
        name = match["name"]
        for full in (names[name],) if name in names else [f"{star}.{name}" for star in stars]:
            if asked.name("jvm:" + full):
                open_at = match.start("open")
                close = scan.closing(open_at) if open_at >= 0 else match.end() - 1
                positional, keywords = scanning.arguments(scan, open_at, close, "=") if open_at >= 0 else ((), ())
                yield Call(
                    line=scan.line(match.start()),
                    name="jvm:" + full[: scanning.MAX_NAME],
                    kind="decorator",
                    arguments=positional,
                    keywords=keywords,
                    end_line=scan.line(min(close, len(scan.code) - 1)),
                )


def _skimmed(text: str) -> Iterator[Fact]:
    """The tests, and the imports by which files are connected."""
    line = done = 0
    for match in _LED_TO.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        yield Import(line=line + 1, module="jvm:" + match["path"][: scanning.MAX_NAME])
    if _TESTS.search(text):
        yield from _tests(scanning.scan(text, _TOKENS))


def _tests(scan: Scan) -> Iterator[Test]:
    asserted = [match.start() for match in _ASSERTION.finditer(scan.code)]
    for match in _TEST.finditer(scan.code):
        start = scan.closing(match.end()) + 1 if scan.code.startswith("(", match.end()) else match.end()
        method = _METHOD.search(scan.code, start, start + 400)
        while method and scan.code.startswith("@", method.start() - 1):
            method = _METHOD.search(scan.code, scan.closing(method.end() - 1), start + 400)
        body = scan.code.find("{", method.end(), method.end() + 400) if method else -1
        if method and body >= 0:
            yield Test(
                line=scan.line(method.start()),
                name=method["name"].strip("`"),
                assertions=scanning.between(asserted, body, scan.closing(body)),
            )
    for match in _SCALA_TEST.finditer(scan.code):
        body = scan.code.find("{", scan.closing(match.end() - 1), scan.closing(match.end() - 1) + 40)
        if body >= 0:
            yield Test(
                line=scan.line(match.start()),
                name=(scan.string(match.end()) or "")[: scanning.MAX_NAME],
                assertions=scanning.between(asserted, body, scan.closing(body)),
            )
    for match in _SCALA_SHOULD.finditer(scan.code):
        body = match.end() - 1
        text = scan.text[match.start() : body].strip()
        yield Test(
            line=scan.line(match.start()), name=text[: scanning.MAX_NAME], assertions=scanning.between(asserted, body, scan.closing(body))
        )


READING = reading("jvm", "jvm:", (".scala", ".java", ".kt", ".sc"), facts=facts, opener=(_TESTS, _LED_TO), tests=_skimmed)
