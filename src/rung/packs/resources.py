"""Packs of infrastructure types → records: what providers call them, and how a live provider is asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rung.expressions import regex
from rung.packs.fields import Fields
from rung.records import Detail, Listing, PackError, Provider, Read, ResourceType, Trap

KINDS = ("account", "server", "host")
"""What a live provider can be."""
PROTOCOLS = ("aws", "rest")
"""How it can be spoken to."""
_READER = regex(r"(?:List|Describe|Get|BatchGet|BatchDescribe|Search)[A-Z0-9]|Search$")
_SECRET = regex(
    r"SecretValue|Password|Credential|SessionToken|AuthorizationToken|AuthToken|LoginToken|GetObject$|GetRecords|SelectObject|GetItem|PreSigned|Presigned"
)
"""In the names of operations that hand out what no scan may see."""


def resources_of(file: str, pack: Mapping[str, Any]) -> tuple[ResourceType, ...]:
    """A pack of canonical infrastructure types (`schema: resources/1`) as records.

    Raises:
        PackError: the pack is wrong; the message names the file and the key.
    """
    given = Fields(file, pack, required=("schema", "provider", "types"), optional=("live",))
    given.schema("resources/1")
    types: list[ResourceType] = []
    for index, raw in enumerate(given.items("types")):
        each = Fields(f"{file}: types[{index}]", raw, required=("type",), optional=("terraform", "kubernetes", "charts", "live"))
        name = each.text("type")
        if "live" in each and "live" not in given:
            raise PackError(f"{file}: {name}: it is listed live, and the pack has no `live` that says how its provider is spoken to")
        types.append(
            ResourceType(
                type=name,
                provider=given.text("provider"),
                terraform=each.names("terraform"),
                kubernetes=each.names("kubernetes"),
                charts=each.names("charts"),
                live=_listing(f"{file}: {name}: live", raw["live"]) if "live" in each else None,
            )
        )
    listed = {resource.type for resource in types if resource.live}
    for resource in types:
        if resource.live and resource.live.each and resource.live.each not in listed:
            raise PackError(f"{file}: {resource.type}: live: each: `{resource.live.each}` is not listed live in this pack")
    return tuple(types)


def provider_of(file: str, pack: Mapping[str, Any]) -> Provider:
    """How the provider of a pack of infrastructure types is spoken to.

    Raises:
        PackError: the pack is wrong; the message names the file and the key.
    """
    lists = ("address", "token", "elsewhere_token", "basic")
    texts = ("default", "elsewhere", "help", "instead", "name", "token_file", "token_key")
    optional = ("headers", "pages", "value", *lists, *texts)
    given = Fields(f"{file}: live", pack["live"], required=("title", "kind", "protocol"), optional=optional)
    headers, pages = given.within("headers", optional=None), given.within("pages", optional=None)
    more: dict[str, Any] = given.texts(*texts) | {key: given.names(key) for key in lists}
    return Provider(
        id=Fields(file, pack, optional=None).text("provider"),
        title=given.text("title"),
        kind=given.one_of("kind", KINDS),
        protocol=given.one_of("protocol", PROTOCOLS),
        value=given.text("value") or "ADDRESS",
        headers=headers.texts(*headers.raw),
        pages=pages.texts(*pages.raw),
        **more,
    )


def _listing(where: str, raw: object) -> Listing:
    optional = ("with", "items", "at", "each", "global", "newest", "absent", "permission", "details", "dead_ends")
    given = Fields(where, raw, required=("list", "name"), optional=optional)
    details = []
    for index, more in enumerate(given.items("details")):
        detail = Fields(f"{where}: details[{index}]", more, required=("call",), optional=("with", "take", "into", "absent", "permission"))
        details.append(Detail(read=_read(detail, "call"), **detail.texts("take", "into")))
    return Listing(
        read=_read(given, "list"),
        **given.texts("items", "name", "each"),
        at=given.names("at"),
        everywhere=given.flag("global"),
        newest=given.integer("newest"),
        details=tuple(details),
        dead_ends=tuple(_trap(f"{where}: dead_ends[{index}]", more) for index, more in enumerate(given.items("dead_ends"))),
    )


def _read(given: Fields, key: str) -> Read:
    """The call under a key, which must be one that only reads."""
    name = given.text(key)
    if not is_reader(name):
        raise PackError(f"{given.where}: `{name}` may do more than read; only readers are called (see packs.resources.is_reader)")
    permission = given.names("permission")
    if not permission and " " not in name:
        permission = (name,)
    if not permission:
        raise PackError(f"{given.where}: `{name}`: `permission` is missing: what must a caller be allowed?")
    return Read(call=name, parameters=given.mapping("with"), absent=given.names("absent"), permission=permission)


def _trap(where: str, raw: object) -> Trap:
    given = Fields(where, raw, required=("id", "what", "remediation"), optional=("where", "without"))
    conditions = given.within("where", optional=None)
    return Trap(
        **given.texts("id", "what", "remediation"),
        where={name: conditions.names(name) for name in conditions.raw},
        without=given.names("without"),
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
