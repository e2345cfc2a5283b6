"""Answers of servers that were had before, kept in the user's cache folder with the tag that tells whether they still hold.

A server that is asked with the tag of an answer says only that nothing changed, and does not count the request.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from typing import Any

import msgspec

from rung.rest import Answer
from rung.store import enabled, folder, is_own

_MOST = 2_000
"""Answers that are kept; beyond this those that were not used for longest go."""


class _Kept(msgspec.Struct):
    tag: str
    link: str
    data: Any


class Answers:
    """The answers that one server gave to one login.

    Args:
        server: its address.
        login: what proves who asks; only a digest of it is kept.
    """

    def __init__(self, server: str, login: str) -> None:
        self._of = hashlib.sha256(f"{server}\0{login}".encode()).digest()
        self._folder = os.path.join(folder(), "answers") if enabled() else ""

    def find(self, request: str) -> tuple[str, Answer] | None:
        """The tag and the answer that a request had, None when it is not known."""
        if not self._folder:
            return None
        place = self._place(request)
        try:
            with open(place, "rb") as file:
                if not is_own(os.fstat(file.fileno())):
                    return None
                kept = msgspec.msgpack.decode(file.read(), type=_Kept)
            os.utime(place)
        except (OSError, msgspec.DecodeError):
            return None
        return kept.tag, Answer(200, {"Link": kept.link} if kept.link else {}, kept.data)

    def keep(self, request: str, answer: Answer) -> None:
        """Keeps an answer that has a tag."""
        tag = answer.headers.get("ETag", "")
        if not self._folder or not tag:
            return
        with suppress(OSError):
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            place = self._place(request)
            written = f"{place}.{os.getpid()}.{time.monotonic_ns()}"
            with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.msgpack.encode(_Kept(tag, answer.headers.get("Link", ""), answer.data)))
            os.replace(written, place)

    def tidy(self) -> None:
        """Lets go of what was not used for longest, where there is too much."""
        with suppress(OSError):
            known = sorted(os.scandir(self._folder), key=lambda entry: entry.stat().st_mtime) if self._folder else []
            for entry in known[: max(0, len(known) - _MOST)]:
                os.unlink(entry.path)

    def _place(self, request: str) -> str:
        return os.path.join(self._folder, hashlib.blake2b(request.encode(), digest_size=16, key=self._of).hexdigest())
