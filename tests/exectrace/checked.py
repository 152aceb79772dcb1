"""The trace kernels compiled with bounds checks, or not at all, in place of the installed ones.

Call before anything imports the parser. An index out of bounds in a function that runs
without the GIL can't raise there: Python reports it as unraisable, which `faults` collects.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from examples.toolchain import CACHE

KERNELS = Path(__file__).resolve().parents[2] / "parsers" / "kernels"
NAMES = ("trace_wire", "trace_sort", "trace_order", "trace_args", "trace_v1")
faults: list[str] = []


def use_uncompiled() -> None:
    """The kernels' plain Python sources."""
    for name in NAMES:
        module = _use(name, KERNELS / f"{name}.py")
        assert not module.cython.compiled


def use_checked() -> None:
    """Kernels compiled with boundscheck=True, kept in .cache; without Python's headers, uncompiled."""
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        use_uncompiled()
        return
    sys.unraisablehook = lambda fault: faults.append(f"{fault.object}: {fault.exc_value!r}")
    for name in NAMES:
        _use(name, build_checked(name))


def build_checked(name: str) -> Path:
    """The extension of one kernel, compiled on first use."""
    source = (KERNELS / f"{name}.py").read_text().replace("boundscheck=False", "boundscheck=True")
    assert "boundscheck=True" in source
    declared = sorted(KERNELS.glob("*.pxd"))  # one includes another
    content = source + "".join(path.read_text() for path in declared)
    folder = CACHE / "exectrace" / f"checked-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    extension = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not extension.exists():
        # In a package of its own name, where Cython looks for what the .pxd files declare.
        package = folder / "tracemill" / "parsers" / "kernels"
        package.mkdir(parents=True, exist_ok=True)
        for empty in (package, package.parent, package.parent.parent):
            (empty / "__init__.py").touch()
        (package / f"{name}.py").write_text(source)
        for path in declared:
            (package / path.name).write_text(path.read_text())
        c_file, part = folder / f"{name}.c", folder / f".{extension.name}.{os.getpid()}"
        cython = [sys.executable, "-m", "cython", "-3", package / f"{name}.py", "-o", c_file]
        subprocess.run(cython, check=True, stderr=subprocess.DEVNULL, cwd=folder)
        compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
        flags = ["-shared", "-fPIC", "-O1", "-fwrapv", f"-I{sysconfig.get_path('include')}"]
        subprocess.run([*compiler, *flags, c_file, "-o", part], check=True)
        part.rename(extension)
    return extension


def _use(name: str, path: Path):
    from tracemill.parsers import kernels

    full_name = f"tracemill.parsers.kernels.{name}"
    spec = importlib.util.spec_from_file_location(full_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    setattr(kernels, name, module)
    return module
