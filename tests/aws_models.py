"""What AWS itself says of its operations, by the service models that botocore brings: shapes, their leaves, and values that fit them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rung.patterns import Attributes
from rung.records import Listing
from rung.targets.live.fields import VALUE, names_in
from rung.wildcards import any_glob, folded

DEEPEST = 9
"""Levels of members that are looked at; some shapes hold themselves."""


@cache
def operation(call: str) -> Any:
    """The model of an operation named `service:Operation`, None when there is none."""
    service, _, name = call.partition(":")
    model = _service(service)
    return model.operation_model(name) if model is not None and name in model.operation_names else None


@cache
def signing_name(service: str) -> str:
    """The name under which a service's requests are signed, which most of its permissions begin with."""
    return str(_service(service).signing_name)


def member(shape: Any, path: str) -> Any:
    """The shape at a dotted path, lists on the way stepped into; None when there is none."""
    for part in path.split(".") if path else ():
        while shape is not None and shape.type_name == "list":
            shape = shape.member
        if shape is None or shape.type_name != "structure":
            return None
        shape = shape.members.get(part.removesuffix("[]"))
    return shape


def item_of(shape: Any) -> Any:
    """What a list holds, be it a list of lists; any other shape itself."""
    while shape is not None and shape.type_name == "list":
        shape = shape.member
    return shape


def leaves(shape: Any, prefix: str = "", depth: int = DEEPEST) -> Iterator[tuple[str, Any]]:
    """The scalars of a shape by dotted path, list positions left out, as live resources are flattened."""
    kind = shape.type_name
    if kind == "structure" and depth:
        for name, below in shape.members.items():
            yield from leaves(below, f"{prefix}.{name}" if prefix else name, depth - 1)
    elif kind == "list":
        yield from leaves(shape.member, prefix, depth)
    elif kind == "map":
        yield from leaves(shape.value, f"{prefix}.any", depth - 1)
    elif kind != "structure":
        yield prefix or VALUE, shape


@dataclass(frozen=True)
class Item:
    """What is known of one live resource: its item in the answer, and what the details add."""

    parts: tuple[tuple[str, Any], ...]
    """Where each part's attributes are put, and its shape."""

    def leaves(self) -> Iterator[tuple[str, Any]]:
        """All attributes."""
        for into, shape in self.parts:
            yield from leaves(shape, into)

    def at(self, path: str) -> Any:
        """The shape at a path of one of the parts, None when there is none."""
        for into, shape in self.parts:
            if item_of(shape).type_name == "string" and path == (into or VALUE):
                return item_of(shape)
            rest = path if not into else path[len(into) + 1 :] if path.startswith(into + ".") else None
            found = member(shape, rest) if rest is not None else None
            if found is not None:
                return found
        return None

    def asked(self, key: str) -> list[Any]:
        """The shapes of the attributes that a condition on a key looks at, by the rules of the matchers."""
        known = list(self.leaves())
        by_path = Attributes((folded(path), str(index)) for index, (path, _) in enumerate(known))
        return [known[int(index)][1] for index in by_path.values(folded(key))]


def item(listing: Listing) -> Item:
    """What is known of the resources of a listing, its parts in the order in which they are had."""
    parts = [("", item_of(member(operation(listing.read.call).output_shape, listing.items)))]
    parts += [(detail.into, item_of(member(operation(detail.read.call).output_shape, detail.take))) for detail in listing.details]
    return Item(tuple(parts))


def wrong_condition(known: Item, key: str, globs: tuple[str, ...]) -> str:
    """What is wrong with a condition on an attribute: no such attribute, or a value that it never has; empty when nothing is."""
    shapes = known.asked(key)
    if not shapes:
        return f"there is no attribute `{key}`"
    for glob in globs:
        if not any(_can_be(shape, glob) for shape in shapes):
            return f"`{key}` is never `{glob}`"
    return ""


def wrong_parameters(template: Any, shape: Any, given: Mapping[str, Any]) -> Iterator[str]:
    """What a call's parameters have wrong: names, values that are not allowed, fields that nothing fills or of another type.

    `given` has the shapes of what fills the fields.
    """
    if isinstance(template, Mapping):
        if shape is None or shape.type_name != "structure":
            yield f"{dict(template)} is no structure"
            return
        for name, below in template.items():
            if name not in shape.members:
                yield f"`{name}` is no parameter"
            else:
                yield from wrong_parameters(below, shape.members[name], given)
        for name in shape.required_members:
            if name not in template:
                yield f"`{name}` is missing"
    elif isinstance(template, list):
        if shape.type_name != "list":
            yield f"{template} for a {shape.type_name}"
        else:
            for below in template:
                yield from wrong_parameters(below, shape.member, given)
    elif isinstance(template, str) and names_in(template):
        for name in names_in(template):
            found = given.get(name)
            if found is None:
                yield f"nothing fills `{{{name}}}`"
            elif template == f"{{{name}}}" and found.type_name != shape.type_name:
                yield f"`{{{name}}}` is a {found.type_name}, a {shape.type_name} is wanted"
    else:
        yield from _wrong_value(template, shape)


def wrong_answer(answer: Any, shape: Any) -> Iterator[str]:
    """What of a recorded answer the service would never say."""
    from botocore.validate import ParamValidator

    if shape is None:
        return
    report = ParamValidator().validate(answer, shape)
    if report.has_errors():
        yield report.generate_report()
    yield from _wrong_enumerations(answer, shape)


def _wrong_enumerations(value: Any, shape: Any) -> Iterator[str]:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, below in value.items():
            if name not in shape.members:
                yield f"`{name}` is no member of {shape.name}"
            else:
                yield from _wrong_enumerations(below, shape.members[name])
    elif shape.type_name == "list" and isinstance(value, list):
        for below in value:
            yield from _wrong_enumerations(below, shape.member)
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for below in value.values():
            yield from _wrong_enumerations(below, shape.value)
    elif _enumeration(shape) and value not in _enumeration(shape):
        yield f"`{value}` is no {shape.name}"


def _wrong_value(value: Any, shape: Any) -> Iterator[str]:
    fits: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float)}
    wanted = fits.get(shape.type_name)
    if wanted is None or not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield f"`{value}` for a {shape.type_name}"
    elif _enumeration(shape) and value not in _enumeration(shape):
        yield f"`{value}` is none of {', '.join(_enumeration(shape))}"
    elif shape.type_name in ("integer", "long"):
        least, most = shape.metadata.get("min", value), shape.metadata.get("max", value)
        if not least <= value <= most:
            yield f"`{value}` is not between {least} and {most}"


def _can_be(shape: Any, glob: str) -> bool:
    values = _enumeration(shape) or (("true", "false") if shape.type_name == "boolean" else ())
    return not values or any(map(any_glob((glob,)), values))


def _enumeration(shape: Any) -> tuple[str, ...]:
    return tuple(getattr(shape, "enum", None) or ())


@cache
def _service(name: str) -> Any:
    from botocore.exceptions import UnknownServiceError

    try:
        return _session().get_service_model(name)
    except UnknownServiceError:
        return None


@cache
def _session() -> Any:
    from botocore.session import Session

    return Session()
