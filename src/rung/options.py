"""The command line's arguments: what can be asked, and what its parts may say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rung import __version__

if TYPE_CHECKING:
    from rung.records import Provider

DIMENSIONS = ("data", "model", "code")
FORMATS = ("text", "json", "markdown", "html", "sarif", "codequality", "junit", "badge")
HISTORY_FORMATS = ("text", "csv", "json", "html")
COMPARISON_FORMATS = ("text", "json", "markdown", "sarif")
LISTS = ("detectors", "capabilities", "rules", "frameworks", "resources")


def build_parser(providers: Sequence[Provider] = ()) -> argparse.ArgumentParser:
    """The parser of all commands; what it parses says by `run` which one was given.

    Args:
        providers: what is live that a scan can ask; each is an option.
    """
    parser = argparse.ArgumentParser(
        prog="rung",
        description="Finds the evidence of MLOps practice in a repository and tells how mature its Data, Model and Code are.",
        epilog="exit codes: 0 done, 1 a gate failed, 2 usage or configuration, 3 nothing to scan, 4 a target could not be read,"
        " 5 nobody could be told of a regression, 70 a fault of Rung",
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
        type=_named,
        metavar="TARGET",
        help="folder (default: this one, unless other targets are named), FOLDER@REV for a revision of its repository, or URL, URL@REV",
    )
    _add_part(scan)
    _add_live(scan, providers)
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
    _add_config(scan, "; the targets that it names are scanned: repositories where no TARGET is given, and what is live beside it too")
    _add_fail_on(scan)
    _add_output(scan, FORMATS)
    scan.set_defaults(run="scan")

    _add_diff(commands)
    _add_history(commands)

    explain = commands.add_parser("explain", help="what a criterion, capability or detector means, and what was found of it")
    explain.add_argument("id", metavar="ID", help="id of a criterion, a capability or a detector")
    explain.add_argument("target", nargs="?", type=_named, metavar="TARGET", help="what to scan for it, as for `rung scan`")
    _add_part(explain)
    _add_live(explain, providers)
    _add_config(explain)
    _add_quiet(explain)
    explain.set_defaults(run="explain")

    _add_graph(commands)

    list_ = commands.add_parser("list", help="what Rung knows: detectors, capabilities, rules, frameworks, resources")
    list_.add_argument("what", choices=LISTS, nargs="?", default="detectors")
    list_.add_argument("--format", choices=("text", "json"), default="text")
    list_.set_defaults(run="list")

    render = commands.add_parser("render", help="write a stored JSON result in another format")
    render.add_argument("result", metavar="RESULT.json", help="a result of `rung scan --format json`; `-` for standard input")
    _add_output(render, FORMATS)
    render.set_defaults(run="render")

    _add_results(commands)
    _add_permissions(commands)
    _add_init(commands)

    new = commands.add_parser("new", help="start a new detector: its pack and its fixtures, to be filled")
    new.add_argument("what", choices=("detector",))
    new.add_argument("id", metavar="ID", help="id of the tool or practice, lower case with hyphens; the name of its files")
    new.add_argument("--folder", default=".", metavar="FOLDER", help="checkout of Rung that gets the files (default: this one)")
    new.set_defaults(run="new")

    _add_jobs(commands)
    _add_cache(commands)

    completion = commands.add_parser("completion", help="print the shell code that completes rung's arguments")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    completion.set_defaults(run="completion")
    return parser


def _add_graph(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    graph = commands.add_parser(
        "graph",
        help="draw what starts the evidence, from triggers to effects",
        description="Scans a target and draws the chains from triggers to the evidence: as text, Mermaid or Graphviz DOT.",
    )
    graph.add_argument("target", nargs="?", default=".", type=_named, metavar="TARGET", help="what to scan, as for `rung scan`")
    graph.add_argument("--id", default="", metavar="ID", help="only the evidence of this criterion, capability or detector")
    graph.add_argument("--format", choices=("text", "mermaid", "dot"), default="mermaid")
    graph.add_argument("--output", "-o", metavar="FILE", help="file to write (default: standard output)")
    _add_part(graph)
    _add_config(graph)
    _add_quiet(graph)
    graph.set_defaults(run="graph")


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
    results.set_defaults(run="results")


def _add_permissions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    permissions = commands.add_parser(
        "permissions",
        help="what a scan of an account, server or cluster must be allowed, and no more",
        description="Prints the policy, role or list of permissions that a scan needs: those of the calls that it can make, all of which only read.",
    )
    permissions.add_argument("what", metavar="WHAT", help="a provider of what is live, as `rung scan --help` lists them, or kubernetes")
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
    permissions.set_defaults(run="permissions")


def _add_cache(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    kept = commands.add_parser("cache", help="what is kept between scans: where, how much, and its removal")
    kept.add_argument("what", choices=("info", "clear"), nargs="?", default="info")
    kept.set_defaults(run="cache")


def _add_jobs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What jobs of code hosts call."""
    comment = commands.add_parser(
        "comment",
        help="put a Markdown report on the pull or merge request that a CI job runs for",
        description="Makes the comment, or updates it in place. On GitHub GITHUB_TOKEN must be set, on GitLab RUNG_GITLAB_TOKEN.",
    )
    comment.add_argument("report", metavar="REPORT.md", help="the text, as of `rung diff --format markdown`")
    comment.add_argument("--about", default="", metavar="NAME", help="tells apart several comments on one request")
    comment.set_defaults(run="comment")

    commands.add_parser("action").set_defaults(run="action")  # for action.yml alone: help does not list it


