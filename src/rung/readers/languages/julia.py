"""Julia source as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.languages.language import MANY_LINES, TRIPLE, local, reading
from rung.readers.reading import EVERY_CALL, Asked
from rung.readers.scanning import Dialect, Scan
from rung.records import Fact, Import, Test

_TOKENS = regex(
    rf"#(?P<c>=(?:[^=]++|=(?!#))*+(?:=#|\Z)|[^\n]*+)|{TRIPLE.format(1)}|{MANY_LINES.format(2)}|'(?<![\w)\]}}'.]')(?P<s3>(?:[^'\\\n]|\\[^\n]{{1,9}}?))'",
    re.DOTALL,
)
_NOISE = frozenset((
    "abs", "all", "any", "append!", "broadcast", "cat", "ceil", "collect", "convert", "copy", "deepcopy", "dirname", "div", "eltype",
    "enumerate", "error", "exp", "fill", "filter", "findfirst", "first", "float", "floor", "foreach", "get", "haskey", "hcat", "if",
    "in", "include", "isa", "isempty", "isfile", "isnothing", "join", "joinpath", "keys", "last", "length", "log", "map", "max",
    "maximum", "mean", "min", "minimum", "mod", "new", "ones", "pairs", "parse", "pop!", "print", "println", "prod", "push!", "rand",
    "randn", "range", "reduce", "repeat", "reshape", "round", "similar", "size", "sort", "split", "sqrt", "string", "strip", "sum",
    "Tuple", "tuple", "typeof", "values", "vcat", "vec", "while", "zeros", "zip", "Dict", "Set", "Vector", "Array", "Float32",
    "Float64", "Int", "Int64",
))  # fmt: skip
_USING = regex(
    r"^[ \t]*+(?:@\w++[ \t]++(?:\w++[ \t]++)?)?(?:using|import)[ \t]++(?P<what>[^\n;]++(?:(?<=,)\n[^\n;]++){0,40})", re.MULTILINE
)
_INCLUDE = regex(r"(?<![\w.])include[ \t]*+\(")
_TESTSET = regex(r"@testset\b[^\n\"]{0,60}+")
_ASSERTION = regex(r"@test(?:_\w++)?+(?![\w])")
_DIALECT = Dialect(
    prefix="julia:",
    called=regex(r"\(\.?(!?+\w++(?<=[A-Za-z_])(?:\.!?+\w++(?<=[A-Za-z_])){0,64})(?!@)"),
    joint=regex(r"\."),
    bare=True,
    noise=_NOISE,
)


def facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Julia source."""
    scan = scanning.scan(source, _TOKENS)
    names: dict[str, str] = {}
    for match in _USING.finditer(scan.code):
        what, colon, chosen = match["what"].partition(":")
        for part in what.split(",")[:100]:
            module, _, alias = part.strip().partition(" as ")
            if not re.match(r"\.{0,5}[A-Za-z_][\w.]*\Z", module):
                continue
            yield Import(line=scan.line(match.start("what")), module="julia:" + module)
            names[alias.strip() or module.rpartition(".")[2]] = module
            if colon:
                for name in re.findall(r"(@?[A-Za-z_][\w!]*)(?: as (\w+))?", chosen[:4000]):
                    names[name[1] or name[0]] = f"{module}.{name[0]}"
    for match in _INCLUDE.finditer(scan.code):
        if path := scan.string(match.end()):
            yield Import(line=scan.line(match.start()), module="julia:" + local(path))
    yield from scanning.calls(scan, names, _DIALECT, asked)
    yield from scanning.literals(scan)
    yield from _tests(scan)


def _tests(scan: Scan) -> Iterator[Test]:
    asserted = [match.start() for match in _ASSERTION.finditer(scan.code) if not scan.code.startswith("@testset", match.start())]
    sets = list(_TESTSET.finditer(scan.code))
    if not sets and asserted:
        yield Test(line=scan.line(asserted[0]), name="test", assertions=len(asserted))
    at = 0
    for testset, following in zip_longest(sets, sets[1:]):
        end = following.start() if following else len(scan.code)
        inside = 0
        while at < len(asserted) and asserted[at] < end:
            inside += asserted[at] > testset.start()
            at += 1
        yield Test(line=scan.line(testset.start()), name=(scan.string(testset.end()) or "")[: scanning.MAX_NAME], assertions=inside)


READING = reading("julia", "julia:", (".jl",), facts=facts, opener=(_ASSERTION,), tests=lambda text: _tests(scanning.scan(text, _TOKENS)))
