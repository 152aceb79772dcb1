"""The recipes of docs/ci.md: their steps are run as the CI systems would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parent.parent
RECIPES = re.findall(r"```yaml\n(.*?)```", (TOP / "docs/ci.md").read_text(), re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of one commit, with the tracemill of this checkout on the path."""
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin/tracemill"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tracemill "$@"\n')
    tool.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *command], cwd=work, check=True)
    return work


def arrive(checkout: Path, earlier: list[str], candidate: str) -> str:
    """Put recorded builds where record.sh would: the last under the name of the commit."""
    shown = ["git", "rev-parse", "--short", "HEAD"]
    name = subprocess.run(shown, cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()
    for build in earlier:
        shutil.copytree(TOP / "examples/artifacts" / build, checkout / "artifacts" / build)
    shutil.copytree(TOP / "examples/artifacts" / candidate, checkout / "artifacts" / name)
    manifest = checkout / "artifacts" / name / "build.json"
    manifest.write_text(re.sub(r'"id": *"[^"]*",?', "", manifest.read_text()))
    return name


def bash(checkout: Path, script: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout.parent / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(checkout), "GITHUB_STEP_SUMMARY": str(checkout / "summary.md")}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_github_recipe_fails_a_build_that_regressed(checkout: Path) -> None:
    steps = {s.get("name"): s for s in yaml.safe_load(RECIPES[0])["jobs"]["judge"]["steps"]}
    arrive(checkout, ["b01", "b02", "b03", "b04"], "b05")
    assert bash(checkout, steps["Load"]["run"]).returncode == 0
    judged = bash(checkout, steps["Judge"]["run"])
    assert judged.returncode == 1
    assert judged.stdout.count("::error file=internal/session/table.go") == 1
    assert "regressed" in (checkout / "summary.md").read_text()
    assert (checkout / "gate.sarif").stat().st_size > 0


def test_the_gitlab_recipe_passes_a_calm_build_and_refuses_a_broken_one(checkout: Path) -> None:
    recipe = yaml.safe_load(RECIPES[1])["regressions"]
    script = "\n".join(line for line in recipe["script"] if "record.sh" not in line)
    name = arrive(checkout, ["b01", "b02", "b03"], "b04")
    assert bash(checkout, script).returncode == 0
    (checkout / "artifacts" / name / "r1/broken").write_bytes(b"\x1f\x8bnothing")
    judged = bash(checkout, script)
    assert judged.returncode in recipe["allow_failure"]["exit_codes"]
    assert "could not be loaded" in judged.stdout