def _add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rev", default="", metavar="REV", help="scan this branch, tag or commit of it, without a checkout")
    parser.add_argument("--path", default="", metavar="FOLDER", help="scan only this folder of it (a part of a monorepo)")


def _add_live(parser: argparse.ArgumentParser, providers: Sequence[Provider]) -> None:
    """Options of what is live; those of the providers are named as their packs are."""
    live = parser.add_argument_group("what is live", "asked by calls that only read; `rung permissions` prints what they need")
    for provider in providers:
        live.add_argument(
            f"--{provider.id}", nargs="?", const="", default=None, metavar=provider.value, help=provider.help or provider.title
        )
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
    diff.add_argument(
        "against", type=_named, metavar="OLD", help="the earlier: a result of `rung scan --format json`, or something to scan"
    )
    diff.add_argument("target", type=_named, metavar="NEW", help="the later")
    _add_config(diff)
    _add_fail_on(diff)
    _add_output(diff, COMPARISON_FORMATS)
    diff.set_defaults(run="diff")


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser("init", help="write a commented rung.yaml, and a workflow if asked for")
    init.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="root of the repository (default: this folder)")
    init.add_argument("--workflow", action="store_true", help="also write .github/workflows/rung.yml, which comments on pull requests")
    init.set_defaults(run="init")


def _add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    history = commands.add_parser(
        "history",
        help="levels over months, tags or commits, and which commit changed them",
        description="Scans revisions of a local repository along first parents, and finds the commit behind each change between them.",
    )
    history.add_argument(
        "target", nargs="?", default=".", type=_named, metavar="PATH", help="folder of the repository (default: this one), or FOLDER@REV"
    )
    history.add_argument("--rev", default="", metavar="REV", help="branch, tag or commit at which the history ends")
    history.add_argument("--path", default="", metavar="FOLDER", help="only this folder of it (a part of a monorepo)")
    history.add_argument("--by", choices=("months", "tags", "commits"), default="months", help="what to sample (default: months)")
    history.add_argument("--samples", type=_count, default=0, metavar="N", help="no more samples than this, evenly spread")
    history.add_argument("--since", default="", metavar="DATE", help="nothing before this year, month or day (2026, 2026-03, 2026-03-01)")
    history.add_argument("--until", default="", metavar="DATE", help="nothing after it")
    history.add_argument("--framework", default="", metavar="NAME", help="maturity model to rate by (default: mlab)")
    _add_config(history, "")
    _add_output(history, HISTORY_FORMATS)
    history.set_defaults(run="history")


def _add_config(parser: argparse.ArgumentParser, brings: str = "; what is live of the targets that it names is asked too") -> None:
    parser.add_argument(
        "--config",
        default="",
        metavar="FILE",
        help=f"go by this file instead of the repository's own rung.yaml{brings}",
    )
    parser.add_argument(
        "--system",
        default="",
        metavar="NAME|FILE",
        help="only this one of the systems that rung.yaml splits the repository into; a FILE (.yaml, .yml) is taken as --config takes it",
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
        help="file for the format given in the same place, or the one its suffix tells; `-` for standard output",
    )
    parser.set_defaults(formats=tuple(formats))
    parser.add_argument("-v", "--verbose", action="store_true", help="text: everything that is left out otherwise")
    _add_quiet(parser)
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no notes on standard error")


def _named(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it is empty: is a variable of the shell not set?")
    return text


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"`{text}`: expected a number from 1 on")
    return int(text)


def _thresholds(text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        name, _, level = part.strip().partition("=")
        if name not in (*DIMENSIONS, "overall") or not level.isdigit() or not 1 <= int(level) <= 4:
            raise argparse.ArgumentTypeError(f"`{part}`: expected {'|'.join(DIMENSIONS)}|overall=1..4, several joined by commas")
        found[name] = int(level)
    return found
