"""A server or a repository of a code host, asked by its REST API as its resource pack says: address, login, pages, limits."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Event
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from msgspec import Struct

from rung.excerpt import visible
from rung.expressions import regex
from rung.records import Coverage, Provider, ResourceType, RungError, TargetError, TargetInfo
from rung.rest import AGAIN, Answer, Rest, RestError
from rung.targets.live.answers import Answers
from rung.targets.live.driver import DENIED, Allowed, CallError, interrupted
from rung.targets.live.fields import at_path, names_in, replaced

PATIENCE = 60.0
"""Seconds that a server's limit of requests is waited for; a longer wait is told instead."""
_UNTOLD = 60.0
"""Seconds after which a limit of requests at once is lifted where the server does not say."""
_TRIES = 4
_MOST_PAGES = 1_000
_PER_PAGE = "100"
_LINK = regex(r'<([^<>]{1,2000})>\s*;[^,]{0,200}?rel="?next"?')
_NAME = regex(r"[A-Za-z0-9_.-]+")


class Address(Struct, frozen=True, kw_only=True):
    """What a user says of a server; what is left out is found in the environment, or has a default."""

    url: str = ""
    name: str = ""
    """Of what on the server is meant, such as `acme/churn`."""
    token: str = ""
    """Name of the environment variable that holds the token, in place of the usual ones."""
    seconds: float = 30.0
    """How long the server may be silent."""


class Server:
    """One server, or what one name means on it; see `Driver`.

    Raises:
        TargetError: nothing gives its address, or the name is none.
    """

    def __init__(self, provider: Provider, address: Address, types: tuple[ResourceType, ...], *, stop: Event | None = None) -> None:
        url = (address.url or _first(provider.address) or provider.default).rstrip("/")
        if not url:
            raise TargetError(f"the address of the {provider.title} is not known: name it, or set {' or '.join(provider.address)}")
        self._pack = provider
        self.provider = provider.id
        self.variables = _variables(provider, address.name)
        login = _login(provider, address, url)
        try:
            self._rest = Rest(url, {**provider.headers, **login}, seconds=address.seconds)
        except RungError as error:
            raise TargetError(f"{provider.title}: {error}") from error
        self._answers = Answers(url, "".join(login.values()))
        self._allowed = Allowed(types)
        self._stop = stop or Event()
        self._until = 0.0
        """When the server answers again, should its limit be used up for longer than is waited."""

    @property
    def info(self) -> TargetInfo:
        """What it is: the provider with its host, or with the name that was asked for."""
        parts = urlsplit(self._rest.url)
        name = "/".join(self.variables.values()) or parts.netloc.rpartition("@")[2]
        return TargetInfo(id=f"{self.provider}:{name}", kind=self._pack.kind, uri=self._rest.url, name=name)

    def regions(self) -> tuple[str, ...]:
        """A server has none."""
        return ("",)

    def coverage(self) -> tuple[Coverage, ...]:
        """All of it can be asked."""
        return ()

    def close(self) -> None:
        """Lets go of answers that are no longer used."""
        self._answers.tidy()

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The pages of an answer; see `Driver`. Parameters that the path names go there."""
        del region
        self._allowed.check(call)
        method, _, template = call.partition(" ")
        fields = names_in(template)
        path = replaced(template, lambda name: quote(str(parameters[name]), safe=""))
        rest = {name: value for name, value in parameters.items() if name not in fields}
        query, body = ({**self._sizes(rest), **rest}, None) if method == "GET" else (None, dict(rest))
        for _ in range(_MOST_PAGES):
            answer = self._answer(method, path, query, body)
            yield answer.data
            following = self._next(path, query, body, answer)
            if following is None:
                return
            path, query, body = following

    def _sizes(self, given: Mapping[str, Any]) -> dict[str, str]:
        size = self._pack.pages.get("size", "")
        return {size: _PER_PAGE} if size and size not in given else {}

    def _next(
        self, path: str, query: dict[str, Any] | None, body: dict[str, Any] | None, answer: Answer
    ) -> tuple[str, dict[str, Any] | None, dict[str, Any] | None] | None:
        """The request for the next page, None after the last."""
        pages = self._pack.pages
        if "next" in pages:
            token = next(at_path(answer.data, pages["next"]), None)
            if not token:
                return None
            return (
                path,
                None if query is None else {**query, pages["token"]: token},
                None if body is None else {**body, pages["token"]: token},
            )
        link = _LINK.search(answer.headers.get("Link", ""))
        if link is None or query is None:
            return None
        there = urlsplit(link[1])
        if there.netloc != urlsplit(self._rest.url).netloc:
            raise CallError("the next page is on another server", code="Link", needs="a look by hand")
        # Only the query is gone by: behind a proxy the server may not know its own path.
        return path, {name: values[-1] for name, values in parse_qs(there.query).items()}, None

    def _answer(self, method: str, path: str, query: dict[str, Any] | None, body: dict[str, Any] | None) -> Answer:
        request = f"{path}?{urlencode(sorted((query or {}).items()), doseq=True)}"
        known = self._answers.find(request) if method == "GET" else None
        for tried in range(1, _TRIES + 1):
            self._wait_for_limit()
            try:
                answer = self._rest.fetch(method, path, query=query, body=body, headers={"If-None-Match": known[0]} if known else None)
            except RestError as error:
                if tried == _TRIES:
                    raise CallError("no answer that can be read", code="NoAnswer", needs="a server that answers", silent=True) from error
                self._sleep(tried)
                continue
            if answer.status == 304 and known:
                return known[1]
            if answer.status < 300:
                if method == "GET":
                    self._answers.keep(request, answer)
                return answer
            if self._limited(answer):
                continue
            if answer.status not in AGAIN or tried == _TRIES:
                raise _refusal(answer)
            self._sleep(tried)
        raise CallError("throttled", code="429", needs="a scan when less is asked of the server")

    def _limited(self, answer: Answer) -> bool:
        """Whether the server's limit of requests was met; then the time until which it lasts is known."""
        headers = answer.headers
        used_up = headers.get("X-RateLimit-Remaining") == "0"
        in_words = "rate limit" in _words(answer).lower()
        if answer.status != 429 and not (answer.status == 403 and (used_up or in_words or "Retry-After" in headers)):
            return False
        wait = _number(headers.get("Retry-After", ""))
        if wait is None:
            # The reset is that of the hour's limit: one for requests at once, which only words tell, has nothing to do with it.
            reset = _number(headers.get("X-RateLimit-Reset", "")) if used_up else None
            wait = reset - time.time() if reset is not None else _UNTOLD if in_words else 1.0
        self._until = max(self._until, time.time() + max(wait, 0.0))
        return True

    def _wait_for_limit(self) -> None:
        wait = self._until - time.time()
        if wait > PATIENCE:
            at = datetime.fromtimestamp(self._until, UTC).strftime("%H:%M")
            raise CallError(
                f"the limit of requests is used up until {at} UTC", code="429", needs="a scan after that, or a token with a higher limit"
            )
        if wait > 0 and self._stop.wait(wait + random.random() / 10):
            raise interrupted()

    def _sleep(self, tried: int) -> None:
        """Waits longer after each try, and not all threads as long."""
        if self._stop.wait(random.uniform(0.2, 0.5) * 2**tried):
            raise interrupted()


