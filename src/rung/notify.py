"""Telling people of regressions: a webhook, Slack and what takes its messages, an issue on GitHub. Addresses are secrets: they reach no message and no result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import requests

from rung import __version__
from rung.comment import github_issues, put
from rung.excerpt import mask_tokens, visible
from rung.expressions import regex
from rung.records import RungError
from rung.report import render_comparison
from rung.report.document import Document
from rung.report.notification import notification_of, slack_message

_SECONDS = 30
_TRIES = 3
_AGAIN = (429, 500, 502, 503, 504)
"""Answers after which the same message may well be taken."""
_SLACK = "hooks.slack.com"
_PREFIX = "slack+"
_REPOSITORY = regex(r"github:([A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})")
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")
_FORMS = "https://…, slack+https://…, github:OWNER/NAME, or env:NAME of a variable that holds one of these"


class Channel(Protocol):
    """A way to tell somebody."""

    @property
    def title(self) -> str:
        """What messages call it; no secret."""

    def tell(self, document: Document) -> str:
        """Tells what fell in a document that holds a comparison.

        Returns:
            The address of the page that tells it, empty when there is none.

        Raises:
            RungError: it could not be told.
        """


def channels_of(addresses: Sequence[str], environment: Mapping[str, str]) -> tuple[Channel, ...]:
    """The channels that addresses name.

    Raises:
        RungError: one names none; it is told by its position, because it may hold a secret.
    """
    return tuple(_channel(address, f"--notify number {number}", environment) for number, address in enumerate(addresses, 1))


def tell(documents: Sequence[Document], channels: Sequence[Channel], say: Callable[[str], None]) -> bool:
    """Tells each channel of each system that fell; a channel that fails is said and keeps no other from hearing.

    Returns:
        Whether every regression was told to somebody, as far as there is a channel at all.
    """
    heard = True
    for document in documents:
        regressions = document.get("comparison", {}).get("regressions", ())
        if not regressions or not channels:
            continue
        system = visible(str(document["scope"].get("system", "")))
        reached = False
        for channel in channels:
            try:
                page = channel.tell(document)
            except RungError as error:
                say(f"warning: {channel.title} could not be told of what fell in {system}: {error}")
            else:
                say(f"told {channel.title} of what fell in {system}{f': {page}' if page else ''}")
                reached = True
        heard = heard and reached
    return heard


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that takes JSON."""

    url: SplitResult = field(repr=False)
    message: Callable[[Document], Document]

    @property
    def title(self) -> str:
        """The host."""
        return visible(f"{self.url.hostname}:{self.url.port}" if self.url.port else str(self.url.hostname))

    def tell(self, document: Document) -> str:
        """Posts the message; what may pass is tried again."""
        for remaining in reversed(range(_TRIES)):
            try:
                status, said = self._post(self.message(document))
            except requests.RequestException as error:
                # Its own text holds the address; the reason of a failed connection does not.
                if not remaining:
                    raise RungError(f"no answer ({_reason(error)})") from None
            else:
                if status < 300:
                    return ""
                if status not in _AGAIN or not remaining:
                    raise RungError(f"it answered {status}{f' ({said})' if said else ''}")
            time.sleep(_TRIES - remaining)
        raise AssertionError("the last try returns or raises")

    def _post(self, message: Document) -> tuple[int, str]:
        """The status, and the beginning of what is said with it.

        A redirection is not followed: it would go on without the message, and maybe to another host.
        """
        login, _, host = self.url.netloc.rpartition("@")
        name, _, word = login.partition(":")
        with requests.post(
            urlunsplit(self.url._replace(netloc=host)),
            json=message,
            # Given even where there is none, else requests takes one from files of the user.
            auth=(unquote(name), unquote(word)) if login else lambda request: request,
            headers={"User-Agent": f"rung/{__version__}"},
            timeout=_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as response:
            text = next(response.iter_content(1_000), b"").decode("utf-8", "replace").strip()
            return response.status_code, self._without_secrets(text)[:200]

    def _without_secrets(self, text: str) -> str:
        """A host may repeat what it was asked."""
        for secret in (self.url.query, self.url.path.strip("/"), *self.url.path.split("/"), self.url.password or ""):
            if len(secret) > 5:
                text = text.replace(secret, "***")
        return visible(mask_tokens(text))


@dataclass(frozen=True, slots=True)
class Issue:
    """The issue of a system in a GitHub repository, updated in place while it is open."""

    repository: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def title(self) -> str:
        """As it was named."""
        return f"github:{self.repository}"

    def tell(self, document: Document) -> str:
        """Opens the issue, or updates it."""
        token = next(filter(None, (self.environment.get(name, "") for name in _TOKENS)), "")
        if not token:
            raise RungError(f"{' or '.join(_TOKENS)} must hold a token that may write issues")
        scope = document["scope"]
        title = visible(f"Rung: {scope.get('system', '')} fell")
        thread = github_issues(self.environment, token, self.repository, title)
        about = "\n".join(("issue", scope.get("repository", ""), scope.get("system", "")))
        return put(thread, render_comparison("markdown", document), about)[1]


def _reason(error: BaseException | None) -> str:
    """What the system says of a failed connection, else the kind of the failure."""
    name = type(error).__name__
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return visible(error.strerror)
        error = error.__cause__ or error.__context__
    return name


def _channel(address: str, name: str, environment: Mapping[str, str]) -> Channel:
    if address.startswith("env:"):
        variable = address.removeprefix("env:")
        if not environment.get(variable):
            raise RungError(f"{name}: the variable {visible(variable)} is not set, or empty")
        return _channel(environment[variable].strip(), f"{name} ({visible(variable)})", {**environment, variable: ""})
    if match := _REPOSITORY.fullmatch(address):
        return Issue(match[1], environment)
    try:
        url = urlsplit(address.removeprefix(_PREFIX))
        known = url.scheme in ("https", "http") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        known = False
    if not known or not address.isascii() or not address.isprintable() or " " in address:
        raise RungError(f"{name}: is no address that can be told; give {_FORMS}")
    slack = address.startswith(_PREFIX) or url.hostname == _SLACK
    return Webhook(url, slack_message if slack else notification_of)
