"""GitHub's own description of its REST API: what breaks it, and the least that it takes of an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from tests.components import openapi

Schema = Mapping[str, Any]
_PLAIN: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": False, "array": [], "object": {}}
_FORMATS = {"uri": "https://example.com/x", "date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "email": "a@example.com"}


def operation(template: str, method: str) -> Schema | None:
    """What is said of a request, None when there is none of that path and method."""
    found: Schema | None = description()["paths"].get(template, {}).get(method.lower())
    return found


def wrong_request(template: str, method: str, query: dict[str, list[str]], body: Any) -> list[str]:
    """What of a request the description does not know."""
    said = operation(template, method)
    if said is None:
        return [f"{method} {template}: there is no such operation"]
    known = {item["name"]: item for item in map(referred, said.get("parameters", ())) if item["in"] == "query"}
    found = [f"{method} {template}: there is no parameter {name}" for name in query if name not in known]
    for name, values in query.items():
        allowed = referred(known[name]["schema"]).get("enum") if name in known else None
        found += [f"{method} {template}: {name} can't be {value}" for value in values if allowed and value not in allowed]
    content = said.get("requestBody", {}).get("content", {}).get("application/json")
    return found + (against(content["schema"], body, f"{method} {template}") if content else [])


def wrong_answer(template: str, method: str, status: int, content: Any) -> list[str]:
    """What of an answer breaks the description."""
    responses = (operation(template, method) or {"responses": {}})["responses"]
    if str(status) not in responses:
        return [f"{method} {template}: {status} is no answer of it"]
    described = referred(responses[str(status)]).get("content")
    return against(described["application/json"]["schema"], content, f"{status} of {method} {template}") if described else []


def answer_schema(template: str) -> Schema:
    """The schema of what a GET answers."""
    found: Schema = referred((operation(template, "GET") or {})["responses"]["200"])["content"]["application/json"]["schema"]
    return found


def against(schema: Any, value: Any, where: str) -> list[str]:
    """How a value breaks a schema."""
    return [f"{where}: {told}" for told in _broken(json.dumps(schema), json.dumps(value))]


@lru_cache(maxsize=4096)
def _broken(schema: str, value: str) -> tuple[str, ...]:
    return tuple(f"{error.json_path}: {error.message[:200]}" for error in _validator(schema).iter_errors(json.loads(value)))


def complete(schema: Schema, given: Any) -> Any:
    """What is given, with all that the schema demands beside it."""
    schema = _whole(schema, given)
    if isinstance(given, Mapping):
        properties, least = schema.get("properties", {}), dict.fromkeys(schema.get("required", ()))
        return {
            name: complete(properties.get(name, {}), given[name]) if name in given else _least(properties[name])
            for name in {**least, **given}
        }
    return [complete(schema.get("items", {}), item) for item in given] if isinstance(given, list) else given


def _least(schema: Schema) -> Any:
    """The least that a schema takes."""
    alternatives = "anyOf" in referred(schema) or "oneOf" in referred(schema)
    schema = _whole(schema, None)
    if "enum" in schema:
        return None if None in schema["enum"] else schema["enum"][0]
    if schema.get("nullable") and not alternatives:  # Beside alternatives it says nothing, as there is no type that it widens.
        return None
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return complete(schema, {})
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), "0" * schema.get("minLength", 1))
    return _PLAIN[kind]


def _whole(schema: Schema, given: Any) -> Schema:
    """A schema with what it is put together from; of alternatives the first that fits what is given."""
    schema = referred(schema)
    for part in schema.get("allOf", ()):
        more = _whole(part, given)
        merged = {key: {**more.get(key, {}), **schema.get(key, {})} for key in ("properties",) if key in more or key in schema}
        schema = {**more, **schema, **merged, "required": [*more.get("required", ()), *schema.get("required", ())]}
    alternatives = [_whole(part, given) for key in ("anyOf", "oneOf") for part in schema.get(key, ())]
    if not alternatives:
        return schema
    fitting = next((part for part in alternatives if _fits(part, given)), alternatives[0])
    properties = {**schema.get("properties", {}), **fitting.get("properties", {})}
    return {**schema, **fitting, "properties": properties, "required": [*schema.get("required", ()), *fitting.get("required", ())]}


def _fits(schema: Schema, given: Any) -> bool:
    if not isinstance(given, Mapping):
        return given is None or not isinstance(given, list) or schema.get("type") == "array"
    known = schema.get("properties", {})
    return all(name in known and value in referred(known[name]).get("enum", [value]) for name, value in given.items())


def referred(item: Any) -> Any:
    """An item of the description, or what it refers to."""
    while "$ref" in item:
        value = description()
        for part in item["$ref"].removeprefix("#/").split("/"):
            value = value[part]
        item = value
    return item


@cache
def _validator(schema: str) -> Any:
    from openapi_schema_validator import OAS30Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    whole: Any = Resource.from_contents(description(), default_specification=DRAFT202012)
    registry: Any = Registry().with_resource("urn:github", whole)
    return OAS30Validator(json.loads(schema.replace('"$ref": "#', '"$ref": "urn:github#')), registry=registry)


@cache
def description() -> Any:
    """All of it."""
    return json.loads(openapi().read_text(encoding="utf-8"))
