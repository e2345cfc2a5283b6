"""The vocabulary, the rules of frameworks, and those about dead ends and other repositories → records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rung.packs.fields import Fields, called
from rung.records import Capability, Criterion, DeadEndRule, DimensionRule, ElsewhereRule, Framework, Group, Leaf, PackError

OBSERVABLE = ("repository", "host", "live", "attestation")
EFFORTS = ("low", "medium", "high")


def capabilities_of(file: str, pack: Mapping[str, Any]) -> tuple[Capability, ...]:
    """The vocabulary (`schema: capabilities/1`) as records, sorted by id.

    Raises:
        PackError: it is wrong, as with all packs here; the message names the file and the key.
    """
    given = Fields(file, pack, required=("schema", "capabilities"))
    given.schema("capabilities/1")
    flags = ("negative", "offered", "among_tests", "blocking", "asked")
    found = []
    for name, raw in sorted(given.mapping("capabilities").items()):
        each = Fields(f"{file}: {name}", raw, required=("title", "is"), optional=("unless", *flags))
        unless = each.names("unless")
        if unknown := [other for other in unless if other not in pack["capabilities"]]:
            raise PackError(f"{each.where}: unless: `{unknown[0]}` is no capability")
        is_what = {key: each.flag(key) for key in flags}
        found.append(Capability(id=name, title=each.text("title"), description=each.text("is"), unless=unless, **is_what))
    return tuple(found)


def dead_ends_of(file: str, pack: Mapping[str, Any]) -> tuple[DeadEndRule, ...]:
    """The rules about what belongs together (`schema: dead-ends/1`) as records."""
    given = Fields(file, pack, required=("schema", "dead_ends"))
    given.schema("dead-ends/1")
    rules = []
    for raw in given.items("dead_ends"):
        each = Fields(f"{file}: {called(raw)}", raw, required=("id", "has", "lacks", "what", "remediation"))
        rules.append(DeadEndRule(**each.texts("id", "what", "remediation"), has=each.names("has"), lacks=each.names("lacks")))
    return tuple(rules)


def elsewhere_of(file: str, pack: Mapping[str, Any]) -> tuple[ElsewhereRule, ...]:
    """The rules about what happens in another repository (`schema: elsewhere/1`) as records."""
    given = Fields(file, pack, required=("schema", "elsewhere"))
    given.schema("elsewhere/1")
    rules = []
    for raw in given.items("elsewhere"):
        each = Fields(f"{file}: {called(raw)}", raw, required=("id", "has", "lacks", "hides", "what", "reason", "needs"))
        has, lacks, hides = map(each.names, ("has", "lacks", "hides"))
        rules.append(ElsewhereRule(**each.texts("id", "what", "reason", "needs"), has=has, lacks=lacks, hides=hides))
    return tuple(rules)


def framework_of(file: str, pack: Mapping[str, Any]) -> Framework:
    """A framework's rules (`schema: rules/1`) as a record."""
    required = ("schema", "id", "title", "source", "levels", "thresholds", "dimensions", "criteria")
    given = Fields(file, pack, required=required, optional=("default",))
    given.schema("rules/1")
    thresholds = given.within("thresholds", required=("reached", "below"), optional=("fully_from",))
    source = given.within("source", required=("name", "url"), optional=("note",))
    dimensions = []
    for raw in given.items("dimensions"):
        each = Fields(f"{file}: dimension {called(raw)}", raw, required=("id", "title", "applies", "otherwise"))
        applies = requirement_of(f"{each.where}: applies", raw["applies"])
        dimensions.append(DimensionRule(**each.texts("id", "title", "otherwise"), applies=applies))
    levels = []
    for index, raw in enumerate(given.items("levels")):
        each = Fields(f"{file}: levels[{index}]", raw, required=("level", "title"))
        levels.append((each.integer("level"), each.text("title")))
    criteria: list[Criterion] = []
    names = {dimension.id for dimension in dimensions}
    for raw in given.items("criteria"):
        criterion = _criterion(file, raw)
        if criterion.dimension not in names:
            raise PackError(
                f"{file}: criterion `{criterion.id}`: dimension `{criterion.dimension}` is not one of {', '.join(sorted(names))}"
            )
        if any(criterion.id == other.id for other in criteria):
            raise PackError(f"{file}: criterion `{criterion.id}` is there twice; ids are unique in a framework")
        criteria.append(criterion)
    return Framework(
        **given.texts("id", "title"),
        source=source.text("url"),
        levels=tuple(levels),
        dimensions=tuple(dimensions),
        criteria=tuple(criteria),
        reached_at=thresholds.share("reached"),
        below_at=thresholds.share("below"),
        fully_from=thresholds.integer("fully_from"),
        default=given.flag("default"),
    )


def _criterion(file: str, raw: object) -> Criterion:
    required = ("id", "dimension", "level", "title", "why", "atoms", "essential", "observable", "remediation", "effort")
    given = Fields(f"{file}: criterion {called(raw)}", raw, required=required, optional=("requires", "references"))
    where = given.where
    observable = given.names("observable")
    if set(observable) - set(OBSERVABLE):
        raise PackError(f"{where}: observable is a list out of {', '.join(OBSERVABLE)}")
    requires = requirement_of(f"{where}: requires", given.raw["requires"]) if "requires" in given else None
    if requires is None and "repository" in observable:
        raise PackError(f"{where}: what a repository can show needs `requires`")
    return Criterion(
        **given.texts("id", "title", "why", "dimension", "remediation"),
        level=given.integer("level"),
        atoms=given.names("atoms"),
        requires=requires,
        essential=given.flag("essential"),
        observable=observable,
        effort=given.one_of("effort", EFFORTS),
        references=given.names("references"),
    )


def requirement_of(where: str, raw: object) -> Leaf | Group:
    """A leaf `{capability, strength}`, or `all` / `any` of requirements, or `at_least: {n, of}`.

    Raises:
        PackError: any other shape.
    """
    if not isinstance(raw, dict):
        raise PackError(f"{where}: a requirement is a mapping with `capability` and `strength`, `all`, `any` or `at_least`")
    if "capability" in raw:
        leaf = Fields(where, raw, required=("capability", "strength"))
        return Leaf(capability=leaf.text("capability"), strength=leaf.strength("strength"))
    if len(raw) != 1 or (kind := next(iter(raw))) not in ("all", "any", "at_least"):
        raise PackError(f"{where}: expected one key of all, any, at_least; found {', '.join(map(str, raw)) or 'none'}")
    given = Fields(where, raw, optional=None)
    count, parts = 0, given.items(kind) if kind != "at_least" else []
    if kind == "at_least":
        body = given.within(kind, required=("n", "of"))
        count, parts = body.integer("n"), body.items("of")
        if not 0 < count <= len(parts):
            raise PackError(f"{body.where}: {count} of {len(parts)} can never be met; `n` is at least 1 and at most what `of` holds")
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
