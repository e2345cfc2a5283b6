"""From what a person names on the command line to documents: scanned or stored, compared with an earlier state, judged by gates.

The policy of a comparison is that of the earlier side, so that a change can't excuse itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from rung.config import NAME, aside, load_config
from rung.diff import compare
from rung.expressions import regex
from rung.files import read_bytes, read_text
from rung.packs import load_packs
from rung.policy import without_excuses
from rung.records import Assessment, Config, ConfigError, Packs, RungError, TargetRule
from rung.report import document_of, read_document
from rung.report.comparison import comparison_of, with_comparison
from rung.report.document import Document
from rung.scan import opened, scan_systems
from rung.sharing import Progress
from rung.targets.opening import place_of
from rung.targets.target import Target, Unread
from rung.verdicts import with_gates

Targets = tuple[Target, ...]
T = TypeVar("T")
_COMMIT = regex(r"[0-9a-f]{40}|[0-9a-f]{64}")
if TYPE_CHECKING:
    from rung.accounts import Accounts

_SHORT = 7
"""Characters of a revision that people read."""


class Request(Struct, frozen=True, kw_only=True):
    """What is to be scanned, compared and judged."""

    target: str
    """What `open_target` takes; for a comparison of two also a stored result. Empty for the targets of `config`, for live ones alone, or
    where there is neither for this folder."""
    revision: str = ""
    """The revision of the target, where `target` names none."""
    subfolder: str = ""
    frameworks: tuple[str, ...] = ()
    against: str = ""
    """A stored result, a folder, or a revision of the target to compare with; empty for none."""
    earlier: Callable[[Document], Document | None] | None = None
    """Finds the earlier document of a system among results that the user keeps, instead of `against`; None where there is none yet."""
    config: str = ""
    """A file of the user's own instead of the scanned repository's `rung.yaml`."""
    system: str = ""
    """The one system of several that is wanted."""
    under: dict[str, int] = field(default_factory=dict)
    """The least level of each dimension, beside what the configuration demands."""
    no_regression: bool = False
    live: tuple[TargetRule, ...] = ()
    """Live targets, beside those that `config` names."""
    record: str = ""
    """Folder to write the answers of live targets to."""
    replay: str = ""
    """Recording, or folder of them, that answers in place of live targets."""
    stop: Event | None = None
    """Ends the asking of live targets; what was found is told."""
    say: Callable[[str], None] = lambda _: None
    """Hears of what takes long before files are read, a sentence each."""


def review(request: Request, progress: Progress | None = None) -> tuple[Document, ...]:
    """The document of each system of a target, compared and judged as asked.

    Raises:
        RungError: something named can't be read, a configuration is wrong, or the two sides can't be compared.
    """
    if request.no_regression and not request.against and request.earlier is None:
        raise RungError("--fail-on regression needs something to compare with: give --against a revision or a stored result")
    packs = load_packs()
    new = _targets(request, packs)
    old = _base(request, packs) if request.against else None
    return _reviewed(old, new, request, packs, progress)


def difference(request: Request, progress: Progress | None = None) -> tuple[Document, ...]:
    """The documents of `target` that hold their comparison with `against`; each is a stored result or something to scan.

    Raises:
        RungError: one can't be read, or the two can't be compared.
    """
    packs = load_packs()
    new = _side(request.target, request, packs)
    return _reviewed(_side(request.against, request, packs), new if isinstance(new, dict) else (new,), request, packs, progress)


def assessments(request: Request, progress: Progress | None = None) -> tuple[Assessment, ...]:
    """The assessment of each system of a target, by its own configuration.

    Raises:
        RungError: the target can't be read, or a configuration is wrong.
    """
    packs = load_packs()
    targets = _targets(request, packs)
    config = _configuration(None, targets, request, packs)
    accounts = _accounts(targets, config, request, packs)
    found = scan_systems(targets, packs, config, frameworks=request.frameworks, progress=progress, accounts=accounts)
    return tuple(_only(found, [item.scope["system"] for item in found], request.system, config))


def _reviewed(
    old: Document | Target | None, new: Document | Targets, request: Request, packs: Packs, progress: Progress | None
) -> tuple[Document, ...]:
    config = _configuration(old, new, request, packs)
    frameworks = request.frameworks or tuple(side["overall"]["framework"] for side in (old, new) if isinstance(side, dict))[:1]
    accounts = None if isinstance(new, dict) else _accounts(new, config, request, packs)
    scanned = partial(scan_systems, packs=packs, config=config, frameworks=frameworks, progress=progress, accounts=accounts)
    after = [new] if isinstance(new, dict) else [document_of(item) for item in scanned(new)]
    after = _only(after, [document["scope"].get("system", "") for document in after], request.system, config)
    if old is not None:
        before = [old] if isinstance(old, dict) else [document_of(item) for item in scanned((old,))]
        after = [_compared(_counterpart(document, before), document, packs) for document in after]
    elif request.earlier is not None:
        # What is kept was accepted when it was scanned, and so is what is scanned now: its own policy stays in force.
        after = [_compared(was, document, packs) if (was := request.earlier(document)) else document for document in after]
    under = dict(config.under)
    for name, level in request.under.items():
        under[name] = max(level, under.get(name, level))
    return tuple(with_gates(document, under, regression=request.no_regression or config.no_regression) for document in after)


def _only(found: Sequence[T], names: Sequence[str], wanted: str, config: Config) -> list[T]:
    """Of what was found of the systems of these names, that of the wanted one; all where none is."""
    if wanted and wanted not in names:
        raise RungError(f"there is no system `{wanted}`; there are {', '.join(names)}{aside(config)}")
    return [item for item, name in zip(found, names, strict=True) if wanted in ("", name)]


def _counterpart(document: Document, before: Sequence[Document]) -> Document:
    """The earlier document of the same system; a sole one is that, whatever its name."""
    name = document["scope"].get("system", "")
    same = [other for other in before if other["scope"].get("system", "") == name]
    if not same and ("repository" in document["scope"] or len(before) > 1):
        known = ", ".join(other["scope"].get("system", "") for other in before)
        raise RungError(f"the earlier result holds no system `{name}` but {known}: name one of both with --system")
    return same[0] if same else before[0]


def _compared(old: Document, new: Document, packs: Packs) -> Document:
    negative = frozenset(capability.id for capability in packs.capabilities if capability.negative)
    return with_comparison(new, comparison_of(compare(old, new, negative=negative), old, new))


def _targets(request: Request, packs: Packs) -> Targets:
    """The repositories that a request names, listed: its target, else those of the user's own configuration, else the folder it is made in."""
    rules = _named(request.config, packs).targets if request.config else ()
    if request.target:
        names: tuple[str, ...] = (request.target,)
    else:
        names = tuple(rule.value for rule in rules if rule.kind == "path")
        if not rules and not request.live and not request.replay:
            names = (".",)
    return tuple(opened(name, packs, revision=request.revision, subfolder=request.subfolder, say=request.say) for name in names)


