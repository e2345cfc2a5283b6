"""The command line: arguments, the joining of parts, exit codes; no logic of its own.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a gate failed,
2 usage or configuration, 3 nothing to scan, 4 a target could not be read.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rung import __version__
from rung.records import Assessment, PackError, RungError, TargetError

DONE, GATE_FAILED, USAGE, NOTHING, UNREADABLE = range(5)
DIMENSIONS = ("data", "model", "code", "overall")
FORMATS = ("text", "json", "markdown", "html", "sarif", "junit", "badge")
SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".sarif": "sarif",
    ".xml": "junit",
    ".svg": "badge",
}
LISTS = ("detectors", "capabilities", "rules", "frameworks", "resources")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code."""
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except TargetError as error:
        _say(f"rung: {error}")
        return UNREADABLE
    except (PackError, RungError) as error:
        _say(f"rung: {error}")
        return USAGE
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        _say("rung: interrupted")
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="rung",
        description="Finds the evidence of MLOps practice in a repository and tells how mature its Data, Model and Code are.",
        epilog="exit codes: 0 done, 1 a gate failed, 2 usage or configuration, 3 nothing to scan, 4 a target could not be read",
    )
    parser.add_argument("--version", action="version", version=f"rung {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    scan = commands.add_parser(
        "scan",
        help="scan a repository and report its levels",
        description="Scans a folder, most often a git work tree, or a revision of a local or remote repository, and reports its levels.",
    )
    scan.add_argument(
        "target",
        nargs="?",
        default=".",
        metavar="TARGET",
        help="folder (default: this one), FOLDER@REV for a revision of its repository, or URL, URL@REV for a remote one",
    )
    _add_part(scan)
    scan.add_argument(
        "--framework",
        action="append",
        default=[],
        metavar="NAME",
        help="maturity model to rate by (default: mlab; `rung list frameworks`; `all`)",
    )
    scan.add_argument(
        "--fail-under",
        type=_thresholds,
        default={},
        metavar="data=2,model=2",
        help="exit with 1 when a level is below; also code= and overall=",
    )
    _add_output(scan)
    scan.set_defaults(run=_scan)

    explain = commands.add_parser("explain", help="what a criterion, capability or detector means, and what was found of it")
    explain.add_argument("id", metavar="ID", help="id of a criterion, a capability or a detector")
    explain.add_argument("target", nargs="?", metavar="TARGET", help="what to scan for it, as for `rung scan`")
    _add_part(explain)
    explain.set_defaults(run=_explain)

    graph = commands.add_parser(
        "graph",
        help="draw what starts the evidence, from triggers to effects",
        description="Scans a target and draws the chains from triggers to the evidence: as text, Mermaid or Graphviz DOT.",
    )
    graph.add_argument("target", nargs="?", default=".", metavar="TARGET", help="what to scan, as for `rung scan`")
    graph.add_argument("--id", default="", metavar="ID", help="only the evidence of this criterion, capability or detector")
    graph.add_argument("--format", choices=("text", "mermaid", "dot"), default="mermaid")
    graph.add_argument("--output", "-o", metavar="FILE", help="file to write (default: standard output)")
    _add_part(graph)
    graph.set_defaults(run=_graph)

    list_ = commands.add_parser("list", help="what Rung knows: detectors, capabilities, rules, frameworks, resources")
    list_.add_argument("what", choices=LISTS, nargs="?", default="detectors")
    list_.add_argument("--format", choices=("text", "json"), default="text")
    list_.set_defaults(run=_list)

    render = commands.add_parser("render", help="write a stored JSON result in another format")
    render.add_argument("result", metavar="RESULT.json", help="a result of `rung scan --format json`; `-` for standard input")
    _add_output(render)
    render.set_defaults(run=_render)

    new = commands.add_parser("new", help="start a new detector: its pack and its fixtures, to be filled")
    new.add_argument("what", choices=("detector",))
    new.add_argument("id", metavar="ID", help="id of the tool or practice, lower case with hyphens; the name of its files")
    new.add_argument("--folder", default=".", metavar="FOLDER", help="checkout of Rung that gets the files (default: this one)")
    new.set_defaults(run=_new)

    completion = commands.add_parser("completion", help="print the shell code that completes rung's arguments")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run=_completion)
    return parser


def _add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rev", default="", metavar="REV", help="scan this branch, tag or commit of it, without a checkout")
    parser.add_argument("--path", default="", metavar="FOLDER", help="scan only this folder of it (a part of a monorepo)")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        choices=FORMATS,
        help="format of the report (default: text); repeat it with --output for more from one scan",
    )
    parser.add_argument(
        "--output",
        "-o",
        action="append",
        default=[],
        metavar="FILE",
        help="file for the format given in the same place, or the one its suffix tells",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="text: every criterion with its evidence")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes on standard error")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def _scan(options: argparse.Namespace) -> int:
    assessment = _scanned(options, options.framework, quiet=options.quiet)
    from rung.report.document import document_of

    document = document_of(assessment)
    _write(document, options)
    if not any(target.files for target in assessment.targets):
        _say(f"rung: nothing to scan: {options.target} has no files")
        return NOTHING
    failed = _below(document, options.fail_under)
    for sentence in failed:
        _say(f"rung: gate: {sentence}")
    return GATE_FAILED if failed else DONE