def _words(answer: Answer) -> str:
    """What a refusal says, empty for nothing."""
    message = answer.data.get("message") if isinstance(answer.data, dict) else None
    return message if isinstance(message, str) else ""


def _refusal(answer: Answer) -> CallError:
    code = str(answer.status)
    said = _words(answer)
    if answer.status == 401:
        return CallError("the login is not accepted", code=code, needs="a token that is valid")
    if answer.status == 403:
        return CallError(DENIED, code=code, said=said)
    if answer.status == 404:
        return CallError("not found, or not visible to this login", code=code, said=said)
    return CallError(f"failed ({code})", code=code, needs="a server that answers", said=said)


def _variables(provider: Provider, name: str) -> dict[str, str]:
    """The parts of a name, by the pack's form of it (`{owner}/{repo}`)."""
    if not provider.name:
        return {}
    parts = names_in(provider.name)
    pattern = re.escape(provider.name)
    for part in parts:
        pattern = pattern.replace(re.escape(f"{{{part}}}"), f"(?P<{part}>{_NAME.pattern})")
    match = re.fullmatch(pattern, name)
    if match is None:
        raise TargetError(f"`{visible(name)}` names nothing on a {provider.title}: write {provider.value}")
    return match.groupdict()


def _login(provider: Provider, address: Address, url: str) -> dict[str, str]:
    """The header that proves who asks, if anything gives one."""
    if address.token and not os.environ.get(address.token):
        raise TargetError(f"the environment variable {address.token} holds no token for the {provider.title}")
    token = os.environ.get(address.token, "") if address.token else _first(_tokens(provider, url))
    if not token and provider.token_file:
        token = _token_of_file(provider, urlsplit(url).hostname or "")
    if token:
        return {"Authorization": f"Bearer {token}"}
    if provider.basic and all(os.environ.get(name) for name in provider.basic):
        from base64 import b64encode

        pair = ":".join(os.environ[name] for name in provider.basic)
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}


def _tokens(provider: Provider, url: str) -> tuple[str, ...]:
    """The environment variables whose tokens are for an address: one for the provider's own host is sent to no other."""
    usual = {urlsplit(known).netloc for known in (provider.default, *(os.environ.get(name, "") for name in provider.address)) if known}
    return provider.token if not provider.default or urlsplit(url).netloc in usual else provider.elsewhere_token


def _token_of_file(provider: Provider, host: str) -> str:
    """The token that another program of the user keeps for the host in its configuration."""
    import yaml

    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    try:
        with open(os.path.join(home, provider.token_file), encoding="utf-8") as file:
            hosts = yaml.safe_load(file.read(100_000))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    for name in (host, host.removeprefix("api.")):
        if isinstance(hosts, dict) and isinstance(hosts.get(name), dict):
            return str(hosts[name].get(provider.token_key) or "")
    return ""


def _first(names: tuple[str, ...]) -> str:
    """The value of the first environment variable that has one."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
