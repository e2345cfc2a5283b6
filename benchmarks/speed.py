"""How fast Rung is beside the tools that a user would pick instead, measured in one run on the same trees.

    python benchmarks/speed.py TREE... [--runs 5] [--peer NAME=COMMAND]... [--install]

Rung is measured cold (`--no-cache`) and with what it kept of the scan before. Rung and its peers take turns, so that a busy machine slows all of them alike; what counts are the ratios of their medians.
`{}` in a peer's command stands for the tree. `--install` puts the peers that are known by name into a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_FROM_NPM = {"stack-analyser": ("@specfy/stack-analyser", "node_modules/.bin/stack-analyser", "{}")}
_FROM_PYPI = {"ml-project-doctor": ("ml-project-doctor", "bin/ml-project-doctor", "{}")}
"""Package, program below the folder that it is installed in, and its arguments."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a program cost."""

    wall: float
    cpu: float
    peak: int
    """Bytes of the largest process."""
    code: int


@dataclass(frozen=True, slots=True)
class Median:
    """The medians of several runs."""

    wall: float
    cpu: float
    peak: int

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Median:
        """The medians of runs, of which there is at least one."""
        return cls(
            wall=statistics.median(run.wall for run in runs),
            cpu=statistics.median(run.cpu for run in runs),
            peak=max(run.peak for run in runs),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints one table a tree."""
    parser = argparse.ArgumentParser(description="Rung and its peers on the same trees, in turns.")
    parser.add_argument("trees", nargs="+", metavar="TREE")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program on each tree")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND", help="a program to compare with; `{}` is the tree")
    parser.add_argument("--install", action="store_true", help="install the known peers into a temporary folder")
    options = parser.parse_args(arguments)
    with _peers(options.install) as installed:
        ours = f"{shlex.quote(sys.executable)} -m rung scan {{}} --format json"
        programs = {"rung": f"{ours} --no-cache", "rung, warm": ours, **installed}
        programs |= dict(peer.split("=", 1) for peer in options.peer)
        for tree in options.trees:
            print(table(tree, measure(programs, tree, options.runs)))
        starts = measure(
            {"rung": f"{shlex.quote(sys.executable)} -m rung --version", "python": f"{shlex.quote(sys.executable)} -c pass"},
            "",
            options.runs,
        )
        print(table("start", starts))
    return 0


def measure(programs: dict[str, str], tree: str, runs: int) -> dict[str, Median | None]:
    """Each program's medians on a tree, after one run that warms the file cache; None for one that fails."""
    found: dict[str, list[Run]] = {name: [] for name in programs}
    for turn in range(runs + 1):
        for name, command in programs.items():
            run = timed(shlex.split(command.replace("{}", shlex.quote(str(Path(tree).resolve())))))
            if turn:
                found[name].append(run)
    return {name: None if any(run.code not in (0, 1) for run in done) else Median.of(done) for name, done in found.items()}


def timed(command: Sequence[str]) -> Run:
    """Runs a program in a folder of its own, its output thrown away."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss * 1024, code=process.returncode)


def table(title: str, medians: dict[str, Median | None]) -> str:
    """The medians as aligned rows, with the ratio of Rung's wall clock to each."""
    ours = medians["rung"]
    lines = [title, f"{'program':<20}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'rung ÷ it':>11}"]
    for name, median in medians.items():
        if median is None:
            lines.append(f"{name:<20}{'failed':>9}")
        else:
            ratio = f"{ours.wall / median.wall:.2f}" if ours else ""
            lines.append(f"{name:<20}{median.wall:>9.2f}{median.cpu:>9.2f}{median.peak / 2**20:>10.0f}{ratio:>11}")
    return "\n".join(lines) + "\n"


@contextmanager
def _peers(install: bool) -> Iterator[dict[str, str]]:
    """The commands of the known peers that could be installed."""
    if not install:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for name, (package, program, rest) in _FROM_NPM.items():
            if shutil.which("npm") and _done("npm", "install", "--silent", "--ignore-scripts", "--prefix", folder, package):
                commands[name] = f"{folder}/{program} {rest}"
        if _FROM_PYPI and _done(sys.executable, "-m", "venv", f"{folder}/venv"):
            for name, (package, program, rest) in _FROM_PYPI.items():
                if _done(f"{folder}/venv/bin/python", "-m", "pip", "install", "--quiet", package):
                    commands[name] = f"{folder}/venv/{program} {rest}"
        yield commands


def _done(*command: str) -> bool:
    """Whether an installation succeeded; what it said goes to standard error."""
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
