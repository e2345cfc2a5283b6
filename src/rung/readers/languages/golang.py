"""Go source as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.languages.language import DOUBLE, SLASH_COMMENT, reading
from rung.readers.reading import EVERY_CALL, Asked
from rung.readers.scanning import Dialect, Scan
from rung.records import Fact, Import, Test

_TOKENS = regex(rf"{SLASH_COMMENT}|`(?P<s1>[^`]*+)(?:`|\Z)|{DOUBLE.format(2)}|'(?P<s3>[^'\\\n]|\\[^'\n]{{1,9}}|\\')'", re.DOTALL)
_IMPORT = regex(r"import(?<=^import)[ \t]*+(?:\((?P<many>[^()]{0,20000}+)\)|(?P<alias>[\w.]++[ \t]++)?(?=[\"`]))", re.MULTILINE)
_SPEC = regex(r"(?:(?P<alias>[\w.]++)[ \t]++)?(?P<quote>[\"`])")
_TEST = regex(
    r"func(?<=^func)[ \t]++(?:\([^()\n]{0,100}\)[ \t]*+)?(?P<name>(?:Test|Fuzz)\w*+)[ \t]*+\([^()\n]{0,100}+\)[ \t]*+(?P<open>\{)",
    re.MULTILINE,
)
_ASSERTION = (
    regex(
        r"\.(?:(?<=\b[tf]\.)(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)"
        r"|(?:(?<=\brequire\.)|(?<=\bassert\.)|(?<=\bis\.)|(?<=\bcheck\.)|(?<=\bsuite\.)|(?<=\bs\.))[A-Z]\w*+)[ \t]*+\("
    ),
    regex(r"Expect(?<=\bExpect)[ \t]*+\("),
    regex(r"Ω(?<=\bΩ)[ \t]*+\("),
)
_DIALECT = Dialect(
    prefix="go:",
    called=regex(r"[({](?:\][\w.,* ]{1,60}+\[)?(\w++(?<=[A-Za-z_])(?:\.\w++(?<=[A-Za-z_])){0,64}+)"),
    joint=regex(r"\."),
    keyword="::",
)


def facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Go source."""
    scan = scanning.scan(source, _TOKENS)
    names: dict[str, str] = {}
    for match in _IMPORT.finditer(scan.code):
        many = match["many"] is not None
        span = match.span("many") if many else (match.end(), match.end() + 1)
        for spec in _SPEC.finditer(scan.code, *span):
            module = scan.string(spec.start("quote"))
            if module:
                yield Import(line=scan.line(spec.start("quote")), module="go:" + module[: scanning.MAX_NAME])
                alias = (spec["alias"] if many else match["alias"]) or ""
                names[alias.strip() or _package(module)] = module
    yield from scanning.calls(scan, names, _DIALECT, asked)
    yield from scanning.literals(scan)
    yield from _tests(scan)


def _tests(scan: Scan) -> Iterator[Test]:
    tests = list(_TEST.finditer(scan.code))
    asserted = [match.start() for match in scanning.in_order(scan.code, _ASSERTION)] if tests else []
    for match in tests:
        end = scan.closing(match.start("open"))
        inside = scanning.between(asserted, match.start(), end)
        yield Test(line=scan.line(match.start()), name=match["name"], assertions=inside)


def _package(module: str) -> str:
    """The name that a Go import path binds when it has no alias."""
    parts = module.split("/")
    last = parts[-2] if len(parts) > 1 and re.match(r"v\d+\Z", parts[-1]) else parts[-1]
    return re.sub(r"\.v\d+\Z", "", last).removeprefix("go-").replace("-", "_")


READING = reading(
    "go",
    "go:",
    (".go",),
    facts=facts,
    opener=(_TEST,),
    tests=lambda text: _tests(scanning.scan(text, _TOKENS)),
    holds=(b"Test", b"Fuzz"),
)
