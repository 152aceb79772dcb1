"""The verb commits: on the demo's incident, in a repository of the demo's service."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from examples.git_repository import Scripted
from tracemill.flows.cli import main

TOP = Path(__file__).parents[2]
ARTIFACTS = TOP / "examples/artifacts"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scripted, list[str]]:
    """The service's builds b06 to b08 as commits, with others between; the commits, oldest first."""
    folder = tmp_path_factory.mktemp("shop") / "repo"
    shutil.copytree(TOP / "examples/service", folder)
    made = Scripted(folder)
    for number in range(2, 8):
        made.git("apply", str(TOP / f"examples/builds/b{number:02}.patch"))
    commits = [made.commit("b07")]
    commits.append(made.commit("docs", {"README.md": "the shop\n"}))
    commits.append(made.commit("beside", {"internal/session/more.go": "package session\n\nfunc more() {}\n"}))
    made.git("apply", str(TOP / "examples/builds/b08.patch"))
    commits.append(made.commit("fetch once"))
    commits.append(made.commit("tools", {"deploy.yaml": "a: 1\n"}))
    return made, commits


def _commits(demo: Path, shop: Scripted, good: str, bad: str, *words: str) -> Result:
    where = ["--warehouse", str(demo), "--repo", str(shop.folder), "--good", good, "--bad", bad]
    return CliRunner().invoke(main, ["commits", "b08", *where, *words], catch_exceptions=False)


def test_the_true_commit_is_first_and_its_reason_is_said(
    demo: Path, shop: tuple[Scripted, list[str]]
) -> None:
    made, commits = shop
    done = _commits(demo, made, commits[0], commits[-1], "--json")
    answer = json.loads(done.stdout)
    first = answer["commits"][0]
    assert (first["commit"], first["title"]) == (commits[3], "fetch once")
    assert "changes cache.(*Prices).Lookup" in first["evidence"]
    assert [c["title"] for c in answer["commits"]][1] == "beside"
    assert answer["bad"]["build_id"] == "b08"


@pytest.mark.parametrize("form", ["table", "md"])
def test_it_is_said_for_people_with_what_to_do_next(
    demo: Path, shop: tuple[Scripted, list[str]], form: str
) -> None:
    made, commits = shop
    done = _commits(demo, made, commits[0], commits[-1], "--format", form)
    assert "4 commits, 2 without code" in done.stdout
    assert "fetch once" in done.stdout
    assert ("--bisect bisect.sh" in done.stdout + done.stderr) == (form == "table")


def test_a_range_without_code_is_configuration_or_environment(
    demo: Path, shop: tuple[Scripted, list[str]]
) -> None:
    made, commits = shop
    done = _commits(demo, made, commits[3], commits[4])
    assert "configuration or environment: " in done.stdout
    assert "(1 commit, which changes no code in between)" in done.stdout
    assert "no commits in between" in _commits(demo, made, commits[3], commits[3]).stdout


def test_what_differed_beside_the_code_is_named(tmp_path: Path, shop: tuple[Scripted, list[str]]) -> None:
    from tracemill.flows.build import build
    from tracemill.flows.loading.ingest import ingest
    from tracemill.flows.show.differences import differences
    from tracemill.warehouse import connect

    for name, version, limit in (("a", "go1.26.1", "2"), ("b", "go1.27.3", "4")):
        run = tmp_path / "artifacts" / name / "r1"
        run.mkdir(parents=True)
        shutil.copy(TOP / "tests/samples/pprof/go1.27/heap.pb.gz", run)
        facts = {"go_version": version, "labels": {"cpu_limit": limit, "same": "x"}}
        (run.parent / "build.json").write_text(json.dumps(facts))
    ingest([tmp_path / "artifacts"], tmp_path / "w")
    build(tmp_path / "w")
    with connect(tmp_path / "w") as connection:
        found = differences(connection, "a", "b")
    assert [d.text for d in found] == ["Go go1.26.1 → go1.27.3", "cpu_limit 2 → 4"]


def test_a_build_without_its_commit_here_says_what_to_do(
    demo: Path, shop: tuple[Scripted, list[str]]
) -> None:
    words = ["commits", "b08", "--warehouse", str(demo), "--repo", str(shop[0].folder)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "has no commit" in done.stderr
    assert "git fetch" in done.stderr


@pytest.mark.full
def test_what_is_recorded_is_judged_by_the_incidents_own_figure(demo: Path, tmp_path: Path) -> None:
    for build, code in (("b07", 0), ("b08", 1), (None, 125)):
        folder = tmp_path / str(build)
        folder.mkdir()
        if build:
            shutil.copytree(ARTIFACTS / build / "r1", folder / "r1")
        words = ["commits", "b08", "--warehouse", str(demo), "--judge", str(folder)]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == code, done.output


@pytest.mark.full
@pytest.mark.parametrize("way", ["script", "git bisect run"])
def test_the_script_finds_the_commit(
    demo: Path, shop: tuple[Scripted, list[str]], tmp_path: Path, way: str
) -> None:
    made, commits = shop
    made.git("checkout", "-q", "--detach", commits[-1])
    file = tmp_path / "with 'quotes'.sh"
    # A commit is recorded by copying what its build recorded, b08 from the true commit on.
    record = (
        f"build=b07; git merge-base --is-ancestor {commits[3]} HEAD && build=b08; "
        f"cp '{ARTIFACTS}'/$build/r1/* \"$TRACEMILL_OUT\""
    )
    done = _commits(
        demo, made, commits[0], commits[-1], "--bisect", str(file), "--run", record, "--runs", "1"
    )
    assert done.exit_code == 0, done.output
    environment = {"PATH": f"{TOP}/.venv/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    command = ["sh", str(file)]
    if way != "script":
        made.git("bisect", "start", commits[-1], commits[0])
        command = ["git", "bisect", "run", "sh", str(file), "judge"]
    ran = subprocess.run(command, cwd=made.folder, env=environment, capture_output=True, text=True)
    made.git("bisect", "reset")
    said = ran.stdout + ran.stderr
    assert f"{commits[3]} is the first bad commit" in said or f"bad commit: {commits[3]}" in said, said
    if way == "script":
        # The most suspect commit and the one before it are all that has to be tested.
        assert [line.partition(":")[0] for line in ran.stdout.splitlines()[:2]] in (
            ["bad", "good"],
            ["good", "bad"],
        )


def test_nothing_of_the_script_is_the_shells_to_run(
    demo: Path, shop: tuple[Scripted, list[str]], tmp_path: Path
) -> None:
    made, commits = shop
    file = tmp_path / "$(touch trapped).sh"
    record = "echo 'a' \"$(true)\"; false"
    done = _commits(demo, made, commits[0], commits[-1], "--bisect", str(file), "--run", record)
    assert done.exit_code == 0, done.output
    environment = {"PATH": f"{TOP}/.venv/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = subprocess.run(["sh", str(file), "judge"], cwd=tmp_path, env=environment, capture_output=True)
    assert ran.returncode == 125
    assert not list(tmp_path.rglob("trapped"))


def test_a_script_needs_to_know_how_to_record(demo: Path) -> None:
    done = CliRunner().invoke(main, ["commits", "--warehouse", str(demo), "--bisect", "x.sh"])
    assert done.exit_code == 2
    assert "--run" in done.stderr
