"""Notebooks as facts: Jupyter, Databricks exports, R Markdown and Quarto.

All Python cells are read as one program, so that what the first cell imports is known in the last. The line of a fact is
the line of the notebook's file, so that an editor opens at the right place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from rung.expressions import regex
from rung.readers import python, scanning, shell, syntax
from rung.readers.documents import text_of
from rung.readers.languages import julia, jvm, r
from rung.readers.reading import CODE, EVERY_CALL, Asked, Claims, Reading, suffixed
from rung.records import Command, Definition, Fact, Problem, Setting, Task

MAX_BYTES = 20 * 1024 * 1024
MAX_CELLS = 5000

_SOURCE_KEY = regex(rb'"(?:source|input)"[ \t\r\n]*+:[ \t\r\n]*+(\[)?')
_JSON_STRING = regex(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_MAGIC_LINE = regex(r"[ \t]*+(?:[\w, ]{1,60}=[ \t]*+)?(?:!|%%?[A-Za-z_]|\?{1,2}[A-Za-z_])")
_HELP_LINE = regex(r"[ \t]*+[A-Za-z_][\w.]*+\?{1,2}[ \t]*+\Z")
_SHELL_LINE = regex(r"[ \t]*+(?:[\w, ]{1,60}=[ \t]*+)?(?:!{1,2}|%(?:sx|system|sh)[ \t]++)(?P<text>[^\n]*)")
_RUN_LINE = regex(r"[ \t]*+%(?P<text>(?:pip|conda|mamba|uv|run)[ \t]++[^\n]*)")
_CELL_MAGIC = regex(r"[ \t\r\n]*+%%(?P<name>!|[A-Za-z_]\w*+)(?P<rest>[^\n]*+)")
_KEPT_CELL_MAGICS = frozenset(
    {"time", "timeit", "capture", "prun", "snakeviz", "mprun", "memit", "heat", "python", "python3", "pypy", "px", "cache"}
)
_SHELL_MAGICS = frozenset({"bash", "sh", "script", "system", "sx", "!", "cmd"})
_WRITING_MAGICS = frozenset({"writefile", "file"})
_CHUNK = regex(r"^[ \t]*+(?P<fence>`{3,}+|~{3,}+)[ \t]*+\{[ \t]*+(?P<language>[A-Za-z]++)(?P<options>[^}\n]*+)\}[^\n]*+\n", re.MULTILINE)
_NEVER = regex(r"\beval[ \t]*+=[ \t]*+(?:FALSE|F|false|False)\b")
_NEVER_OPTION = regex(r"^#\|[ \t]*+eval[ \t]*+:[ \t]*+false\b", re.MULTILINE)
_LINE_END = regex(r"\r\n|\r|\n")
_DATABRICKS = regex(r"(?:\ufeff)?(?P<mark>#|//|--) Databricks notebook source")
_DATABRICKS_MAGIC = regex(
    r"^(?:#|//|--) MAGIC %(?P<name>sh|pip|conda|run)\b(?P<text>[^\n]*)(?P<more>(?:\n(?:#|//|--) MAGIC (?!%)[^\n]*)*+)", re.MULTILINE
)


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: list[str] | str | None = None
    input: list[str] | str | None = None
    """The source, before version 4 of the format."""
    language: str | None = None
    execution_count: int | str | float | None = None
    prompt_number: int | str | float | None = None
    outputs: list[msgspec.Raw] | None = None

    @property
    def text(self) -> list[str]:
        """The source as the strings that stand in the file."""
        source = self.source if self.source is not None else self.input
        return [source] if isinstance(source, str) else source or []

    @property
    def count(self) -> int | None:
        count = self.execution_count if self.execution_count is not None else self.prompt_number
        return count if isinstance(count, int) else None


class _Worksheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Kernel(msgspec.Struct):
    language: str | None = None
    name: str | None = None


class _Metadata(msgspec.Struct):
    kernelspec: _Kernel | None = None
    language_info: _Kernel | None = None


class _Notebook(msgspec.Struct):
    cells: list[_Cell] = []
    worksheets: list[_Worksheet] = []
    metadata: _Metadata | None = None


class _Piece(msgspec.Struct, frozen=True):
    """Source lines of a cell, each with the line of the file on which it stands."""

    lines: tuple[str, ...]
    at: tuple[int, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


_DECODE = json.JSONDecoder(strict=False).decode


def _read_jupyter(asked: Asked, path: str, data: bytes) -> Iterator[Fact]:
    if len(data) > MAX_BYTES:
        yield Problem(line=0, what=f"notebook larger than {MAX_BYTES // 1024 // 1024} MiB, not read")
        return
    notebook = _decoded(data)
    if notebook is None:
        yield Problem(line=0, what="no valid notebook: its JSON can't be parsed or lacks cells")
        return
    cells = [*notebook.cells, *(cell for sheet in notebook.worksheets for cell in sheet.cells)]
    if len(cells) > MAX_CELLS:
        yield Problem(line=0, what=f"notebook has more than {MAX_CELLS} cells; the first were read")
    located = _located(cells[:MAX_CELLS], data)
    code = [
        (cell, piece)
        for cell, piece in zip(cells, located, strict=False)
        if cell.cell_type == "code" and any(line.strip() for line in piece.lines)
    ]
    yield Setting(line=0, key="notebook.execution", value=_execution([cell.count for cell, _ in code]))
    yield Setting(line=0, key="notebook.outputs", value="stored" if any(cell.outputs for cell, _ in code) else "none")
    language = _language(notebook.metadata)
    yield from _pieces(path, [(_language_of(cell.language) or language, piece) for cell, piece in code], asked)


def _decoded(data: bytes) -> _Notebook | None:
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        return msgspec.json.decode(data, type=_Notebook)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        plain = json.loads(text_of(data), strict=False)
        return msgspec.convert(_without_outputs(plain), _Notebook, strict=False)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None


def _without_outputs(plain: object) -> object:
    """Outputs as their mere presence: `Raw` can't be made from parsed values."""
    if isinstance(plain, dict) and isinstance(plain.get("cells"), list):
        for cell in plain["cells"]:
            if isinstance(cell, dict):
                cell.pop("outputs", None)
    return plain


