"""The process behind an AWS stand: one loopback address at which every service of every region and account is spoken to.

Each request is answered by what goes wrong on demand, by an answer put in, by moto, or by an empty answer, in this order.
"""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.stands import answers, faults, wire

ACCOUNT = "111111111111"
_KEY = re.compile(r"A[SK]IA(\d{12})")
_HOST = "127.0.0.1"
_READS = re.compile(r"List|Describe|Get|BatchGet|BatchDescribe|Search")
_REFERENCE = re.compile(r"\{(\w+)\.([\w.]+)\}")
_UNMADE = {"macie2:GetMacieSession": ("macie2:EnableMacie", ("AccessDeniedException", "Macie is not enabled", 403))}
"""What moto has in each account though nobody made it: by what it is made, and what AWS says until then."""


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    account: str
    arn: str
    id: str = "AIDACALLER0000000000"


class Stand:
    """What is there, what goes wrong, and what was asked."""

    def __init__(self) -> None:
        self.moto = _Moto()
        self.calmed = asyncio.Event()
        self.clear()

    def clear(self) -> None:
        """Back to accounts with nothing in them."""
        self.answers = answers.Answers()
        self.troubles: list[faults.Trouble] = []
        self.policies: dict[str, list[str]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, Principal] = {}
        self.made: set[tuple[str, str, str]] = set()
        self.log: list[dict[str, Any]] = []
        self.under_way = self.most = 0
        self._release()
        self.moto.clear()

    def _release(self) -> None:
        """Drops what hangs."""
        self.calmed.set()
        self.calmed = asyncio.Event()

    # ── Set up ───────────────────────────────────────────────────────────────────────────────────────

    def load(self, scenario: Mapping[str, Any]) -> None:
        """Adds the accounts of a scenario; what does not fit is told all at once."""
        wrong: list[str] = []
        for account, has in scenario.get("accounts", {}).items():
            for role in has.get("roles", ()):
                self.roles[f"arn:aws:iam::{account}:role/{role['name']}"] = dict(role)
            for region, there in has.get("regions", {}).items():
                for name, raw in there.get("answers", {}).items():
                    try:
                        self.answers.put(str(account), region, name, raw)
                    except ValueError as error:
                        wrong.append(str(error))
                wrong += self._make(str(account), "us-east-1" if region == "global" else region, there.get("make", ()))
        for trouble in scenario.get("troubles", ()):
            self.troubles.append(faults.Trouble(**trouble))
        if wrong:
            raise ValueError("\n".join(wrong))

    def _make(self, account: str, region: str, calls: Any) -> list[str]:
        """Lets moto make resources by the calls that a client would make; tells what it refused."""
        wrong = []
        made: dict[str, Any] = {}
        for step in calls:
            (name, given), *_ = ((key, value) for key, value in step.items() if key != "as")
            try:
                answer = self.moto.ask(account, region, name, _referred(given or {}, made))
                self.made.add((account, region, name))
            except ValueError as error:
                wrong.append(str(error))
                continue
            if "as" in step:
                made[step["as"]] = answer
        return wrong

    # ── Asked ────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, request: wire.Request) -> wire.Response | None:
        """The answer to a request; nothing where the connection is to be dropped."""
        call = wire.call(request)
        if call is None:
            return wire.Response(501, {"Content-Type": "text/plain"}, b"the stand can't tell what operation this is")
        caller = self._caller(call.key)
        entry = {
            "account": caller.account,
            "principal": caller.arn,
            "region": call.region,
            "service": call.service,
            "operation": call.operation,
            "permissions": call.permissions,
            "by": "",
            "status": 0,
            "at": time.monotonic(),
        }
        self.log.append(entry)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            response = await self._answer(request, call, caller, entry)
        except wire.AnsweredError as told:
            response = wire.error(call.service, told)
        finally:
            self.under_way -= 1
        entry["status"] = response.status if response else 0
        return response

    async def _answer(self, request: wire.Request, call: wire.Call, caller: Principal, entry: dict[str, Any]) -> wire.Response | None:
        befallen = [trouble for trouble in self.troubles if trouble.befalls(caller.account, call)]
        kinds = {trouble.kind: trouble for trouble in befallen}
        entry["by"] = next((kind for kind in faults.KINDS if kind in kinds and kind not in ("slow", "stale", "removed", "added")), "")
        for trouble in befallen:
            if trouble.kind == "slow":
                await asyncio.sleep(trouble.milliseconds / 1000)
        if "hanging" in kinds:
            await self.calmed.wait()
            return None
        if "dropped" in kinds:
            return None
        for kind in ("expired", "disabled", "denied", "throttled", "failing"):
            if kind in kinds:
                raise faults.error(kind, call, caller.account, caller.arn, kinds[kind])
        missing = faults.allowed(self.policies.get(caller.account), call)
        if missing:
            entry["by"] = "denied"
            raise faults.error("denied", call, caller.account, caller.arn, faults.Trouble("denied", call=missing))
        if "garbled" in kinds:
            return wire.Response(200, {"Content-Type": "text/html"}, b"<html><p>Please sign in to use this network.")
        if call.service == "sts" and call.operation in ("GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"):
            entry["by"] = "stand"
            return self._identity(call, request, caller)
        paging = wire.pages(call.service, call.operation).get("input_token")
        entries = self.answers.find(caller.account, call.region, call.name)
        given = wire.parameters(call, request) if any(item.asks for item in entries) or "stale" in kinds else {}
        if "stale" in kinds and isinstance(paging, str) and given.get(paging):
            entry["by"] = "stale"
            raise faults.error("stale", call, caller.account, caller.arn, kinds["stale"])
        for item in entries:
            if item.fits(given):
                entry["by"] = "answer"
                return item.give(given, ("removed" in kinds) - ("added" in kinds))
        if call.name in _UNMADE and (caller.account, call.region, _UNMADE[call.name][0]) not in self.made:
            raise wire.AnsweredError(*_UNMADE[call.name][1])
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self.moto.thread, self.moto.forward, request, call, caller.account)
        entry["by"] = "moto" if response else "empty"
        if response is None and not _READS.match(call.operation):
            raise wire.AnsweredError("NotImplemented", f"neither the stand nor moto knows {call.name}", 501)
        return response or answers.empty(call.service, call.operation)

    def _caller(self, key: str) -> Principal:
        if key in self.sessions:
            return self.sessions[key]
        found = _KEY.match(key)
        account = found[1] if found else ACCOUNT
        return Principal(account, f"arn:aws:iam::{account}:user/scanner")

    def _identity(self, call: wire.Call, request: wire.Request, caller: Principal) -> wire.Response:
        given = wire.parameters(call, request)
        if call.operation == "GetCallerIdentity":
            return wire.result("sts", call.operation, {"UserId": caller.id, "Account": caller.account, "Arn": caller.arn})
        arn, session = given["RoleArn"], given["RoleSessionName"]
        role = self.roles.get(arn)
        by_token = call.operation == "AssumeRoleWithWebIdentity"
        trusted = role is not None and (role.get("web_identity") if by_token else caller.account in map(str, role.get("trusts", ())))
        if role is None or not trusted or role.get("external_id") != (None if by_token else given.get("ExternalId")):
            told = f"User: {caller.arn} is not authorized to perform: sts:{call.operation} on resource: {arn}"
            raise wire.AnsweredError("AccessDenied", told, 403)
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
        if any(tags.get(key) != value for key, value in role.get("tags", {}).items()):
            told = f"User: {caller.arn} is not authorized to perform: sts:TagSession on resource: {arn}"
            raise wire.AnsweredError("AccessDenied", told, 403)
        account = arn.split(":")[4]
        key = f"ASIA{account}{len(self.sessions):04}"
        assumed = f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/{session}"
        self.sessions[key] = Principal(account, assumed, f"AROA:{session}")
        credentials = {
            "AccessKeyId": key,
            "SecretAccessKey": "secret",
            "SessionToken": f"token-{key}",
            "Expiration": datetime.now(UTC) + timedelta(seconds=given.get("DurationSeconds") or 3600),
        }
        user = {"AssumedRoleId": f"AROA:{session}", "Arn": assumed}
        return wire.result("sts", call.operation, {"Credentials": credentials, "AssumedRoleUser": user})

    # ── Controlled ───────────────────────────────────────────────────────────────────────────────────

    def control(self, verb: str, given: Any) -> Any:
        """What a test tells the stand or wants to know of it."""
        match verb:
            case "reset":
                self.clear()
            case "load":
                self.load(given)
            case "trouble":
                self.troubles.append(faults.Trouble(**given))
            case "calm":
                self.troubles.clear()
                self.policies.clear()
                self._release()
            case "policy":
                self.policies[given["account"]] = given["actions"]
            case "calls":
                return self.log
            case "forget":
                self.log, self.most = [], self.under_way
            case "most":
                return self.most
            case _:
                raise ValueError(f"no such thing to tell the stand: {verb}")
        return None


