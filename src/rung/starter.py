"""The files that a repository starts with: a commented configuration, and a workflow that reports on pull requests."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from rung.config import NAME
from rung.files import write_text
from rung.records import RungError

WORKFLOW = ".github/workflows/rung.yml"


def write_starter(folder: str, *, workflow: bool) -> tuple[str, ...]:
    """Writes `rung.yaml` into the folder, and the workflow if wanted; gives the paths written.

    Raises:
        RungError: there is no such folder, one is there already, or can't be written; then none is.
    """
    if not os.path.isdir(folder):
        raise RungError(f"{folder}: is no folder: give the root of a repository that is there")
    wanted = {NAME: "starter.yaml"} | ({WORKFLOW: "starter-workflow.yaml"} if workflow else {})
    paths = {Path(folder, name): source for name, source in wanted.items()}
    if present := [path for path in paths if path.exists() or path.is_symlink()]:
        raise RungError(f"{present[0]} is there already: edit it, or move it away")
    for path, source in paths.items():
        text = resources.files("rung").joinpath(source).read_text(encoding="utf-8")
        write_text(path, text)
    return tuple(map(str, paths))
