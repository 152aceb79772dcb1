"""The recipes of docs/ci.md and the files they name: their steps run as CI and docker would run them."""

from __future__ import annotations

import json
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
    environment = {"PATH": path, "HOME": str(checkout), "GITHUB_STEP_SUMMARY": str(checkout / "summary.md"),
                   "ARTIFACTS": "artifacts", "TRACEMILL_WAREHOUSE": "warehouse"}  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.full
def test_the_github_recipe_fails_a_build_that_regressed(checkout: Path) -> None:
    steps = {s.get("name"): s for s in yaml.safe_load((TOP / "action.yml").read_text())["runs"]["steps"]}
    arrive(checkout, ["b01", "b02", "b03", "b04"], "b05")
    assert bash(checkout, steps["Load"]["run"]).returncode == 0
    judged = bash(checkout, steps["Judge"]["run"])
    assert judged.returncode == 1
    assert judged.stdout.count("::error file=internal/session/table.go") == 1
    assert "regressed" in (checkout / "summary.md").read_text()
    assert (checkout / "gate.sarif").stat().st_size > 0


@pytest.mark.full
def test_the_gitlab_recipe_passes_a_calm_build_and_refuses_a_broken_one(checkout: Path) -> None:
    recipe = yaml.safe_load((TOP / ".ci/gitlab.yml").read_text())[".tracemill"]
    script = "\n".join(line for line in recipe["script"] if "RECORD" not in line)
    name = arrive(checkout, ["b01", "b02", "b03"], "b04")
    assert bash(checkout, script).returncode == 0
    (checkout / "artifacts" / name / "r1/broken").write_bytes(b"\x1f\x8bnothing")
    judged = bash(checkout, script)
    assert judged.returncode in recipe["allow_failure"]["exit_codes"]
    assert "could not be loaded" in judged.stdout


@pytest.mark.full
@pytest.mark.parametrize(("ratio", "code"), [(1.0, 0), (1.3, 1)])
def test_two_builds_recorded_in_turns_are_compared_and_gated(checkout: Path, ratio: float, code: int) -> None:
    """The commands of "Two builds are enough", with programs that print what benchmarks would."""
    section = (TOP / "docs/ci.md").read_text().split("## Two builds are enough")[1].split("\n## ")[0]
    record, judge = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    for build, factor in (("base", 1.0), ("head", ratio)):
        program = checkout / f"{build}.test"
        program.write_text(
            f"#!{sys.executable}\nimport os\n"
            f"value = {factor} * (100 + os.getpid() % 3)\n"
            'print(f"goos: linux\\npkg: app\\nBenchmarkA-2 100 {value} ns/op")\n'
        )
        program.chmod(0o755)
    recorded, compare = record.strip().splitlines()
    assert bash(checkout, recorded).returncode == 0
    assert len(list((checkout / "artifacts").glob("*/*/stdout.txt"))) == 20
    compared = bash(checkout, compare)
    assert compared.returncode == code, compared.stdout
    judged = bash(checkout, judge)
    assert judged.returncode == code, judged.stdout
    assert "10 pairs of runs recorded in turns" in (checkout / "comment.md").read_text()


def test_what_a_user_writes_is_short_and_names_what_there_is() -> None:
    github, gitlab = (yaml.safe_load(recipe) for recipe in RECIPES)
    assert all(len(recipe.splitlines()) <= 15 for recipe in RECIPES)
    assert github["jobs"]["regressions"]["steps"][-1]["uses"].startswith("OWNER/tracemill@")
    assert gitlab["include"][0]["remote"].endswith("/.ci/gitlab.yml")
    template = yaml.safe_load((TOP / ".ci/gitlab.yml").read_text())
    assert gitlab["regressions"]["extends"] in template
    assert set(gitlab["regressions"]["variables"]) <= set(template[".tracemill"]["variables"])


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    lines = [
        line for line in (TOP / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")
    ]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_the_dockerfile_copies_and_runs_what_there_is() -> None:
    assert {name for name, _ in instructions()} <= {
        "FROM", "RUN", "COPY", "ENV", "VOLUME", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    for name, rest in instructions():
        source = rest.split()[0]
        if name == "COPY" and not source.startswith("--from"):
            assert (TOP / source).exists()
            assert source not in ignored
    assert (TOP / ".ci/core.lock").is_file()


@pytest.mark.full
def test_the_dockerfiles_steps_install_what_its_command_then_runs(tmp_path: Path) -> None:
    """Each RUN but Debian's packages, with the image's folders below a temporary one; then what it starts."""
    subprocess.run(
        ["git", "-C", TOP, "checkout-index", "--all", f"--prefix={tmp_path}/src/"], check=True, timeout=60
    )
    shutil.copytree(TOP / "examples/artifacts", tmp_path / "demo")
    environment: dict[str, str] = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environment |= {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.endswith("_proxy")}

    def placed(text: str) -> str:
        return re.sub(r"(?<![\w.])/(src|opt|demo|warehouse)\b", rf"{tmp_path}/\1", text)

    start: list[str] = []
    for name, rest in instructions():
        if name == "RUN" and "apt-get" not in rest:
            step = placed(rest).replace("python -m venv", f"{sys.executable} -m venv")
            done = subprocess.run(
                ["sh", "-c", step], env=environment, capture_output=True, text=True, timeout=900, check=False
            )
            assert done.returncode == 0, done.stderr
        elif name == "ENV":
            for pair in placed(rest).split():
                key, value = pair.split("=", 1)
                environment[key] = value.replace("$PATH", environment["PATH"])
        elif name in {"ENTRYPOINT", "CMD"}:
            start += json.loads(placed(rest))
    ran = subprocess.run(start, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "loaded 455 captures" in ran.stdout
    assert "b08" in ran.stdout
