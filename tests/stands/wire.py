"""AWS's wire: which operation a request asks for and with what, and how answers and errors are written for it.

botocore's own description of each service tells all of it, so that what a stand says is what a real client can be told.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

import botocore.session
import yaml

_NAMES = yaml.safe_load((Path(__file__).parent / "services.yaml").read_text(encoding="utf-8"))
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
SESSION = botocore.session.get_session()


class Request(NamedTuple):
    """An HTTP request, its header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


class Call(NamedTuple):
    """What a request asks of AWS, as boto3 and as IAM say it."""

    key: str
    region: str
    service: str
    operation: str
    route: dict[str, str]
    """What stands in the path for its names."""

    @property
    def name(self) -> str:
        """Service and operation."""
        return f"{self.service}:{self.operation}"

    @property
    def permissions(self) -> list[str]:
        """The actions of IAM that the caller must be allowed."""
        return permissions(self.service, self.operation)


class AnsweredError(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def model(service: str) -> Any:
    """botocore's description of a service."""
    return _model(service)


@functools.cache
def _model(service: str) -> Any:
    return SESSION.get_service_model(service)


@functools.cache
def operation(service: str, name: str) -> Any:
    """botocore's description of an operation."""
    return model(service).operation_model(name)


@functools.cache
def pages(service: str, name: str) -> dict[str, Any]:
    """How botocore goes through an operation's pages; nothing where it has none."""
    try:
        return dict(SESSION.get_paginator_model(service).get_paginator(name))
    except (ValueError, botocore.exceptions.UnknownServiceError, botocore.exceptions.DataNotFoundError):
        return {}


@functools.cache
def permissions(service: str, name: str) -> list[str]:
    """The actions of IAM that an operation needs."""
    known = _NAMES["permissions"].get(f"{service}:{name}")
    if known:
        return list(known)
    prefix = _NAMES["permitted"].get(service) or model(service).signing_name
    return [f"{prefix}:{name}"]


# ── Asked ────────────────────────────────────────────────────────────────────────────────────────────


def call(request: Request) -> Call | None:
    """What a request asks for; nothing where it can't be told."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    key, region, signed = scope.groups() if scope else ("", "us-east-1", "sts")
    for service in _NAMES["signed"].get(signed, [signed]):
        try:
            found = _asked(service, request)
        except botocore.exceptions.UnknownServiceError:
            continue
        if found:
            return Call(key, region, service, *found)
    return None


def _asked(service: str, request: Request) -> tuple[str, dict[str, str]] | None:
    described = model(service)
    target = request.headers.get("x-amz-target")
    if target:
        prefix, _, name = target.rpartition(".")
        return (name, {}) if prefix == described.metadata.get("targetPrefix") and name in described.operation_names else None
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(request.body.decode()))
        fits = form.get("Version") == described.api_version and form.get("Action") in described.operation_names
        return (form["Action"], {}) if fits else None
    parts = urlsplit(request.target)
    query = parse_qs(parts.query, keep_blank_values=True)
    for pattern, literals, name in _routes(service).get(request.method, ()):
        if all(key in query and (not value or query[key] == [value]) for key, value in literals.items()):
            found = pattern.fullmatch(parts.path)
            if found:
                names = operation(service, name).http["requestUri"].partition("?")[0]
                labels = [label.rstrip("+") for label in re.findall(r"\{([^}]*)\}", names)]
                return name, {label: unquote(value) for label, value in zip(labels, found.groups())}
    return None


@functools.cache
def _routes(service: str) -> dict[str, list[tuple[re.Pattern[str], dict[str, str], str]]]:
    """Methods to the paths of a service's operations, the most specific first."""
    found: dict[str, list[tuple[Any, re.Pattern[str], dict[str, str], str]]] = {}
    for name in model(service).operation_names:
        http = operation(service, name).http
        path, _, query = http["requestUri"].partition("?")
        literals = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key != "x-id" and "{" not in value + key}
        pieces = re.split(r"(\{[^}]*\})", path.rstrip("/"))
        pattern = "".join("(.+)" if p.endswith("+}") else "([^/]+)" if p.startswith("{") else re.escape(p) for p in pieces)
        required = [m for m in _query_members(operation(service, name)) if m]
        fixed = sum(len(piece) for piece in pieces if not piece.startswith("{"))
        rank = (-len(literals), -fixed, len(required), path.count("{"), _RARE.get(name, 0), name)
        found.setdefault(http["method"], []).append((rank, re.compile(pattern + "/?"), literals, name))
    return {method: [entry[1:] for entry in sorted(entries, key=lambda e: e[0])] for method, entries in found.items()}


