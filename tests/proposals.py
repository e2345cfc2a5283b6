"""A repository with a pull request that makes training automatic and throws a failing test away."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components import ROOT
from tests.hostile import git
from tests.repositories import ask, write

ADDRESS = "https://github.com/acme/churn"
TRAIN = """import mlflow

def main():
    model = fit()
    mlflow.sklearn.log_model(model, registered_model_name='churn')

if __name__ == '__main__':
    main()
"""
TEST = "from train import main\n\ndef test_main():\n    assert main() is None\n"
CHECKS = """on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: pytest
"""
TRAINING = """on: push
jobs:
  train:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python train.py
"""


@dataclass(frozen=True)
class Proposal:
    """The repository on its host, and the commits of the pull request."""

    origin: Path
    older: str
    """Where the change branched off: the parent of `base`."""
    base: str
    head: str
    merge: str
    """The host's trial merge."""

    def checkout(self, folder: Path, commit: str, *, deep: bool = False, address: str = "") -> Path:
        """A clone as a job makes it: one commit, or all history."""
        git(folder.parent, "init", "-q", str(folder))
        git(folder, "remote", "add", "origin", address or ADDRESS)
        git(folder, "config", f"url.file://{self.origin}.insteadOf", ADDRESS)
        git(folder, "fetch", "-q", *([] if deep else ["--depth=1"]), f"file://{self.origin}", commit)
        git(folder, "update-ref", "refs/remotes/pull/7/merge", "FETCH_HEAD")
        git(folder, "checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
        return folder

    def payload(self) -> dict[str, Any]:
        """Of the event `pull_request`."""
        return {
            "action": "opened",
            "number": 7,
            "pull_request": {"number": 7, "base": {"sha": self.base, "ref": "main"}, "head": {"sha": self.head, "ref": "change"}},
            "repository": {"full_name": "acme/churn"},
        }


def make_proposal(folder: Path) -> Proposal:
    """The repository, with the example workflow, made in a new folder."""
    work = folder / "made"
    write(work, train_dot_py=TRAIN, tests__test_train_dot_py=TEST, requirements_dot_txt="mlflow==2.9\nscikit-learn\npytest\n")
    write(work, _dot_github__workflows__ci_dot_yml=CHECKS)
    shutil.copy(ROOT / "examples" / "github-pull-request.yml", work / ".github" / "workflows" / "rung.yml")
    git(work, "init", "-q", "-b", "main")
    older = _commit(work, "start")
    git(work, "checkout", "-q", "-b", "change")
    (work / ".github/workflows/ci.yml").write_text(CHECKS + "        continue-on-error: true\n")
    (work / ".github/workflows/train.yml").write_text(TRAINING)
    for name in ("json.py", "pip.py", "venv.py", "sitecustomize.py"):
        (work / name).write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    head = _commit(work, "change")
    git(work, "checkout", "-q", "main")
    (work / "README.md").write_text("# Churn\n")
    base = _commit(work, "meanwhile")
    git(work, "checkout", "-q", "--detach")
    git(work, "merge", "-q", "--no-ff", "-m", "trial", "change")
    merge = ask(work, "rev-parse", "HEAD")
    git(work, "update-ref", "refs/pull/7/merge", merge)
    git(folder, "clone", "-q", "--mirror", str(work), "origin.git")
    for name in ("allowAnySHA1InWant", "allowFilter"):
        git(folder / "origin.git", "config", f"uploadpack.{name}", "true")
    return Proposal(folder / "origin.git", older, base, head, merge)


def _commit(work: Path, message: str) -> str:
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", message)
    return ask(work, "rev-parse", "HEAD")


def environment_of(folder: Path, event: str, payload: dict[str, Any], url: str) -> dict[str, str]:
    """What a runner gives to a step, with its files in a new folder."""
    folder.mkdir()
    (folder / "event.json").write_text(json.dumps(payload))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REPOSITORY": "acme/churn",
        "GITHUB_RUN_ID": "99",
        "GITHUB_API_URL": url,
        "GITHUB_SERVER_URL": url,
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "RUNNER_TEMP": str(folder),
    }
