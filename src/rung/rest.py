"""A server's REST API: JSON requests with what proves who asks, which goes nowhere else and into no message."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from rung import __version__
from rung.excerpt import mask_tokens, visible
from rung.records import RungError

_SECONDS = 30.0
_MOST = 32 * 1024 * 1024
_AT_ONCE = 16
"""Connections that are kept to a server."""
AGAIN = (502, 503, 504)
"""Statuses after which the same request may well succeed."""
_TRIES = 3


class RestError(RungError):
    """The server refused or did not answer; `status` is 0 when it could not be reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Answer(NamedTuple):
    """What a server answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Found in upper or lower case."""
    data: Any
    """The content, None when it is empty or no JSON."""


class Rest:
    """An API at an address; instances may be used by several threads.

    Args:
        url: with the path that all requests begin with, without a slash at the end.
        headers: what proves who asks, and what the server wants besides; they never follow a redirection to another server.
        seconds: how long the server may be silent.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, seconds: float = _SECONDS) -> None:
        if not url.startswith(("https://", "http://")):
            raise RungError(f"`{visible(mask_tokens(url))}` is no address of a REST API: give one that begins with https://")
        self.url = url
        self._headers = dict(headers)
        self._seconds = seconds

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The content of the answer to a request.

        Raises:
            RestError: it was refused or not answered; only what is safe to repeat is tried again.
        """
        for remaining in reversed(range(_TRIES if method != "POST" else 1)):
            try:
                answer = self.fetch(method, path, body=body)
            except RestError:
                if not remaining:
                    raise
            else:
                if answer.status < 400:
                    return answer.data
                if not remaining or answer.status not in AGAIN:
                    raise RestError(f"{_shown(method, path)}: the server answered {answer.status}{said(answer)}", answer.status)
            time.sleep(_TRIES - remaining)
        raise AssertionError("the last try returns or raises")

    def fetch(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to a request that is made once, be it a refusal; `path` may be a whole URL on the same server.

        Raises:
            RestError: there is no answer that can be read.
        """
        url = path if path.startswith(f"{self.url}/") else f"{self.url}{path}"
        try:
            with self._session.request(
                method, url, params=query, json=body, headers=headers, timeout=self._seconds, stream=True
            ) as response:
                content = b""
                for part in response.iter_content(1 << 16):
                    content += part
                    if len(content) > _MOST:
                        raise RestError(f"{_shown(method, path)}: the answer is larger than {_MOST >> 20} MiB")
                return Answer(response.status_code, response.headers, _parsed(content, response.ok))
        except (OSError, ValueError) as error:  # What requests raises are both.
            raise RestError(f"{_shown(method, path)}: no answer that can be read: {visible(mask_tokens(str(error)))[:300]}") from error

    @cached_property
    def _session(self) -> requests.Session:
        session = _Session()
        session.headers["User-Agent"] = f"rung/{__version__}"
        session.headers.update(self._headers)
        session.own = tuple(self._headers)
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=_AT_ONCE))
        return session


class _Session(requests.Session):
    """A session whose own headers are for one server, and that takes no login from files of the user."""

    own: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.auth = lambda request: request  # Else a login of ~/.netrc would take the place of the token.

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Takes the session's own headers from a request that another server redirected."""
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):  # type: ignore[no-untyped-call]
            for name in self.own:
                prepared_request.headers.pop(name, None)


def said(answer: Answer) -> str:
    """The message of a refusal, in brackets and shortened; empty when it has none."""
    message = answer.data.get("message") if isinstance(answer.data, dict) else None
    return f" ({visible(mask_tokens(str(message)))[:200]})" if message else ""


def _parsed(content: bytes, good: bool) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        if good:
            raise
        return None


def _shown(method: str, path: str) -> str:
    return f"{method} {visible(urlsplit(path).path)}"
