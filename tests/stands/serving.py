"""A server on loopback in a thread of its own, for stand-ins that answer JSON."""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], host: Any) -> Iterator[str]:
    """The address at which a handler answers with what `host` holds, as long as the context lasts."""

    class Bound(handler):  # type: ignore[misc, valid-type]
        pass

    Bound.host = host
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Takes requests apart, and writes answers."""

    host: Any
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Headers and content leave together: apart, each answer waits 40 ms for the client to acknowledge the headers."""

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: tests look at what was heard."""

    def do_any(self) -> None:
        """Answers one request."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.handle_one(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), body)

    do_GET = do_POST = do_PATCH = do_PUT = do_any  # noqa: N815 - the base class's names

    @abstractmethod
    def handle_one(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> None:
        """Answers a request by `answer`."""

    def answer(self, status: int, content: Any, kind: str = "application/json", headers: Mapping[str, str] | None = None) -> None:
        """Writes an answer; one that says that nothing changed has no content."""
        data = b"" if status == 304 else content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
