"""The whole program on one screen: target → facts → evidence → assessment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial

from msgspec.structs import replace

from rung import __version__, assess
from rung.cache import cache_of
from rung.config import NAME
from rung.dead_ends import DeadEnds
from rung.detect import decided_later, detect, match, problems, starts_of, unread
from rung.excerpt import excerpt
from rung.matchers import Matchers
from rung.packs import load_packs
from rung.policy import in_force, policy_of, systems_of
from rung.prefilter import Prefilter
from rung.readers import Readers
from rung.records import LEFT_OUT, NOT_OURS, Assessment, Config, Evidence, Packs, Problem, SourceFile
from rung.targets.opening import open_target
from rung.targets.target import Target, Unread
from rung.wiring import Wiring

Progress = Callable[[int, int], None]
"""Called with files read and files in all."""


def scan_path(
    path: str,
    *,
    revision: str = "",
    subfolder: str = "",
    frameworks: Sequence[str] = (),
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Assessment:
    """Scans what a path names as one system, whatever configuration lies in it.

    Args:
        path: a folder, most often a git work tree; a revision of a repository (`folder@REV`), or the URL of one.
        revision: the revision, where `path` names none; empty for the work tree, or a remote repository's default branch.
        subfolder: the part of it to scan, relative to it; empty for all.
        frameworks: ids of the maturity models to rate by; empty for the default one.
        progress: hears of files read.
        say: hears of what takes long before that, a sentence each.

    Raises:
        TargetError: it can't be read.
        PackError: a pack of ours is wrong.
    """
    packs = load_packs()
    return scan(opened(path, packs, revision=revision, subfolder=subfolder, say=say), packs, frameworks=frameworks, progress=progress)


def opened(path: str, packs: Packs, *, revision: str = "", subfolder: str = "", say: Callable[[str], None] = lambda _: None) -> Target:
    """What a path names, listed and ready to be scanned; see `scan_path`."""
    readers = cache(lambda: Readers(Matchers(packs), Prefilter(packs.detectors, packs.digest)))
    return open_target(path, revision, subfolder=subfolder, needed=lambda file: file == NAME or readers().opens(file), say=say)


def scan(target: Target, packs: Packs, *, frameworks: Sequence[str] = (), progress: Progress | None = None) -> Assessment:
    """Scans one target with the given packs and assesses it as a system of its own."""
    return scan_systems(target, packs, Config(), frameworks=frameworks, progress=progress)[0]


def scan_systems(
    target: Target,
    packs: Packs,
    config: Config,
    *,
    frameworks: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[Assessment, ...]:
    """Scans one target and assesses each system that the configuration finds in it; without any, the whole as one.

    All files are read once and wired as one, so that a workflow at the root still starts what a system's folder holds.
    """
    matchers = Matchers(packs)
    readers = Readers(matchers, Prefilter(packs.detectors, packs.digest), cache_of(packs.digest))
    files = readers.read_all(target, progress=progress)
    matches = match(files, matchers)
    starts = starts_of(matches)
    wiring = Wiring(files, starts)
    later = decided_later(wiring.unknown(), target.info.id)
    searched = frozenset(owned.signal.capability for owned in matchers.signals)
    negative = frozenset(capability.id for capability in packs.capabilities if capability.negative)
    wanted = frameworks or config.frameworks or (packs.frameworks[0].id,)
    chosen = [framework for framework in packs.frameworks if framework.id in wanted]
    today = datetime.now(UTC)
    dead_ends = DeadEnds(target, files, starts)
    assessments = []
    for system, own in systems_of(files, config):
        mine = [file for file in own if file.unread not in NOT_OURS]
        aside = [file for file, marked in zip(files, own) if marked.unread == LEFT_OUT]
        paths = {file.path for file in mine}
        found = detect(files, matches, wiring, target.info.id, own=mine)
        # What is left out earns nothing, but what counts against maturity can't be left out: that would raise a level.
        against = (item for item in detect(files, matches, wiring, target.info.id, own=aside) if item.capability in negative)
        evidence = tuple(_with_excerpts((*found, *against), target))
        hidden = unread(own, partial(hidden_by, readers, matchers), target.info.id)
        coverage = (*target.coverage(), *hidden, *later)
        annotations = in_force(config, system, today.date().isoformat())
        results = tuple(
            assess.assess(framework, evidence, coverage, packs.capabilities, searched, annotations=annotations) for framework in chosen
        )
        name = system or config.system or target.info.name
        assessments.append(
            Assessment(
                version=__version__,
                digest=packs.digest,
                generated_at=today.isoformat(timespec="seconds"),
                scope={"system": name} | ({"repository": target.info.name} if system else {}),
                targets=(replace(target.info, files=len(mine)),),
                results=results,
                strengths=assess.strengths(evidence, packs.capabilities),
                evidence=evidence,
                coverage=coverage,
                errors=problems(mine, target.info.id),
                next_steps=assess.next_steps(chosen[0], results[0]),
                dead_ends=tuple(end for end in dead_ends.find(evidence, packs.detectors, packs.dead_ends) if end.location.path in paths),
                policy=policy_of(config, system, today.date().isoformat(), results),
            )
        )
    return tuple(assessments)


_SOURCES = ("databricks", "go", "javascript", "julia", "jupyter", "jvm", "markdown-notebook", "python", "r", "sql")
_PIPELINES = (
    "appveyor", "azure-pipelines", "bitbucket", "buildkite", "circleci", "cloud-build", "codebuild", "drone", "github-action", "github-actions",
    "gitlab-ci", "jenkins", "taskcluster", "taskcluster-hook", "taskcluster-kind", "travis",
)  # fmt: skip
_TASKS = ("dockerfile", "dvc-stages", "justfile", "makefile", "mise-tasks", "mlproject", "nox", "shell-script", "taskfile", "tox")
_RESOURCES = ("bicep", "compose", "terraform", "terraform-json")
_SHOWS = {
    **dict.fromkeys(_SOURCES, ("call", "gate", "literal", "test")),
    **dict.fromkeys(_PIPELINES, ("step", "command", "workflow")),
    **dict.fromkeys(_TASKS, ("command",)),
    **dict.fromkeys(_RESOURCES, ("resource", "image")),
    "settings": ("config",),
}
"""Which matchers live on a reading's facts; a reading that is tried on any YAML or JSON hides nothing by itself."""


def hidden_by(readers: Readers, matchers: Matchers, file: SourceFile) -> tuple[str, ...]:
    """The capabilities that a file could have shown, had it been read whole; what is not the system's own hides nothing."""
    if file.unread in NOT_OURS:
        return ()
    if (file.hits or any(not isinstance(fact, Problem) for fact in file.facts)) and file.path.endswith((".py", ".ipynb")):
        return ()  # The line scanner has read what the parser could not.
    kinds = {kind for name in readers.claims(file.path) for kind in _SHOWS.get(name, ())}
    return matchers.could_show(file.path, kinds)


def _with_excerpts(evidence: Sequence[Evidence], target: Target) -> list[Evidence]:
    """The evidence with the line it stands on, shortened and without secrets."""
    lines: dict[str, list[str]] = {}
    paths = sorted({item.location.path for item in evidence if item.location.line})
    target.expect(paths)
    for path in paths:
        data = target.read(path)
        lines[path] = [] if isinstance(data, Unread) else data.decode("utf-8", "replace").split("\n")
    return [
        replace(item, excerpt=excerpt(lines[item.location.path][item.location.line - 1]))
        if 0 < item.location.line <= len(lines.get(item.location.path, ()))
        else item
        for item in evidence
    ]
