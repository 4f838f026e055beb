"""Settings, all from the environment (`BROADCASTER_...`). Credentials of platforms are not settings: see docs/settings.md."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from broadcaster.domain.errors import Invalid
from broadcaster.domain.names import did_you_mean

PREFIX = "BROADCASTER_"
NOT_SETTINGS = {"BROADCASTER_TOKEN"}  # who is asking, read by the command line
MAX_SOCKET_PATH = 100  # bytes; sun_path holds 104 on macOS and 108 on Linux


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path("var"), description="Where everything is kept: database, broker, keys, site, logs."
    )
    database_url: str = Field("", description="SQLAlchemy address. Empty: SQLite in the data directory.")
    broker_url: str = Field(
        "", description="Celery broker. Empty: the bundled Valkey on a socket of its own."
    )
    credentials_dir: Path | None = Field(None, description="One file per account under live/ and exercise/.")
    allowed_hosts: str = Field("", description="Space-separated hosts that channels may talk to. Empty: any.")
    timezone: str = Field("Europe/London", description="Time zone in which times are written and read.")
    web_host: str = Field("127.0.0.1", description="Address the web process listens on.")
    web_port: int = Field(8000, ge=0, le=65535, description="Port the web process listens on.")
    submission_minutes: int = Field(
        30, ge=1, le=1440, description="How long a submission waits for approval."
    )
    lease_s: float = Field(
        20,
        gt=0,
        le=600,
        description="Seconds after which a silent worker's batch is taken over. Keep it well above 5: so old an intent may be sent.",
    )
    max_in_flight: int = Field(
        50,
        ge=1,
        le=1000,
        description="Most deliveries one process sends at once: the most a crash leaves unknown.",
    )
    receipt_wait_s: float = Field(
        120,
        gt=0,
        le=86400,
        description="Seconds a text with an unknown outcome waits for its delivery receipt.",
    )
    lock_wait_s: float = Field(
        30, gt=0, le=600, description="Seconds a write waits for other writers (SQLite)."
    )
    public_workers: int = Field(
        1, ge=0, le=32, description="Worker processes of the public lane (8 threads each)."
    )
    bulk_workers: int = Field(2, ge=0, le=32, description="Worker processes of the bulk lane.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic passes these by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` has read: pydantic's own look at the environment would pass over the one given to `load`."""
        return (init_settings,)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f'"{value}" is not a time zone; give one like Europe/London') from error
        return value

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """From the environment. Invalid, with every problem at once, for values and names it does not know."""
        environment = os.environ if environment is None else environment
        given = {k: v for k, v in environment.items() if k.upper().startswith(PREFIX)}
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        problems = [
            f"{name} is not a setting.{did_you_mean(name, known)}"
            for name in sorted(given)
            if name not in known | NOT_SETTINGS
        ]
        values = {
            name: given[f"{PREFIX}{name.upper()}"]
            for name in cls.model_fields
            if f"{PREFIX}{name.upper()}" in given
        }
        try:
            settings = cls(**values)  # type: ignore[arg-type]  # pydantic reads the texts
        except ValidationError as error:
            problems += [
                f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']} (given: {e['input']!r})"
                for e in error.errors()
            ]
        if problems:
            raise Invalid("Some settings cannot be used. Mend each of these:", details=tuple(problems))
        return settings

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def root(self) -> Path:
        return self.data_dir.expanduser().resolve()

    @property
    def credentials(self) -> Path:
        return self.credentials_dir or self.root / "credentials"

    @property
    def hosts(self) -> frozenset[str] | None:
        return frozenset(self.allowed_hosts.split()) or None

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.root / 'broadcaster.db'}"

    @property
    def site_dir(self) -> Path:
        """Where the website channel of the sandbox set-up writes, and what the web process serves under /site."""
        return self.root / "site"

    @property
    def broker_socket(self) -> Path:
        """Where the bundled Valkey listens: in the data directory, or under /tmp where that path is too long for a socket."""
        path = self.root / "broker" / "valkey.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"broadcaster-{os.getuid()}-{name}.sock"

    @property
    def broker(self) -> str:
        return self.broker_url or f"redis+socket://{self.broker_socket}"

    def environment(self) -> dict[str, str]:
        """These settings as the variables that a child process reads them from."""
        return {
            f"{PREFIX}{name.upper()}": str(value)
            for name, value in self.model_dump().items()
            if value is not None and value != ""
        }
