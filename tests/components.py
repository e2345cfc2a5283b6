"""Programs and descriptions that some tests need beside the package: CI installs all, and fails where one is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPENAPI = ROOT / ".components" / "github-openapi.json"
MLFLOW = ROOT / ".components" / "mlflow"


def program(name: str) -> str:
    """The path of a program of the group `components`; the test is skipped without it, except in CI."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    return found or _missing(name)


def openapi() -> Path:
    """GitHub's description of its REST API."""
    return OPENAPI if OPENAPI.exists() else Path(_missing(str(OPENAPI.relative_to(ROOT))))


def module(name: str) -> None:
    """A module of the group `components`; the test is skipped without it, except in CI."""
    if importlib.util.find_spec(name) is None:
        _missing(name)


def mlflow() -> tuple[Path, Path]:
    """The program of MLflow in an environment of its own, and a database that has its tables and holds nothing."""
    found = MLFLOW / "bin" / "mlflow", MLFLOW / "empty.db"
    for path in found:
        if not path.exists():
            _missing(str(path.relative_to(ROOT)))
    return found


def _missing(name: str) -> str:
    message = f"{name} is not here: tests/install-components brings it"
    if os.environ.get("RUNG_COMPONENTS") == "all":
        pytest.fail(message)
    pytest.skip(message, allow_module_level=True)
