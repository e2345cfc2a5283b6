"""A code host's REST API: JSON requests with a token that goes nowhere else and into no message."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from rung.excerpt import mask_tokens, visible
from rung.records import RungError

_SECONDS = 30
_MOST = 32 * 1024 * 1024
_AGAIN = (502, 503, 504)
"""Answers after which the same request may well succeed."""
_TRIES = 3


class RestError(RungError):
    """The host refused or did not answer; `status` is 0 when it could not be reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Rest:
    """An API at an address."""

    url: str
    """With the path that all requests begin with, without a slash at the end."""
    headers: dict[str, str] = field(repr=False)
    """What proves who asks, and what the host wants besides."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://")):
            raise RungError(f"`{visible(self.url)}` is no address of a REST API: give one that begins with https://")

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a request.

        Raises:
            RestError: it was refused or not answered; only what is safe to repeat is tried again.
        """
        for remaining in reversed(range(_TRIES if method != "POST" else 1)):
            try:
                return self._ask(method, path, body)
            except RestError as error:
                if not remaining or (error.status and error.status not in _AGAIN):
                    raise
                time.sleep(_TRIES - remaining)
        raise AssertionError("the last try returns or raises")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)  # noqa: S310 - http or https, see above
        request.add_header("User-Agent", "rung")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in self.headers.items():
            # Not sent again where the host redirects to: that may be another host.
            request.add_unredirected_header(name, value)
        shown = f"{method} {path.partition('?')[0]}"
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                return json.loads(response.read(_MOST) or b"null")
        except urllib.error.HTTPError as error:
            raise RestError(f"{shown}: the code host answered {error.code}{_said(error)}", error.code) from error
        except (OSError, ValueError) as error:
            raise RestError(f"{shown}: no answer that can be read: {visible(mask_tokens(str(error)))}") from error


def _said(error: urllib.error.HTTPError) -> str:
    """The message of a refusal, shortened."""
    try:
        body = json.loads(error.read(10_000))
    except (OSError, ValueError):
        return ""
    message = body.get("message") if isinstance(body, dict) else None
    return f" ({visible(mask_tokens(str(message)))[:200]})" if message else ""
