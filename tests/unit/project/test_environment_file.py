"""environment.yml and constraints.txt say the same as pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]

# conda-forge's name -> PyPI's, where they differ.
PYPI_NAMES = {"python-confluent-kafka": "confluent-kafka"}
# Beyond the runtime dependencies: the interpreter and installer, and a client that the labs compare with.
ONLY_CONDA = {"python", "pip", "confluent-kafka"}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _runtime_ranges() -> dict[str, str]:
    requirements = map(Requirement, _project()["project"]["dependencies"])
    return {canonicalize_name(r.name): str(r.specifier) for r in requirements if r.marker is None}


def _conda() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def _conda_ranges() -> dict[str, str]:
    requirements = [Requirement(line) for line in _conda()["dependencies"] if isinstance(line, str)]
    return {PYPI_NAMES.get(r.name, r.name): str(r.specifier) for r in requirements}


def test_environment_file_has_the_ranges_of_the_project_file() -> None:
    """Every runtime dependency stands in environment.yml with the same range, and nothing else does."""
    conda = {name: found for name, found in _conda_ranges().items() if name not in ONLY_CONDA}

    assert conda == _runtime_ranges()


def test_environment_file_has_the_python_and_client_ranges_of_the_project_file() -> None:
    """The interpreter and the extra client have the ranges that the project file gives them elsewhere."""
    project = _project()
    clients = [Requirement(line) for line in project["dependency-groups"]["clients"]]
    confluent = next(str(r.specifier) for r in clients if r.name == "confluent-kafka")

    assert _conda_ranges()["python"] == project["project"]["requires-python"]
    assert _conda_ranges()["confluent-kafka"] == confluent


def test_environment_file_is_read_from_conda_forge_alone() -> None:
    """Packages of two channels do not mix, so the default channel is switched off."""
    assert _conda()["channels"] == ["conda-forge", "nodefaults"]


def test_constraints_hold_versions_only() -> None:
    """A pin is a name and a version: an address or a hash would tie it to one registry or one platform."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]

    assert pins
    assert [str(p) for p in pins if p.url or [s.operator for s in p.specifier] != ["=="]] == []


@pytest.mark.parametrize("group", ["runtime", "dev"])
def test_constraints_satisfy_the_project_file(group: str) -> None:
    """Every direct dependency is pinned, to a version inside its range."""
    project = _project()
    lines = project["project"]["dependencies"] if group == "runtime" else _flatten(project["dependency-groups"], "dev")
    pins = {
        canonicalize_name(line.split("==")[0]): line.split("==")[1]
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }

    wrong = [
        line
        for line in lines
        if not (r := Requirement(line)).specifier.contains(pins.get(canonicalize_name(r.name), "0"), prereleases=True)
    ]

    assert wrong == []


def _flatten(groups: dict[str, list[Any]], name: str) -> list[str]:
    lines: list[str] = []
    for item in groups[name]:
        lines += [item] if isinstance(item, str) else _flatten(groups, item["include-group"])
    return lines