def _scanned(options: argparse.Namespace, frameworks: Sequence[str], *, quiet: bool) -> Assessment:
    from rung.packs import load_packs
    from rung.scan import scan_path

    known = [framework.id for framework in load_packs().frameworks]
    if unknown := [name for name in frameworks if name not in (*known, "all")]:
        raise RungError(f"there is no framework `{unknown[0]}`; there are {', '.join(known)}")
    with _progress(quiet) as progress:
        return scan_path(
            options.target,
            revision=options.rev,
            subfolder=options.path,
            frameworks=known if "all" in frameworks else frameworks,
            progress=progress,
            say=(lambda _: None) if quiet else (lambda text: _say(f"rung: {text}")),
        )


def _explain(options: argparse.Namespace) -> int:
    from rung.explain import explain
    from rung.packs import load_packs

    packs = load_packs()
    assessment = None
    if options.target is not None:
        explain(options.id, packs)  # An unknown id is told before the scan, not after it.
        assessment = _scanned(options, ["all"], quiet=False)
    sys.stdout.write(explain(options.id, packs, assessment))
    return DONE


def _graph(options: argparse.Namespace) -> int:
    from rung.graph import graph_of, render, selected
    from rung.packs import load_packs

    assessment = _scanned(options, ["all"], quiet=False)
    text = render(graph_of(selected(assessment, load_packs(), options.id)), options.format)
    if options.output:
        _save(text, options.output)
    else:
        sys.stdout.write(text)
    return DONE


def _new(options: argparse.Namespace) -> int:
    from rung.scaffold import new_detector

    for path in new_detector(options.folder, options.id):
        print(path)
    _say(f"rung: fill them, then `python tests/cases.py check {options.id}`; docs/writing-a-detector.md tells how")
    return DONE


def _list(options: argparse.Namespace) -> int:
    from rung.catalogue import catalogue, catalogue_text

    rows = catalogue(options.what)
    if options.format == "json":
        import json

        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(catalogue_text(rows))
    return DONE


def _render(options: argparse.Namespace) -> int:
    from rung.report.document import read_document

    try:
        text = sys.stdin.read() if options.result == "-" else Path(options.result).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RungError(f"{options.result}: can't be read: {error}") from error
    _write(read_document(text, options.result), options)
    return DONE


def _completion(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    sys.stdout.write(shellcode(["rung"], shell=options.shell))
    return DONE


def _write(document: dict[str, Any], options: argparse.Namespace) -> None:
    """Writes each format to the output given in the same place, the rest to standard output."""
    from rung.report import render

    outputs = [(output, options.format[i] if i < len(options.format) else _format_of(output)) for i, output in enumerate(options.output)]
    for output, name in outputs:
        text = render(name, document, verbose=options.verbose)
        _save(text, output)
        if not options.quiet:
            _say(f"rung: wrote {name} to {output}")
    for name in options.format[len(outputs) :] or ([] if outputs else ["text"]):
        color = options.color == "always" or (options.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
        text = render(name, document, verbose=options.verbose, color=color, width=width, encoding=sys.stdout.encoding or "utf-8")
        sys.stdout.write(text)
        sys.stdout.flush()


def _save(text: str, output: str) -> None:
    try:
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RungError(f"{output}: can't be written: {error.strerror}") from error


def _format_of(output: str) -> str:
    suffix = Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise RungError(f"--output {output}: no format is known for `{suffix or 'no suffix'}`; give --format, one of {', '.join(FORMATS)}")
    return SUFFIXES[suffix]


def _below(document: dict[str, Any], thresholds: dict[str, int]) -> list[str]:
    """A sentence for every dimension that stands below its threshold; one that does not apply can't."""
    found = []
    for name, wanted in thresholds.items():
        body = document["overall"] if name == "overall" else document["dimensions"].get(name, {})
        level = body.get("level")
        if level is not None and level < wanted:
            found.append(f"{name} is at level {level}, {wanted} demanded")
    return found


def _thresholds(text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        name, _, level = part.strip().partition("=")
        if name not in DIMENSIONS or not level.isdigit() or not 1 <= int(level) <= 4:
            raise argparse.ArgumentTypeError(f"`{part}`: expected {'|'.join(DIMENSIONS)}=1..4, several joined by commas")
        found[name] = int(level)
    return found


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal's standard error, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading files", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
