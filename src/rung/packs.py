"""YAML packs → records, strictly: unknown, missing and duplicate keys, and values of another type, are refused with a message that teaches.

What a matcher's arguments mean is not known here: `asking` reads them when `matchers.Matchers` compiles the signals.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from importlib import import_module
from itertools import chain
from typing import Any, NamedTuple, NoReturn

from rung import records, store
from rung.expressions import regex
from rung.records import (
    Capability,
    Criterion,
    DeadEndRule,
    Detail,
    Detector,
    DimensionRule,
    ElsewhereRule,
    Follow,
    Framework,
    Group,
    Leaf,
    Listing,
    PackError,
    Packs,
    Provider,
    Read,
    ResourceType,
    Role,
    Signal,
    Start,
    Strength,
    Trap,
)

DEFAULT_ROLES = (Role.SOURCE, Role.NOTEBOOK, Role.TEMPLATE)
"""Where a match proves its full strength unless the signal says otherwise."""
OBSERVABLE = ("repository", "host", "live", "attestation")
EFFORTS = ("low", "medium", "high")
MATCHERS = (
    "file", "dependency", "import", "call", "gate", "literal", "test", "config", "step", "command", "workflow", "image", "chart", "resource", "api", "text",
)  # fmt: skip
"""The closed set of ways a signal matches facts."""
TRIGGERS = ("schedule", "event", "push", "service", "controller")
"""What can start a thing without a person, outside of continuous integration."""
KINDS = ("account", "server", "host")
"""What a live provider can be."""
PROTOCOLS = ("aws", "rest")
"""How it can be spoken to."""
_READER = regex(r"(?:List|Describe|Get|BatchGet|BatchDescribe|Search)[A-Z0-9]|Search$")
_SECRET = regex(
    r"SecretValue|Password|Credential|SessionToken|AuthorizationToken|AuthToken|LoginToken|GetObject$|GetRecords|SelectObject|GetItem|PreSigned|Presigned"
)
"""In the names of operations that hand out what no scan may see."""
RUNS = ("shell", "file", "module", "image", "build", "glob", "folder", "resource")
"""What the arguments of a start can name."""


def _value(node: Any) -> Any:
    """A composed node as plain values; PyYAML's own construction takes three times as long and keeps the last of a key given twice."""
    if node.id == "mapping":
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag != _TEXT:
                raise PackError(f"line {key_node.start_mark.line + 1}: key `{key}` is no text for YAML; quote it")
            if key in mapping:
                raise PackError(f"line {key_node.start_mark.line + 1}: key `{key}` is given twice in one mapping")
            mapping[key] = _value(value_node)
        return mapping
    if node.id == "sequence":
        return [_value(item) for item in node.value]
    if node.tag == _TEXT:
        return node.value
    if node.tag not in _SCALARS:
        raise PackError(f"line {node.start_mark.line + 1}: `{node.value}` is no text, number or truth value; quote it")
    try:
        return _SCALARS[node.tag](node.value)
    except ValueError:
        raise PackError(f"line {node.start_mark.line + 1}: `{node.value}` is no plain number; write it in decimals, or quote it") from None


_TEXT = "tag:yaml.org,2002:str"
_SCALARS: dict[str, Callable[[str], object]] = {
    "tag:yaml.org,2002:int": lambda text: int(text, 0),
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:null": lambda _: None,
}


@cache
def load_packs() -> Packs:
    """All packs that ship with Rung, sorted, with a digest over their content.

    Parsing them takes longer than most scans; see `store.compiled`.

    Raises:
        PackError: a pack is wrong; the message names the file and the key.
    """
    written = _Written(_yaml_of("rung.detectors"), _yaml_of("rung.detectors", "resources"), _yaml_of("rung.rules"))
    digest = hashlib.sha256()
    for _, data in chain.from_iterable(written):
        digest.update(data)
    key = digest.hexdigest()
    return store.compiled("packs", key, Packs, lambda: _compile(written, key[:16]), by=(__file__, records.__file__))


_Files = list[tuple[str, bytes]]


class _Written(NamedTuple):
    """The packs' files, by name."""

    detectors: _Files
    resources: _Files
    rules: _Files


