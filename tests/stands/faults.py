"""What goes wrong on demand: which calls it befalls, how often, and how it is told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from tests.stands import wire

KINDS = ("denied", "throttled", "expired", "disabled", "failing", "stale", "hanging", "slow", "garbled", "dropped", "removed", "added")
_ERRORS = yaml.safe_load((Path(__file__).parent / "errors.yaml").read_text(encoding="utf-8"))


@dataclass
class Trouble:
    """One thing that goes wrong."""

    kind: str
    call: str = "*"
    """Glob of `service:Operation`, or of an action of IAM."""
    region: str = "*"
    account: str = "*"
    times: int = 0
    """Only the first so many calls that it befalls; 0: all."""
    after: int = 0
    """Spares so many calls first."""
    seconds: float = 0
    """Over so long after its first call; 0: it stays."""
    milliseconds: float = 0
    """By how much `slow` delays."""
    code: str = ""
    message: str = ""
    _seen: int = field(default=0, repr=False)
    _first: float = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such trouble: {self.kind}; there are {', '.join(KINDS)}")

    def befalls(self, account: str, call: wire.Call) -> bool:
        """Whether it befalls this call, which counts as one."""
        if not (fnmatchcase(account, self.account) and fnmatchcase(call.region, self.region)):
            return False
        if not any(fnmatchcase(name, self.call) for name in (call.name, *call.permissions)):
            return False
        self._seen += 1
        if self._seen <= self.after:
            return False
        now = time.monotonic()
        self._first = self._first or now
        return (not self.times or self._seen - self.after <= self.times) and (not self.seconds or now - self._first < self.seconds)


def error(kind: str, call: wire.Call, account: str, principal: str, trouble: Trouble | None = None) -> wire.AnsweredError:
    """A common error as the service of a call tells it."""
    code, status, message = _ERRORS[kind][wire.family(call.service)]
    action = call.permissions[0]
    if trouble and trouble.call not in ("*", call.name) and trouble.call in call.permissions:
        action = trouble.call
    resource = f"arn:aws:{action.partition(':')[0]}:{call.region}:{account}:*"
    if call.service == "s3":
        resource = f"arn:aws:s3:::{call.route.get('Bucket', '*')}"
    told = (trouble.message if trouble else "") or message
    return wire.AnsweredError(
        (trouble.code if trouble else "") or code, told.format(principal=principal, action=action, resource=resource), status
    )


def allowed(actions: Sequence[str] | None, call: wire.Call) -> str:
    """The action of a call that a policy with these actions does not allow; nothing where it allows all."""
    if actions is None or call.service == "sts":
        return ""
    return next((wanted for wanted in call.permissions if not any(fnmatchcase(wanted.lower(), action.lower()) for action in actions)), "")
