"""The command line: arguments, the joining of parts, exit codes; no logic of its own.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a gate failed,
2 usage or configuration, 3 nothing to scan, 4 a target could not be read, 5 nobody could be told of a regression, 70 a fault of Rung.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.errors import RungError, TargetError
from rung.files import check_writable, read_text, reason_of, unreadable, write_text
from rung.options import build_parser
from rung.output import STANDARD, check_single, open_streams, outputs_of, progress_bar, put, say, width, write

if TYPE_CHECKING:
    from rung.notify import Channel
    from rung.records import Assessment, Packs, Provider, TargetRule
    from rung.results import Results
    from rung.review import Request

DONE, GATE_FAILED, USAGE, NOTHING, UNREADABLE, UNTOLD = range(6)
FAULT = 70
"""What sysexits.h calls an internal software error; no gate and no mistake of a user has it."""
_ASKING = frozenset(("scan", "explain"))
"""Commands that may ask what is live."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code."""
    # Records and trees come by the million and hold no cycles: there is little for the collector to find, and nothing to gain when all ends.
    gc.set_threshold(1_000_000, 20, 100)  # Forked workers keep it.
    atexit.register(gc.freeze)
    open_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except TargetError as error:
        say(f"rung: {error}")
        return UNREADABLE
    except RungError as error:
        say(f"rung: {error}")
        return USAGE
    except OSError as error:
        say(f"rung: {error.filename or 'the system'}: {reason_of(error)}")
        return USAGE
    except KeyboardInterrupt:
        say("rung: interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 - CI must not take it for a failed gate
        from traceback import format_exc

        say(f"{format_exc()}rung: a fault of Rung ({type(error).__name__}), which says nothing of what was scanned: please report")
        say("rung: the lines above, the command, and what `rung --version` prints")
        return FAULT


def _run(arguments: Sequence[str]) -> int:
    parser = build_parser(_providers(arguments))
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    if getattr(options, "no_cache", False):
        os.environ["RUNG_NO_CACHE"] = "1"
    return _COMMANDS[options.run](options)


def _providers(arguments: Sequence[str]) -> Sequence[Provider]:
    """What is live that a scan can ask; the packs are not read for a command that asks nothing."""
    if not _ASKING.intersection(arguments) and "_ARGCOMPLETE" not in os.environ:
        return ()
    from rung.packs import load_packs

    return load_packs().providers


def _scan(options: argparse.Namespace) -> int:
    from msgspec.structs import replace

    from rung.outcome import Outcome
    from rung.report import render
    from rung.review import review

    asked, outputs = _request(options, frameworks=_known(options.framework), under=options.fail_under), outputs_of(options)
    results, channels, word = _store(options), _channels(options), _stored(options)
    if results is not None and word:
        from rung.results import finder

        asked = replace(asked, against="", earlier=finder(results, word, asked.say))
    elif word and options.against:
        raise RungError(f"--against {word}: what is stored stands in the file that --store FILE names: give it too")
    elif channels and not asked.against:
        raise RungError("--notify tells of what fell and needs something to compare with: give --store FILE, or --against")
    with progress_bar(options.quiet) as progress, _interruptible(live=bool(asked.live or asked.replay or asked.config)) as stop:
        documents = review(replace(asked, stop=stop.event), progress)
    check_single(documents, outputs)
    outcome = Outcome(documents=documents, interrupted=bool(stop.signal))
    told = outcome.hand_on(channels, results, lambda text: say(f"rung: {text}"))
    write(documents, outputs, options, render)
    for sentence in outcome.unread:
        say(f"rung: nothing could be asked of {sentence}")
    if stop.signal:
        say("rung: interrupted; the report tells what was seen until then")
        return 128 + stop.signal
    if outcome.unread:
        return UNREADABLE
    if outcome.empty:
        say(f"rung: nothing to scan: {options.target or 'what was named'} holds {outcome.empty}")
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

        outputs = outputs_of(options)
        write([results.read(options.id)], outputs, options, render)
        return DONE
    if options.output or set(options.format) - {"text", "json"}:
        raise RungError("the list is text, or --format json, on standard output: name one result with --id for more")
    _rows(rows_of(results.kept(options.system)), "json" if "json" in options.format else "text")
    return DONE


def _rows(rows: list[dict[str, str]], form: str) -> None:
    if form == "json":
        import json

        put(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", form)
    else:
        from rung.catalogue import catalogue_text

        put(catalogue_text(rows))


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

    outputs = outputs_of(options)
    with progress_bar(options.quiet) as progress:
        documents = difference(_request(options), progress)
    write(documents, outputs, options, render_comparison)
    return _judged(documents)


def _history(options: argparse.Namespace) -> int:
    from rung.history import Asked, history_of
    from rung.report import render_history
    from rung.report.history import history_document

    outputs, (config, system) = outputs_of(options), _configured(options)
    asked = Asked(
        target=options.target,
        revision=options.rev,
        subfolder=options.path,
        by=options.by,
        samples=options.samples,
        since=options.since,
        until=options.until,
        framework=options.framework,
        config=config,
        system=system,
    )
    with progress_bar(options.quiet, "scanning revisions", "comparing them") as progress:
        document = history_document(history_of(asked, progress))
    write([document], outputs, options, render_history)
    return DONE


def _request(options: argparse.Namespace, **more: Any) -> Request:
    from rung.review import Request

    config, system = _configured(options)
    return Request(
        target=options.target or "",
        revision=getattr(options, "rev", ""),
        subfolder=getattr(options, "path", ""),
        against=getattr(options, "against", ""),
        config=config,
        system=system,
        live=_live(options),
        record=getattr(options, "record", ""),
        replay=getattr(options, "replay", ""),
        no_regression=getattr(options, "fail_on", "") == "regression",
        say=(lambda _: None) if getattr(options, "quiet", False) else (lambda text: say(f"rung: {text}")),
        **more,
    )


def _configured(options: argparse.Namespace) -> tuple[str, str]:
    """The file to go by, and the one system that is wanted; --system names either."""
    is_file = options.system.endswith((".yaml", ".yml"))
    if is_file and options.config:
        raise RungError("--system with a file and --config name two configurations: give one")
    return (options.system, "") if is_file else (options.config, options.system)


def _live(options: argparse.Namespace) -> tuple[TargetRule, ...]:
    """The live targets that options name."""
    from rung.packs import load_packs
    from rung.records import TargetRule

    packs, settings = load_packs(), _settings(options)
    accounts = _account_kinds(packs)
    named = [(provider, value) for provider in packs.providers if (value := getattr(options, provider.id, None)) is not None]
    for provider, value in named:
        # No profile, address or name of a repository begins so: the option took what stands after it for its own.
        if options.target is None and value.startswith((".", "/", "~")):
            raise RungError(
                f"--{provider.id} took `{value}` for its {provider.value}: write the target before it, `{value} --{provider.id}`"
            )
    if settings and not any(provider.id in accounts for provider, _ in named):
        raise RungError(f"--region and --role say how accounts are asked: give {' or '.join(f'--{name}' for name in accounts)} too")
    return tuple(
        TargetRule(kind=provider.id, value=value, settings=settings if provider.id in accounts else {}) for provider, value in named
    )


def _settings(options: argparse.Namespace) -> dict[str, object]:
    """How accounts are to be asked."""
    regions, roles = getattr(options, "region", []), getattr(options, "role", [])
    return ({"regions": regions} if regions else {}) | ({"roles": [{"arn": role} for role in roles]} if roles else {})


def _account_kinds(packs: Packs) -> list[str]:
    return [provider.id for provider in packs.providers if provider.kind == "account"]


def _judged(documents: Sequence[dict[str, Any]]) -> int:
    from rung.verdicts import failures, mistakes

    failed = [
        f"{document['scope']['system']}: {sentence}" if len(documents) > 1 else sentence
        for document in documents
        for sentence in failures(document)
    ]
    for sentence in failed:
        say(f"rung: gate: {sentence}")
    return _misconfigured(mistakes(documents), "report") or (GATE_FAILED if failed else DONE)


def _misconfigured(mistakes: Iterable[str], what: str) -> int:
    """Tells what is wrong with the configuration that something was made without."""
    told = [mistake for mistake in dict.fromkeys(mistakes) if mistake]
    for mistake in told:
        say(f"rung: {mistake}; the {what} does without")
    return USAGE if told else DONE


def _init(options: argparse.Namespace) -> int:
    from rung.starter import write_starter

    for path in write_starter(options.folder, workflow=options.workflow):
        say(f"rung: wrote {path}")
    return DONE


def _known(frameworks: Sequence[str]) -> tuple[str, ...]:
    """The frameworks asked for, `all` written out."""
    from rung.packs import load_packs

    known = [framework.id for framework in load_packs().frameworks]
    if unknown := [name for name in frameworks if name not in (*known, "all")]:
        raise RungError(f"there is no framework `{unknown[0]}`; there are {', '.join(known)}")
    return tuple(known if "all" in frameworks else frameworks)


def _explain(options: argparse.Namespace) -> int:
    from rung.explain import WIDTH, explain
    from rung.packs import load_packs

    packs = load_packs()
    columns = width(otherwise=WIDTH)
    meaning = explain(options.id, packs, width=columns)  # An unknown id is told before the scan, not after it.
    if options.target is None and not _live(options) and not options.replay:
        if idle := [name for name in ("rev", "path", "config", "system", "record") if getattr(options, name)]:
            raise RungError(f"--{idle[0]} is about what is scanned for `{options.id}`: name the TARGET too")
        put(meaning)
        return DONE
    found = _assessments(options)
    put("\n".join(explain(options.id, packs, assessment, width=columns) for assessment in found))
    return _misconfigured((item.policy.mistake for item in found if item.policy), "explanation")


def _assessments(options: argparse.Namespace) -> Sequence[Assessment]:
    from rung.review import assessments

    with progress_bar(options.quiet) as progress:
        return assessments(_request(options, frameworks=_known(["all"])), progress)


def _graph(options: argparse.Namespace) -> int:
    from rung.graph import graph_of, render, selected
    from rung.packs import load_packs

    file = "" if options.output in (None, STANDARD) else options.output
    if file:
        check_writable(Path(file))
    found = _assessments(options)
    if len(found) > 1:
        raise RungError(f"the graph is of one system: name one of {', '.join(item.scope['system'] for item in found)} with --system")
    graph = graph_of(selected(found[0], load_packs(), options.id))
    if file:
        write_text(Path(file), render(graph, options.format))
    else:
        put(render(graph, options.format), options.format)
    if not graph.nodes and not options.quiet:
        say(f"rung: the graph is empty: {f'there is no evidence of {options.id}' if options.id else 'nothing was seen to start anything'}")
    return _misconfigured((item.policy.mistake for item in found if item.policy), "graph")


def _new(options: argparse.Namespace) -> int:
    from rung.scaffold import new_detector

    for path in new_detector(options.folder, options.id):
        put(f"{path}\n")
    say(f"rung: fill them, then `python tests/cases.py check {options.id}`; docs/writing-a-detector.md tells how")
    return DONE


def _list(options: argparse.Namespace) -> int:
    from rung.catalogue import catalogue

    _rows(catalogue(options.what), options.format)
    return DONE


def _render(options: argparse.Namespace) -> int:
    from rung.report import read_document, render

    text = _standard_input() if options.result == STANDARD else read_text(options.result)
    outputs = outputs_of(options)
    write([read_document(text, options.result)], outputs, options, render)
    return DONE


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable("standard input", error) from error


def _permissions(options: argparse.Namespace) -> int:
    from rung.packs import load_packs
    from rung.permissions import check_text, checked, is_allowed, permissions_text
    from rung.records import TargetRule

    packs, settings = load_packs(), _settings(options)
    if settings and (options.check is None or options.what not in _account_kinds(packs)):
        raise RungError(
            f"--region and --role say how --check asks an account: they go with {' or '.join(_account_kinds(packs))} and --check"
        )
    if options.check is None:
        put(permissions_text(options.what, packs))
        return DONE
    allowed = True
    for name, trials in checked(TargetRule(kind=options.what, value=options.check, settings=settings), packs):
        put(check_text(trials, name))
        allowed &= is_allowed(trials)
    return DONE if allowed else GATE_FAILED


def _cache(options: argparse.Namespace) -> int:
    from rung.cache import clear, info

    if options.what == "clear":
        say(f"rung: removed {clear()}")
    else:
        put(info())
    return DONE


def _comment(options: argparse.Namespace) -> int:
    from rung.comment import post_here

    say(f"rung: {post_here(read_text(options.report), os.environ, options.about)}")
    return DONE


def _action(_options: argparse.Namespace) -> int:
    from rung.action import act

    return act(os.environ, main)


def _completion(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    put(shellcode(["rung"], shell=options.shell))
    return DONE


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
