"""Keeps tests on this machine: whatever reaches past loopback is refused, and fails the test even where the refusal is swallowed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

NAMES = ("localhost", socket.gethostname())
DEAD = "http://127.0.0.1:9"
"""Nobody answers here."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "no-secret",
    "AWS_ENDPOINT_URL": DEAD,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "GCE_METADATA_HOST": "127.0.0.1:9",
}
"""What clients of clouds are told, so that none finds the user's own account."""
FORGOTTEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN",
             "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
             "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
             "GITHUB_API_URL", "GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "KUBECONFIG")  # fmt: skip

reached: list[str] = []
"""Where tests tried to go."""


class ReachedOutError(OSError):
    """A test spoke to something that is not on this machine."""


def keep() -> None:
    """From now on, for this process and what it starts."""
    for name in FORGOTTEN:
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    for name, where in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
        setattr(socket.socket, name, _guarded(getattr(socket.socket, name), where))
    resolve = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
        _check(host)
        return resolve(host, *arguments, **named)

    socket.getaddrinfo = resolved


def _guarded(method: Callable[..., Any], where: int) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(arguments[where][0])
        return method(self, *arguments)

    return guarded


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        here = ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        here = name in NAMES
    if not here:
        reached.append(name)
        raise ReachedOutError(f"a test reached for {name}, which is not on this machine")
