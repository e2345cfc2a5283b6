"""The command line: arguments, the joining of parts, exit codes; no logic of its own.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a gate failed,
2 usage or configuration, 3 nothing to scan, 4 a target could not be read, 5 nobody could be told of a regression.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung import __version__
from rung.errors import PackError, RungError, TargetError

if TYPE_CHECKING:
    from rung.notify import Channel
    from rung.records import Assessment, TargetRule
    from rung.results import Results
    from rung.review import Request

DONE, GATE_FAILED, USAGE, NOTHING, UNREADABLE, UNTOLD = range(6)
DIMENSIONS = ("data", "model", "code", "overall")
FORMATS = ("text", "json", "markdown", "html", "sarif", "codequality", "junit", "badge")
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
HISTORY_FORMATS = ("text", "csv", "json", "html")
PROVIDERS = (
    ("aws", "PROFILE", "an AWS account, by a profile of the AWS configuration (default: what the environment gives)"),
    ("mlflow", "URL", "an MLflow tracking server (default: MLFLOW_TRACKING_URI)"),
    ("github", "OWNER/NAME", "a repository's record on GitHub (default: the repository that TARGET was cloned from)"),
)
"""Live providers that the packs list things of."""
COMPARISON_FORMATS = ("text", "json", "markdown", "sarif")
LISTS = ("detectors", "capabilities", "rules", "frameworks", "resources")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code."""
    gc.set_threshold(
        100_000, 20, 100
    )  # Records and trees come by the million and hold no cycles: there is little for the collector to find.
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    if getattr(options, "no_cache", False):
        os.environ["RUNG_NO_CACHE"] = "1"
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
        epilog="exit codes: 0 done, 1 a gate failed, 2 usage or configuration, 3 nothing to scan, 4 a target could not be read,"
        " 5 nobody could be told of a regression",
    )
    parser.add_argument("--version", action="version", version=f"rung {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    scan = commands.add_parser(
        "scan",
        help="scan a repository and report its levels",
        description="Scans a folder, most often a git work tree, or a revision of a local or remote repository, and what is live of the same "
        "system: cloud accounts, servers, code hosts. Reports the system's levels.",
    )
    scan.add_argument(
        "target",
        nargs="?",
        default="",
        metavar="TARGET",
        help="folder (default: this one, unless other targets are named), FOLDER@REV for a revision of its repository, or URL, URL@REV",
    )
    _add_part(scan)
    _add_live(scan)
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
    _add_keeping(scan)
    _add_config(scan)
    _add_fail_on(scan)
    _add_output(scan, FORMATS)
    scan.set_defaults(run=_scan)

    _add_diff(commands)
    _add_history(commands)

    explain = commands.add_parser("explain", help="what a criterion, capability or detector means, and what was found of it")
    explain.add_argument("id", metavar="ID", help="id of a criterion, a capability or a detector")
    explain.add_argument("target", nargs="?", metavar="TARGET", help="what to scan for it, as for `rung scan`")
    _add_part(explain)
    _add_live(explain)
    _add_config(explain)
    explain.set_defaults(run=_explain)

    _add_graph(commands)

    list_ = commands.add_parser("list", help="what Rung knows: detectors, capabilities, rules, frameworks, resources")
    list_.add_argument("what", choices=LISTS, nargs="?", default="detectors")
    list_.add_argument("--format", choices=("text", "json"), default="text")
    list_.set_defaults(run=_list)

    render = commands.add_parser("render", help="write a stored JSON result in another format")
    render.add_argument("result", metavar="RESULT.json", help="a result of `rung scan --format json`; `-` for standard input")
    _add_output(render, FORMATS)
    render.set_defaults(run=_render)

    _add_results(commands)
    _add_permissions(commands)
    _add_init(commands)

    new = commands.add_parser("new", help="start a new detector: its pack and its fixtures, to be filled")
    new.add_argument("what", choices=("detector",))
    new.add_argument("id", metavar="ID", help="id of the tool or practice, lower case with hyphens; the name of its files")
    new.add_argument("--folder", default=".", metavar="FOLDER", help="checkout of Rung that gets the files (default: this one)")
    new.set_defaults(run=_new)

    _add_jobs(commands)
    _add_cache(commands)

    completion = commands.add_parser("completion", help="print the shell code that completes rung's arguments")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run=_completion)
    return parser


