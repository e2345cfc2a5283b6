"""Stand-ins for code hosts on loopback: comments as GitHub's and GitLab's APIs keep them, and git over HTTP for who has the token.

What passes between client and GitHub's stand-in is checked against GitHub's own description of its API.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.components import openapi
from tests.stands.description import wrong_answer, wrong_request
from tests.stands.serving import Handler, served

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
    host = Host()
    with served(_GitHub, host) as host.url:
        yield host
    assert host.wrong == []


@contextmanager
def gitlab() -> Iterator[Host]:
    """GitLab for a project's token: notes of merge requests."""
    host = Host()
    with served(_GitLab, host) as host.url:
        yield host


@contextmanager
def webhook() -> Iterator[Inbox]:
    """An address that takes messages, as those of chats do."""
    host = Inbox()
    with served(_Webhook, host) as host.url:
        yield host


class _Handler(Handler):
    host: Host

    def handle_one(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> None:
        self.host.heard.append((method, path))
        if self.host.fails:
            self.host.fails -= 1
            return self.answer(502, {"message": "Bad gateway"})
        status, content = self.reply(method, path, query, body)
        return self.answer(status, content) if status else None

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


class _Webhook(Handler):
    host: Inbox

    def handle_one(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> None:
        self.host.heard.append((method, self.path))
        self.host.logins.append(self.headers.get("Authorization"))
        status, text = self.host.answers.pop(0) if self.host.answers else (200, "ok")
        if status == 200:
            self.host.messages.append(json.loads(body))
        elsewhere = {"Location": f"{self.host.url}/elsewhere"} if status in (301, 302, 307) else {}
        self.answer(status, text.encode(), "text/plain", elsewhere)


# ── GitHub's description ─────────────────────────────────────────────────────────────────────────────

_ROUTES = (
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/commits",
    "/user",
)


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