def _language(metadata: _Metadata | None) -> str:
    if metadata is not None:
        for kernel in (metadata.language_info, metadata.kernelspec):
            for word in (kernel.language, kernel.name) if kernel else ():
                if known := _language_of(word):
                    return known
    return "python"


def _language_of(word: str | None) -> str:
    word = (word or "").lower()
    if word in ("r", "ir"):
        return "r"
    return next((language for language in ("python", "julia", "scala", "sql", "bash") if word.startswith(language)), "")


def _execution(counts: list[int | None]) -> str:
    ran = [count for count in counts if count is not None]
    if not ran:
        return "not-run"
    return "in-order" if all(a < b for a, b in pairwise(ran)) else "out-of-order"


def _located(cells: list[_Cell], data: bytes) -> list[_Piece]:
    """The source lines of every cell with their lines in the file, found by reading the file's strings forward."""
    pieces: list[_Piece] = []
    position = 0
    line = 1
    counted = 0
    for cell in cells:
        lines: list[str] = []
        at: list[int] = []
        strings = cell.text
        start = _start_of(strings, data, position) if strings else None
        for text in strings:
            if start is not None and (token := _JSON_STRING.search(data, start)):
                line += data.count(b"\n", counted, token.start())
                counted = token.start()
                start = position = token.end()
            for part in _LINE_END.split(text.removesuffix("\n")):
                lines.append(part)
                at.append(line)
        pieces.append(_Piece(tuple(lines), tuple(at)))
    return pieces


def _start_of(strings: list[str], data: bytes, position: int) -> int | None:
    """Where the strings of a cell's source begin: behind the next `"source":` whose first string is the cell's first."""
    for _ in range(50):
        key = _SOURCE_KEY.search(data, position)
        if key is None:
            return None
        token = _JSON_STRING.match(data, key.end()) if key[1] is None else _JSON_STRING.search(data, key.end())
        if token and _says(token[0], strings[0]):
            return key.end()
        position = key.end()
    return None


