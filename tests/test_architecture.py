"""The layers of the design: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import workbench

PACKAGE = Path(workbench.__file__).parent
BASE = {"errors", "progress", "files", "specs", "store"}
MAY_IMPORT = {
    "errors": set(),
    "progress": {"errors"},
    "files": {"errors", "progress"},
    "specs": {"errors"},
    "definitions": set(),
    "store": {"errors", "progress", "files"},
    "engines": BASE,
    "data": BASE,
    "models": BASE,
    "methods": BASE,
    "studies": BASE | {"data", "models", "methods", "engines"},
    "figures": BASE | {"methods"},
    "jobs": BASE | {"studies", "data"},
    "reports": BASE | {"studies", "data", "models", "jobs"},
    "exports": BASE | {"studies", "data", "methods", "figures", "reports", "definitions"},
    "command_help": BASE,
    "verdict_commands": BASE | {"data", "reports", "exports"},
    "cli": BASE | {"studies", "jobs", "reports", "exports", "app", "command_help", "verdict_commands"},
    "app": BASE | {"studies", "jobs", "figures", "exports", "data", "methods", "definitions"},
    "__main__": {"cli"},
}
"""What each part of the package may import from the others."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE)


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward_only(path: Path) -> None:
    part = part_of(path)
    own = {name.split(".")[1] for name in imported(path) if name.startswith("workbench.")} - {"__version__"}
    assert own - {part} <= MAY_IMPORT[part], f"{part} must not import {sorted(own - {part} - MAY_IMPORT[part])}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_app_imports_streamlit(path: Path) -> None:
    if part_of(path) != "app":
        assert not any(name.split(".")[0] == "streamlit" for name in imported(path))


def test_every_part_has_a_rule() -> None:
    assert {part_of(path) for path in modules()} - {"assets", "concept_sets"} <= set(MAY_IMPORT)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, workbench; print([m for m in ('torch', 'streamlit', 'umap', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