def _yaml_of(package: str, *below: str) -> _Files:
    """Names and contents of the YAML files in a folder of a package, sorted."""
    folder = os.path.join(import_module(package).__path__[0], *below)
    if not os.path.isdir(folder):  # Rung lies in an archive.
        from importlib.resources import files

        place = files(package).joinpath(*below)
        return sorted((file.name, file.read_bytes()) for file in place.iterdir() if file.name.endswith(".yaml"))
    return [(name, _content(os.path.join(folder, name))) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")]


def _content(file: str) -> bytes:
    """The bytes of a small file; Python's own files take three times as long to open, and there are very many."""
    number = os.open(file, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(number, _SMALL), b""))
    finally:
        os.close(number)


_SMALL = 1 << 16


def _compile(written: _Written, digest: str) -> Packs:
    tables = [(name, parse(name, data)) for name, data in written.resources]
    resources = [resource for name, pack in tables for resource in resources_of(name, pack)]
    providers = [provider_of(name, pack) for name, pack in tables if "live" in pack]
    capabilities: tuple[Capability, ...] = ()
    frameworks: list[Framework] = []
    dead_ends: tuple[DeadEndRule, ...] = ()
    elsewhere: tuple[ElsewhereRule, ...] = ()
    for name, data in written.rules:
        if name == "capabilities.yaml":
            capabilities = capabilities_of(name, parse(name, data))
        elif name == "dead-ends.yaml":
            dead_ends = dead_ends_of(name, parse(name, data))
        elif name == "elsewhere.yaml":
            elsewhere = elsewhere_of(name, parse(name, data))
        else:
            frameworks.append(framework_of(name, parse(name, data)))
    if sum(framework.default for framework in frameworks) != 1:
        raise PackError("rules: `default: true` stands in one framework's file, that of the one to rate by unless another is asked for")
    frameworks.sort(key=lambda framework: (not framework.default, framework.id))
    among_tests = frozenset(capability.id for capability in capabilities if capability.among_tests)
    packs = Packs(
        detectors=tuple(detector_of(name, parse(name, data), among_tests) for name, data in written.detectors),
        capabilities=capabilities,
        resources=tuple(resources),
        providers=tuple(providers),
        frameworks=tuple(frameworks),
        dead_ends=dead_ends,
        elsewhere=elsewhere,
        digest=digest,
    )
    check_capabilities(packs)
    return packs


def check_capabilities(packs: Packs) -> None:
    """Refuses packs that name a capability which is not in their vocabulary, or a signal that none of them has.

    Raises:
        PackError: there is one; the message names the file and what names it.
    """
    known = {capability.id for capability in packs.capabilities}
    for where, names in _named_capabilities(packs):
        for name in names:
            if name not in known:
                raise PackError(f"{where}: capability `{name}` is not in rules/capabilities.yaml")
    known |= {f"{detector.id}/{signal.id}" for detector in packs.detectors for signal in detector.signals}
    for detector in packs.detectors:
        for signal in detector.signals:
            for name in (*signal.given, *(signal.dead_end.unless if signal.dead_end else ())):
                if name not in known:
                    raise PackError(
                        f"detectors/{detector.id}.yaml: signal `{signal.id}`: `{name}` is neither a capability nor a signal of a detector"
                    )


def _named_capabilities(packs: Packs) -> Iterator[tuple[str, Sequence[str]]]:
    for detector in packs.detectors:
        for signal in detector.signals:
            yield f"detectors/{detector.id}.yaml: signal `{signal.id}`", (signal.capability,)
    for rule in packs.dead_ends:
        yield f"rules/dead-ends.yaml: `{rule.id}`", (*rule.has, *rule.lacks)
    for place in packs.elsewhere:
        yield f"rules/elsewhere.yaml: `{place.id}`", (*place.has, *place.lacks, *place.hides)
    for framework in packs.frameworks:
        yield f"rules/{framework.id}.yaml", [leaf.capability for leaf in framework_leaves(framework)]


def parse(file: str, data: bytes) -> Mapping[str, Any]:
    """The mapping that a pack's YAML holds.

    Raises:
        PackError: no YAML, no mapping, or a duplicate key.
    """
    import yaml

    try:
        node = yaml.compose(data, Loader=yaml.CSafeLoader)
        value = _value(node) if node is not None else None
    except yaml.YAMLError as error:
        raise PackError(f"{file}: no valid YAML: {error}") from error
    except PackError as error:
        raise PackError(f"{file}: {error}") from error
    if not isinstance(value, dict):
        raise PackError(f"{file}: a pack is a mapping; found {type(value).__name__}")
    return value


