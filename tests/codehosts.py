"""Stand-ins for code hosts on loopback: comments as GitHub's and GitLab's APIs keep them, and git over HTTP for who has the token.

What passes between client and GitHub's stand-in is checked against GitHub's own description of its API.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.components import openapi

TOKEN = "ghs_a-token-of-the-job"
BOT = "github-actions[bot]"
_DAY = "2026-11-22T05:00:00Z"


@dataclass
class Host:
    """What a stand-in holds, heard, and does on demand."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    """And pull requests, which GitHub lists among them."""
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request."""
    refuses: dict[str, int] = field(default_factory=dict)
    """Status by method that is answered instead."""
    fails: int = 0
    """How many next requests are answered with 502."""
    commits: list[str] = field(default_factory=list)
    repository: Path | None = None
    """Served by git to who has the token."""
    wrong: list[str] = field(default_factory=list)
    """What was asked or answered against the description."""

    def comment(self, body: str, login: str = BOT) -> dict[str, Any]:
        """A comment as GitHub writes it, added."""
        number = 100 + len(self.comments)
        page = f"{self.url}/acme/churn/pull/7#issuecomment-{number}"
        self.comments.append(
            {
                "id": number,
                "node_id": f"IC_{number}",
                "url": f"{self.url}/repos/acme/churn/issues/comments/{number}",
                "html_url": page,
                "issue_url": f"{self.url}/repos/acme/churn/issues/7",
                "body": body,
                "user": _user(self.url, login),
                "created_at": _DAY,
                "updated_at": _DAY,
                "author_association": "NONE",
            }
        )
        return self.comments[-1]

    def issue(self, title: str, body: str, login: str = BOT, **more: Any) -> dict[str, Any]:
        """An issue as GitHub writes it, added."""
        number = 1 + len(self.issues)
        api = f"{self.url}/repos/acme/churn"
        self.issues.append(
            {
                "id": 900 + number,
                "node_id": f"I_{number}",
                "number": number,
                "title": title,
                "body": body,
                "state": "open",
                "user": _user(self.url, login),
                "labels": [],
                "assignee": None,
                "milestone": None,
                "locked": False,
                "comments": 0,
                "url": f"{api}/issues/{number}",
                "repository_url": api,
                **{f"{name}_url": f"{api}/issues/{number}/{name}" for name in ("labels", "comments", "events")},
                "html_url": f"{self.url}/acme/churn/issues/{number}",
                "created_at": _DAY,
                "updated_at": _DAY,
                "closed_at": None,
                **more,
            }
        )
        return self.issues[-1]


@dataclass
class Inbox(Host):
    """What an address of messages heard, and how it answers."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and text of the next answers; 200 when there are no more."""


@contextmanager
def github() -> Iterator[Host]:
    """GitHub for a job's token: comments, commits and repositories."""
    openapi()  # Without it the test is skipped here: a server's thread could not.
    pytest.importorskip("openapi_schema_validator")
    with _served(_GitHub, Host()) as host:
        yield host
    assert host.wrong == []


@contextmanager
def gitlab() -> Iterator[Host]:
    """GitLab for a project's token: notes of merge requests."""
    with _served(_GitLab, Host()) as host:
        yield host


@contextmanager
def webhook() -> Iterator[Inbox]:
    """An address that takes messages, as those of chats do."""
    with _served(_Webhook, Inbox()) as host:
        yield host


H = TypeVar("H", bound=Host)


@contextmanager
def _served(handler: type[_Handler], host: H) -> Iterator[H]:
    class Bound(handler):  # type: ignore[misc, valid-type]
        pass

    Bound.host = host
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    host: Host
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: tests look at what was heard."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, content: Any, kind: str = "application/json") -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_any(self) -> None:
        path = urlsplit(self.path).path
        self.host.heard.append((self.command, path))
        if self.host.fails:
            self.host.fails -= 1
            return self.answer(502, {"message": "Bad gateway"})
        status, content = self.reply(self.command, path, parse_qs(urlsplit(self.path).query), self.body())
        return self.answer(status, content) if status else None

    do_GET = do_POST = do_PATCH = do_PUT = do_any  # noqa: N815 - the base class's names

    @abstractmethod
    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        """The status and the content of the answer; 0 when it has been given already."""


