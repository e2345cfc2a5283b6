"""Python source to a tree, whatever its version: bounded before the parser sees it, and mended where it breaks.

Old repositories hold Python 2, generators hold placeholders, new ones hold grammar that the running Python doesn't know.
What can be rewritten without loss is; of the rest the lines that break are taken out.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings

from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import scanning
from rung.records import Problem

MAX_DEPTH = 80
"""Nesting of brackets; what is deeper is data or an attack on the parser."""
MAX_MENDS = 12
"""Lines of one file that are taken out to make the rest parse."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))
_ROUND = bytes.maketrans(b"[]{}", b"()()")
_LINE_END = regex(r"\r\n|\r|\n")
_TOKENS = regex(
    r"#(?P<c>[^\n]*+)|\"\"\"(?P<s1>(?:[^\\\"]++|\\(?:.|\Z)|\"(?!\"\"))*+)(?:\"\"\"|\Z)|'''(?P<s2>(?:[^\\']++|\\(?:.|\Z)|'(?!''))*+)(?:'''|\Z)|"
    r"\"(?P<s3>(?:[^\\\n\"]++|\\(?:.|\Z))*+)(?:\"|(?=\n)|\Z)|'(?P<s4>(?:[^\\\n']++|\\(?:.|\Z))*+)(?:'|(?=\n)|\Z)",
    re.DOTALL,
)
_PLACEHOLDER = regex(r"\{\{[^{}\n]{0,200}+\}\}")
_STEERING_LINE = regex(
    r"^[ \t]*+(?:\{%[^\n]*%\}|\{\{-?+[ \t]*+(?:if|else|end|range|with|define|template|block)\b[^\n]*\}\})[ \t]*+$", re.MULTILINE
)
_PRINT_STATEMENT = regex(r"^([ \t]*+(?:[^\n#:]{0,80}:[ \t]++)?)(?:print|exec)(?:[ \t]++(?![=(.,\[])[^\n]*+|[ \t]*+$)", re.MULTILINE)
_TYPE_PARAMETERS = regex(r"^([ \t]*+(?:async[ \t]++)?(?:class|def)[ \t]++\w++)\[(?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+\]", re.MULTILINE)
_TYPE_STATEMENT = regex(r"^([ \t]*+)type[ \t]++\w++[ \t]*+[=\[][^\n]*+", re.MULTILINE)
_EXCEPT_COMMA = regex(r"^([ \t]*+except[ \t]++)(\([^()\n]*+\)|[\w.]++)[ \t]*+,[ \t]*+([^:\n]++):", re.MULTILINE)
_BLOCK_HEADER = regex(r"[ \t]*+(if|elif|else|for|while|try|except|finally|with|def|class|async|match|case)\b[^\n]*+:[ \t]*+(?:#[^\n]*+)?$")
_ONLY = "only its imports and plain calls were read"
_NO_PYTHON = f"no Python that version {sys.version_info[0]}.{sys.version_info[1]} can parse; "


def parse(source: str) -> tuple[ast.Module | None, Problem | None]:
    """The tree of Python source, and what was wrong with it; both when it could be mended."""
    tree, problem, broken = _unmended(source)
    if broken and (tree := _mended(broken)) and problem:
        problem = replace(problem, what=_NO_PYTHON + "the lines that broke it were left out")
    return tree, problem


def whole(source: str) -> ast.Module | None:
    """The tree of Python source that needs no mending, else None."""
    return _unmended(source)[0]


def _unmended(source: str) -> tuple[ast.Module | None, Problem | None, str]:
    """The tree of Python source; or what is wrong with it, and what is to be mended if that is any use."""
    if len(source) > scanning.MAX_BYTES:
        return None, Problem(line=0, what=f"Python source larger than {scanning.MAX_BYTES // 1024 // 1024} MiB; {_ONLY}"), ""
    if too_deep(source):
        return None, Problem(line=0, what=f"brackets nested deeper than {MAX_DEPTH}; {_ONLY}"), ""
    tree, error = _parsed(source)
    if tree is not None:
        return tree, None, ""
    if error is None:
        return None, Problem(line=0, what=f"Python source too complex to parse; {_ONLY}"), ""
    if "{{" in source or "{%" in source:
        filled = _PLACEHOLDER.sub("placeholder", _STEERING_LINE.sub("", source))
        tree, again = _parsed(filled)
        if tree is not None:
            return tree, None, ""
        if again is not None:
            source, error = filled, again
    source = _translated(source)
    tree, again = _parsed(source)
    if tree is not None:
        return tree, None, ""
    return None, Problem(line=error.lineno or 0, what=_NO_PYTHON + _ONLY), source if again else ""


def too_deep(source: str) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH, those in strings and comments left out."""
    brackets = source.encode("utf-8", "replace").translate(_ROUND, _NOT_BRACKETS)
    layers = 0
    while layers < MAX_DEPTH:
        peeled = brackets.replace(b"()", b"")
        if len(peeled) == len(brackets):
            break
        brackets = peeled
        layers += 1
    if layers + brackets.count(b"(") <= MAX_DEPTH:  # What is left over stands in strings and comments, mostly.
        return False
    depth = 0
    for bracket in blanked(source).code.encode("utf-8", "replace").translate(_ROUND, _NOT_BRACKETS):
        depth = depth + 1 if bracket == 40 else max(depth - 1, 0)
        if depth > MAX_DEPTH:
            return True
    return False


def _parsed(source: str) -> tuple[ast.Module | None, SyntaxError | None]:
    """The tree, or the error that names a line; neither when the parser gave up for another reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source), None
        except SyntaxError as error:
            return None, error
        except ValueError:
            return None, SyntaxError("null bytes")
        except (RecursionError, MemoryError):
            return None, None


def _translated(source: str) -> str:
    """Older and newer grammar as what this Python parses, as far as nothing is lost: `except A, b:`, type parameters."""
    source = _TYPE_STATEMENT.sub(r"\1pass", _TYPE_PARAMETERS.sub(r"\1", source))
    return _EXCEPT_COMMA.sub(r"\1\2:", source)


def _mended(source: str) -> ast.Module | None:
    """The tree of what is left when print statements and broken lines are taken out."""
    lines = _LINE_END.split(_PRINT_STATEMENT.sub(r"\1pass", source.replace("\x00", " ")))
    for _ in range(MAX_MENDS):
        tree, error = _parsed("\n".join(lines))
        if tree is not None or error is None or not error.lineno or error.lineno > len(lines):
            return tree
        at = error.lineno - 1
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip())]
        header = _BLOCK_HEADER.match(line)
        if line.strip() == "pass":
            return None
        if header is None:
            lines[at] = indent + "pass"
        elif header[1] == "except" and line.strip() != "except Exception:":
            lines[at] = indent + "except Exception:"
        elif header[1] in ("if", "for", "while", "with", "def", "class", "async") and line.strip() != "if 1:":
            lines[at] = indent + "if 1:"
        else:
            return None
    return None


def blanked(source: str, first_line: int = 1) -> scanning.Scan:
    """Python text without comments and the insides of strings."""
    return scanning.scan(source, _TOKENS, first_line)