def detector_of(file: str, pack: Mapping[str, Any], among_tests: AbstractSet[str] = frozenset()) -> Detector:
    """A detector pack (`schema: detector/1`) as a record.

    Args:
        file: its name, which messages begin with.
        pack: what the file holds.
        among_tests: the capabilities that a command proves among tests too.

    Raises:
        PackError: the pack is wrong; the message names the file and the key.
    """
    _keys(file, pack, required=("schema", "id", "title", "homepage"), optional=("signals", "starts"))
    if not {"signals", "starts"} & set(pack):
        raise PackError(f"{file}: a pack has `signals`, `starts`, or both")
    _schema(file, pack, "detector/1")
    stem = file.rsplit(".", 1)[0]
    if pack["id"] != stem:
        raise PackError(f"{file}: id `{pack['id']}` must equal the file's name `{stem}`")
    signals: list[Signal] = []
    for raw in _list(file, pack, "signals"):
        signal = _signal(f"{file}: signals[{len(signals)}]", raw, among_tests)
        if any(signal.id == other.id for other in signals):
            raise PackError(f"{file}: signal `{signal.id}` is there twice; ids are unique in a pack")
        signals.append(signal)
    starts: list[Start] = []
    for raw in _list(file, pack, "starts"):
        start = _start(f"{file}: starts[{len(starts)}]", raw)
        if any(start.id == other.id for other in starts):
            raise PackError(f"{file}: start `{start.id}` is there twice; ids are unique in a pack")
        starts.append(start)
    return Detector(
        id=stem, title=_text(file, pack, "title"), homepage=_text(file, pack, "homepage"), signals=tuple(signals), starts=tuple(starts)
    )


def resources_of(file: str, pack: Mapping[str, Any]) -> tuple[ResourceType, ...]:
    """A pack of canonical infrastructure types (`schema: resources/1`) as records."""
    _keys(file, pack, required=("schema", "provider", "types"), optional=("live",))
    _schema(file, pack, "resources/1")
    types: list[ResourceType] = []
    for index, raw in enumerate(_list(file, pack, "types")):
        where = f"{file}: types[{index}]"
        _keys(where, raw, required=("type",), optional=("terraform", "kubernetes", "charts", "live"))
        name = _text(where, raw, "type")
        if "live" in raw and "live" not in pack:
            raise PackError(f"{file}: {name}: it is listed live, and the pack has no `live` that says how its provider is spoken to")
        types.append(
            ResourceType(
                type=name,
                provider=_text(file, pack, "provider"),
                terraform=_names(where, raw, "terraform"),
                kubernetes=_names(where, raw, "kubernetes"),
                charts=_names(where, raw, "charts"),
                live=_listing(f"{file}: {name}: live", raw["live"]) if "live" in raw else None,
            )
        )
    listed = {resource.type for resource in types if resource.live}
    for resource in types:
        if resource.live and resource.live.each and resource.live.each not in listed:
            raise PackError(f"{file}: {resource.type}: live: each: `{resource.live.each}` is not listed live in this pack")
    return tuple(types)


def provider_of(file: str, pack: Mapping[str, Any]) -> Provider:
    """How the provider of a pack of infrastructure types is spoken to."""
    raw, where = pack["live"], f"{file}: live"
    lists = ("address", "token", "elsewhere_token", "basic")
    texts = ("default", "elsewhere", "help", "instead", "name", "token_file", "token_key")
    _keys(where, raw, required=("title", "kind", "protocol"), optional=("headers", "pages", "value", *lists, *texts))
    for key, allowed in (("kind", KINDS), ("protocol", PROTOCOLS)):
        if raw[key] not in allowed:
            raise PackError(f"{where}: {key} `{raw[key]}` is none of {', '.join(allowed)}")
    headers, pages = (_mapping(where, raw, key) for key in ("headers", "pages"))
    more: dict[str, Any] = {key: _text(where, raw, key) for key in texts} | {key: _names(where, raw, key) for key in lists}
    return Provider(
        id=_text(file, pack, "provider"),
        title=_text(where, raw, "title"),
        kind=raw["kind"],
        protocol=raw["protocol"],
        value=_text(where, raw, "value") or "ADDRESS",
        headers={name: _text(f"{where}: headers", headers, name) for name in headers},
        pages={name: _text(f"{where}: pages", pages, name) for name in pages},
        **more,
    )


