"""The command line: arguments, the joining of parts, exit codes; no logic of its own.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a gate failed,
2 usage or configuration, 3 nothing to scan, 4 a target could not be read, 5 nobody could be told of a regression.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.errors import PackError, RungError, TargetError
from rung.options import build_parser

if TYPE_CHECKING:
    from rung.notify import Channel
    from rung.records import Assessment, Provider, TargetRule
    from rung.results import Results
    from rung.review import Request

DONE, GATE_FAILED, USAGE, NOTHING, UNREADABLE, UNTOLD = range(6)
_ASKING = frozenset(("scan", "explain"))
"""Commands that may ask what is live."""
SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".sarif": "sarif",
    ".xml": "junit",
    ".csv": "csv",
    ".svg": "badge",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code."""
    # Records and trees come by the million and hold no cycles: there is little for the collector to find, and nothing to gain when all ends.
    gc.set_threshold(100_000, 20, 100)
    atexit.register(gc.freeze)
    given = sys.argv[1:] if arguments is None else arguments
    parser = build_parser(_providers(given))
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(given)
    if getattr(options, "no_cache", False):
        os.environ["RUNG_NO_CACHE"] = "1"
    try:
        return _COMMANDS[options.run](options)
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


def _providers(arguments: Sequence[str]) -> Sequence[Provider]:
    """What is live that a scan can ask; the packs are not read for a command that asks nothing."""
    if not _ASKING.intersection(arguments) and "_ARGCOMPLETE" not in os.environ:
        return ()
    from rung.packs import load_packs

    return load_packs().providers


def _scan(options: argparse.Namespace) -> int:
    from msgspec.structs import replace

    from rung.report import render
    from rung.review import review

    results, channels = _store(options), _channels(options)
    asked = _request(options, frameworks=_known(options.framework), under=options.fail_under)
    if results is not None and (word := _stored(options)):
        from rung.results import finder

        asked = replace(asked, against="", earlier=finder(results, word, asked.say))
    elif channels and not asked.against:
        raise RungError("--notify tells of what fell and needs something to compare with: give --store FILE, or --against")
    with _progress(options.quiet) as progress, _interruptible(live=bool(asked.live or asked.replay or asked.config)) as stop:
        documents = review(replace(asked, stop=stop.event), progress)
    targets = [target for document in documents for target in document["targets"]]
    unread = {f"{target['name']}: {target['unread']}" for target in targets if target.get("unread")}
    is_something = any(target["files"] or target.get("resources") for target in targets)
    told = True
    if is_something and not unread and not stop.signal:
        # What was not seen in whole would fall now, and rise the next time: it is neither told nor kept. The rest is told before it is
        # kept: a scan that is killed in between tells twice, and never not at all.
        if channels:
            from rung.notify import tell

            told = tell(documents, channels, lambda text: _say(f"rung: {text}"))
        if results is not None:
            for document in documents:
                results.add(document)
    _write(documents, options, render)
    for sentence in sorted(unread):
        _say(f"rung: nothing could be asked of {sentence}")
    if stop.signal:
        _say("rung: interrupted; the report tells what was seen until then")
        return 128 + stop.signal
    if unread:
        return UNREADABLE
    if not is_something:
        _say(f"rung: nothing to scan: {options.target or 'what was named'} holds nothing")
        return NOTHING
    return _judged(documents) or (DONE if told else UNTOLD)


def _store(options: argparse.Namespace) -> Results | None:
    """The results that are kept, which can be written now; None when none are."""
    if not options.store:
        return None
    from rung.results import Results

    results = Results(options.store)
    results.make()
    return results


def _channels(options: argparse.Namespace) -> Sequence[Channel]:
    """Who is told of regressions."""
    if not options.notify:
        return ()
    from rung.notify import channels_of

    return channels_of(options.notify, os.environ)


def _stored(options: argparse.Namespace) -> str:
    """Which stored result to compare with: `stored` or `stored@DATE`, empty when it is none of them."""
    wanted = options.against or ("stored" if options.notify or options.fail_on else "")
    return wanted if wanted.partition("@")[0] == "stored" else ""


def _results(options: argparse.Namespace) -> int:
    from rung.results import Results, rows_of

    results = Results(options.file)
    if options.id:
        from rung.report import render

        _write([results.read(options.id)], options, render)
        return DONE
    if options.output or set(options.format) - {"text", "json"}:
        raise RungError("the list is text, or --format json, on standard output: name one result with --id for more")
    _rows(rows_of(results.kept(options.system)), "json" if "json" in options.format else "text")
    return DONE


def _rows(rows: list[dict[str, str]], form: str) -> None:
    if form == "json":
        import json

        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        from rung.catalogue import catalogue_text

        sys.stdout.write(catalogue_text(rows))


class _Stop:
    """Whether the user wants an end of what takes long."""

    def __init__(self) -> None:
        from threading import Event

        self.event = Event()
        self.signal = 0


