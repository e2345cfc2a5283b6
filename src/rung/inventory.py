"""What code declares against what is live: resources are the same when their types and names are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from rung.expressions import regex
from rung.matchers import Matchers
from rung.records import NO_PROOF, Inventory, Location, Resource, ResourceType, Role, SourceFile, Undeclared
from rung.wildcards import Condition, folded, glob, last_part

DECLARED = "rung.declared"
"""The attribute that a live resource has which code declares."""
_MOST = 25
"""Resources that are named; the others are counted."""
_COMPUTED = regex(r"\$\{[^{}]*\}|#\{[^{}]*\}|\{[^{}]*\}|!\w+|<[^<>]*>")
_EXPRESSION = regex(r"(?:var|local|module|each|data|count|random_\w+|aws_\w+|azurerm_\w+|google_\w+)\.|[A-Za-z_][\w.]*\(|Fn::|Ref\b")
_NEEDED = ("model.", "data.feature-store")
"""Capabilities that are of models, and what they are fed from."""
_LEAST = 4
"""Characters that a name must have beside what is computed, to tell one resource from another."""


def is_compared(resource: ResourceType, matchers: Matchers) -> bool:
    """Whether live resources of a type are compared with declared ones: code can declare them, and models need them."""
    if not resource.terraform or resource.live is None:
        return False
    return any(owned.signal.capability.startswith(_NEEDED) for owned in matchers.asking_for(resource.type))


class _Declaration:
    """One declared resource."""

    __slots__ = ("is_computed", "is_name", "place", "seen", "what")

    def __init__(self, names: list[str], place: Location, what: str) -> None:
        self.is_name: Condition | None = None
        telling = [name for name in names if len(name.replace("*", "")) >= _LEAST]
        if telling:
            conditions = [glob(name) for name in telling]
            self.is_name = lambda text: any(condition(text) for condition in conditions)
        self.is_computed = not telling or any("*" in name for name in telling)
        self.place, self.what, self.seen = place, what, False


class Declared:
    """The resources that code declares, to be compared with live ones; used by several threads at once.

    Args:
        read: files with their facts, by the id of their repository.
        canonical: the canonical type of a resource.
        types: those that are compared.
    """

    def __init__(
        self, read: Iterable[tuple[str, Sequence[SourceFile]]], canonical: Callable[[Resource], str], types: frozenset[str]
    ) -> None:
        self._lock = Lock()
        self._of: dict[str, list[_Declaration]] = defaultdict(list)
        self._live = self._known = self._uncertain = 0
        self._by_hand: list[Undeclared] = []
        for target, file in ((target, file) for target, files in read for file in files):
            if file.role in (*NO_PROOF, Role.EXAMPLE, Role.ARCHIVE, Role.DOCS, Role.PLAN, Role.TEST) or file.unread:
                continue
            for fact in file.facts:
                if isinstance(fact, Resource) and fact.conditional != "false" and (kind := canonical(fact)) in types:
                    place = Location(target=target, path=file.path, line=fact.line, end_line=fact.line)
                    names = list(_names(fact, kind))
                    shown = next((name for name in names if "*" not in name), fact.name)
                    self._of[kind].append(_Declaration(names, place, f"{kind}/{shown}"))

    @property
    def any(self) -> bool:
        """Whether code declares anything that is compared."""
        return bool(self._of)

    def meet(self, kind: str, name: str, target: str, region: str) -> bool:
        """Hears of a live resource; tells whether code declares it."""
        declarations = self._of.get(kind, ())
        same = [declaration for declaration in declarations if declaration.is_name and declaration.is_name(name)]
        with self._lock:
            self._live += 1
            for declaration in same:
                declaration.seen = True
            if same:
                self._known += 1
            elif any(declaration.is_computed for declaration in declarations):
                self._uncertain += 1
            else:
                place = Location(target=target, resource=f"{kind}/{name}", region=region)
                self._by_hand.append(Undeclared(location=place, what=f"{kind}/{name}"))
                if len(self._by_hand) > 4 * _MOST:
                    self._by_hand.sort(key=_order)
                    del self._by_hand[_MOST:]
        return bool(same)

    def inventory(self, searched: frozenset[str]) -> Inventory:
        """The comparison; `searched` are the types that were listed without a gap."""
        missing = [
            Undeclared(location=declaration.place, what=declaration.what)
            for kind, declarations in self._of.items()
            if kind in searched
            for declaration in declarations
            if declaration.is_name and not declaration.is_computed and not declaration.seen
        ]
        return Inventory(
            live=self._live,
            declared=self._known,
            uncertain=self._uncertain,
            by_hand=tuple(sorted(self._by_hand, key=_order)[:_MOST]),
            not_live=tuple(sorted(missing, key=_order)[:_MOST]),
        )


def _names(resource: Resource, kind: str) -> Iterator[str]:
    """Names by which a declared resource may be live, `*` for what is computed; other attributes name what it goes with."""
    own = folded(last_part(kind.replace("::", ".").replace("/", ".")))
    keys = ("name", "identifier", own, f"{own}name", f"{own}identifier")
    given = [value for key, value in resource.attributes if value and folded(key) in keys]
    for value in given:
        yield "*" if _EXPRESSION.match(value) else _COMPUTED.sub("*", value)
    if not given and resource.dialect in ("cloudformation", "serverless") and resource.name:
        yield f"*-{resource.name}-*"  # As CloudFormation names what has no name.


def _order(one: Undeclared) -> tuple[str, str, str, int]:
    return one.what, one.location.region, one.location.path, one.location.line