def _listing(where: str, raw: Any) -> Listing:
    optional = ("with", "items", "at", "each", "global", "newest", "absent", "permission", "details", "dead_ends")
    _keys(where, raw, required=("list", "name"), optional=optional)
    details = []
    for index, more in enumerate(_list(where, raw, "details")):
        place = f"{where}: details[{index}]"
        _keys(place, more, required=("call",), optional=("with", "take", "into", "absent", "permission"))
        details.append(Detail(read=_read(place, more, "call"), take=_text(place, more, "take"), into=_text(place, more, "into")))
    return Listing(
        read=_read(where, raw, "list"),
        items=_text(where, raw, "items"),
        name=_text(where, raw, "name"),
        at=_names(where, raw, "at"),
        each=_text(where, raw, "each"),
        everywhere=_flag(where, raw, "global"),
        newest=_integer(where, raw, "newest"),
        details=tuple(details),
        dead_ends=tuple(_trap(f"{where}: dead_ends[{index}]", more) for index, more in enumerate(_list(where, raw, "dead_ends"))),
    )


def _read(where: str, raw: Mapping[str, Any], key: str) -> Read:
    """The call under a key, which must be one that only reads."""
    name = _text(where, raw, key)
    if not is_reader(name):
        raise PackError(f"{where}: `{name}` may do more than read; only readers are called (see packs.is_reader)")
    permission = _names(where, raw, "permission")
    if not permission and " " not in name:
        permission = (name,)
    if not permission:
        raise PackError(f"{where}: `{name}`: `permission` is missing: what must a caller be allowed?")
    return Read(call=name, parameters=_mapping(where, raw, "with"), absent=_names(where, raw, "absent"), permission=permission)


def _trap(where: str, raw: Any) -> Trap:
    _keys(where, raw, required=("id", "what", "remediation"), optional=("where", "without"))
    conditions = _mapping(where, raw, "where")
    return Trap(
        id=_text(where, raw, "id"),
        where={name: _names(f"{where}: where", conditions, name) for name in conditions},
        without=_names(where, raw, "without"),
        what=_text(where, raw, "what"),
        remediation=_text(where, raw, "remediation"),
    )


def is_reader(call: str) -> bool:
    """Whether a call can do nothing but read, and hands out neither secrets nor the content of data.

    Operations of services go by the verb that their name begins with; requests by their method, or by what their path ends with.
    """
    method, _, path = call.partition(" ")
    if path:
        return path.startswith("/") and (method == "GET" or (method == "POST" and path.rsplit("/", 1)[-1] in ("search", "query", "list")))
    service, _, operation = call.partition(":")
    return bool(service) and _READER.match(operation) is not None and _SECRET.search(operation) is None


def capabilities_of(file: str, pack: Mapping[str, Any]) -> tuple[Capability, ...]:
    """The vocabulary (`schema: capabilities/1`) as records, sorted by id."""
    _keys(file, pack, required=("schema", "capabilities"))
    _schema(file, pack, "capabilities/1")
    found = []
    for name, raw in sorted(_mapping(file, pack, "capabilities").items()):
        where = f"{file}: {name}"
        _keys(where, raw, required=("title", "is"), optional=("negative", "unless", "offered", "among_tests", "blocking", "asked"))
        unless = _names(where, raw, "unless")
        if unknown := [other for other in unless if other not in pack["capabilities"]]:
            raise PackError(f"{where}: unless: `{unknown[0]}` is no capability")
        found.append(
            Capability(
                id=name,
                title=_text(where, raw, "title"),
                description=_text(where, raw, "is"),
                negative=_flag(where, raw, "negative"),
                unless=unless,
                offered=_flag(where, raw, "offered"),
                among_tests=_flag(where, raw, "among_tests"),
                blocking=_flag(where, raw, "blocking"),
                asked=_flag(where, raw, "asked"),
            )
        )
    return tuple(found)


def dead_ends_of(file: str, pack: Mapping[str, Any]) -> tuple[DeadEndRule, ...]:
    """The rules about what belongs together (`schema: dead-ends/1`) as records."""
    _keys(file, pack, required=("schema", "dead_ends"))
    _schema(file, pack, "dead-ends/1")
    rules = []
    for raw in _list(file, pack, "dead_ends"):
        where = f"{file}: {_called(raw)}"
        _keys(where, raw, required=("id", "has", "lacks", "what", "remediation"))
        has, lacks = (_names(where, raw, key) for key in ("has", "lacks"))
        identity, what, remediation = (_text(where, raw, key) for key in ("id", "what", "remediation"))
        rules.append(DeadEndRule(id=identity, has=has, lacks=lacks, what=what, remediation=remediation))
    return tuple(rules)


