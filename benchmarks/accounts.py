"""What a scan of a large account costs, against the stand that tests use: time, memory, and how much asking several things at once saves.

    python benchmarks/accounts.py [--buckets 10000] [--resources 5000] [--latency 50] [--part 40] [--regions 1]

The whole account is scanned once. One call at a time would take many minutes, so both ways are measured on the same part of it (a fortieth
unless said otherwise), each in a process of its own; what all of it would take one by one is worked out from the calls, and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from rung.collect import Terms, collect  # noqa: E402 - the tests' stand is no package that is installed
from rung.matchers import Matchers  # noqa: E402
from rung.packs import load_packs  # noqa: E402
from rung.records import Coverage, TargetInfo  # noqa: E402
from rung.targets.live.aws import Account, Login, open_accounts  # noqa: E402
from rung.targets.live.driver import Driver  # noqa: E402

_REGIONS = ("eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-1", "us-west-2", "eu-north-1", "ap-northeast-1", "sa-east-1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints what was measured."""
    parser = argparse.ArgumentParser(description="The cost of a scan of a large AWS account.")
    parser.add_argument("--buckets", type=int, default=10_000)
    parser.add_argument("--resources", type=int, default=5_000, help="of SageMaker, of four types")
    parser.add_argument("--latency", type=int, default=50, metavar="MS", help="by how much the server delays each answer")
    parser.add_argument("--part", type=int, default=40, metavar="N", help="one call at a time is measured on an Nth of the account")
    parser.add_argument("--regions", type=int, default=1, choices=range(1, len(_REGIONS) + 1), help="regions to ask; all but one are empty")
    parser.add_argument("--child", choices=("several", "single"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    regions = _REGIONS[: options.regions]
    if options.child:
        print(json.dumps(scan(regions, single=options.child == "single")))
        return 0
    from tests.stands.aws import served

    with served() as stand:

        def measured(way: str, part: int) -> dict[str, Any]:
            stand.reset()
            stand.load(sized(options.buckets // part, options.resources // part))
            stand.trouble("slow", milliseconds=options.latency)
            command = [sys.executable, __file__, "--child", way, "--regions", str(len(regions))]
            done = subprocess.run(command, env={**os.environ, **stand.environment()}, stdout=subprocess.PIPE, check=True, cwd=ROOT)
            return {**json.loads(done.stdout), "calls": len(stand.heard), "most": stand.most}

        whole = measured("several", 1)
        part = measured("several", options.part)
        single = measured("single", options.part)
    worth = single["seconds"] / single["calls"] * whole["calls"]
    print(f"{options.buckets:,} buckets, {options.resources:,} SageMaker resources, {len(regions)} region(s), {options.latency} ms a call")
    for name, one in (("all of it", whole), (f"1/{options.part} of it", part), (f"1/{options.part} of it, one call at a time", single)):
        print(f"{name:38} {one['seconds']:7.1f} s {one['calls']:7,} calls, {one['most']:2} at once, peak {one['peak']:4.0f} MiB")
    print(f"on 1/{options.part} of it: {single['seconds'] / part['seconds']:.1f} × faster than one call at a time")
    print(
        f"all of it one call at a time, by the time of a call: {worth:.0f} s, {worth / whole['seconds']:.1f} × (worked out, not measured)"
    )
    return 0


def scan(regions: tuple[str, ...], *, single: bool) -> dict[str, float]:
    """Scans the account that the environment names; gives its time and the process's peak of memory."""
    packs = load_packs()
    terms = (
        Terms(types=packs.resources, matchers=Matchers(packs), tellers=1)
        if single
        else Terms(types=packs.resources, matchers=Matchers(packs))
    )
    start = time.perf_counter()
    (account,) = open_accounts(Login(regions=regions), tuple(one for one in packs.resources if one.provider == "aws"))
    if not isinstance(account, Account):
        raise SystemExit(f"{account.what}: {account.reason}")
    live = collect(Single(account) if single else account, terms)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "resources": live.info.resources}


def sized(buckets: int, resources: int) -> dict[str, Any]:
    """The large scenario with other numbers of things in it."""
    from tests.stands.aws import ACCOUNT, scenario_of

    scenario = deepcopy(scenario_of("large"))
    regions = scenario["accounts"][ACCOUNT]["regions"]
    regions["global"]["answers"]["s3:ListBuckets"]["many"]["count"] = buckets
    listed = [entry["many"] for entry in regions["eu-west-1"]["answers"].values() if "many" in entry]
    known = sum(many["count"] for many in listed)
    for many in listed:
        many["count"] = many["count"] * resources // known
    return scenario


class Single:
    """An account that is asked one thing at a time, whoever asks; see `Driver`."""

    provider = "aws"

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._lock = Lock()

    @property
    def info(self) -> TargetInfo:
        """As of the account."""
        return self._driver.info

    @property
    def variables(self) -> Mapping[str, str]:
        """As of the account."""
        return self._driver.variables

    def regions(self) -> tuple[str, ...]:
        """As of the account."""
        return self._driver.regions()

    def coverage(self) -> tuple[Coverage, ...]:
        """As of the account."""
        return self._driver.coverage()

    def close(self) -> None:
        """Closes the account."""
        self._driver.close()

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The account's pages, each when no other is asked for."""
        pages = self._driver.pages(call, parameters, region)
        while True:
            with self._lock:
                page = next(pages, None)
            if page is None:
                return
            yield page


if __name__ == "__main__":
    sys.exit(main())
