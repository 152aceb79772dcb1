"""Every setting, in one place.

Options win over ``TRACEMILL_…``, that over ``tracemill.toml``, that over defaults.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tracemill.warehouse.address import folder_of, shown
from tracemill.warehouse.schema.errors import TracemillError

if TYPE_CHECKING:
    from typing import Self

    from tracemill.flows.loading.layout import Layout

SETTINGS_FILE = "tracemill.toml"
PREFIX = "TRACEMILL_"


class SettingsError(TracemillError):
    """A setting that cannot be used, in one sentence."""


class Settings(BaseSettings):
    """What may be set, with its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=SETTINGS_FILE, extra="forbid")

    cache: Path | None = Field(
        None,
        description="folder of the copies of warehouses in a store; default: tracemill/ in XDG_CACHE_HOME",
    )
    warehouse: Path = Field(
        Path(".tracemill"), description="folder of the warehouse, or its address such as s3://bucket/path"
    )
    exports: Path | None = Field(
        None, description="folder of the exports; default: exports/ in the warehouse"
    )
    artifacts: list[Path] = Field(
        [Path("artifacts")], description="folders that `serve` watches, as a JSON list"
    )
    layout: list[str] = Field(
        [], description="patterns of paths that name builds and runs, as a JSON list; default: folders do"
    )
    order: Path | None = Field(
        None, description="file that lists the builds or their commits, oldest first, one a line"
    )
    processes: int | None = Field(
        None, ge=1, le=256, description="files parsed side by side; default: one a core"
    )
    on: str | None = Field(
        None, description="scheduler of a Dask cluster that loads files and builds models, as an address"
    )
    commit_url: str | None = Field(
        None, description="where pages link commits, such as https://git.example/app/commit/{commit}"
    )
    source_url: str | None = Field(
        None, description="where pages link source lines: {commit}, {file} and {line} are filled in"
    )
    retention: dict[str, str] = Field(
        {"raw": "30d"},
        description="how long raw rows are kept, by table, as a JSON object; raw: those of all other tables",
    )
    retention_keeps_incidents: bool = Field(
        True, description="whether builds at which an incident begins keep their raw rows"
    )
    upkeep_cron: str | None = Field(
        None,
        description="when `serve` verifies, drops what retention lets go, and compacts: a cron expression",
    )
    schedule_cron: str | None = Field(
        None, description="when `serve` runs the main job, as a cron expression"
    )
    schedule_seconds: float = Field(
        900, gt=0, description="how often `serve` runs it, where no cron expression is set"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - given by pydantic
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - given by pydantic
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options, the environment, the file; no .env and no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("warehouse", mode="before")
    @classmethod
    def _folder_of_address(cls, place: str | Path, found: ValidationInfo) -> Path:
        return folder_of(place, found.data.get("cache"))

    @field_serializer("warehouse", when_used="json")
    def _as_its_user_names_it(self, warehouse: Path) -> str:
        return shown(warehouse)

    @model_validator(mode="after")
    def _default_exports(self) -> Self:
        if self.exports is None:
            self.exports = self.warehouse / "exports"
        return self

    def as_layout(self, build: str | None = None, run: str | None = None) -> Layout:
        """How builds and runs are told. Raises LayoutError."""
        from tracemill.flows.loading.layout import Layout, read_order
        from tracemill.flows.names import as_text

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


def load(**options: object) -> Settings:
    """The settings, with the options that are not None on top. Raises SettingsError."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"settings: {error}") from error


def origins(settings: Settings, options: dict[str, object]) -> dict[str, str]:
    """For each setting, where its value came from."""
    environment = EnvSettingsSource(type(settings))()
    file = TomlConfigSettingsSource(type(settings))()
    found = {}
    for name in type(settings).model_fields:
        if options.get(name) is not None:
            found[name] = "option"
        elif name in environment:
            found[name] = f"environment {PREFIX}{name.upper()}"
        elif name in file:
            found[name] = SETTINGS_FILE
        else:
            found[name] = "default"
    return found
