"""Where a warehouse is: a folder, or an address in an object store such as s3://bucket/path.

A warehouse in a store is worked on in a folder of this machine, its cache (cache.py), which is named for the
address and has the address in ``store.json``. So all that takes a folder takes a cache as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

from tracemill.warehouse.errors import WarehouseError
from tracemill.warehouse.layout import DATABASE, LOG, MANIFEST, TABLES_FOLDER

SCHEMES = ("s3", "gs", "az")
# In a cache: the address of the warehouse that it is of
ADDRESS_FILE = "store.json"
# What may say that the same address means another server; a cache is of one of them.
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
# With one slash, too: that is what a Path makes of two.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,2}(.*)", re.DOTALL)


def folder_of(place: str | os.PathLike[str], caches: Path | None = None) -> Path:
    """The folder to work in on the warehouse at a place: the place itself, or the cache of an address.

    caches: the folder of all caches, by default tracemill/ in the user's cache folder. Raises WarehouseError
    for an address that no warehouse can be at.
    """
    found = _ADDRESS.fullmatch(os.fspath(place))
    if found is None or (len(found[1]) < 2 and os.name == "nt"):
        return Path(place)
    scheme, rest = found[1].lower(), found[2]
    if scheme == "file":
        if not rest.startswith("/") and os.fspath(place).lower().startswith("file://"):
            raise WarehouseError(f"{place}: a folder of this machine is file:///path, with three slashes")
        return Path("/" + unquote(rest).lstrip("/"))
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in (*SCHEMES, "file"))
        raise WarehouseError(f"{scheme}://…: no store that a warehouse can be in; there are {known}")
    bucket, *path = [part for part in rest.split("/") if part] or [""]
    if not bucket or "@" in bucket or set(rest) & set("?#") or ".." in path:
        raise WarehouseError(
            f"{scheme}://…: an address is {scheme}://bucket/path, without user, password or options; "
            "credentials come from the environment"
        )
    return _cache("/".join([f"{scheme}:/", bucket, *path]), caches or default_caches())


def default_caches() -> Path:
    """The folder of all caches, as the environment has it."""
    if chosen := os.environ.get("TRACEMILL_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracemill"


def _cache(address: str, caches: Path) -> Path:
    """The cache of an address, made if it is not there."""
    digest = hashlib.sha256(f"{address}\0{server_of(address)}".encode()).hexdigest()[:12]
    folder = caches / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', address)[:80]}-{digest}"
    if address_of(folder) != address:
        from tracemill.warehouse.durable import fact_of, replace_file

        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(folder / ADDRESS_FILE, json.dumps({"address": address}).encode() + b"\n")
        except OSError as error:
            raise WarehouseError(
                f"{folder}: cannot be written: {fact_of(error)}; the setting cache says where copies of "
                "warehouses in a store are kept"
            ) from error
    return folder


def server_of(address: str) -> str:
    """The server that the environment names for an address in a store; empty where it is the cloud's own."""
    names = _ENDPOINTS[address.partition(":")[0]]
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def address_of(folder: Path) -> str | None:
    """The address that a folder is the cache of; None for a warehouse that is a folder of its own."""
    try:
        return str(json.loads((folder / ADDRESS_FILE).read_bytes())["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_begun(folder: Path) -> bool:
    """Whether there is anything of a warehouse in a folder; of one in a store only the store can tell."""
    there = (DATABASE, MANIFEST, LOG, TABLES_FOLDER)
    return address_of(folder) is not None or any((folder / name).exists() for name in there)


def require_readable(folder: Path) -> None:
    """Raises WarehouseError for a folder below which DuckDB would read other files, or other values.

    It takes a comma for the end of a folder, what is behind a question mark for options, a backslash for a
    slash, and a folder ``name=x`` for a column of that name, in the place of the one in the files.
    """
    path = folder.resolve()
    facts = [f"cannot read a path with `{sign}` in it" for sign in ",?\\" if sign in str(path)]
    if named := [part for part in path.parts if "=" in part]:
        from tracemill.warehouse.schema.tables import PARSED, TABLES  # imports pyarrow

        columns = {"capture_id"}.union(*(TABLES[name].column_names for name in PARSED))
        taken = (part for part in named if part.partition("=")[0].lower() in columns)
        facts += [f"takes `{part}` for a column of what lies below it" for part in taken]
    if facts:
        raise WarehouseError(f"{folder}: DuckDB {facts[0]}; choose another folder for the warehouse")


def no_warehouse(folder: Path) -> WarehouseError:
    """What to raise where a warehouse is asked for and nothing was ever loaded."""
    named = shown(folder)
    makes = f"tracemill run ARTIFACTS --warehouse {shlex.quote(named)}"
    return WarehouseError(f"{named}: no warehouse here yet; `{makes}` makes one")


def shown(folder: Path) -> str:
    """The warehouse as its user names it."""
    return address_of(folder) or str(folder)
