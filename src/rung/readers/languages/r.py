"""R source as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.languages.language import MANY_LINES, local, reading
from rung.readers.reading import EVERY_CALL, Asked
from rung.readers.scanning import Dialect, Scan
from rung.records import Fact, Import, Test

_TOKENS = regex(
    rf"#(?P<c>[^\n]*+)|r\"\((?P<s0>(?:[^)]++|\)(?!\"))*+)(?:\)\"|\Z)|R\"\((?P<s4>(?:[^)]++|\)(?!\"))*+)(?:\)\"|\Z)"
    rf"|{MANY_LINES.format(1)}|'(?P<s2>(?:[^'\\]++|\\(?:.|\Z))*+)(?:'|\Z)|`(?P<s3>[^`\n]*+)`?",
    re.DOTALL,
)
_NOISE = frozenset((
    "abs", "all", "any", "apply", "as.character", "as.Date", "as.factor", "as.integer", "as.logical", "as.numeric", "attr",
    "bind_rows", "c", "case_when", "cat", "ceiling", "class", "colnames", "cut", "data.frame", "desc", "dim", "distinct", "do.call",
    "element_text", "else", "exists", "exp", "factor", "file.path", "filter", "floor", "for", "format", "function", "gsub",
    "group_by", "head", "identical", "if", "if_else", "ifelse", "in", "inherits", "invisible", "is.character", "is.na", "is.null",
    "is.numeric", "join", "lapply", "left_join", "length", "levels", "library", "list", "log", "lubridate", "map", "mapply",
    "match.arg", "matrix", "max", "mean", "median", "merge", "message", "min", "missing", "mutate", "n", "names", "nchar", "ncol",
    "nrow", "numeric", "order", "paste", "paste0", "print", "prod", "quantile", "range", "rbind", "cbind", "rename", "rep", "repeat",
    "require", "requireNamespace", "return", "rev", "round", "row.names", "rownames", "sapply", "sd", "select", "seq", "seq_along",
    "seq_len", "setdiff", "setNames", "slice", "sort", "split", "sprintf", "stop", "stopifnot", "strsplit", "sub", "subset", "substr",
    "sum", "summarise", "summarize", "suppressMessages", "suppressPackageStartupMessages", "suppressWarnings", "switch", "Sys.time",
    "t", "table", "tail", "tolower", "toupper", "trimws", "tryCatch", "typeof", "ungroup", "unique", "unlist", "vapply", "vars",
    "warning", "which", "while", "with",
))  # fmt: skip
_LOADED = regex(
    r"\b(?:library|require|requireNamespace|loadNamespace|attachNamespace)[ \t]*+\([ \t\n]*+(?:(?P<name>[A-Za-z][\w.]*+)[ \t]*+[,)])?"
)
_MANY = regex(
    r"(?:\bpacman[ \t]*+::[ \t]*+)?\bp_load[ \t]*+\((?P<names>[^()]{0,2000}+)\)|\bbox[ \t]*+::[ \t]*+use[ \t]*+\((?P<uses>[^()]{0,2000}+)\)"
)
_FROM = regex(r"(?<![\w.:])(?P<package>[A-Za-z][\w.]*+):::?(?P<name>[A-Za-z.][\w.]*+)")
_SOURCE = regex(r"(?<![\w.])(?:source|sys\.source)[ \t]*+\(")
_PATH = regex(r"[ \t\n]*+(?:here[ \t]*+::[ \t]*+)?(?:here|file\.path)[ \t]*+\(")
_TEST = (regex(r"test_that(?<![\w.]test_that)[ \t]*+\("), regex(r"it(?<![\w.]it)[ \t]*+\("))
_ASSERTION = (
    regex(r"expect_(?<![\w.]expect_)[\w.]*+[ \t]*+\("),
    regex(r"check(?<![\w.]check)[A-Z][\w.]*+[ \t]*+\("),
    regex(r"assert(?<![\w.]assert)[\w.]*+[ \t]*+\("),
)
_HOLLOW = regex(r"expect_(?:true\(\s*+TRUE|false\(\s*+FALSE|(?:equal|identical)\(\s*+(TRUE|FALSE|[0-9]++L?+)\s*+,\s*+\1)\s*+\)")
"""What holds whatever is tested."""
_DIALECT = Dialect(
    prefix="r:",
    called=regex(r"\([ \t]*+([\w.]++(?<=[A-Za-z.])(?:(?::::?|\$|@)[\w.]++(?<=[A-Za-z.])){0,64}+)"),
    joint=regex(r":::?|\$|@"),
    bare=True,
    noise=_NOISE,
)


def facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of R source."""
    scan = scanning.scan(source, _TOKENS)
    seen: set[str] = set()

    def loaded(name: str, offset: int) -> Iterator[Import]:
        if name and name not in seen and len(name) <= 100:
            seen.add(name)
            yield Import(line=scan.line(offset), module="r:" + name)

    for match in _LOADED.finditer(scan.code):
        yield from loaded(match["name"] or scan.string(match.end()) or "", match.start())
    for match in _MANY.finditer(scan.code):
        for part in re.split(r"[,\n]", match["names"] or match["uses"]):
            if package := re.match(r"\s*([A-Za-z][\w.]*)\s*(?:\[.*|$)", part):
                yield from loaded(package[1], match.start())
    for match in _FROM.finditer(scan.code):
        yield from loaded(match["package"], match.start())
    for match in _SOURCE.finditer(scan.code):
        path = scan.string(match.end())
        if built := _PATH.match(scan.code, match.end()):
            path = "/".join(scanning.arguments(scan, built.end() - 1, scan.closing(built.end() - 1), "=")[0])
        if path:
            yield Import(line=scan.line(match.start()), module="r:" + local(path))
    yield from scanning.calls(scan, {name: name for name in seen}, _DIALECT, asked)
    yield from scanning.literals(scan)
    yield from _tests(scan)


def _tests(scan: Scan) -> Iterator[Test]:
    for line, name, assertions in scanning.tests_within(scan, _TEST, _ASSERTION, _HOLLOW):
        yield Test(line=line, name=name, assertions=assertions)


READING = reading("r", "r:", (".R", ".r"), facts=facts, opener=_TEST, tests=lambda text: _tests(scanning.scan(text, _TOKENS)))