def elsewhere_of(file: str, pack: Mapping[str, Any]) -> tuple[ElsewhereRule, ...]:
    """The rules about what happens in another repository (`schema: elsewhere/1`) as records."""
    _keys(file, pack, required=("schema", "elsewhere"))
    _schema(file, pack, "elsewhere/1")
    rules = []
    for raw in _list(file, pack, "elsewhere"):
        where = f"{file}: {_called(raw)}"
        _keys(where, raw, required=("id", "has", "lacks", "hides", "what", "reason", "needs"))
        has, lacks, hides = (_names(where, raw, key) for key in ("has", "lacks", "hides"))
        identity, what, reason, needs = (_text(where, raw, key) for key in ("id", "what", "reason", "needs"))
        rules.append(ElsewhereRule(id=identity, has=has, lacks=lacks, hides=hides, what=what, reason=reason, needs=needs))
    return tuple(rules)


def framework_of(file: str, pack: Mapping[str, Any]) -> Framework:
    """A framework's rules (`schema: rules/1`) as a record."""
    _keys(file, pack, required=("schema", "id", "title", "source", "levels", "thresholds", "dimensions", "criteria"), optional=("default",))
    _schema(file, pack, "rules/1")
    thresholds = pack["thresholds"]
    _keys(f"{file}: thresholds", thresholds, required=("reached", "below"), optional=("fully_from",))
    _keys(f"{file}: source", pack["source"], required=("name", "url"), optional=("note",))
    dimensions = []
    for raw in _list(file, pack, "dimensions"):
        where = f"{file}: dimension {_called(raw)}"
        _keys(where, raw, required=("id", "title", "applies", "otherwise"))
        applies = requirement_of(f"{where}: applies", raw["applies"])
        identity, title, otherwise = (_text(where, raw, key) for key in ("id", "title", "otherwise"))
        dimensions.append(DimensionRule(id=identity, title=title, applies=applies, otherwise=otherwise))
    levels = []
    for index, raw in enumerate(_list(file, pack, "levels")):
        where = f"{file}: levels[{index}]"
        _keys(where, raw, required=("level", "title"))
        levels.append((_integer(where, raw, "level"), _text(where, raw, "title")))
    criteria: list[Criterion] = []
    names = {dimension.id for dimension in dimensions}
    for raw in _list(file, pack, "criteria"):
        criterion = _criterion(file, raw)
        if criterion.dimension not in names:
            raise PackError(
                f"{file}: criterion `{criterion.id}`: dimension `{criterion.dimension}` is not one of {', '.join(sorted(names))}"
            )
        if any(criterion.id == other.id for other in criteria):
            raise PackError(f"{file}: criterion `{criterion.id}` is there twice; ids are unique in a framework")
        criteria.append(criterion)
    return Framework(
        id=_text(file, pack, "id"),
        title=_text(file, pack, "title"),
        source=_text(f"{file}: source", pack["source"], "url"),
        levels=tuple(levels),
        dimensions=tuple(dimensions),
        criteria=tuple(criteria),
        reached_at=_share(f"{file}: thresholds", thresholds, "reached"),
        below_at=_share(f"{file}: thresholds", thresholds, "below"),
        fully_from=_integer(f"{file}: thresholds", thresholds, "fully_from") if "fully_from" in thresholds else 0,
        default=_flag(file, pack, "default"),
    )


def requirement_of(where: str, raw: object) -> Leaf | Group:
    """A leaf `{capability, strength}`, or `all` / `any` of requirements, or `at_least: {n, of}`.

    Raises:
        PackError: any other shape.
    """
    if not isinstance(raw, dict):
        raise PackError(f"{where}: a requirement is a mapping with `capability` and `strength`, `all`, `any` or `at_least`")
    if "capability" in raw:
        _keys(where, raw, required=("capability", "strength"))
        return Leaf(capability=_text(where, raw, "capability"), strength=_strength(where, raw["strength"]))
    if len(raw) != 1 or (kind := next(iter(raw))) not in ("all", "any", "at_least"):
        raise PackError(f"{where}: expected one key of all, any, at_least; found {', '.join(map(str, raw)) or 'none'}")
    count, parts = 0, _list(where, raw, kind) if kind != "at_least" else []
    if kind == "at_least":
        place, body = f"{where}: at_least", raw[kind]
        _keys(place, body, required=("n", "of"))
        count, parts = _integer(place, body, "n"), _list(place, body, "of")
        if not 0 < count <= len(parts):
            raise PackError(f"{place}: {count} of {len(parts)} can never be met; `n` is at least 1 and at most what `of` holds")
    of = tuple(requirement_of(f"{where}.{kind}[{index}]", item) for index, item in enumerate(parts))
    return Group(kind=kind, of=of, count=count)