def _accounts(targets: Targets, config: Config, request: Request, packs: Packs) -> Accounts | None:
    """What is live of a system, None where nothing of it is asked."""
    rules = [rule for rule in (*config.targets, *request.live) if rule.kind != "path"]
    if request.record and (request.replay or not rules):
        because = "a recording answers in its place" if request.replay else "nothing live is named"
        raise RungError(f"--record: nobody is asked, so there are no answers to write: {because}")
    if not rules and not request.replay:
        return None
    from rung.accounts import Accounts

    remote = next((target.info.remote for target in targets if target.info.remote), "")
    return Accounts(
        [completed(rule, remote, packs) for rule in rules],
        packs,
        record=request.record,
        replay=request.replay,
        window=config.window,
        stop=request.stop,
        say=request.say,
    )


def completed(rule: TargetRule, remote: str, packs: Packs) -> TargetRule:
    """A rule that names a code host and no repository, with that from which the scanned one was cloned."""
    provider = next((provider for provider in packs.providers if provider.id == rule.kind), None)
    if provider is None or not provider.name or rule.value:
        return rule
    parts = urlsplit(remote)
    name = parts.path.strip("/").removesuffix(".git")
    if not name:
        raise RungError(f"--{rule.kind}: the scanned repository has no remote that tells its name: write it after the option")
    own_host = parts.hostname and parts.hostname not in provider.default
    settings = (
        rule.settings if "url" in rule.settings or not own_host else {**rule.settings, "url": f"https://{parts.netloc}{provider.elsewhere}"}
    )
    return replace(rule, value=name, settings=settings)


