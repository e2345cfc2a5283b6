"""Small git repositories for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.hostile import git


def write(folder: Path, **files: str) -> Path:
    """Files by name; `__` stands for `/`, `_dot_` for a dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def commit(folder: Path, *options: str) -> Path:
    """A repository on `main` with all that is in the folder committed; `options` are those of `git init`."""
    git(folder, "init", "-q", "-b", "main", *options)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return folder


def ask(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """What git prints, without the end of the line."""
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_LAZY_FETCH": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, input=given, check=True, capture_output=True)
    return os.fsdecode(done.stdout).rstrip("\n")