def _says(token: bytes, text: str) -> bool:
    """Whether a string of the file is this text."""
    if b"\\" not in token:
        return token[1:-1] == text.encode("utf-8", "surrogatepass")
    try:
        return bool(_DECODE(token.decode()) == text)
    except ValueError:
        return False


def _pieces(path: str, pieces: list[tuple[str, _Piece]], asked: Asked) -> Iterator[Fact]:
    """Facts of cells, each with its language: commands are taken out, and every language is read as one program."""
    commands: list[Command] = []
    programs: dict[str, list[_Piece]] = {"python": [], "r": [], "julia": [], "scala": []}
    for kernel, cell in pieces:
        language, piece = _without_magics(_begun_at_the_left(cell), commands) if kernel == "python" else (kernel, cell)
        if language == "bash":
            commands += _commands("\n".join(piece.lines), piece.at[0] if piece.at else 1)
        elif language in programs:
            programs[language].append(piece)
    if commands:
        yield Task(line=commands[0].line, kind="notebook", name=path, commands=tuple(commands))
    yield from _python(programs["python"], asked)
    for name, facts in _OTHERS.items():
        if programs[name]:
            yield from _moved(facts("\n".join(piece.text for piece in programs[name]), asked), programs[name])


def _begun_at_the_left(piece: _Piece) -> _Piece:
    """A cell as IPython runs it: without the blanks of its first line before the lines that begin with as many."""
    first = next((line for line in piece.lines if line.strip()), "")
    blanks = first[: len(first) - len(first.lstrip(" \t"))]
    return _Piece(tuple(line.removeprefix(blanks) for line in piece.lines), piece.at) if blanks else piece


def _without_magics(piece: _Piece, commands: list[Command]) -> tuple[str, _Piece]:
    """A Python cell as its language and what of it is that language; its shell lines go to `commands`."""
    cell_magic = _CELL_MAGIC.match(piece.text)
    if cell_magic:
        name = cell_magic["name"].lower()
        skipped = piece.text[: cell_magic.end()].count("\n")
        rest = _Piece(("pass", *piece.lines[skipped + 1 :]), (piece.at[skipped], *piece.at[skipped + 1 :]))
        if name in _SHELL_MAGICS:
            return "bash", _Piece(rest.lines[1:], rest.at[1:])
        if name in ("r", "julia"):
            return name, _Piece(rest.lines[1:], rest.at[1:])
        if name not in _KEPT_CELL_MAGICS and not (name in _WRITING_MAGICS and cell_magic["rest"].strip().endswith(".py")):
            return "", rest
        piece = rest
    if not any(_MAGIC_LINE.match(line) or _HELP_LINE.match(line) for line in piece.lines) or syntax.whole(piece.text):
        return "python", piece
    lines: list[str] = []
    continued = False
    for line, at in zip(piece.lines, piece.at, strict=True):
        magic = continued or _MAGIC_LINE.match(line) is not None or _HELP_LINE.match(line) is not None
        if magic and not continued and (found := _SHELL_LINE.match(line) or _RUN_LINE.match(line)):
            commands += _commands(found["text"].rstrip("\\"), at)
        lines.append(line[: len(line) - len(line.lstrip())] + "pass" if magic and not continued else "" if magic else line)
        continued = magic and line.rstrip().endswith("\\")
    return "python", _Piece(tuple(lines), piece.at)


def _commands(text: str, line: int) -> tuple[Command, ...]:
    return shell.split(text[: scanning.MAX_BYTES], line)


def _python(pieces: list[_Piece], asked: Asked) -> Iterator[Fact]:
    """Facts of the Python cells as one program; when it doesn't parse, the cells that don't are left out."""
    source = "\n".join(piece.text for piece in pieces)
    if not source.strip():
        return
    tree = syntax.whole(source)
    if tree is None and len(pieces) > 1:
        good: list[_Piece] = []
        for piece in pieces:
            if syntax.whole(piece.text):
                good.append(piece)
            else:
                yield from _moved(python.facts_of(piece.text, asked=asked), [piece])
        pieces = good
        source = "\n".join(piece.text for piece in pieces)
    yield from _moved(python.facts_of(source, asked=asked, tree=tree), pieces)