@contextmanager
def _interruptible(*, live: bool) -> Iterator[_Stop]:
    """While something live is asked, a first signal ends the asking, so that what was seen is told; a second one ends everything."""
    import signal

    stop = _Stop()

    def hear(number: int, _: object) -> None:
        if stop.signal:
            raise KeyboardInterrupt
        stop.signal = number
        stop.event.set()

    known = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)} if live else {}
    try:
        yield stop
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def _diff(options: argparse.Namespace) -> int:
    from rung.report import render_comparison
    from rung.review import difference

    with _progress(options.quiet) as progress:
        documents = difference(_request(options), progress)
    _write(documents, options, render_comparison)
    return _judged(documents)


def _history(options: argparse.Namespace) -> int:
    from rung.history import Asked, history_of
    from rung.report import render_history
    from rung.report.history import history_document

    asked = Asked(
        target=options.target,
        revision=options.rev,
        subfolder=options.path,
        by=options.by,
        samples=options.samples,
        since=options.since,
        until=options.until,
        framework=options.framework,
        config=options.config,
        system=options.system,
    )
    with _progress(options.quiet, "scanning revisions") as progress:
        document = history_document(history_of(asked, progress))
    _write([document], options, render_history)
    return DONE


def _request(options: argparse.Namespace, **more: Any) -> Request:
    from rung.review import Request

    is_file = options.system.endswith((".yaml", ".yml"))
    if is_file and options.config:
        raise RungError("--system with a file and --config name two configurations: give one")
    return Request(
        target=options.target,
        revision=getattr(options, "rev", ""),
        subfolder=getattr(options, "path", ""),
        against=getattr(options, "against", ""),
        config=options.system if is_file else options.config,
        system="" if is_file else options.system,
        live=_live(options),
        record=getattr(options, "record", ""),
        replay=getattr(options, "replay", ""),
        no_regression=getattr(options, "fail_on", "") == "regression",
        say=(lambda _: None) if getattr(options, "quiet", False) else (lambda text: _say(f"rung: {text}")),
        **more,
    )


def _live(options: argparse.Namespace) -> tuple[TargetRule, ...]:
    """The live targets that options name."""
    from rung.packs import load_packs
    from rung.records import TargetRule

    regions, roles = getattr(options, "region", []), getattr(options, "role", [])
    settings: dict[str, object] = {}
    if regions:
        settings["regions"] = regions
    if roles:
        settings["roles"] = [{"arn": role} for role in roles]
    known = load_packs().providers
    accounts = [provider.id for provider in known if provider.kind == "account"]
    named = [(provider.id, value) for provider in known if (value := getattr(options, provider.id, None)) is not None]
    if settings and not any(name in accounts for name, _ in named):
        raise RungError(f"--region and --role say how accounts are asked: give {' or '.join(f'--{name}' for name in accounts)} too")
    return tuple(TargetRule(kind=name, value=value, settings=settings if name in accounts else {}) for name, value in named)


def _judged(documents: Sequence[dict[str, Any]]) -> int:
    from rung.verdicts import failures, mistakes

    failed = [
        f"{document['scope']['system']}: {sentence}" if len(documents) > 1 else sentence
        for document in documents
        for sentence in failures(document)
    ]
    for sentence in failed:
        _say(f"rung: gate: {sentence}")
    wrong = mistakes(documents)
    for sentence in wrong:
        _say(f"rung: {sentence}; the report does without")
    if wrong:
        return USAGE
    return GATE_FAILED if failed else DONE


def _init(options: argparse.Namespace) -> int:
    from rung.starter import write_starter

    for path in write_starter(options.folder, workflow=options.workflow):
        _say(f"rung: wrote {path}")
    return DONE


def _known(frameworks: Sequence[str]) -> tuple[str, ...]:
    """The frameworks asked for, `all` written out."""
    from rung.packs import load_packs

    known = [framework.id for framework in load_packs().frameworks]
    if unknown := [name for name in frameworks if name not in (*known, "all")]:
        raise RungError(f"there is no framework `{unknown[0]}`; there are {', '.join(known)}")
    return tuple(known if "all" in frameworks else frameworks)


def _explain(options: argparse.Namespace) -> int:
    from rung.explain import explain
    from rung.packs import load_packs

    packs = load_packs()
    if options.target is None and not _live(options) and not options.replay:
        sys.stdout.write(explain(options.id, packs))
        return DONE
    options.target = options.target or ""
    explain(options.id, packs)  # An unknown id is told before the scan, not after it.
    sys.stdout.write("\n".join(explain(options.id, packs, assessment) for assessment in _assessments(options)))
    return DONE


def _assessments(options: argparse.Namespace) -> Sequence[Assessment]:
    from rung.review import assessments

    with _progress(quiet=False) as progress:
        return assessments(_request(options, frameworks=_known(["all"])), progress)


