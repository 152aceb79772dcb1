"""Every setting, in one place.

Options win over ``TRACEMILL_…``, that over ``tracemill.toml``, that over defaults.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from tracemill.flows.names import as_text, require
from tracemill.warehouse.address import folder_of, shown
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from tracemill.flows.loading.layout import Layout

SETTINGS_FILE = "tracemill.toml"
PREFIX = "TRACEMILL_"


class SettingsError(TracemillError):
    """A setting that cannot be used, in one sentence."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set, with its default."""

    cache: Annotated[
        Path | None,
        Meta(
            description="folder of the copies of warehouses in a store; default: tracemill/ in XDG_CACHE_HOME"
        ),
    ] = None
    warehouse: Annotated[
        Path, Meta(description="folder of the warehouse, or its address such as s3://bucket/path")
    ] = Path(".tracemill")
    exports: Annotated[
        Path | None, Meta(description="folder of the exports; default: exports/ in the warehouse")
    ] = None
    artifacts: Annotated[list[Path], Meta(description="folders that `serve` watches, as a JSON list")] = (
        msgspec.field(default_factory=lambda: [Path("artifacts")])
    )
    layout: Annotated[
        list[str],
        Meta(description="patterns of paths that name builds and runs, as a JSON list; default: folders do"),
    ] = []
    order: Annotated[
        Path | None,
        Meta(description="file that lists the builds or their commits, oldest first, one a line"),
    ] = None
    processes: Annotated[
        Annotated[int, Meta(ge=1, le=256)] | None,
        Meta(description="files parsed side by side; default: one a core"),
    ] = None
    on: Annotated[
        str | None,
        Meta(
            description="scheduler of a Dask cluster that loads files and builds models, as an address",
        ),
    ] = None
    commit_url: Annotated[
        str | None,
        Meta(description="where pages link commits, such as https://git.example/app/commit/{commit}"),
    ] = None
    source_url: Annotated[
        str | None,
        Meta(description="where pages link source lines: {commit}, {file} and {line} are filled in"),
    ] = None
    retention: Annotated[
        dict[str, str],
        Meta(
            description="how long raw rows are kept, by table, as a JSON object; "
            "raw: those of all other tables"
        ),
    ] = msgspec.field(default_factory=lambda: {"raw": "30d"})
    retention_keeps_incidents: Annotated[
        bool, Meta(description="whether builds at which an incident begins keep their raw rows")
    ] = True
    upkeep_cron: Annotated[
        str | None,
        Meta(
            description="when `serve` verifies, drops what retention lets go, and compacts: a cron expression"
        ),
    ] = None
    schedule_cron: Annotated[
        str | None, Meta(description="when `serve` runs the main job, as a cron expression")
    ] = None
    schedule_seconds: Annotated[
        Annotated[float, Meta(gt=0)],
        Meta(description="how often `serve` runs it, where no cron expression is set"),
    ] = 900.0

    def as_layout(self, build: str | None = None, run: str | None = None) -> Layout:
        """How builds and runs are told. Raises LayoutError."""
        from tracemill.flows.loading.layout import Layout, read_order

        order = read_order(self.order) if self.order else ()
        return Layout(
            patterns=tuple(map(as_text, self.layout)),
            build=None if build is None else as_text(build),
            run=None if run is None else as_text(run),
            order=order,
        )

    @property
    def exports_folder(self) -> Path:
        """Where exports go."""
        return self.exports or self.warehouse / "exports"

    def told(self) -> dict[str, Any]:
        """Each setting's value as its user writes it, in JSON's types."""
        values: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        return values | {"warehouse": shown(self.warehouse), "exports": str(self.exports_folder)}


FIELDS = msgspec.structs.fields(Settings)
MEANINGS = {
    field.name: next(meta.description for meta in field.type.__metadata__ if meta.description)
    for field in FIELDS
}
# The environment has these as JSON.
_OF_SEVERAL = {field.name for field in FIELDS if field.default_factory is not msgspec.NODEFAULT}
_PLACE = re.compile(r" - at `\$\.(\w+)")


def load(**options: object) -> Settings:
    """The settings, with the options that are not None on top. Raises SettingsError, NoSuchNameError."""
    given = {name: value for name, value in options.items() if value is not None}
    values = _of_file() | _of_environment() | given
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        said = str(error)
        name = found[1] if (found := _PLACE.search(said)) else ""
        raise SettingsError(f"setting {name} {values.get(name)!r}: {_PLACE.split(said)[0]}") from error
    place = folder_of(values.get("warehouse", settings.warehouse), settings.cache)
    return msgspec.structs.replace(settings, warehouse=place)


def _path(_: object, value: object) -> Path:
    if isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"Expected a path, got `{type(value).__name__}`")


def _of_file() -> dict[str, Any]:
    try:
        found = tomllib.loads(Path(SETTINGS_FILE).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{SETTINGS_FILE}: {error}") from error
    for name in found:
        require(name, "setting", list(MEANINGS))
    return found


def _of_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in MEANINGS:
        if (value := os.environ.get(PREFIX + name.upper())) is None:
            continue
        try:
            found[name] = msgspec.json.decode(value) if name in _OF_SEVERAL else value
        except msgspec.DecodeError as error:
            raise SettingsError(f"setting {name}: {PREFIX}{name.upper()} is no JSON: {error}") from error
    return found


def origins(options: dict[str, object]) -> dict[str, str]:
    """For each setting, where its value came from."""
    environment, file = _of_environment(), _of_file()
    found = {}
    for name in MEANINGS:
        if options.get(name) is not None:
            found[name] = "option"
        elif name in environment:
            found[name] = f"environment {PREFIX}{name.upper()}"
        elif name in file:
            found[name] = SETTINGS_FILE
        else:
            found[name] = "default"
    return found