def _add_graph(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
    _add_config(graph)
    graph.set_defaults(run=_graph)


def _add_keeping(scan: argparse.ArgumentParser) -> None:
    """What came before, what is kept for later, and who is told of the difference."""
    scan.add_argument(
        "--against",
        default="",
        metavar="REV|FILE|stored",
        help="compare with a revision of the same repository, a JSON result, or with --store the last of the system that is `stored`"
        " (`stored@2026-09-30`: of that day or earlier): what rose, what fell, and why",
    )
    scan.add_argument("--store", default="", metavar="FILE", help="keep the result of each system in this file; `rung results` shows them")
    scan.add_argument(
        "--notify",
        action="append",
        default=[],
        metavar="URL",
        help="tell of regressions: a webhook's URL, slack+URL of what takes Slack's messages, github:OWNER/NAME for an issue,"
        " or env:NAME of a variable that holds one of these; repeatable",
    )


def _add_results(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    results = commands.add_parser(
        "results",
        help="the results that `rung scan --store` keeps",
        description="Lists the results in a file, oldest first, or writes one of them in any format of `rung scan`.",
    )
    results.add_argument("file", metavar="FILE", help="the file that `rung scan --store` was given")
    results.add_argument("--system", default="", metavar="NAME", help="list only the results of this system")
    results.add_argument("--id", type=_count, default=0, metavar="N", help="write this result instead of the list")
    _add_output(results, FORMATS)
    results.set_defaults(run=_results)


def _add_permissions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    permissions = commands.add_parser(
        "permissions",
        help="what a scan of an account, server or cluster must be allowed, and no more",
        description="Prints the policy, role or list of permissions that a scan needs: those of the calls that it can make, all of which only read.",
    )
    permissions.add_argument("what", metavar="WHAT", help=", ".join(sorted(["kubernetes", *(provider for provider, _, _ in PROVIDERS)])))
    permissions.add_argument(
        "--check",
        nargs="?",
        const="",
        default=None,
        metavar="TARGET",
        help="make each call to this profile, URL or OWNER/NAME, and tell which are not allowed; exits with 1 unless all are",
    )
    permissions.add_argument("--region", action="append", default=[], metavar="NAME", help="with --check: as for `rung scan`")
    permissions.add_argument("--role", action="append", default=[], metavar="ARN", help="with --check: as for `rung scan`")
    permissions.set_defaults(run=_permissions)


def _add_cache(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    kept = commands.add_parser("cache", help="what is kept between scans: where, how much, and its removal")
    kept.add_argument("what", choices=("info", "clear"), nargs="?", default="info")
    kept.set_defaults(run=_cache)


def _add_jobs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What jobs of code hosts call."""
    comment = commands.add_parser(
        "comment",
        help="put a Markdown report on the pull or merge request that a CI job runs for",
        description="Makes the comment, or updates it in place. On GitHub GITHUB_TOKEN must be set, on GitLab RUNG_GITLAB_TOKEN.",
    )
    comment.add_argument("report", metavar="REPORT.md", help="the text, as of `rung diff --format markdown`")
    comment.add_argument("--about", default="", metavar="NAME", help="tells apart several comments on one request")
    comment.set_defaults(run=_comment)

    commands.add_parser("action").set_defaults(run=_action)  # for action.yml alone: help does not list it


def _add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rev", default="", metavar="REV", help="scan this branch, tag or commit of it, without a checkout")
    parser.add_argument("--path", default="", metavar="FOLDER", help="scan only this folder of it (a part of a monorepo)")


def _add_live(parser: argparse.ArgumentParser) -> None:
    """Options of what is live; those of the providers are named as their packs are."""
    live = parser.add_argument_group("what is live", "asked by calls that only read; `rung permissions` prints what they need")
    for provider, metavar, what in PROVIDERS:
        live.add_argument(f"--{provider}", nargs="?", const="", default=None, metavar=metavar, help=what)
    live.add_argument("--region", action="append", default=[], metavar="NAME", help="only this region of the accounts; repeat it for more")
    live.add_argument("--role", action="append", default=[], metavar="ARN", help="take on this role first; each is an account of its own")
    live.add_argument("--record", default="", metavar="DIR", help="also write the answers there, without account numbers and secrets")
    live.add_argument("--replay", default="", metavar="DIR", help="take the answers from such a recording instead of asking anyone")


def _add_diff(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    diff = commands.add_parser(
        "diff",
        help="what rose and what fell between two results, and why",
        description="Compares two stored JSON results, or two things that `rung scan` takes.",
    )
    diff.add_argument("against", metavar="OLD", help="the earlier: a result of `rung scan --format json`, or something to scan")
    diff.add_argument("target", metavar="NEW", help="the later")
    _add_config(diff)
    _add_fail_on(diff)
    _add_output(diff, COMPARISON_FORMATS)
    diff.set_defaults(run=_diff)


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser("init", help="write a commented rung.yaml, and a workflow if asked for")
    init.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="root of the repository (default: this folder)")
    init.add_argument("--workflow", action="store_true", help="also write .github/workflows/rung.yml, which comments on pull requests")
    init.set_defaults(run=_init)


def _add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    history = commands.add_parser(
        "history",
        help="levels over months, tags or commits, and which commit changed them",
        description="Scans revisions of a local repository along first parents, and finds the commit behind each change between them.",
    )
    history.add_argument(
        "target", nargs="?", default=".", metavar="PATH", help="folder of the repository (default: this one), or FOLDER@REV"
    )
    history.add_argument("--rev", default="", metavar="REV", help="branch, tag or commit at which the history ends")
    history.add_argument("--path", default="", metavar="FOLDER", help="only this folder of it (a part of a monorepo)")
    history.add_argument("--by", choices=("months", "tags", "commits"), default="months", help="what to sample (default: months)")
    history.add_argument("--samples", type=_count, default=0, metavar="N", help="no more samples than this, evenly spread")
    history.add_argument("--since", default="", metavar="DATE", help="nothing before this year, month or day (2026, 2026-03, 2026-03-01)")
    history.add_argument("--until", default="", metavar="DATE", help="nothing after it")
    history.add_argument("--framework", default="", metavar="NAME", help="maturity model to rate by (default: mlab)")
    _add_config(history)
    _add_output(history, HISTORY_FORMATS)
    history.set_defaults(run=_history)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", default="", metavar="FILE", help="go by this file instead of the repository's own rung.yaml")
    parser.add_argument(
        "--system",
        default="",
        metavar="NAME|FILE",
        help="only this one of the systems that rung.yaml splits the repository into; or a file as rung.yaml that names the system's targets",
    )
    parser.add_argument("--no-cache", action="store_true", help="keep nothing between scans and use nothing kept (also RUNG_NO_CACHE=1)")


def _add_fail_on(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fail-on",
        choices=("regression",),
        help="exit with 1 when a dimension's level or a criterion that was met fell",
    )


def _add_output(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    parser.add_argument(
        "--format",
        action="append",
        default=[],
        choices=formats,
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
    parser.set_defaults(formats=tuple(formats))
    parser.add_argument("-v", "--verbose", action="store_true", help="text: everything that is left out otherwise")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes on standard error")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


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
    from rung.records import TargetRule

    regions, roles = getattr(options, "region", []), getattr(options, "role", [])
    settings: dict[str, object] = {}
    if regions:
        settings["regions"] = regions
    if roles:
        settings["roles"] = [{"arn": role} for role in roles]
    named = [(provider, value) for provider, _, _ in PROVIDERS if (value := getattr(options, provider, None)) is not None]
    if settings and not any(provider == "aws" for provider, _ in named):
        raise RungError("--region and --role say how accounts are asked: give --aws too")
    return tuple(TargetRule(kind=provider, value=value, settings=settings if provider == "aws" else {}) for provider, value in named)


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


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"`{text}`: expected a number from 1 on")
    return int(text)


def _thresholds(text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        name, _, level = part.strip().partition("=")
        if name not in DIMENSIONS or not level.isdigit() or not 1 <= int(level) <= 4:
            raise argparse.ArgumentTypeError(f"`{part}`: expected {'|'.join(DIMENSIONS)}=1..4, several joined by commas")
        found[name] = int(level)
    return found


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


if __name__ == "__main__":
    sys.exit(main())