def _graph(options: argparse.Namespace) -> int:
    from rung.graph import graph_of, render, selected
    from rung.packs import load_packs

    found = _assessments(options)
    if len(found) > 1:
        raise RungError(f"the graph is of one system: name one of {', '.join(item.scope['system'] for item in found)} with --system")
    text = render(graph_of(selected(found[0], load_packs(), options.id)), options.format)
    if options.output:
        _save(text, Path(options.output))
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
    from rung.catalogue import catalogue

    _rows(catalogue(options.what), options.format)
    return DONE


def _render(options: argparse.Namespace) -> int:
    from rung.report import read_document, render

    try:
        text = sys.stdin.read() if options.result == "-" else Path(options.result).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RungError(f"{options.result}: can't be read: {error}") from error
    _write([read_document(text, options.result)], options, render)
    return DONE


def _permissions(options: argparse.Namespace) -> int:
    from rung.packs import load_packs
    from rung.permissions import check, check_text, permissions_text
    from rung.records import Coverage, TargetRule

    packs = load_packs()
    if options.check is None:
        sys.stdout.write(permissions_text(options.what, packs))
        return DONE
    from rung.accounts import Accounts

    settings = {"regions": options.region, "roles": [{"arn": role} for role in options.role]}
    rule = TargetRule(kind=options.what, value=options.check, settings={name: value for name, value in settings.items() if value})
    is_certain = True
    for _, one in Accounts([rule], packs).opened():
        if isinstance(one, Coverage):
            raise TargetError(f"{one.what}: {one.reason}{f'; needs {one.needs}' if one.needs else ''}")
        trials = check(one, packs)
        sys.stdout.write(check_text(trials, one.info.name))
        is_certain &= not any(trial.state in ("missing", "unknown") for trial in trials)
    return DONE if is_certain else GATE_FAILED


def _cache(options: argparse.Namespace) -> int:
    from rung.cache import clear, info

    if options.what == "clear":
        _say(f"rung: removed {clear()}")
    else:
        sys.stdout.write(info())
    return DONE


def _comment(options: argparse.Namespace) -> int:
    from rung.comment import post_here

    try:
        text = Path(options.report).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RungError(f"{options.report}: can't be read: {error}") from error
    _say(f"rung: {post_here(text, os.environ, options.about)}")
    return DONE


def _action(_options: argparse.Namespace) -> int:
    from rung.action import act

    return act(os.environ, main)


def _completion(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    sys.stdout.write(shellcode(["rung"], shell=options.shell))
    return DONE


def _write(documents: Sequence[dict[str, Any]], options: argparse.Namespace, render: Callable[..., str]) -> None:
    """Writes each format to the output given in the same place, the rest to standard output; several systems each to a file."""
    outputs = [
        (output, options.format[i] if i < len(options.format) else _format_of(output, options.formats))
        for i, output in enumerate(options.output)
    ]
    rest = options.format[len(outputs) :] or ([] if outputs else ["text"])
    if len(documents) > 1 and (single := [name for name in rest if name not in ("text", "markdown")]):
        names = ", ".join(document["scope"]["system"] for document in documents)
        raise RungError(f"--format {single[0]} is one document for each of the systems {names}: give --output FILE, or one --system")
    for output, name in outputs:
        for document in documents:
            path = _path_of(output, document["scope"]["system"] if len(documents) > 1 else "")
            text = render(name, document, verbose=options.verbose)
            _save(text, path)
            if not options.quiet:
                _say(f"rung: wrote {name} to {path}")
    color = options.color == "always" or (options.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    for name in rest:
        texts = [
            render(name, document, verbose=options.verbose, color=color, width=width, encoding=sys.stdout.encoding or "utf-8")
            for document in documents
        ]
        sys.stdout.write("\n".join(texts))
        sys.stdout.flush()


def _path_of(output: str, system: str) -> Path:
    """The file for one of several systems: `report.json` is `report-churn.json` for the system churn."""
    path = Path(output)
    return path.with_name(f"{path.stem}-{system.replace(' ', '-')}{path.suffix}") if system else path


def _save(text: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RungError(f"{path}: can't be written: {error.strerror}") from error


def _format_of(output: str, formats: Sequence[str]) -> str:
    suffix = Path(output).suffix.lower()
    if SUFFIXES.get(suffix) not in formats:
        raise RungError(f"--output {output}: no format is known for `{suffix or 'no suffix'}`; give --format, one of {', '.join(formats)}")
    return SUFFIXES[suffix]


@contextmanager
def _progress(quiet: bool, what: str = "reading files") -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal's standard error, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "action": _action,
    "cache": _cache,
    "comment": _comment,
    "completion": _completion,
    "diff": _diff,
    "explain": _explain,
    "graph": _graph,
    "history": _history,
    "init": _init,
    "list": _list,
    "new": _new,
    "permissions": _permissions,
    "render": _render,
    "results": _results,
    "scan": _scan,
}


if __name__ == "__main__":
    sys.exit(main())
