"""The recipes of docs/pull-request.md: their steps run as CI would, compiler and servers stood in for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).parent.parent
PAGE = (TOP / "docs/pull-request.md").read_text()
GITHUB, GITLAB = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
# A test binary that says what its source says, with a little noise.
BENCHMARK = """#!/bin/sh
for i in 1 2 3; do
    noise=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')
    echo "BenchmarkOrder 	 1000	 $((NS * 1000 + noise)) ns/op"
done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose base takes 1000 ns; go, gh and curl are stood in for."""
    tools = {
        "tracemill": f'exec "{sys.executable}" -m tracemill "$@"',
        "go": 'cp bench.sh "$4" && chmod +x "$4"',
        "gh": 'for last; do :; done; cp "$last" "$HOME/posted.md"; echo "$@" >>"$HOME/called"',
        "curl": 'echo "$@" >>"$HOME/called"; case "$*" in *per_page*) cat "$HOME/notes" ;; '
        '*) cp comment.md "$HOME/posted.md" ;; esac',
    }
    (tmp_path / "bin").mkdir()
    for name, text in tools.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "notes").write_text("[]")
    work = tmp_path / "work"
    work.mkdir()
    _commit(work, 1000, "init", "-q", "-b", "main")
    _git(work, "update-ref", "refs/remotes/origin/main", "HEAD")
    return work


def _git(work: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=work, check=True
    )


def _commit(work: Path, nanoseconds: int, *first: str) -> None:
    if first:
        _git(work, *first)
    (work / "bench.sh").write_text(BENCHMARK.replace("NS", str(nanoseconds)))
    _git(work, "add", "-A")
    _git(work, "commit", "-q", "--allow-empty", "-m", str(nanoseconds))


def _ran(work: Path, script: str) -> subprocess.CompletedProcess[str]:
    base = subprocess.run(
        ["git", "rev-parse", "origin/main"], cwd=work, capture_output=True, text=True, check=True
    ).stdout.strip()
    environment = {"PATH": f"{work.parent / 'bin'}:{os.environ['PATH']}", "HOME": str(work.parent), "PR": "7",
                   "GITHUB_BASE_REF": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "TOKEN": "t",
                   "NOTES": "http://127.0.0.1:9/notes"}  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)


def _github() -> list[str]:
    steps = yaml.safe_load(GITHUB)["jobs"]["compare"]["steps"]
    return [s["run"] for s in steps if "run" in s and not s["run"].startswith("pip ")]


@pytest.mark.sampled
@pytest.mark.parametrize(("nanoseconds", "code"), [(1000, 0), (2000, 1)])
def test_the_github_recipe_comments_and_fails_what_got_worse(
    checkout: Path, nanoseconds: int, code: int
) -> None:
    _commit(checkout, nanoseconds)
    *before, last = _github()
    for step in before:
        done = _ran(checkout, step)
        assert done.returncode == 0, done.stderr
    assert _ran(checkout, last).returncode == code
    posted = (checkout.parent / "posted.md").read_text()
    assert posted.startswith("<!-- tracemill compare -->\n```\n")
    assert ("worse" in posted) == bool(code)


@pytest.mark.full
def test_the_gitlab_recipe_edits_its_comment(checkout: Path) -> None:
    _commit(checkout, 2000)
    script = "\n".join(yaml.safe_load(GITLAB)["compare"]["script"])
    assert _ran(checkout, script).returncode == 1
    _git(checkout, "worktree", "remove", "--force", "../base")
    (checkout.parent / "notes").write_text(
        '[{"id": 5, "body": "hi"}, {"id": 9, "body": "<!-- tracemill compare -->"}]'
    )
    assert _ran(checkout, script).returncode == 1
    calls = (checkout.parent / "called").read_text().splitlines()
    posts = [c for c in calls if "--data-urlencode" in c]
    assert "-X POST" in posts[0] and posts[0].endswith("/notes")
    assert "-X PUT" in posts[1] and posts[1].endswith("/notes/9")
    assert "worse" in (checkout.parent / "posted.md").read_text()


def test_the_recipes_are_short() -> None:
    assert all(len(recipe.splitlines()) <= 20 for recipe in (GITHUB, GITLAB))