# ── What is named ────────────────────────────────────────────────────────────────────────────────────


def _base(request: Request, packs: Packs) -> Document | Target:
    """What the scan is compared with: a stored result, a folder, else a revision of the target."""
    # A commit is never a file: a change could bring one of that name, to be compared with itself.
    if os.path.exists(request.against) and not _COMMIT.fullmatch(request.against):
        return _side(request.against, request, packs)
    if request.against.endswith(".json"):
        raise RungError(f"{request.against}: there is no such file to compare with")
    path = place_of(request.target or ".", request.revision).path
    return opened(path, packs, revision=request.against, subfolder=request.subfolder, say=request.say)


def _side(name: str, request: Request, packs: Packs) -> Document | Target:
    """The stored result of that name, else the target."""
    if not os.path.isfile(name):
        return opened(name, packs, subfolder=request.subfolder, say=request.say)
    return read_document(read_text(name), name)


# ── Whose configuration ──────────────────────────────────────────────────────────────────────────────


def configuration_of(target: Target, file: str, packs: Packs) -> Config:
    """The configuration that a target goes by: what the user's own file says, which must be right, or else the target's.

    Raises:
        RungError: the user's file can't be read, or is wrong.
    """
    return _named(file, packs) if file else _of_target(target, NAME, packs)


def _named(path: str, packs: Packs) -> Config:
    return load_config(read_bytes(path), path, packs)


def _configuration(old: Document | Target | None, new: Document | Targets, request: Request, packs: Packs) -> Config:
    """The configuration that both sides go by.

    A file that the user names is trusted, and must be right. Else it is the earlier side's; a stored result carries none,
    and then the later side's own may narrow and name, but neither excuse nor judge. Without a comparison it is the target's own.
    """
    if request.config:
        return _named(request.config, packs)
    if old is not None and not isinstance(old, dict):
        return _earlier(old, None if isinstance(new, dict) or not new else new[0], packs)
    own = Config() if isinstance(new, dict) or not new else _of_target(new[0], NAME, packs)
    if old is None or own == (plain := without_excuses(own)):
        return own
    told = (
        f"A stored result carries no policy: the attestations, waivers and gate of {NAME} are not in force. --config names a file that is."
    )
    return replace(plain, notes=(told,))


def _earlier(base: Target, new: Target | None, packs: Packs) -> Config:
    """The configuration of the earlier side, with notes on a later one that differs."""
    config = _of_target(base, f"{NAME} of {base.info.revision[:_SHORT] or base.info.name}", packs)
    notes = [*config.notes, *([f"The earlier {NAME} is wrong and not gone by: {config.mistake}."] if config.mistake else [])]
    own = config if new is None else _of_target(new, NAME, packs)
    if replace(own, source=config.source, notes=config.notes) != config:
        notes.append(f"{NAME} differs from the earlier one, which is in force; this one will be once it is the earlier.")
        if own.mistake:
            notes.append(f"It is wrong: {own.mistake}.")
    return replace(config, notes=tuple(notes), mistake="")


def _of_target(target: Target, source: str, packs: Packs) -> Config:
    """What the target's own file says. The target may be hostile: a mistake in it does not end the scan."""
    try:
        data = _content(target)
        config = Config() if data is None else load_config(data, source, packs)
        # A scanned repository sends nobody to ask an account.
        told = f"The targets of {source} are not gone by: --system or --config names a file whose are."
        return replace(config, targets=(), notes=(told,)) if config.targets else config
    except ConfigError as error:
        return Config(mistake=str(error))


def _content(target: Target) -> bytes | None:
    """The bytes of the target's `rung.yaml`, None when there is none."""
    if not any(entry.path == NAME for entry in target.list()):
        return None
    data = target.read(NAME)
    if isinstance(data, Unread):
        raise ConfigError(f"{NAME}: can't be read: {data.reason}")
    return data