def _moved(facts: Iterable[Fact], pieces: list[_Piece]) -> Iterator[Fact]:
    """Facts whose lines count through `pieces`, with the lines of the file instead."""
    at = [line for piece in pieces for line in (piece.at or (1,))]
    for fact in facts:
        if isinstance(fact, Definition):
            continue  # Whoever runs a notebook runs all of it.
        line = at[min(fact.line, len(at)) - 1] if fact.line and at else fact.line
        if (end := getattr(fact, "end_line", 0)) and at:
            yield replace(fact, line=line, end_line=max(line, at[min(end, len(at)) - 1]))
        else:
            yield replace(fact, line=line)


_OTHERS: dict[str, Callable[[str, Asked], Iterable[Fact]]] = {
    "r": r.facts,
    "julia": julia.facts,
    "scala": jvm.facts,
}


_LANGUAGES = ("", "r:", "julia:", "jvm:")


def _read_markdown(asked: Asked, path: str, data: bytes) -> Iterator[Fact]:
    """R Markdown and Quarto: the chunks that are evaluated."""
    text = text_of(data)[: scanning.MAX_BYTES]
    pieces: list[tuple[str, _Piece]] = []
    position = 0
    line = 1
    counted = 0
    while (chunk := _CHUNK.search(text, position)) and len(pieces) < MAX_CELLS:
        end = text.find("\n" + chunk["fence"], chunk.end() - 1)
        end = len(text) if end < 0 else end
        body = text[chunk.end() : end]
        line += text.count("\n", counted, chunk.end())
        counted = chunk.end()
        position = max(end, chunk.end())
        language = "bash" if chunk["language"] in ("sh", "bash", "zsh") else _language_of(chunk["language"])
        if language and not _NEVER.search(chunk["options"]) and not _NEVER_OPTION.search(body):
            lines = tuple(body.split("\n"))
            pieces.append((language, _Piece(lines, tuple(range(line, line + len(lines))))))
    yield from _pieces(path, pieces, asked)


def _read_databricks(path: str, data: bytes) -> Iterator[Fact]:
    """What a notebook exported as source says beyond its code, which its language's reader reads."""
    if not _DATABRICKS.match(text_of(data[:100])):
        return
    text = text_of(data)[: scanning.MAX_BYTES]
    yield Setting(line=1, key="notebook.kind", value="databricks")
    commands: list[Command] = []
    for magic in _DATABRICKS_MAGIC.finditer(text):
        line = text.count("\n", 0, magic.start()) + 1 if len(commands) < 500 else 1
        if magic["name"] == "sh":
            more = re.sub(r"\n(?:#|//|--) MAGIC ", "\n", magic["more"])
            commands += _commands(magic["text"] + more, line)
        else:
            commands += _commands(f"{magic['name']} {magic['text']}", line)
    if commands:
        yield Task(line=commands[0].line, kind="notebook", name=path, commands=tuple(commands))


def _jupyter(asked: Asked = EVERY_CALL) -> Reading:
    return Reading(
        name="jupyter",
        shows=CODE,
        claims=Claims(lambda path: path.endswith(".ipynb") and ".ipynb_checkpoints/" not in path, ".ipynb"),
        read=partial(_read_jupyter, asked),
        languages=_LANGUAGES,
        sparing=_jupyter,
    )


def _markdown(asked: Asked = EVERY_CALL) -> Reading:
    return Reading(
        name="markdown-notebook",
        shows=CODE,
        claims=suffixed(".rmd", ".qmd", any_case=True),
        read=partial(_read_markdown, asked),
        languages=_LANGUAGES,
        sparing=_markdown,
    )


READINGS: tuple[Reading, ...] = (
    _jupyter(),
    _markdown(),
    Reading(name="databricks", shows=(*CODE, "config"), claims=suffixed(".py", ".sql", ".scala", ".r", ".R"), read=_read_databricks),
)