def leaves(requirement: Leaf | Group | None) -> Iterator[Leaf]:
    """Every leaf of a requirement, in order."""
    if isinstance(requirement, Leaf):
        yield requirement
    elif requirement is not None:
        for part in requirement.of:
            yield from leaves(part)


def framework_leaves(framework: Framework) -> Iterator[Leaf]:
    """Every leaf that a framework's criteria and dimensions name."""
    for criterion in framework.criteria:
        yield from leaves(criterion.requires)
    for dimension in framework.dimensions:
        yield from leaves(dimension.applies)


def _signal(where: str, raw: Any, among_tests: AbstractSet[str]) -> Signal:
    where = f"{where} {_called(raw)}"
    _keys(where, raw, required=("id", "capability", "strength", "match"), optional=("where", "given", "publishes", "at_most", "dead_end"))
    matcher, arguments = _match(where, raw["match"])
    strength = _strength(where, raw["strength"])
    capability = _text(where, raw, "capability")
    if strength == Strength.ABSENT or (strength == Strength.OPERATING and matcher != "api"):
        raise PackError(f"{where}: strength `{strength.label}` can't be given by a file; use declared, implemented or automated")
    return Signal(
        id=_text(where, raw, "id"),
        capability=capability,
        strength=strength,
        matcher=matcher,
        arguments=arguments,
        where=_roles(where, raw, (*DEFAULT_ROLES, Role.TEST) if matcher == "command" and capability in among_tests else DEFAULT_ROLES),
        given=_names(where, raw, "given"),
        publishes=_flag(where, raw, "publishes"),
        at_most=_strength(f"{where}: at_most", raw["at_most"]) if "at_most" in raw else Strength.OPERATING,
        dead_end=_follow(f"{where}: dead_end", raw["dead_end"]) if "dead_end" in raw else None,
    )


def _follow(where: str, raw: Any) -> Follow:
    _keys(where, raw, required=("kind", "what", "remediation"), optional=("unless",))
    kind, what, remediation = (_text(where, raw, key) for key in ("kind", "what", "remediation"))
    return Follow(kind=kind, what=what, remediation=remediation, unless=_names(where, raw, "unless"))


def _start(where: str, raw: Any) -> Start:
    where = f"{where} {_called(raw)}"
    _keys(where, raw, required=("id", "match"), optional=("where", "trigger", "runs", "tasks"))
    if not {"trigger", "runs", "tasks"} & set(raw):
        raise PackError(f"{where}: says neither what triggers it (`trigger`) nor what it starts (`runs`, `tasks`)")
    trigger = _text(where, raw, "trigger")
    if trigger and trigger not in TRIGGERS:
        raise PackError(f"{where}: trigger `{trigger}` is none of {', '.join(TRIGGERS)}")
    runs = _mapping(where, raw, "runs")
    _keys(f"{where}: runs", runs, required=(), optional=RUNS)
    matcher, arguments = _match(where, raw["match"])
    return Start(
        id=_text(where, raw, "id"),
        matcher=matcher,
        arguments=arguments,
        where=_roles(where, raw, (Role.SOURCE, Role.NOTEBOOK)),
        trigger=trigger,
        tasks=_text(where, raw, "tasks"),
        **{key: _names(f"{where}: runs", runs, key) for key in runs},
    )


def _match(where: str, match: object) -> tuple[str, dict[str, object]]:
    """The matcher's name, and its arguments."""
    if not isinstance(match, dict) or len(match) != 1:
        raise PackError(f"{where}: `match` has exactly one key, the matcher; two ways to see a thing are two signals")
    matcher, arguments = next(iter(match.items()))
    if matcher not in MATCHERS:
        raise PackError(f"{where}: matcher `{matcher}` is none of {', '.join(MATCHERS)}")
    return str(matcher), arguments if isinstance(arguments, dict) else {"any": arguments}


