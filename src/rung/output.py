"""What a command writes: results to standard output and files, everything else to standard error."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from rung.errors import RungError
from rung.files import check_writable, unwritable, write_text

SUFFIXES = {
    ".txt": ("text",),
    ".json": ("json", "codequality", "sarif"),
    ".md": ("markdown",),
    ".html": ("html",),
    ".htm": ("html",),
    ".sarif": ("sarif",),
    ".xml": ("junit",),
    ".csv": ("csv",),
    ".svg": ("badge",),
}
"""The formats that a file of a suffix may hold; the first one unless another is named."""
STANDARD = "-"
"""Stands for standard input or output in the place of a file."""


class Outputs(NamedTuple):
    """What is to be written, known to be possible as far as that can be known before the work is done."""

    files: Sequence[tuple[Path, str]]
    """Each with its format."""
    printed: Sequence[str]
    """The formats for standard output."""


def outputs_of(options: argparse.Namespace) -> Outputs:
    """Each format with the output given in the same place, the rest for standard output.

    Raises:
        RungError: an output can't be written, is given twice, or has no format.
    """
    files, printed = [], []
    for index, output in enumerate(options.output):
        form = options.format[index] if index < len(options.format) else ""
        if output == STANDARD:
            printed.append(form or "text")
        else:
            files.append((Path(output), _format_of(output, form, options.formats)))
            if options.output.count(output) > 1:
                raise RungError(f"--output {output} is given twice: name another file")
            check_writable(Path(output))
    return Outputs(files, printed + options.format[len(options.output) :] or ([] if options.output else ["text"]))


def _format_of(output: str, form: str, formats: Sequence[str]) -> str:
    """The format of a file: the one that is given, which its suffix must not belie, else the one that its suffix tells."""
    suffix = Path(output).suffix.lower()
    told = [name for name in SUFFIXES.get(suffix, ()) if name in formats]
    if form:
        if suffix in SUFFIXES and form not in SUFFIXES[suffix]:
            raise RungError(f"--output {output} and --format {form} contradict each other: leave one out, or name another file")
        return form
    if not told:
        raise RungError(f"--output {output}: no format is known for `{suffix or 'no suffix'}`; give --format, one of {', '.join(formats)}")
    return told[0]


def check_single(documents: Sequence[dict[str, Any]], outputs: Outputs) -> None:
    """Raises `RungError` where several documents are to be printed in a format that is one."""
    if len(documents) > 1 and (single := [name for name in outputs.printed if name not in ("text", "markdown")]):
        names = ", ".join(document["scope"]["system"] for document in documents)
        raise RungError(f"--format {single[0]} is one document for each of the systems {names}: give --output FILE, or one --system")


def write(documents: Sequence[dict[str, Any]], outputs: Outputs, options: argparse.Namespace, render: Callable[..., str]) -> None:
    """Writes each output; several systems each to a file.

    Raises:
        RungError: an output can't be written, or is one document for several systems.
    """
    check_single(documents, outputs)
    for output, form in outputs.files:
        for document in documents:
            path = _path_of(output, document["scope"]["system"] if len(documents) > 1 else "")
            write_text(path, render(form, document, verbose=options.verbose))
            if not options.quiet:
                say(f"rung: wrote {form} to {path}")
    color = options.color == "always" or (options.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    for form in outputs.printed:
        texts = [
            render(form, document, verbose=options.verbose, color=color, width=width(), encoding=sys.stdout.encoding or "utf-8")
            for document in documents
        ]
        put("\n".join(texts), form)


def _path_of(output: Path, system: str) -> Path:
    """The file for one of several systems: `report.json` is `report-churn.json` for the system churn."""
    from rung.config import file_part

    return output.with_name(f"{output.stem}-{file_part(system)}{output.suffix}") if system else output


def width(otherwise: int = 80) -> int:
    """Columns of the terminal that standard output is, if it is one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else otherwise


def open_streams() -> None:
    """Makes the standard streams such as anything can be written to; one that the caller closed leads nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
    if hasattr(sys.stdout, "reconfigure"):  # not where another program has put its own
        sys.stdout.reconfigure(errors="backslashreplace")


def put(text: str, form: str = "text") -> None:
    """Writes to standard output; what a program is to read is UTF-8 whatever a terminal's encoding is.

    Raises:
        RungError: it can't be written.
    """
    try:
        if form == "text":
            sys.stdout.write(text)
        else:
            sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Where only the reader of our output went away (`| head`), nothing is wrong.
        if not isinstance(error, BrokenPipeError):
            raise unwritable("standard output", error) from error


@contextmanager
def progress_bar(quiet: bool, what: str = "reading files", then: str = "assessing") -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal's standard error, nothing elsewhere; `then` is the name of what follows when all is done."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, description=what if done < total else then)


def say(text: str) -> None:
    """Writes a line to standard error."""
    with suppress(OSError):  # Where nothing can be said, the exit code still tells.
        print(text, file=sys.stderr, flush=True)