class _GitHub(_Handler):
    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if path.startswith("/acme/churn.git/"):
            return self._git(path, body)
        template = next((t for t in _ROUTES if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)), "")
        if not template:
            return 404, {"message": "Not Found"}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if status := self.host.refuses.get(method, 403 if path == "/user" else 0):
            return status, {"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com"}
        data = json.loads(body) if body else None
        self.host.wrong += wrong_request(template, method, query, data)
        status, content = self._answer(method, template, path, query, data)
        self.host.wrong += wrong_answer(template, method, status, content)
        return status, content

    def _answer(self, method: str, template: str, path: str, query: dict[str, list[str]], data: Any) -> tuple[int, Any]:
        if template.endswith("/commits"):
            return 200, [_commit(self.host.url, sha) for sha in self.host.commits][: int(query["per_page"][0])]
        if template.endswith(("/issues", "/issues/{issue_number}")):
            return self._issues(method, path, query, data)
        if method == "POST":
            return 201, self.host.comment(data["body"])
        if method == "PATCH":
            found = next(item for item in self.host.comments if item["id"] == int(path.rpartition("/")[2]))
            found["body"] = data["body"]
            return 200, found
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, self.host.comments[(page - 1) * size : page * size]

    def _issues(self, method: str, path: str, query: dict[str, list[str]], data: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, self.host.issue(data["title"], data["body"])
        if method == "PATCH":
            found = next(item for item in self.host.issues if item["number"] == int(path.rpartition("/")[2]))
            found.update(data)
            return 200, found
        size, page = int(query["per_page"][0]), int(query["page"][0])
        state = query.get("state", ["open"])[0]
        newest = [item for item in reversed(self.host.issues) if state in (item["state"], "all")]
        return 200, newest[(page - 1) * size : page * size]

    def _git(self, path: str, body: bytes) -> tuple[int, Any]:
        """Git's own server, for who sends the token once."""
        wanted = "basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        if self.headers.get_all("Authorization") != [wanted]:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return 0, None
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.host.repository),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path.removeprefix("/acme/churn.git"),
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "x-access-token",
        }
        if self.headers.get("Content-Encoding"):
            environment["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.answer(int(headers.get("Status", "200")[:3]), content, headers.get("Content-Type", "text/plain"))
        return 0, None


class _GitLab(_Handler):
    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if self.headers.get("PRIVATE-TOKEN") != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        if path == "/api/v4/user":
            return 200, {"id": 1, "username": "project_5_bot"}
        notes = "/api/v4/projects/5/merge_requests/7/notes"
        if method == "GET" and path == notes:
            return 200, self.host.comments
        if method == "POST" and path == notes:
            note = {"id": len(self.host.comments) + 1, "body": json.loads(body)["body"], "author": {"username": "project_5_bot"}}
            self.host.comments.append(note)
            return 201, note
        found = [item for item in self.host.comments if path == f"{notes}/{item['id']}"]
        if method == "PUT" and found:
            found[0]["body"] = json.loads(body)["body"]
            return 200, found[0]
        return 404, {"message": "404 Not Found"}


class _Webhook(_Handler):
    host: Inbox

    def do_any(self) -> None:
        data = self.body()
        self.host.heard.append((self.command, self.path))
        self.host.logins.append(self.headers.get("Authorization"))
        status, text = self.host.answers.pop(0) if self.host.answers else (200, "ok")
        if status == 200:
            self.host.messages.append(json.loads(data))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        if status in (301, 302, 307):
            self.send_header("Location", f"{self.host.url}/elsewhere")
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_PUT = do_any  # noqa: N815 - the base class's names

    def reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        """Nothing is asked: it is answered where it is heard."""
        raise NotImplementedError


# ── GitHub's description ─────────────────────────────────────────────────────────────────────────────

_ROUTES = (
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/commits",
    "/user",
)


def wrong_request(template: str, method: str, query: dict[str, list[str]], body: Any) -> list[str]:
    """What of a request the description does not know."""
    operation = _description()["paths"][template].get(method.lower())
    if operation is None:
        return [f"{method} {template}: there is no such operation"]
    known = [_referred(item) for item in operation.get("parameters", ())]
    names = {item["name"] for item in known if item["in"] == "query"}
    found = [f"{method} {template}: there is no parameter {name}" for name in query if name not in names]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return found + (_against(content["schema"], body, f"{method} {template}") if content else [])


def wrong_answer(template: str, method: str, status: int, content: Any) -> list[str]:
    """What of an answer breaks the description."""
    responses = _description()["paths"][template][method.lower()]["responses"]
    if str(status) not in responses:
        return [f"{method} {template}: {status} is no answer of it"]
    schema = _referred(responses[str(status)])["content"]["application/json"]["schema"]
    return _against(schema, content, f"{status} of {method} {template}")


def _against(schema: Any, value: Any, where: str) -> list[str]:
    return [f"{where}: {error.json_path}: {error.message[:200]}" for error in _validator(json.dumps(schema)).iter_errors(value)]


@cache
def _validator(schema: str) -> Any:
    from openapi_schema_validator import OAS30Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    whole: Any = Resource.from_contents(_description(), default_specification=DRAFT202012)
    registry: Any = Registry().with_resource("urn:github", whole)
    return OAS30Validator(json.loads(schema.replace('"$ref": "#', '"$ref": "urn:github#')), registry=registry)


@cache
def _description() -> Any:
    return json.loads(openapi().read_text(encoding="utf-8"))


def _referred(item: Any) -> Any:
    if "$ref" not in item:
        return item
    value = _description()
    for part in item["$ref"].removeprefix("#/").split("/"):
        value = value[part]
    return value


def _user(url: str, login: str) -> dict[str, Any]:
    address: Callable[[str], str] = lambda rest: f"{url}/users/x{rest}"  # noqa: E731
    names = ("followers", "subscriptions", "organizations", "repos", "received_events")
    return {
        "login": login,
        "id": 1,
        "node_id": "U_1",
        "avatar_url": address(""),
        "gravatar_id": "",
        "url": address(""),
        "html_url": address(""),
        **{f"{name}_url": address(f"/{name}") for name in names},
        "following_url": address("/following{/other_user}"),
        "gists_url": address("/gists{/gist_id}"),
        "starred_url": address("/starred{/owner}{/repo}"),
        "events_url": address("/events{/privacy}"),
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def _commit(url: str, sha: str) -> dict[str, Any]:
    page = f"{url}/repos/acme/churn/commits/{sha}"
    person = {"name": "A", "email": "a@example.com", "date": _DAY}
    return {
        "sha": sha,
        "node_id": "C_1",
        "url": page,
        "html_url": page,
        "comments_url": f"{page}/comments",
        "commit": {
            "url": page,
            "author": person,
            "committer": person,
            "message": "x",
            "comment_count": 0,
            "tree": {"sha": sha, "url": page},
        },
        "author": _user(url, "a"),
        "committer": _user(url, "a"),
        "parents": [],
    }
