"""The facts of Python source that are wanted of every file: its imports, and whether it is meant to be started.

One expression passes over the text and stops only where a statement imports; strings and comments are skipped by it. What
can't be told without a tree (tests and their assertions, code that never runs, parsers of arguments) is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.readers import scanning
from rung.records import Entry, Fact, Import

_IMPORTING = re.compile(
    r"(?:[^\"'#\n;:]++|\"\"\"(?:[^\"\\]++|\\.|\"(?!\"\"))*+(?:\"\"\"|\Z)|'''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]++|\\.)*+(?:\"|(?=\n)|\Z)|'(?:[^'\\\n]++|\\.)*+(?:'|(?=\n)|\Z)|#[^\n]*+|[\n;:](?![ \t\f]*+(?:import|from)\b))*+"
    r"(?:\Z|[\n;:][ \t\f]*+(?:import\b(?P<modules>(?:[^\\\n;#]++|\\\r?\n)*+)"
    r"|from\b(?P<base>[ \t\\\n\r.\w]{0,600}?)\bimport\b[ \t]*+(?:\\\r?\n[ \t]*+)*+(?:\((?P<many>[^()]*+)\)?|(?P<one>(?:[^\\\n;#]++|\\\r?\n)*+))|)|.)",
    re.DOTALL,
)
_NAME = re.compile(r"(?P<name>[^\W\d][\w.]*+|\*)(?:[ \t]*+\.[ \t]*+\w++)*+(?:\s++as\s++\w++)?")
_COMMENT = re.compile(r"#[^\n]*+")
_MAIN = re.compile(
    r"^[ \t]*+(?P<at>if)[ \t]*+\(?[ \t]*+(?:__name__[ \t]*+==[ \t]*+[\"']__main__[\"']|[\"']__main__[\"'][ \t]*+==[ \t]*+__name__)",
    re.MULTILINE,
)
_NEEDS_TREE = re.compile(
    r"^[ \t]*+(?:async[ \t]++)?def[ \t]++test|^[ \t]*+(?:if|elif)[ \t]++(?:0|False|None)[ \t]*+:"
    r"|\b(?:\w*Arg(?:ument)?Parser|OptionParser|getopt|click|typer|fire|hydra|absl|docopt|tyro|jsonargparse|cyclopts|defopt|plac|argv)\b"
    r"|\bsimple_parsing\b",
    re.MULTILINE,
)


def needs_tree(source: str) -> bool:
    """Whether the source may hold tests, code that is switched off, or a parser of arguments."""
    return _NEEDS_TREE.search(source) is not None


def skimmed(source: str) -> Iterator[Fact]:
    """Imports in the order in which they stand, and the `__main__` guard; never raises."""
    line = 1
    done = 0
    text = "\n" + source[: scanning.MAX_BYTES]  # So that the first statement follows a line end, too.
    for match in _IMPORTING.finditer(text):
        if match["modules"] is not None:
            group, base = "modules", ""
        elif match["base"] is not None:
            group, base = "many" if match["many"] is not None else "one", "".join(match["base"].replace("\\", "").split())
            if not base:
                continue
        else:
            continue
        names = match[group]
        if "#" in names:
            names = _COMMENT.sub(lambda comment: " " * len(comment[0]), names)
        names = names.replace("\\", " ")
        for name in _NAME.finditer(names):
            at = match.start(group) + name.start()
            line += text.count("\n", done, at)
            done = at
            module = name["name"]
            if base:
                module = base if module == "*" else base + module if base.endswith(".") else f"{base}.{module}"
            yield Import(line=line - 1, module=module[: scanning.MAX_NAME])
    if main := _MAIN.search(source):
        yield Entry(line=source.count("\n", 0, main.start("at")) + 1, kind="main")