def _roles(where: str, raw: Mapping[str, Any], default: tuple[Role, ...]) -> tuple[Role, ...]:
    try:
        return tuple(map(Role, _names(where, raw, "where"))) or default
    except ValueError as error:
        raise PackError(f"{where}: where: {error}; roles are {', '.join(role.value for role in Role)}") from error


def _criterion(file: str, raw: Any) -> Criterion:
    where = f"{file}: criterion {_called(raw)}"
    required = ("id", "dimension", "level", "title", "why", "atoms", "essential", "observable", "remediation", "effort")
    _keys(where, raw, required=required, optional=("requires", "references"))
    observable = _names(where, raw, "observable")
    if set(observable) - set(OBSERVABLE):
        raise PackError(f"{where}: observable is a list out of {', '.join(OBSERVABLE)}")
    if raw["effort"] not in EFFORTS:
        raise PackError(f"{where}: effort is one of {', '.join(EFFORTS)}")
    requires = requirement_of(f"{where}: requires", raw["requires"]) if "requires" in raw else None
    if requires is None and "repository" in observable:
        raise PackError(f"{where}: what a repository can show needs `requires`")
    return Criterion(
        id=_text(where, raw, "id"),
        title=_text(where, raw, "title"),
        why=_text(where, raw, "why"),
        dimension=_text(where, raw, "dimension"),
        level=_integer(where, raw, "level"),
        atoms=_names(where, raw, "atoms"),
        requires=requires,
        essential=_flag(where, raw, "essential"),
        observable=observable,
        remediation=_text(where, raw, "remediation"),
        effort=raw["effort"],
        references=_names(where, raw, "references"),
    )


def _keys(where: str, raw: object, *, required: Sequence[str], optional: Iterable[str] = ()) -> None:
    if not isinstance(raw, dict):
        raise PackError(f"{where}: expected a mapping with {', '.join(required)}")
    if missing := [key for key in required if key not in raw]:
        raise PackError(f"{where}: key `{missing[0]}` is missing")
    allowed = {*required, *optional}
    if unknown := [key for key in raw if key not in allowed]:
        raise PackError(f"{where}: unknown key `{unknown[0]}`; allowed are {', '.join(sorted(allowed))}")


def _schema(file: str, pack: Mapping[str, Any], expected: str) -> None:
    if pack["schema"] != expected:
        raise PackError(f"{file}: schema is `{pack['schema']}`, expected `{expected}`")


def _strength(where: str, raw: object) -> Strength:
    try:
        return Strength[str(raw).upper()]
    except KeyError:
        raise PackError(f"{where}: strength `{raw}` is none of {', '.join(s.label for s in Strength)}") from None


# What stands under a key. A key that is left out, which `_keys` refuses where it is required, stands for none, nothing or no.


def _called(raw: object) -> str:
    """What messages call an item of a list before anything of it is known to be right."""
    return f"`{raw.get('id', '?')}`" if isinstance(raw, dict) else "`?`"


def _text(where: str, raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key, "")
    return value if isinstance(value, str) else _refuse(where, key, "a text (quote it if YAML takes it for something else)", value)


def _names(where: str, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts; a text alone is a list of one, as in the arguments of matchers."""
    value = raw.get(key, ())
    names = (value,) if isinstance(value, str) else value
    if key in raw and not (isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names)):
        _refuse(where, key, "a text or a list of texts with at least one item", value)
    return tuple(names)


def _flag(where: str, raw: Mapping[str, Any], key: str) -> bool:
    value = raw.get(key, False)
    return value if isinstance(value, bool) else _refuse(where, key, "true or false", value)


def _integer(where: str, raw: Mapping[str, Any], key: str) -> int:
    value = raw.get(key, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else _refuse(where, key, "a whole number", value)


def _share(where: str, raw: Mapping[str, Any], key: str) -> float:
    value = raw.get(key, 0.0)
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else _refuse(where, key, "a number from 0 to 1", value)


def _list(where: str, raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key, [])
    return value if isinstance(value, list) and (value or key not in raw) else _refuse(where, key, "a list with at least one item", value)


def _mapping(where: str, raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key, {})
    return (
        value if isinstance(value, dict) and (value or key not in raw) else _refuse(where, key, "a mapping with at least one item", value)
    )


def _refuse(where: str, key: str, expected: str, value: object) -> NoReturn:
    raise PackError(f"{where}: `{key}` is {expected}; found {json.dumps(value, ensure_ascii=False)[:80]}")