_RARE = {"ListDirectoryBuckets": 1, "GetBucketLifecycle": 1, "GetBucketNotification": 1}
"""Operations that share the path of another, which is the one meant."""


def _query_members(described: Any) -> list[str]:
    shape = described.input_shape
    return [name for name in shape.required_members if shape.members[name].serialization.get("location") == "querystring"] if shape else []


def parameters(asked: Call, request: Request) -> dict[str, Any]:
    """What the operation is asked with."""
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.utils import get_service_model
    from werkzeug.datastructures import Headers, MultiDict

    described = get_service_model(asked.service).operation_model(asked.operation)
    if described.input_shape is None:
        return {}
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    protocol = described.service_model.metadata["protocol"] if form else _protocol(asked.service)
    parts = urlsplit(request.target)
    values = MultiDict(parse_qsl(request.body.decode() if form else parts.query, keep_blank_values=True))
    parsed = PROTOCOL_PARSERS[protocol](described).parse(
        {
            "method": request.method,
            "values": values,
            "headers": Headers(list(request.headers.items())),
            "body": request.body,
            "url_path": parts.path,
            "url_params": asked.route,
        }
    )
    return dict(parsed)


def _protocol(service: str) -> str:
    return str(model(service).resolved_protocol)


# ── Answered ─────────────────────────────────────────────────────────────────────────────────────────


def result(service: str, name: str, value: dict[str, Any]) -> Response:
    """An operation's answer as its service writes it."""
    from moto.core.serialize import get_serializer_class
    from moto.core.utils import get_service_model

    protocol = _protocol(service)
    described = get_service_model(service).operation_model(name)
    written = get_serializer_class(service, protocol)(operation_model=described).serialize(value)
    body = written["body"]
    headers = {str(key): str(text) for key, text in written["headers"].items()}
    return Response(int(written["status_code"]), headers, body if isinstance(body, bytes) else str(body).encode())


def error(service: str, told: AnsweredError) -> Response:
    """An error as its service writes it."""
    protocol = _protocol(service)
    identity = {"x-amzn-RequestId": "5d0b4a1e-0000-4000-8000-000000000000"}
    code, message = told.code, told.message
    if protocol == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors><RequestID>1</RequestID></Response>"
    elif service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>1</RequestId></Error>"
    elif protocol in ("query", "rest-xml"):
        inner = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
        body = f"<ErrorResponse><Error>{inner}</Error><RequestId>1</RequestId></ErrorResponse>"
    else:
        kind = "application/json" if protocol == "rest-json" else "application/x-amz-json-1.1"
        headers = identity | {"Content-Type": kind, "x-amzn-ErrorType": code}
        if "awsQueryCompatible" in model(service).metadata:
            headers["x-amzn-query-error"] = f"{code};Sender"
        return Response(told.status or 400, headers, json.dumps({"__type": code, "message": message}).encode())
    return Response(told.status or 400, identity | {"Content-Type": "text/xml"}, f'<?xml version="1.0"?>\n{body}'.encode())


def family(service: str) -> str:
    """Which of the forms of AWS's common errors a service uses: json, rest-json, query, ec2 or s3."""
    described = model(service)
    protocol = str(described.resolved_protocol)
    if service == "s3":
        return "s3"
    if protocol in ("query", "rest-xml") or "awsQueryCompatible" in described.metadata:
        return "query"
    return protocol
