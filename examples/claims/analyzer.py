"""The analyzer mapassert, built without a Go module proxy: with Debian's golang.org/x/tools and Go 1.21.

    from examples.claims.analyzer import mapassert
    subprocess.run([mapassert(), "-sarif", "./..."], env=environment(), check=True)

Where Go's proxy is reached, `go build` in examples/claims/mapassert is all that is needed, with a current
x/tools. Debian's is of 2023 and reads the standard library of Go 1.21 at most. Its packages are downloaded by
any user and unpacked into the user's cache, outside of the checkout; nothing is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from examples.toolchain import CACHE, ToolchainError, environment, go

MODULE = Path(__file__).resolve().parent / "mapassert"
GO = "1.21"  # the newest that Debian's x/tools can read
_MODULES = {"golang.org/x/tools": "golang-golang-x-tools-dev", "golang.org/x/mod": "golang-golang-x-mod-dev",
            "golang.org/x/sys": "golang-golang-x-sys-dev"}  # fmt: skip


class NoXToolsError(RuntimeError):
    """golang.org/x/tools could not be had; the message says why."""


def mapassert() -> Path:
    """Return the analyzer's executable, built anew where its source has changed.

    Raises NoXToolsError where Debian's packages cannot be had, ToolchainError with the compiler's words.
    """
    target = CACHE / "mapassert" / "mapassert"
    go_command("build", "-o", str(target), ".")
    return target


def sarif_of_vet(found: str, folder: Path) -> str:
    """Return as SARIF what go vet -json found in folder."""
    command = [mapassert(), "-sarif", "-"]
    done = subprocess.run(command, cwd=folder, input=found, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolchainError(f"mapassert -sarif: {done.stderr.strip()}")
    return done.stdout


def go_command(*arguments: str) -> str:
    """Run a go command in the analyzer's module and return what it prints. Raises as mapassert does."""
    command = [str(go(GO)), arguments[0], f"-modfile={_module_file()}", *arguments[1:]]
    done = subprocess.run(command, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolchainError(f"go {' '.join(arguments)}: {(done.stdout + done.stderr).strip()[-4000:]}")
    return done.stdout


def _module_file() -> Path:
    """Write a go.mod beside the cache of the analyzer that takes each module from its unpacked package."""
    sources = _x_tools()
    lines = ["module tracemill/mapassert", "", "go 1.21", ""]
    for module in _MODULES:
        lines += [f"require {module} v0.0.0", f"replace {module} => {sources / module}"]
    file = CACHE / "mapassert" / "go.mod"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    return file


def _x_tools() -> Path:
    """Return the folder with the sources, by module path, of Debian's packages; downloaded on first use."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracemill" / "debian-x-tools"
    sources = home / "usr/share/gocode/src"
    if sources.is_dir():
        return sources
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NoXToolsError("no apt-get here, which Debian's golang.org/x/tools is downloaded by")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="debian-") as name:
        work = Path(name)
        _download(work)
        unpacked = work / "unpacked"
        for package in sorted(work.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
        for module in _MODULES:
            file = unpacked / "usr/share/gocode/src" / module / "go.mod"
            if not file.exists():
                file.write_text(f"module {module}\n\ngo 1.18\n")
        if not home.exists():
            unpacked.rename(home)
    return sources


def _download(folder: Path) -> None:
    """Download the packages into folder: by the system's package lists, or by lists of this user's own."""
    download = ["apt-get", "-q", "download", *_MODULES.values()]
    private = {"Dir::State": folder / "state", "Dir::Cache": folder / "cache"}
    own = [part for name, value in private.items() for part in ("-o", f"{name}={value}")]
    for value in private.values():
        value.mkdir()
    (folder / "state/lists/partial").mkdir(parents=True)
    (folder / "cache/archives/partial").mkdir(parents=True)
    said = ""
    for command in (download, ["apt-get", *own, "-q", "update"], [*download[:1], *own, *download[1:]]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        said = (done.stderr or done.stdout).strip()
        if len(list(folder.glob("*.deb"))) == len(_MODULES):
            return
    raise NoXToolsError(f"Debian's golang.org/x/tools cannot be downloaded: {said[-500:]}")
