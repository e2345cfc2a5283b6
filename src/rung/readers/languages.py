"""R, Julia, Scala, Java, Kotlin, JavaScript, TypeScript and Go as facts, by linear scans of text without comments and strings.

Names carry a language's prefix (`r:`, `julia:`, `jvm:`, `js:`, `go:`) and are resolved through imports, assignments and
chains as far as the shape of the text tells. A file of the same repository that is loaded by path is an import that starts
with a dot: `r:./R/clean.R`, `js:./lib`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest

from rung.expressions import regex
from rung.readers import scanning
from rung.readers.documents import text_of
from rung.readers.reading import CODE, EVERY_CALL, Asked, Claims, Reading
from rung.readers.scanning import Dialect, Scan
from rung.records import Call, Fact, Import, Problem, Test

_DOUBLE = r"\"(?P<s{0}>(?:[^\"\\\n]++|\\(?:.|\Z))*+)(?:\"|(?=\n)|\Z)"
_SINGLE = r"'(?P<s{0}>(?:[^'\\\n]++|\\(?:.|\Z))*+)(?:'|(?=\n)|\Z)"
_MANY_LINES = r"\"(?P<s{0}>(?:[^\"\\]++|\\(?:.|\Z))*+)(?:\"|\Z)"
_TRIPLE = r"\"\"\"(?P<s{0}>(?:[^\"\\]++|\\(?:.|\Z)|\"(?!\"\"))*+)(?:\"\"\"|\Z)"
_SLASH_COMMENT = r"/(?P<c>/[^\n]*+|\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))"

_R_TOKENS = regex(
    rf"#(?P<c>[^\n]*+)|r\"\((?P<s0>(?:[^)]++|\)(?!\"))*+)(?:\)\"|\Z)|R\"\((?P<s4>(?:[^)]++|\)(?!\"))*+)(?:\)\"|\Z)"
    rf"|{_MANY_LINES.format(1)}|'(?P<s2>(?:[^'\\]++|\\(?:.|\Z))*+)(?:'|\Z)|`(?P<s3>[^`\n]*+)`?",
    re.DOTALL,
)
_JULIA_TOKENS = regex(
    rf"#(?P<c>=(?:[^=]++|=(?!#))*+(?:=#|\Z)|[^\n]*+)|{_TRIPLE.format(1)}|{_MANY_LINES.format(2)}|'(?<![\w)\]}}'.]')(?P<s3>(?:[^'\\\n]|\\[^\n]{{1,9}}?))'",
    re.DOTALL,
)
_JVM_TOKENS = regex(rf"{_SLASH_COMMENT}|{_TRIPLE.format(1)}|{_DOUBLE.format(2)}|'(?P<s3>[^'\\\n]|\\[^'\n]{{1,6}}|\\')'", re.DOTALL)
_GO_TOKENS = regex(rf"{_SLASH_COMMENT}|`(?P<s1>[^`]*+)(?:`|\Z)|{_DOUBLE.format(2)}|'(?P<s3>[^'\\\n]|\\[^'\n]{{1,9}}|\\')'", re.DOTALL)
_JS_TOKENS = regex(rf"{_SLASH_COMMENT}|/(?P<division>)|{_DOUBLE.format(1)}|{_SINGLE.format(2)}|`(?P<open>)", re.DOTALL)
_JS_INSIDE = regex(rf"{_JS_TOKENS.pattern}|\{{(?P<inner>)|\}}(?P<outer>)", re.DOTALL)
"""Tokens in the code of a template, which its closing brace ends."""
_JS_QUOTED = frozenset({"s1", "s2"})
_JS_TEMPLATE = regex(r"(?P<text>(?:[^`$\\]++|\\.|\$(?!\{))*+\\?+)(?:`|\$\{|\Z)", re.DOTALL)
_JS_REGEX = regex(r"/(?:[^/\\\[\n]++|\\[^\n]|\[(?:[^\]\\\n]++|\\[^\n])*+\]?)++/[a-z]*+")
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%<>~^\n")
_WORD_BEFORE_REGEX = regex(r"\b(?:return|typeof|case|in|of|do|else|yield|await)\Z")

_R_NOISE = frozenset((
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
_JULIA_NOISE = frozenset((
    "abs", "all", "any", "append!", "broadcast", "cat", "ceil", "collect", "convert", "copy", "deepcopy", "dirname", "div", "eltype",
    "enumerate", "error", "exp", "fill", "filter", "findfirst", "first", "float", "floor", "foreach", "get", "haskey", "hcat", "if",
    "in", "include", "isa", "isempty", "isfile", "isnothing", "join", "joinpath", "keys", "last", "length", "log", "map", "max",
    "maximum", "mean", "min", "minimum", "mod", "new", "ones", "pairs", "parse", "pop!", "print", "println", "prod", "push!", "rand",
    "randn", "range", "reduce", "repeat", "reshape", "round", "similar", "size", "sort", "split", "sqrt", "string", "strip", "sum",
    "Tuple", "tuple", "typeof", "values", "vcat", "vec", "while", "zeros", "zip", "Dict", "Set", "Vector", "Array", "Float32",
    "Float64", "Int", "Int64",
))  # fmt: skip

_R_LOADED = regex(
    r"\b(?:library|require|requireNamespace|loadNamespace|attachNamespace)[ \t]*+\([ \t\n]*+(?:(?P<name>[A-Za-z][\w.]*+)[ \t]*+[,)])?"
)
_R_MANY = regex(
    r"(?:\bpacman[ \t]*+::[ \t]*+)?\bp_load[ \t]*+\((?P<names>[^()]{0,2000}+)\)|\bbox[ \t]*+::[ \t]*+use[ \t]*+\((?P<uses>[^()]{0,2000}+)\)"
)
_R_FROM = regex(r"(?<![\w.:])(?P<package>[A-Za-z][\w.]*+):::?(?P<name>[A-Za-z.][\w.]*+)")
_R_SOURCE = regex(r"(?<![\w.])(?:source|sys\.source)[ \t]*+\(")
_R_PATH = regex(r"[ \t\n]*+(?:here[ \t]*+::[ \t]*+)?(?:here|file\.path)[ \t]*+\(")
_R_TEST = (regex(r"test_that(?<![\w.]test_that)[ \t]*+\("), regex(r"it(?<![\w.]it)[ \t]*+\("))
_R_ASSERTION = (
    regex(r"expect_(?<![\w.]expect_)[\w.]*+[ \t]*+\("),
    regex(r"check(?<![\w.]check)[A-Z][\w.]*+[ \t]*+\("),
    regex(r"assert(?<![\w.]assert)[\w.]*+[ \t]*+\("),
)
_R_HOLLOW = regex(r"expect_(?:true\(\s*+TRUE|false\(\s*+FALSE|(?:equal|identical)\(\s*+(TRUE|FALSE|[0-9]++L?+)\s*+,\s*+\1)\s*+\)")
"""What holds whatever is tested."""
_R = Dialect(
    prefix="r:",
    called=regex(r"\([ \t]*+([\w.]++(?<=[A-Za-z.])(?:(?::::?|\$|@)[\w.]++(?<=[A-Za-z.])){0,64}+)"),
    joint=regex(r":::?|\$|@"),
    bare=True,
    noise=_R_NOISE,
)

_JULIA_USING = regex(
    r"^[ \t]*+(?:@\w++[ \t]++(?:\w++[ \t]++)?)?(?:using|import)[ \t]++(?P<what>[^\n;]++(?:(?<=,)\n[^\n;]++){0,40})", re.MULTILINE
)
_JULIA_INCLUDE = regex(r"(?<![\w.])include[ \t]*+\(")
_JULIA_TESTSET = regex(r"@testset\b[^\n\"]{0,60}+")
_JULIA_ASSERTION = regex(r"@test(?:_\w++)?+(?![\w])")
_JULIA = Dialect(
    prefix="julia:",
    called=regex(r"\(\.?(!?+\w++(?<=[A-Za-z_])(?:\.!?+\w++(?<=[A-Za-z_])){0,64})(?!@)"),
    joint=regex(r"\."),
    bare=True,
    noise=_JULIA_NOISE,
)

_JVM_IMPORT = regex(
    r"^[ \t]*+import[ \t]++(?:static[ \t]++)?(?P<path>[A-Za-z_]\w*+(?:\.(?!_\b)\w++)*+)(?P<tail>\.\{[^{}]{0,2000}+\}|\.[*_])?(?:[ \t]++as[ \t]++(?P<alias>\w++))?",
    re.MULTILINE,
)
_JVM_LED_TO = regex(
    r"^import[ \t]++(?:static[ \t]++)?(?P<path>(?!(?:javax?|scala|kotlinx?|org\.(?:junit|slf4j|mockito|apache))\.)[a-z]\w*+(?:\.(?!_\b)\w++)*+)",
    re.MULTILINE,
)
"""An import that may lead to a file of the repository, in text that is not scanned."""
_JVM_TYPED = regex(
    r"\b(?P<type>[A-Z]\w*+)(?:<[^<>\n]{0,80}>)?[ \t]++(?P<name>[a-z]\w*+)[ \t]*+[;=,)]|\b(?P<name2>[a-z]\w*+)[ \t]*+:[ \t]*+(?P<type2>[A-Z]\w*+)"
)
_JVM_ANNOTATION = regex(r"(?<![\w@])@(?:(?:file|field|get|set|param):)?(?P<name>[A-Z]\w*+)(?:[ \t]*+(?P<open>\())?")
_MOST_STARS = 20
"""Packages all of whose names a file imports, in which an annotation is looked for."""
_JVM_BASE = regex(r"\b(?:extends|with|implements)[ \t]++(?P<name>[A-Z]\w*+)")
_JVM_TEST = regex(r"@(?:Test|ParameterizedTest|RepeatedTest)\b")
_JVM_METHOD = regex(r"(?P<name>`[^`\n]{1,200}`|\b[A-Za-z_]\w*+)[ \t]*+\(")
_SCALA_TEST = regex(r"(?<![\w.])(?:test|it|scenario|property)[ \t]*+\((?=\")")
_SCALA_SHOULD = regex(
    r"\"(?P<name> *)\"[ \t]++(?:should|must|can|in|when)\b[^{\n]{0,200}\bin[ \t]*+\{|\bit[ \t]++should[ \t]++\" *\"[ \t]++in[ \t]*+\{"
)
_JVM_TESTS = regex(rf"{_JVM_TEST.pattern}|{_SCALA_TEST.pattern}|\b(?:should|must|can|in|when)\b")
_JVM_ASSERTION = regex(
    r"\b(?:assert\w*+|verify\w*+|expect\w*+|fail|intercept)[ \t]*+[(\[{<]|\b(?:should(?:Be|Equal)?|must(?:Be|Equal)?|shouldBe|mustBe)\b(?![ \t]*+\" )"
)
_JVM = Dialect(
    prefix="jvm:",
    called=regex(
        r"\([ \t]*+(?:\][^\[\]\n]{0,80}+\[|>[^<>\n;]{0,80}+<)?([\w$]++(?<=[A-Za-z_$])(?:[ \t\n]*+\.\??[ \t\n]*+[\w$]++(?<=[A-Za-z_$])){0,64}+)"
    ),
    joint=regex(r"[ \t\n]*\??\.[ \t\n]*"),
    keyword="=",
)

_JS_FROM = regex(
    r"port(?<=(?:im|ex)port)(?<![\w$.](?:im|ex)port)(?:\b[ \t\n]*+(?:type[ \t\n]++(?!from\b))?(?P<clause>(?:[\w$]++[ \t\n]*+,?[ \t\n]*+)?"
    r"(?:\*(?:[ \t\n]++as[ \t\n]++[\w$]++)?|\{[^{}]{0,4000}+\})?)[ \t\n]*+(?<![\w$])from[ \t\n]*+(?=[\"'])|(?<=import)[ \t\n]*+(?=[\"']))"
)
_JS_IMPORTING = regex(
    r"^(?:import[ \t]{0,9}|(?:import|export)\b(?![ \t]{1,9}type\b)[^;'\"\n]{0,400}\bfrom[ \t]{0,9}|\}[ \t]{0,9}from[ \t]{0,9}"
    r"|(?:const|let|var)\b[^;'\"\n]{0,200}=[ \t]{0,9}require\()[\"'](?P<module>[^\"'\n]{1,200})[\"']",
    re.MULTILINE,
)
"""An import that begins or ends a line, in text that is not scanned."""
_JS_CLAUSE = regex(r"(?P<star>\*[ \t\n]++as[ \t\n]++(?P<space>[\w$]++))|(?P<named>\{[^{}]*+\})|(?P<default>[A-Za-z_$][\w$]*+)")
_JS_REQUIRE = (
    regex(r"require(?<![\w$.]require)[ \t]*+\([ \t\n]*+(?=[\"'])"),
    regex(r"import(?<![\w$.]import)[ \t]*+\([ \t\n]*+(?=[\"'])"),
)
_JS_REQUIRED_AS = regex(
    r"(?:const|let|var|import|,)[ \t\n]{1,20}(?P<target>\{[^{}]{0,1000}\}|[\w$]{1,100})[ \t\n]{0,20}=[ \t\n]{0,20}(?:await[ \t\n]{1,20})?\Z"
)
_JS_BASE = regex(r"extends(?<!\wextends)[ \t\n]++(?P<name>[A-Za-z_$][\w$]*+(?:\.[A-Za-z_$][\w$]*+)*+)")
_JS_TYPED = regex(
    r"(?<![\w$.])(?P<name>[a-z_$][\w$]{0,60})[?!]?:[ \t]{0,4}(?P<type>[A-Z][\w$]{0,60}|[a-z][\w$]{0,60}\.[A-Z][\w$]{0,60})(?![\w$.(])"
)
"""A parameter, field or variable with its type, and not a key of an object with what is called for it."""
_JS_CASE = r"(?:\.(?:only|each|concurrent|failing))?(?:[ \t]*+\((?=[ \t\n]*+[\"'`])|[ \t]*+(?<=each)\([^()]{0,2000}+\)[ \t]*+\((?=[ \t\n]*+[\"'`]))"
_JS_TEST = (regex(rf"it(?<![\w$.]it){_JS_CASE}"), regex(rf"test(?<![\w$.]test){_JS_CASE}"))
_JS_ASSERTION = (
    regex(r"expect(?<![\w$]expect)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"assert(?<![\w$]assert)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"fail(?<![\w$]fail)\w*+(?:\.[\w$]++)*+[ \t]*+\("),
    regex(r"\.should\b"),
    regex(r"t\.(?<![\w$]t\.)(?:is|deepEqual|true|false|throws|ok|equal|same|assert)[ \t]*+\("),
)
_JS_HOLLOW = regex(
    r"expect\(\s*+(true|false|null|[0-9]++)\s*+\)\s*+\.(?:(?:toBe|toEqual|toStrictEqual|to\.(?:equal|eql|be\.equal))\(\s*+\1\s*+\)|to\.be\.\1\b)"
    r"|expect\(\s*+(?:true|1)\s*+\)\s*+\.(?:toBeTruthy|toBeDefined)\("
    r"|(?:assert|assert\.ok|assert\.isTrue|t\.(?:ok|true|assert))\(\s*+(?:true|1)\s*+[,)]"
    r"|(?:assert\.(?:equal|strictEqual|deepEqual)|t\.(?:is|equal|same))\(\s*+(true|false|[0-9]++)\s*+,\s*+\2\s*+[,)]"
)
"""What holds whatever is tested."""
_JS = Dialect(
    prefix="js:",
    called=regex(
        r"\((?:\.\?)?[ \t]*+(?:>[^<>()\n;]{0,120}+<)?!?+([\w$]++(?<=[A-Za-z_$])(?:[ \t\n]*+\.[?!]?[ \t\n]*+[\w$]++(?<=[A-Za-z_$])){0,64}+)"
    ),
    joint=regex(r"[ \t\n]*[?!]?\.[ \t\n]*"),
    keyword=":",
    fields=True,
)

_JS_GENERATED = frozenset({"renders learn react link"})
"""Tests that generators of projects write: of the page that they write, too."""
_GO_IMPORT = regex(r"import(?<=^import)[ \t]*+(?:\((?P<many>[^()]{0,20000}+)\)|(?P<alias>[\w.]++[ \t]++)?(?=[\"`]))", re.MULTILINE)
_GO_SPEC = regex(r"(?:(?P<alias>[\w.]++)[ \t]++)?(?P<quote>[\"`])")
_GO_TEST = regex(
    r"func(?<=^func)[ \t]++(?:\([^()\n]{0,100}\)[ \t]*+)?(?P<name>(?:Test|Fuzz)\w*+)[ \t]*+\([^()\n]{0,100}+\)[ \t]*+(?P<open>\{)",
    re.MULTILINE,
)
_GO_ASSERTION = (
    regex(
        r"\.(?:(?<=\b[tf]\.)(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)"
        r"|(?:(?<=\brequire\.)|(?<=\bassert\.)|(?<=\bis\.)|(?<=\bcheck\.)|(?<=\bsuite\.)|(?<=\bs\.))[A-Z]\w*+)[ \t]*+\("
    ),
    regex(r"Expect(?<=\bExpect)[ \t]*+\("),
    regex(r"Ω(?<=\bΩ)[ \t]*+\("),
)
_GO = Dialect(
    prefix="go:",
    called=regex(r"[({](?:\][\w.,* ]{1,60}+\[)?(\w++(?<=[A-Za-z_])(?:\.\w++(?<=[A-Za-z_])){0,64}+)"),
    joint=regex(r"\."),
    keyword="::",
)


def r_facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of R source."""
    scan = scanning.scan(source, _R_TOKENS)
    seen: set[str] = set()

    def loaded(name: str, offset: int) -> Iterator[Import]:
        if name and name not in seen and len(name) <= 100:
            seen.add(name)
            yield Import(line=scan.line(offset), module="r:" + name)

    for match in _R_LOADED.finditer(scan.code):
        yield from loaded(match["name"] or scan.string(match.end()) or "", match.start())
    for match in _R_MANY.finditer(scan.code):
        for part in re.split(r"[,\n]", match["names"] or match["uses"]):
            if package := re.match(r"\s*([A-Za-z][\w.]*)\s*(?:\[.*|$)", part):
                yield from loaded(package[1], match.start())
    for match in _R_FROM.finditer(scan.code):
        yield from loaded(match["package"], match.start())
    for match in _R_SOURCE.finditer(scan.code):
        path = scan.string(match.end())
        if built := _R_PATH.match(scan.code, match.end()):
            path = "/".join(scanning.arguments(scan, built.end() - 1, scan.closing(built.end() - 1), "=")[0])
        if path:
            yield Import(line=scan.line(match.start()), module="r:" + _local(path))
    yield from scanning.calls(scan, {name: name for name in seen}, _R, asked)
    yield from scanning.literals(scan)
    yield from _r_tests(scan)