class _Moto:
    """moto's own servers, in this process; loaded when first needed."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.used = False
        self.lock = threading.Lock()

    @functools.cached_property
    def application(self) -> Any:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        return DomainDispatcherApplication(create_backend_app)

    def clear(self) -> None:
        if self.used:
            self._call(wire.Request("POST", "/moto-api/reset", {"host": _HOST}, b""), "us-east-1")
        self.used = False

    def forward(self, request: wire.Request, call: wire.Call, account: str) -> wire.Response | None:
        """moto's answer; nothing where it can't give one."""
        try:
            response = self._call(request, account)
        except Exception:  # noqa: BLE001 - moto raises anything where it lacks something
            return None
        page = response.body[:20].lower().startswith((b"<!doctype html", b"<html"))
        return None if page and response.status >= 400 else response

    def ask(self, account: str, region: str, name: str, given: Mapping[str, Any]) -> Any:
        """Asks moto as a client would; an error is the scenario's."""
        service, _, operation = name.partition(":")
        described = wire.operation(service, operation)
        protocol = wire.model(service).resolved_protocol
        written = create_serializer(protocol, False).serialize_to_request(dict(given), described)
        body = written["body"]
        query = written["query_string"]
        if isinstance(body, dict):
            body = urlencode(body)
        joint = "&" if "?" in written["url_path"] else "?"
        target = written["url_path"] + (joint + urlencode(query, doseq=True) if query else "")
        headers = {key.lower(): str(value) for key, value in written["headers"].items()}
        scope = f"AKIA{account}0000/20260101/{region}/{wire.model(service).signing_name}/aws4_request"
        headers |= {"host": _HOST, "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        content = body if isinstance(body, bytes) else (body or "").encode()
        try:
            response = self._call(wire.Request(written["method"], target, headers, content), account)
        except Exception as error:  # moto raises anything where it lacks something
            raise ValueError(f"{name}: moto: {type(error).__name__}: {error}") from error
        parsed = create_parser(protocol).parse(
            {"headers": _Headers(response.headers), "body": response.body, "status_code": response.status}, described.output_shape
        )
        if response.status >= 300:
            raise ValueError(f"{name} {json.dumps(given, default=str)[:300]}: {parsed.get('Error') or response.body[-500:]!r}")
        return parsed

    def _call(self, request: wire.Request, account: str) -> wire.Response:
        self.used = True
        parts = urlsplit(request.target)
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path, "latin-1"),
            "QUERY_STRING": parts.query,
            "RAW_URI": request.target,
            "REQUEST_URI": request.target,
            "SERVER_NAME": _HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for key, value in request.headers.items():
            if key not in ("content-type", "content-length"):
                environ[f"HTTP_{key.upper().replace('-', '_')}"] = value
        environ |= {"HTTP_HOST": _HOST, "HTTP_X_MOTO_ACCOUNT_ID": account}
        told: list[Any] = []
        with self.lock:
            chunks = self.application(environ, lambda status, headers, _=None: told.extend((status, headers)))
            body = b"".join(chunks)
        return wire.Response(int(told[0].split()[0]), dict(told[1]), body)


