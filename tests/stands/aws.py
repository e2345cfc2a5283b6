"""An AWS on loopback for tests of live scans: accounts with resources in them, and what goes wrong on demand.

One process serves a test session; `aws` hands it to a test as new.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.components import ROOT, module

ACCOUNT = "111111111111"
OTHER = "222222222222"
REGION = "eu-west-1"
PREFIXED = "http://aws.stand"
SCENARIOS = Path(__file__).parent / "scenarios"


class Heard(NamedTuple):
    """A call that was made."""

    account: str
    region: str
    service: str
    operation: str
    permissions: tuple[str, ...]
    """Actions of IAM that it needs."""
    by: str
    """What answered: answer, moto, empty, stand, or the trouble that befell it."""
    status: int
    principal: str
    at: float

    @property
    def call(self) -> str:
        """As packs name it."""
        return f"{self.service}:{self.operation}"


class Stand:
    """A handle on the stand."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._session: Any = None

    # ── To reach it ──────────────────────────────────────────────────────────────────────────────────

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """What makes every AWS client of a process speak to the stand as someone of an account.

        Two of them put a name before the address, which no resolver knows: these go to an address of their own by the stand as a proxy.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": f"AKIA{account}0000",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3_CONTROL": PREFIXED,
            "AWS_ENDPOINT_URL_MWAA": PREFIXED,
            "HTTP_PROXY": self.url,
            "http_proxy": self.url,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION, patience: float = 10, **credentials: str) -> Any:
        """A client of boto3 that tries once, and waits so many seconds for an answer."""
        import boto3
        from botocore.config import Config

        prefixed = service in ("s3control", "mwaa")
        proxies = {"http": self.url} if prefixed else {}
        config = Config(retries={"total_max_attempts": 1}, read_timeout=patience, s3={"addressing_style": "path"}, proxies=proxies)
        keys = {"aws_access_key_id": f"AKIA{account}0000", "aws_secret_access_key": "secret"} | credentials
        self._session = self._session or boto3.Session()
        url = PREFIXED if prefixed else self.url
        return self._session.client(service, region_name=region, endpoint_url=url, config=config, **keys)

    # ── What is there ────────────────────────────────────────────────────────────────────────────────

    def load(self, scenario: str | Mapping[str, Any]) -> None:
        """Adds the accounts of a scenario, by its file's name or written out."""
        written = scenario_of(scenario) if isinstance(scenario, str) else scenario
        for other in written.get("like", ()):
            self.load(other)
        self._tell("load", written)

    def answer(self, call: str, answer: Any, region: str = "global", account: str = "*") -> None:
        """Adds what an operation answers: a value, or entries as scenarios have them."""
        self.load({"accounts": {account: {"regions": {region: {"answers": {call: answer}}}}}})

    def make(self, call: str, region: str = REGION, account: str = ACCOUNT, **parameters: Any) -> None:
        """Lets moto make a resource."""
        self.load({"accounts": {account: {"regions": {region: {"make": [{call: parameters}]}}}}})

    def reset(self) -> None:
        """Empties all accounts, and lets nothing go wrong."""
        self._tell("reset")

    # ── What goes wrong ──────────────────────────────────────────────────────────────────────────────

    def trouble(self, kind: str, call: str = "*", region: str = "*", account: str = "*", **more: Any) -> None:
        """Lets calls go wrong: see `faults.Trouble` for the kinds and how often."""
        self._tell("trouble", {"kind": kind, "call": call, "region": region, "account": account, **more})

    def deny(self, call: str, region: str = "*", account: str = "*") -> None:
        """Denies an operation or an action of IAM."""
        self.trouble("denied", call, region, account)

    def allow(self, policy: Mapping[str, Any] | Sequence[str], account: str = ACCOUNT) -> None:
        """Denies all that a policy (or a list of actions) does not allow."""
        if isinstance(policy, Mapping):
            listed = [statement["Action"] for statement in policy["Statement"] if statement["Effect"] == "Allow"]
            policy = [action for entry in listed for action in ([entry] if isinstance(entry, str) else entry)]
        self._tell("policy", {"account": account, "actions": list(policy)})

    def calm(self) -> None:
        """Lets nothing go wrong any more."""
        self._tell("calm")

    # ── What was asked ───────────────────────────────────────────────────────────────────────────────

    @property
    def heard(self) -> list[Heard]:
        """Every call since the last reset, in order."""
        return [Heard(**{**entry, "permissions": tuple(entry["permissions"])}) for entry in self._tell("calls")]

    @property
    def most(self) -> int:
        """How many calls were under way at once at most."""
        return int(self._tell("most"))

    def forget(self) -> None:
        """Forgets what was asked."""
        self._tell("forget")

    def _tell(self, verb: str, given: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            connection.request("POST", f"/_stand/{verb}", json.dumps(given, default=str))
            response = connection.getresponse()
            told = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(told.decode())
        return json.loads(told)


def scenario_of(name: str) -> dict[str, Any]:
    """A scenario by the name of its file; it adds to those that it is `like`."""
    written: dict[str, Any] = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    return written


@contextmanager
def served() -> Iterator[Stand]:
    """A stand in a process of its own, which ends with this one."""
    module("moto")
    module("boto3")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": ""}
    command = [sys.executable, "-m", "tests.stands.server"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Stand(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(10)
