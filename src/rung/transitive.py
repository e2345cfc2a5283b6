"""Packages that only other packages ask for: a lock file says what is installed, the manifest beside it what the team chose."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from rung.hits import Match
from rung.records import SourceFile

_MANIFESTS = {
    "poetry.lock": "pyproject.toml", "uv.lock": "pyproject.toml", "pdm.lock": "pyproject.toml", "Pipfile.lock": "Pipfile",
    "package-lock.json": "package.json", "npm-shrinkwrap.json": "package.json", "yarn.lock": "package.json",
    "pnpm-lock.yaml": "package.json", "pnpm-lock.yml": "package.json",
    "Cargo.lock": "Cargo.toml", "Gemfile.lock": "Gemfile", "Manifest.toml": "Project.toml",
}  # fmt: skip
"""Lock files that are written from a manifest in their folder, by name; others may be all that says what was chosen."""


def brought_along(files: Sequence[SourceFile], matches: Mapping[str, Sequence[Match]]) -> Mapping[str, frozenset[str]]:
    """The signals that only packages brought along by others match, by the path of the lock file that they do so in.

    Args:
        files: every file of the target.
        matches: what signals match in them, by path.
    """
    paths = {file.path for file in files}
    locks = {path for path in matches if (manifest := _manifest(path)) and manifest in paths}
    named = {path: {match.owned.key for match in found if match.owned.signal.matcher == "dependency"} for path, found in matches.items()}
    chosen = frozenset().union(*(keys for path, keys in named.items() if path not in locks))
    return {path: frozenset(named[path] - chosen) for path in locks}


def _manifest(path: str) -> str:
    """The manifest that a lock file is written from; empty when it has none."""
    name = _MANIFESTS.get(posixpath.basename(path), "")
    return name and posixpath.join(posixpath.dirname(path), name)