def julia_facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Julia source."""
    scan = scanning.scan(source, _JULIA_TOKENS)
    names: dict[str, str] = {}
    for match in _JULIA_USING.finditer(scan.code):
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
    for match in _JULIA_INCLUDE.finditer(scan.code):
        if path := scan.string(match.end()):
            yield Import(line=scan.line(match.start()), module="julia:" + _local(path))
    yield from scanning.calls(scan, names, _JULIA, asked)
    yield from scanning.literals(scan)
    yield from _julia_tests(scan)


def jvm_facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Scala, Java or Kotlin source."""
    scan = scanning.scan(source, _JVM_TOKENS)
    names: dict[str, str] = {root: root for root in ("org", "com", "io", "ai")}
    stars: list[str] = []
    for match in _JVM_IMPORT.finditer(scan.code):
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
    for match in _JVM_TYPED.finditer(scan.code):
        kind = match["type"] or match["type2"]
        if kind in names:
            name = match["name"] or match["name2"]
            typed[name] = typed[f"this.{name}"] = names[kind]
    yield from scanning.calls(scan, typed, _JVM, asked)
    yield from _jvm_annotations(scan, names, stars, asked)
    for match in _JVM_BASE.finditer(scan.code):
        if match["name"] in names:
            yield Call(line=scan.line(match.start()), name="jvm:" + names[match["name"]], kind="base", end_line=scan.line(match.start()))
    yield from scanning.literals(scan)
    yield from _jvm_tests(scan)