class _Headers(dict[str, str]):
    """Headers that botocore's parsers can ask in any case."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__({key.lower(): value for key, value in given.items()})

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)


def _referred(value: Any, made: Mapping[str, Any]) -> Any:
    """A value with `{name.Member}` replaced by what an earlier call answered."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: str(_walk(made[found[1]], found[2])) if found[1] in made else found[0], value)
    if isinstance(value, Mapping):
        return {key: _referred(item, made) for key, item in value.items()}
    return [_referred(item, made) for item in value] if isinstance(value, list) else value


def _walk(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return value


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────


async def _serve(stand: Stand) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _request(reader, writer)
                if request is None:
                    break
                response = await _respond(stand, request)
                if response is None:
                    break
                writer.write(_bytes(response, request.method))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(converse, _HOST, 0, limit=1 << 24, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    # The stand ends with the tests that started it, whichever way they end.
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


async def _respond(stand: Stand, request: wire.Request) -> wire.Response | None:
    try:
        if not request.target.startswith("/_stand/"):
            return await stand.answer(request)
        told = stand.control(request.target.removeprefix("/_stand/"), json.loads(request.body or b"null"))
        return wire.Response(200, {}, json.dumps(told).encode())
    except ValueError as error:
        return wire.Response(400, {"Content-Type": "text/plain"}, str(error).encode())
    except Exception:  # noqa: BLE001 - told to whoever asked
        return wire.Response(500, {"Content-Type": "text/plain"}, traceback.format_exc().encode())


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> wire.Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    if target.startswith("http"):  # As a proxy is asked: how names like 111111111111.127.0.0.1 get here.
        target = target[target.index("/", 8) :] if "/" in target[8:] else "/"
    headers: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0") or 0))
    return wire.Request(method, target, headers, body)


def _bytes(response: wire.Response, method: str) -> bytes:
    headers = {key: value for key, value in response.headers.items() if key.lower() not in ("content-length", "connection", "status")}
    head = [f"HTTP/1.1 {response.status} -", *(f"{key}: {value}" for key, value in headers.items())]
    length = response.headers.get("Content-Length", len(response.body)) if method == "HEAD" else len(response.body)
    head.append(f"Content-Length: {length}")
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + (b"" if method == "HEAD" else response.body)


if __name__ == "__main__":
    asyncio.run(_serve(Stand()))
