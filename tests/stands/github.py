"""GitHub's REST API for who reads a repository: state, pages, tags of answers, limits, and tokens that may not see everything.

What is there is said by scenarios (`repositories/*.yaml`); whatever GitHub's own description of an object demands beside that is
filled in, and every request and answer is checked against the description. Errors that the description leaves out are GitHub's all the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import pytest
import yaml

from tests.stands.description import answer_schema, complete, description, operation, wrong_answer, wrong_request
from tests.stands.serving import Handler, served

SCENARIOS = Path(__file__).parent / "repositories"
TOKEN = "github_pat_that-reads-all"
_AGO = re.compile(r"(\d+) (day|hour)s? ago")
_DOCUMENTED = "https://docs.github.com/rest"


class Call(NamedTuple):
    """One request that was heard."""

    path: str
    query: dict[str, str]
    token: str
    status: int


@dataclass
class Stand:
    """What is there, what may be seen of it, and what was asked."""

    url: str = ""
    """Address of the API, with the path that an Enterprise server has."""
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By `owner/name`; see the scenarios."""
    tokens: dict[str, set[str]] = field(default_factory=lambda: {TOKEN: {"*"}})
    """The permissions of each token that is accepted; `*` is all of them."""
    classic: bool = False
    """Tokens of the older kind: what they may not see is not found."""
    remaining: int = 5_000
    """Requests until the limit is met; those that find nothing changed don't count."""
    reset: float = 0.0
    """Seconds from the limit being met until it is lifted."""
    pauses: list[float] = field(default_factory=list)
    """Each of the next requests is refused for so many seconds, as one of too many at once; 0 does not say how long."""
    slow: float = 0.0
    """Seconds until an answer."""
    under_way: int = 0
    most: int = 0
    """Requests that were under way at once."""
    calls: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was asked or answered against the description."""
    base: str = ""
    """What all paths of an Enterprise server begin with."""
    lifted: float = 0.0
    """When the limit is lifted."""
    lock: Any = field(default_factory=threading.Lock)

    def load(self, *names: str) -> Stand:
        """Adds the repositories of scenarios."""
        for name in names:
            text = (SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8")
            for full, holds in yaml.safe_load(text)["repositories"].items():
                self.repositories[full] = dated(holds)
        return self

    def paths(self) -> Counter[str]:
        """How often each path was asked for."""
        return Counter(call.path for call in self.calls)


@contextmanager
def github(*scenarios: str, enterprise: bool = False, **holds: Any) -> Iterator[Stand]:
    """GitHub, or a GitHub Enterprise server, with the repositories of scenarios; `holds` takes the place of what they hold.

    Raises:
        AssertionError: something was asked or answered that GitHub does not know.
    """
    description()  # Without it the test is skipped here: a server's thread could not.
    pytest.importorskip("openapi_schema_validator")
    stand = Stand().load(*scenarios)
    for repository in stand.repositories.values():
        repository.update(holds)
    with served(_GitHub, stand) as url:
        stand.base = "/api/v3" if enterprise else ""
        stand.url = url + stand.base
        yield stand
    assert stand.wrong == [], "\n".join(stand.wrong)


def dated(value: Any) -> Any:
    """A value in which `3 days ago` is a time."""
    if isinstance(value, dict):
        return {key: dated(child) for key, child in value.items()}
    if isinstance(value, list):
        return [dated(child) for child in value]
    if isinstance(value, str) and (match := _AGO.fullmatch(value)):
        then = datetime.now(UTC) - timedelta(**{f"{match[2]}s": int(match[1])})
        return then.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


class _RefusedError(Exception):
    """An answer that is none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _GitHub(Handler):
    host: Stand

    def handle_one(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> None:
        stand = self.host
        with stand.lock:
            stand.under_way += 1
            stand.most = max(stand.most, stand.under_way)
        time.sleep(stand.slow)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        given = {name: values[-1] for name, values in query.items()}
        status, content, headers = self._reply(method, path.removeprefix(stand.base), query, token)
        if status == 200:
            tag = f'W/"{hashlib.sha256(json.dumps([path, given, content]).encode()).hexdigest()}"'
            headers["ETag"] = tag
            if self.headers.get("If-None-Match") == tag:
                status = 304
        with stand.lock:
            if status == 200:
                stand.remaining -= 1
            headers |= {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(max(stand.remaining, 0))}
            headers["X-RateLimit-Reset"] = str(int(stand.lifted or time.time() + 3600) + 1)
            stand.calls.append(Call(path, given, token, status))
            stand.under_way -= 1
        self.answer(status, content, headers=headers)

    def _reply(self, method: str, path: str, query: dict[str, list[str]], token: str) -> tuple[int, Any, dict[str, str]]:
        stand = self.host
        headers: dict[str, str] = {}
        if stand.pauses:
            pause, told = stand.pauses.pop(0), "You have exceeded a secondary rate limit."
            return (429, _message(429, told), {"Retry-After": str(pause)}) if pause else (403, _message(403, told), headers)
        if stand.remaining <= 0:
            stand.lifted = stand.lifted or time.time() + stand.reset
            if time.time() < stand.lifted:
                return 403, _message(403, "API rate limit exceeded for user ID 1."), headers
            stand.remaining, stand.lifted = 5_000, 0.0
        template, places = _route(path)
        if method != "GET" or not template:
            stand.wrong.append(f"{method} {path}: nothing that a reader asks for")
            return 404, _message(404, "Not Found"), headers
        stand.wrong += wrong_request(template, method, query, None)
        try:
            content, headers = self._content(template, places, {name: values[-1] for name, values in query.items()}, token)
        except _RefusedError as refused:
            return refused.status, _message(refused.status, str(refused)), headers
        stand.wrong += wrong_answer(template, method, 200, content)
        return 200, content, headers

    def _content(self, template: str, places: dict[str, str], query: dict[str, str], token: str) -> tuple[Any, dict[str, str]]:
        """What is answered to a token, with the link to the next page."""
        stand = self.host
        if token not in stand.tokens:
            raise _RefusedError(401, "Bad credentials")
        seen = stand.tokens[token]
        holds = stand.repositories.get(f"{places['owner']}/{places['repo']}")
        if holds is None or not {"*", "Metadata"} & seen:
            raise _RefusedError(404, "Not Found")
        if not {"*", PERMISSIONS[template]} & seen:
            raise (
                _RefusedError(404, "Not Found") if stand.classic else _RefusedError(403, "Resource not accessible by personal access token")
            )
        found = _Reader(holds, places, query).read(template)
        key, items = found if isinstance(found, tuple) else ("", found)
        headers = {}
        if isinstance(items, list):
            size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
            if len(items) > size * page:
                following = urlencode({**query, "page": page + 1})
                address = f"http://{self.headers['Host']}{self.path.partition('?')[0]}?{following}"
                headers["Link"] = f'<{address}>; rel="next", <{address}>; rel="last"'
            total, items = len(items), items[size * (page - 1) : size * page]
            found = {"total_count": total, key: items} if key else items
        return complete(answer_schema(template), found), headers


class _Reader:
    """What a repository answers to requests."""

    def __init__(self, holds: Mapping[str, Any], places: Mapping[str, str], query: Mapping[str, str]) -> None:
        self._holds = holds
        self._places = places
        self._query = query

    def read(self, template: str) -> Any:
        """What is there; a list that has a name in the answer with that name."""
        name = template.removeprefix("/repos/{owner}/{repo}")
        if not name:
            owner, repo = self._places["owner"], self._places["repo"]
            given = {"name": repo, "full_name": f"{owner}/{repo}", "owner": {"login": owner, "type": "Organization"}}
            return {**given, **self._holds["repository"]}
        if name in _PARTS:
            place, items, key = _PARTS[name]
            item = next(one for one in self._holds[items] if str(one["id" if items != "pulls" else "number"]) == self._places[place])
            parts = item.get(key, [])
            return (key, parts) if key == "jobs" else parts
        key, filters = _KEPT[name]
        if "branch" in self._places and self._places["branch"] != self._holds["repository"]["default_branch"]:
            raise _RefusedError(404, "Branch not found")
        kept = self._holds.get(key)
        if isinstance(kept, dict) and "refused" in kept:
            raise _RefusedError(*kept["refused"])
        if not kept and name in _NONE:
            raise _RefusedError(*_NONE[name])
        if filters is None:
            return kept
        asked = {filters[name]: value for name, value in {**self._query, **self._places}.items() if name in filters}
        public = [{inner: value for inner, value in item.items() if inner not in _APART} for item in kept or () if _is(item, asked)]
        return (key, public) if name in _WRAPPED else public


_APART = ("reviews", "statuses", "jobs")
"""What a scenario says with an item, and GitHub at an address of its own."""
_PARTS = {
    "/actions/runs/{run_id}/jobs": ("run_id", "workflow_runs", "jobs"),
    "/pulls/{pull_number}/reviews": ("pull_number", "pulls", "reviews"),
    "/deployments/{deployment_id}/statuses": ("deployment_id", "deployments", "statuses"),
}
_OF_RUNS = {"branch": "head_branch", "event": "event", "status": "conclusion", "workflow_id": "workflow_id"}
_KEPT: dict[str, tuple[str, dict[str, str] | None]] = {
    "/actions/workflows": ("workflows", {}),
    "/actions/runs": ("workflow_runs", _OF_RUNS),
    "/actions/workflows/{workflow_id}/runs": ("workflow_runs", _OF_RUNS),
    "/branches/{branch}": ("branch", None),
    "/branches/{branch}/protection": ("protection", None),
    "/rules/branches/{branch}": ("rules", {}),
    "/rulesets": ("rulesets", {}),
    "/codeowners/errors": ("owners", None),
    "/pulls": ("pulls", {"state": "state", "base": "base.ref"}),
    "/environments": ("environments", {}),
    "/deployments": ("deployments", {"environment": "environment"}),
    "/releases": ("releases", {}),
    "/code-scanning/analyses": ("analyses", {"ref": "ref"}),
    "/dependabot/alerts": ("alerts", {}),
    "/automated-security-fixes": ("security_updates", None),
    "/secret-scanning/scan-history": ("secret_scans", None),
}
"""Under which key of a scenario something is; of a list which of its items' fields the parameters ask for."""
_WRAPPED = ("/actions/workflows", "/actions/runs", "/actions/workflows/{workflow_id}/runs", "/environments")
_NONE = {
    "/branches/{branch}": (404, "Branch not found"),
    "/branches/{branch}/protection": (404, "Branch not protected"),
    "/code-scanning/analyses": (404, "no analysis found"),
    "/codeowners/errors": (404, "Not Found"),
    "/dependabot/alerts": (403, "Dependabot alerts are disabled for this repository."),
    "/automated-security-fixes": (404, "Not Found"),
    "/secret-scanning/scan-history": (404, "Secret scanning is disabled on this repository."),
}
"""What GitHub says where there is nothing."""
PERMISSIONS = {
    f"/repos/{{owner}}/{{repo}}{rest}": permission
    for permission, paths in {
        "Metadata": ("", "/rules/branches/{branch}", "/rulesets"),
        "Actions": (
            "/actions/workflows",
            "/actions/runs",
            "/actions/workflows/{workflow_id}/runs",
            "/actions/runs/{run_id}/jobs",
            "/environments",
        ),
        "Administration": ("/branches/{branch}/protection", "/automated-security-fixes"),
        "Contents": ("/branches/{branch}", "/codeowners/errors", "/releases"),
        "Pull requests": ("/pulls", "/pulls/{pull_number}/reviews"),
        "Deployments": ("/deployments", "/deployments/{deployment_id}/statuses"),
        "Code scanning alerts": ("/code-scanning/analyses",),
        "Dependabot alerts": ("/dependabot/alerts",),
        "Secret scanning alerts": ("/secret-scanning/scan-history",),
    }.items()
    for rest in paths
}
"""What a fine-grained token needs for each path, by GitHub's list of permissions."""


def _route(path: str) -> tuple[str, dict[str, str]]:
    for template in PERMISSIONS:
        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if match and operation(template, "GET"):
            return template, {name: unquote(value) for name, value in match.groupdict().items()}
    return "", {}


def _is(item: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    """Whether the fields of an item, at dotted paths, are those that are asked for."""
    for path, wanted in asked.items():
        value: Any = item
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if str(value) != wanted:
            return False
    return True


def _message(status: int, text: str) -> dict[str, str]:
    return {"message": text, "documentation_url": _DOCUMENTED, "status": str(status)}