def _jvm_annotations(scan: Scan, names: dict[str, str], stars: Sequence[str], asked: Asked) -> Iterator[Call]:
    """Annotations of imported names; one that no import explains may be of any package that is imported whole."""
    for match in _JVM_ANNOTATION.finditer(scan.code):
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


def js_facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of JavaScript or TypeScript source."""
    scan = _js_scan(source)
    names: dict[str, str] = {}
    for match in _JS_FROM.finditer(scan.code):
        module = scan.string(match.end())
        if not module:
            continue
        handed_on = scan.code.startswith("ex", match.start() - len("ex"))
        yield Import(line=scan.line(match.start()), module="js:" + module[: scanning.MAX_NAME], handed_on=handed_on)
        _bind_clause(match["clause"] or "", module, names)
    for match in scanning.in_order(scan.code, _JS_REQUIRE):
        module = scan.string(match.end())
        if not module:
            continue
        yield Import(line=scan.line(match.start()), module="js:" + module[: scanning.MAX_NAME])
        before = scan.code[max(0, match.start() - 1200) : match.start()]
        target = _JS_REQUIRED_AS.search(before) if before.rstrip().endswith(("=", "await")) else None
        if target and target["target"].startswith("{"):
            _bind_named(target["target"], module, names, ":")
        elif target:
            names[target["target"]] = module
    names.pop("require", None)
    yield from scanning.calls(scan, _js_typed(scan, names), _JS, asked)
    for match in _JS_BASE.finditer(scan.code):
        head, dot, rest = match["name"].partition(".")
        if head in names:
            line = scan.line(match.start())
            yield Call(line=line, name=f"js:{names[head]}{dot}{rest}", kind="base", end_line=line)
    yield from scanning.literals(scan)
    yield from _js_tests(scan)


def go_facts(source: str, asked: Asked = EVERY_CALL) -> Iterator[Fact]:
    """Facts of Go source."""
    scan = scanning.scan(source, _GO_TOKENS)
    names: dict[str, str] = {}
    for match in _GO_IMPORT.finditer(scan.code):
        many = match["many"] is not None
        span = match.span("many") if many else (match.end(), match.end() + 1)
        for spec in _GO_SPEC.finditer(scan.code, *span):
            module = scan.string(spec.start("quote"))
            if module:
                yield Import(line=scan.line(spec.start("quote")), module="go:" + module[: scanning.MAX_NAME])
                alias = (spec["alias"] if many else match["alias"]) or ""
                names[alias.strip() or _go_package(module)] = module
    yield from scanning.calls(scan, names, _GO, asked)
    yield from scanning.literals(scan)
    yield from _go_tests(scan)


def _local(path: str) -> str:
    """A path as an import: it starts with a dot unless it is absolute."""
    path = path[: scanning.MAX_NAME]
    return path if path.startswith((".", "/", "~")) or "://" in path else "./" + path


def _r_tests(scan: Scan) -> Iterator[Test]:
    for line, name, assertions in scanning.tests_within(scan, _R_TEST, _R_ASSERTION, _R_HOLLOW):
        yield Test(line=line, name=name, assertions=assertions)


def _js_tests(scan: Scan) -> Iterator[Test]:
    for line, name, assertions in scanning.tests_within(scan, _JS_TEST, _JS_ASSERTION, _JS_HOLLOW):
        if name not in _JS_GENERATED:
            yield Test(line=line, name=name, assertions=assertions)


def _js_typed(scan: Scan, names: dict[str, str]) -> dict[str, str]:
    """The names with those of parameters and fields of an imported type, which stand for a value of it."""
    typed: dict[str, str] = {}
    for match in _JS_TYPED.finditer(scan.code) if names else ():
        head, dot, rest = match["type"].partition(".")
        if head in names:
            typed[match["name"]] = typed[f"this.{match['name']}"] = f"{names[head]}{dot}{rest}"
    return {**typed, **names}


def _js_skimmed(text: str) -> Iterator[Fact]:
    """The tests, and the imports by which files are connected."""
    line = done = 0
    for match in _JS_IMPORTING.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        start = match.start()
        word = match[0][: len("export")]
        handed_on = word == "export" or (word[0] == "}" and text.rfind("export", 0, start) > text.rfind("import", 0, start))
        yield Import(line=line + 1, module="js:" + match["module"], handed_on=handed_on)
    if any(pattern.search(text) for pattern in _JS_TEST):
        yield from _js_tests(_js_scan(text))


def _jvm_skimmed(text: str) -> Iterator[Fact]:
    """The tests, and the imports by which files are connected."""
    line = done = 0
    for match in _JVM_LED_TO.finditer(text):
        line += text.count("\n", done, match.start())
        done = match.start()
        yield Import(line=line + 1, module="jvm:" + match["path"][: scanning.MAX_NAME])
    if _JVM_TESTS.search(text):
        yield from _jvm_tests(scanning.scan(text, _JVM_TOKENS))


def _go_tests(scan: Scan) -> Iterator[Test]:
    tests = list(_GO_TEST.finditer(scan.code))
    asserted = [match.start() for match in scanning.in_order(scan.code, _GO_ASSERTION)] if tests else []
    for match in tests:
        end = scan.closing(match.start("open"))
        inside = scanning.between(asserted, match.start(), end)
        yield Test(line=scan.line(match.start()), name=match["name"], assertions=inside)


def _julia_tests(scan: Scan) -> Iterator[Test]:
    asserted = [match.start() for match in _JULIA_ASSERTION.finditer(scan.code) if not scan.code.startswith("@testset", match.start())]
    sets = list(_JULIA_TESTSET.finditer(scan.code))
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


def _jvm_tests(scan: Scan) -> Iterator[Test]:
    asserted = [match.start() for match in _JVM_ASSERTION.finditer(scan.code)]
    for match in _JVM_TEST.finditer(scan.code):
        start = scan.closing(match.end()) + 1 if scan.code.startswith("(", match.end()) else match.end()
        method = _JVM_METHOD.search(scan.code, start, start + 400)
        while method and scan.code.startswith("@", method.start() - 1):
            method = _JVM_METHOD.search(scan.code, scan.closing(method.end() - 1), start + 400)
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


def _bind_clause(clause: str, module: str, names: dict[str, str]) -> None:
    """What `import <clause> from module` binds: a default and a namespace are the module itself."""
    for match in _JS_CLAUSE.finditer(clause):
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


def _go_package(module: str) -> str:
    """The name that a Go import path binds when it has no alias."""
    parts = module.split("/")
    last = parts[-2] if len(parts) > 1 and re.match(r"v\d+\Z", parts[-1]) else parts[-1]
    return re.sub(r"\.v\d+\Z", "", last).removeprefix("go-").replace("-", "_")


def _js_scan(text: str) -> Scan:
    """Blanks comments, strings, regular expressions and the text of templates; code inside `${}` stays."""
    pieces: list[str] = []
    strings: dict[int, tuple[int, str]] = {}
    depths: list[int] = []
    """For each template that the position is in the code of: the braces that are open in that code."""
    opened: list[int] = []
    """Where these templates begin."""
    done = position = 0
    while position >= 0:
        tokens = (_JS_INSIDE if depths else _JS_TOKENS).finditer(text, position)
        position = -1
        for match in tokens:
            kind = match.lastgroup
            start, end = match.span()
            if kind in _JS_QUOTED:
                inside, done_inside = match.span(kind)
                content = text[inside:done_inside]
                pieces += (text[done:inside], scanning.blank(content))
                strings[start] = (end, content)
                done = done_inside
            elif kind == "c":
                pieces += (text[done:start], scanning.blank(match[0]))
                done = end
            elif kind == "division":
                if expression := _js_expression(text, start):
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
                part = _JS_TEMPLATE.match(text, end)
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


def _js_expression(text: str, start: int) -> re.Match[str] | None:
    """The regular expression that a slash begins; None when it divides."""
    before = text[max(0, start - 20) : start].rstrip(" \t")
    begins = not before or before[-1] in _BEFORE_REGEX or _WORD_BEFORE_REGEX.search(before)
    return _JS_REGEX.match(text, start, start + 400) if begins else None


def _reading(
    name: str,
    prefix: str,
    suffixes: tuple[str, ...],
    *,
    facts: Callable[[str, Asked], Iterable[Fact]],
    opener: tuple[re.Pattern[str], ...],
    tests: Callable[[str], Iterable[Fact]],
    asked: Asked = EVERY_CALL,
    holds: tuple[bytes, ...] = (),
) -> Reading:
    """A language's reading; one of `opener`, and of the bytes `holds` if given, is in every text of which `tests` gives what a skim keeps."""

    def read(_path: str, data: bytes) -> Iterator[Fact]:
        text = text_of(data)
        if len(text) > scanning.MAX_BYTES:
            yield Problem(line=0, what=f"source code larger than {scanning.MAX_BYTES // 1024 // 1024} MiB; only its first part was read")
            text = text[: scanning.MAX_BYTES]
        yield from facts(text, asked)

    def skim(_path: str, data: bytes) -> Iterator[Fact]:
        if holds and data[:1] not in (b"\xff", b"\xfe") and not any(word in data for word in holds):
            return
        text = text_of(data)[: scanning.MAX_BYTES]
        if any(pattern.search(text) for pattern in opener):
            yield from tests(text)

    def is_written(path: str) -> bool:
        return path.endswith(suffixes) and not path.endswith((".min.js", ".bundle.js"))

    def sparing(asked: Asked) -> Reading:
        return _reading(name, prefix, suffixes, facts=facts, opener=opener, tests=tests, asked=asked, holds=holds)

    return Reading(name=name, shows=CODE, claims=Claims(is_written, *suffixes), read=read, languages=(prefix,), skim=skim, sparing=sparing)


READINGS: tuple[Reading, ...] = (
    _reading("r", "r:", (".R", ".r"), facts=r_facts, opener=_R_TEST, tests=lambda text: _r_tests(scanning.scan(text, _R_TOKENS))),
    _reading(
        "julia",
        "julia:",
        (".jl",),
        facts=julia_facts,
        opener=(_JULIA_ASSERTION,),
        tests=lambda text: _julia_tests(scanning.scan(text, _JULIA_TOKENS)),
    ),
    _reading(
        "jvm",
        "jvm:",
        (".scala", ".java", ".kt", ".sc"),
        facts=jvm_facts,
        opener=(_JVM_TESTS, _JVM_LED_TO),
        tests=_jvm_skimmed,
    ),
    _reading(
        "javascript",
        "js:",
        (".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".mts", ".cts"),
        facts=js_facts,
        opener=(*_JS_TEST, _JS_IMPORTING),
        tests=_js_skimmed,
    ),
    _reading(
        "go",
        "go:",
        (".go",),
        facts=go_facts,
        opener=(_GO_TEST,),
        tests=lambda text: _go_tests(scanning.scan(text, _GO_TOKENS)),
        holds=(b"Test", b"Fuzz"),
    ),
)
