"""How the cost of a scan grows with the bytes of a tree: six sizes of one union of trees, as a page with a table and a chart.

    python benchmarks/growth.py TREE... [--runs 3] [--output docs/speed.md]

The files of the trees are dealt out by a hash of their paths, so that each size is a fair sample of the whole; the sizes take
turns, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from speed import Median, Run, timed

SIZES = 6
_MIB = 2**20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints or writes the page."""
    parser = argparse.ArgumentParser(description="The cost of a cold scan at six sizes of a tree.")
    parser.add_argument("trees", nargs="+", metavar="TREE", help="git repositories; the larger, the better")
    parser.add_argument("--runs", type=int, default=3, help="scans of each size")
    parser.add_argument("--output", metavar="FILE", help="where the page goes; standard output without it")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        samples = [Path(folder, str(number)) for number in range(1, SIZES + 1)]
        for tree in options.trees:
            deal(Path(tree).resolve(), samples)
        sizes = [_size(sample) for sample in samples]
        runs: list[list[Run]] = [[] for _ in samples]
        for _ in range(options.runs):
            for sample, done in zip(samples, runs, strict=True):
                done.append(timed([sys.executable, "-m", "rung", "scan", str(sample), "--no-cache", "--format", "json"]))
        failed = [run.code for done in runs for run in done if run.code not in (0, 1)]
        if failed:
            print(f"a scan ended with {failed[0]}", file=sys.stderr)
            return 1
        text = page(sizes, [Median.of(done) for done in runs], options.trees)
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def deal(tree: Path, samples: Sequence[Path]) -> None:
    """Links each committed file of a repository into the samples that it belongs to: into one in six of them, two in six, and so on."""
    listed = subprocess.run(["git", "-C", str(tree), "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        source = tree / name
        if source.is_symlink() or not source.is_file():
            continue
        share = hashlib.sha256(f"{tree.name}/{name}".encode("utf-8", "surrogateescape")).digest()[0] % len(samples)
        for sample in samples[share:]:
            place = sample / tree.name / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def _size(folder: Path) -> tuple[int, int]:
    """Files and bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def page(sizes: Sequence[tuple[int, int]], medians: Sequence[Median], trees: Sequence[str]) -> str:
    """The page, with each size's cost and the cost of a MiB."""
    rows = [
        f"| {files:,} | {size / _MIB:.0f} | {median.wall:.2f} | {median.cpu:.2f} | {1000 * median.cpu / (size / _MIB):.0f} | {median.peak / _MIB:.0f} |"
        for (files, size), median in zip(sizes, medians, strict=True)
    ]
    table = "\n".join(rows)
    labels = ", ".join(f'"{size / _MIB:.0f}"' for _, size in sizes)
    cpu = ", ".join(f"{median.cpu:.2f}" for median in medians)
    wall = ", ".join(f"{median.wall:.2f}" for median in medians)
    return f"""<!-- Written by `python benchmarks/growth.py`; measured, not generated from code. -->
# Speed

The cost of a scan grows with the bytes that there are to read, and not faster. These are cold scans (nothing kept from an earlier
one) of six samples of {" and ".join(sorted(Path(tree).resolve().name.replace("+", "/").replace("__", "/") for tree in trees))}, on {os.cpu_count()} processors
with Python {sys.version_info.major}.{sys.version_info.minor}; the medians of several runs, measured in turns. Times of another machine differ, the shape does not.

| files | MiB | wall clock s | CPU s | CPU ms a MiB | peak MiB of the largest process |
| ---: | ---: | ---: | ---: | ---: | ---: |
{table}

```mermaid
xychart-beta
    title "CPU seconds (upper line) and wall clock (lower line) by MiB of the tree"
    x-axis [{labels}]
    y-axis "seconds"
    line [{cpu}]
    line [{wall}]
```

`benchmarks/speed.py` compares Rung with other tools on the same trees.
"""


if __name__ == "__main__":
    sys.exit(main())
