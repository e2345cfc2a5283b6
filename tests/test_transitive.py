from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import Finder

LOCK = '[[package]]\nname = "mlflow"\nversion = "2.9"\n\n[[package]]\nname = "pytest"\nversion = "8.0"\n'
NPM = '{"packages": {\n"node_modules/jest": {\n"version": "29.0.0"},\n"node_modules/eslint": {\n"version": "9.0.0"}}}\n'
FINDER = Finder()


def locked(folder: Path, files: dict[str, str], lock: str) -> set[str]:
    """The tools that a lock file is seen to name."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return {item.tool for item in FINDER.scan(folder) if item.location.path == lock and item.signal == "dependency"}


@pytest.mark.parametrize(
    ("files", "lock", "tools"),
    [
        ({"pyproject.toml": '[project]\nname = "a"\ndependencies = ["mlflow"]\n', "uv.lock": LOCK}, "uv.lock", {"MLflow"}),
        (
            {"pyproject.toml": '[project]\nname = "a"\n', "uv.lock": LOCK, "part/pyproject.toml": '[project]\nname = "b"\ndependencies = ["pytest"]\n'},
            "uv.lock",
            {"pytest"},
        ),
        ({"package.json": '{"name": "a", "devDependencies": {"jest": "^29"}}\n', "package-lock.json": NPM}, "package-lock.json", {"Jest"}),
        ({"uv.lock": LOCK}, "uv.lock", {"MLflow", "pytest"}),
        ({"web/package.json": '{"name": "a"}\n', "package-lock.json": NPM}, "package-lock.json", {"Jest", "ESLint"}),
    ],
    ids=["of the manifest", "of a member", "npm", "no manifest", "a manifest elsewhere"],
)  # fmt: skip
def test_a_lock_file_tells_of_what_its_manifest_asks_for(tmp_path: Path, files: dict[str, str], lock: str, tools: set[str]) -> None:
    assert locked(tmp_path, files, lock) == tools
