"""Imports go one way: a module imports from the layers before it only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "rung"
LAYERS = (
    "errors", "files", "phrases", "records", "sharing", "expressions", "store", "cache", "packs", "wildcards", "globs", "needles", "excerpt", "rest", "canonical", "charts", "targets", "gates", "modules", "parts", "hits", "starts", "patterns", "asking", "narrowing", "texts", "matchers", "traces", "prefilter",
    "readers", "libraries", "copies", "transitive",
    "tree", "programs", "config", "upstream", "wiring", "locks", "dead_ends", "unused", "detect", "inventory", "collect", "accounts", "assess", "policy", "scan", "graph", "report", "diff", "verdicts",
    "review", "rescan", "sampling", "history", "starter", "checkout", "comment", "annotations", "options", "action",
    "results", "notify", "outcome",
    "explain", "catalogue", "permissions", "scaffold", "docs", "output", "cli", "__main__",
)  # fmt: skip
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "rung" else [f"rung.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("rung.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_the_layers_before_it(path: Path) -> None:
    own = layer_of(path)

    assert own in LAYERS, f"{own} has no place in the order of layers"
    later = {layer for layer in imported_layers(path) if LAYERS.index(layer) > LAYERS.index(own)}
    assert later == set()


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    import subprocess
    import sys

    code = "import sys; sys.argv=['rung','--version']\nimport rung.cli\ntry: rung.cli.main()\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert [
        name for name in ("yaml", "boto3", "google", "azure", "requests", "rich", "jinja2", "tree_sitter") if f"'{name}'" in modules
    ] == []
