"""Settings, all from the environment (`BROADCASTER_...`). Credentials of platforms are not settings: see docs/settings.md."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from broadcaster import setting_checks as checks
from broadcaster.domain.errors import Invalid
from broadcaster.setting_sources import FROM_FILE, PREFIX, read, variable

SECRET: dict[str, Any] = {"secret": True}
MAX_SOCKET_PATH = 100  # bytes; sun_path holds 104 on macOS and 108 on Linux


def _may_hold_a_secret(description: str) -> Any:
    """A text that can be read from a file, and is shown in no error and no repr."""
    return Field("", description=description, repr=False, json_schema_extra=SECRET)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path("var"), description="Where everything is kept: database, broker, keys, site, logs."
    )
    database_url: str = _may_hold_a_secret("SQLAlchemy address. Empty: SQLite in the data directory.")
    broker_url: str = _may_hold_a_secret("Celery broker. Empty: the bundled Valkey on a socket of its own.")
    credentials_dir: Path | None = Field(None, description="One file per account under live/ and exercise/.")
    allowed_hosts: str = Field("", description="Space-separated hosts that channels may talk to. Empty: any.")
    log_name: str = Field(
        "",
        pattern=r"^[^\s+]*$",
        description="Name under which the audit log is signed, like wyre.gov.uk/broadcasts. Empty: one is made up.",
    )
    seal_key_file: Path | None = Field(
        None, description="The key that signs the audit log. Empty: keys/seal.key in the data directory."
    )
    anchors_dir: Path | None = Field(
        None, description="Where signed checkpoints of the audit log are laid down. Empty: anchors/ there."
    )
    smtp_url: str = _may_hold_a_secret(
        "Mail server for checkpoints, like smtp://user:password@host:587 or smtps://host. Empty: no mail."
    )
    mail_from: str = Field("", description="Address that mails come from.")
    anchor_mail_to: str = Field(
        "", description="Space-separated addresses that get the newest checkpoint by mail, once a day."
    )
    tsa_url: str = Field(
        "", description="Authority that stamps checkpoints with the time (RFC 3161). Empty: none."
    )
    organisation: str = Field(
        "Broadcaster",
        min_length=1,
        max_length=80,
        description="Whose console this is: the name at the top of its pages.",
    )
    languages: str = Field(
        "",
        description="Space-separated languages of messages, the one that goes first first: cy en. Empty: each template's own.",
    )
    social_languages: Literal["apart", "together"] = Field(
        "apart",
        description="Several languages on Facebook and X: one post each, or all in one post where that fits whole.",
    )
    names_file: Path | None = Field(
        None, description="TOML file of names in two languages, such as Cardiff and Caerdydd. Empty: ours."
    )
    timezone: str = Field("Europe/London", description="Time zone in which times are written and read.")
    web_host: str = Field("127.0.0.1", description="Address the web process listens on.")
    web_port: int = Field(8000, ge=0, le=65535, description="Port the web process listens on.")
    public_url: str = Field(
        "",
        description="Address at which people open the console, like https://alerts.wyre.gov.uk. Empty: localhost and the port.",
    )
    oidc_issuer: str = Field(
        "",
        description="Provider of single sign-on (OpenID Connect), like https://login.wyre.gov.uk/realms/staff. Empty: none.",
    )
    oidc_client_id: str = Field(
        "", validate_default=True, description="What this installation is called at that provider."
    )
    oidc_client_secret: str = _may_hold_a_secret("Its secret there. Empty: a public client.")
    oidc_name: str = Field(
        "single sign-on", min_length=1, max_length=40, description="What people call it: on the button."
    )
    oidc_user_claim: str = Field(
        "preferred_username", min_length=1, description="Claim that holds the name of the user here."
    )
    oidc_factor_values: str = Field(
        "",
        description="Space-separated values of acr or amr that count as a second factor. Empty: ours is asked for.",
    )
    session_idle_minutes: int = Field(
        30,
        ge=1,
        le=720,
        description="Minutes after which an approver or administrator who does nothing is signed out.",
    )
    session_idle_minutes_others: int = Field(120, ge=1, le=1440, description="The same for everybody else.")
    session_hours: int = Field(
        12, ge=1, le=24, description="Hours after which everybody signs in anew, on the command line too."
    )
    factor_fresh_minutes: int = Field(
        5, ge=1, le=60, description="Minutes for which a second factor that was given counts, for approving."
    )
    api_requests_per_minute: int = Field(
        600,
        ge=0,
        le=100_000,
        description="Requests that one token may send to the API in a minute. 0: any number.",
    )
    metrics_token: str = _may_hold_a_secret(
        "What a monitoring that reads /metrics must show. Empty: there is no /metrics."
    )
    traces_url: str = Field(
        "",
        description="Where traces go (OTLP over HTTP), like http://127.0.0.1:4318/v1/traces. Empty: none are made.",
    )
    submission_minutes: int = Field(
        30, ge=1, le=1440, description="How long a submission waits for approval."
    )
    approval_escalates_minutes: int = Field(
        5,
        ge=1,
        le=120,
        description="Minutes that somebody who is paged has to answer, before the next one is.",
    )
    paging_urls: str = _may_hold_a_secret(
        "Space-separated Apprise addresses of rooms that staff read: Teams, Slack, ntfy... Empty: none."
    )
    paging_sms_account: str = Field(
        "", description="Live account through which staff are paged by text. Empty: the first one for texts."
    )
    quiet_hours: str = Field(
        "",
        description="Local times between which routine texts wait, like 21:00-08:00. Empty: none. An account may have its own.",
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
    numbers_kept_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days that an audience's numbers stay after a newer version took their place. 0: until they are erased.",
    )
    callbacks_kept_days: int = Field(
        7,
        ge=0,
        le=365,
        description="Days that callbacks of gateways are kept as they came, sealed. 0: only what could not be read, for a day.",
    )
    drafts_kept_days: int = Field(
        0,
        ge=0,
        le=36500,
        description="Days that the words of drafts that nobody released are kept; 0 keeps them.",
    )
    answers_kept_days: int = Field(
        30,
        ge=1,
        le=365,
        description="Days that what people write, and their numbers, is kept, sealed.",
    )
    stop_words: str = Field(
        "",
        description="Space-separated words beside STOP, STOPALL, UNSUBSCRIBE, CANCEL, END and QUIT that opt somebody out.",
    )
    stop_reply: str = Field(
        "You will get no more texts from this sender. To get them again, answer START.",
        min_length=1,
        max_length=459,
        description="Text that confirms an opt-out, where the gateway does not do it.",
    )
    lock_wait_s: float = Field(
        30, gt=0, le=600, description="Seconds a write waits for other writers (SQLite)."
    )
    public_workers: int = Field(
        1, ge=0, le=32, description="Worker processes of the public lane (8 threads each)."
    )
    bulk_workers: int = Field(2, ge=0, le=32, description="Worker processes of the bulk lane.")
    postgres_bin_dir: Path | None = Field(
        None, description="Folder of pg_dump and pg_restore, for backups. Empty: as found on the PATH."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of a log line: text for people, json for programs."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least grave log line that is written."
    )

    #: Where a secret was read from: what a child process is told instead of the secret.
    _files: dict[str, str] = PrivateAttr(default_factory=dict)

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

    _languages = field_validator("languages")(checks.spoken)
    _zone = field_validator("timezone")(checks.time_zone)
    _database = field_validator("database_url")(checks.database)
    _mail_server = field_validator("smtp_url")(checks.mail_server)
    _authority = field_validator("tsa_url")(checks.authority)
    _issuer = field_validator("oidc_issuer")(checks.issuer)
    _console = field_validator("public_url")(checks.console)
    _token = field_validator("metrics_token")(checks.hard_to_guess)
    _collector = field_validator("traces_url")(checks.collector)
    _sender = field_validator("mail_from")(checks.mailbox)
    _receivers = field_validator("anchor_mail_to")(checks.mailboxes)
    _quiet = field_validator("quiet_hours")(checks.quiet_hours)

    @field_validator("anchor_mail_to")
    @classmethod
    def _can_be_mailed(cls, value: str, info: ValidationInfo) -> str:
        """Else the auditors wait for mails that nobody could ever send."""
        lacking = [variable(n) for n in ("smtp_url", "mail_from") if info.data.get(n) == ""]
        if value and lacking:
            raise ValueError(f"it needs {' and '.join(lacking)} too")
        return value

    @field_validator("oidc_client_id")
    @classmethod
    def _names_us(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError(f"{variable('oidc_issuer')} needs it too")
        return value

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """From the environment. Invalid, with every problem at once, for values and names it does not know."""
        values, files, problems = read(
            os.environ if environment is None else environment,
            names=cls.model_fields,
            secrets=cls.secrets(),
        )
        try:
            settings = cls(**values)  # type: ignore[arg-type]  # pydantic reads the texts
        except ValidationError as error:
            problems += [cls._told(str(e["loc"][0]), e["msg"], e["input"]) for e in error.errors()]
        if problems:
            raise Invalid("Some settings cannot be used. Mend each of these:", details=tuple(problems))
        settings._files.update(files)
        return settings

    @classmethod
    def secrets(cls) -> set[str]:
        """The fields that may be given as NAME_FILE."""
        return {name for name, field in cls.model_fields.items() if field.json_schema_extra == SECRET}

    @classmethod
    def _told(cls, name: str, wrong: str, value: object) -> str:
        """A secret is not shown, not even a wrong one: the error ends up in logs and on screens."""
        shown = "" if name in cls.secrets() else f" (given: {value!r})"
        return f"{variable(name)}: {wrong}{shown}"

    @property
    def names_its_organisation(self) -> bool:
        """Whether somebody has said whose this is."""
        return bool(self.organisation != type(self).model_fields["organisation"].default)

    @property
    def console_url(self) -> str:
        return self.public_url or f"http://localhost:{self.web_port}"

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
    def seal_key(self) -> Path:
        return self.seal_key_file or self.root / "keys" / "seal.key"

    @property
    def anchors(self) -> Path:
        return self.anchors_dir or self.root / "anchors"

    @property
    def anchor_receivers(self) -> tuple[str, ...]:
        return tuple(self.anchor_mail_to.split())

    @property
    def site_dir(self) -> Path:
        """Where the website channel of the sandbox set-up writes, and what the web process serves under /site."""
        return self.root / "site"

    @property
    def exercise_site_dir(self) -> Path:
        """The same for exercises, under /site-exercise: another folder and another address."""
        return self.root / "site-exercise"

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

    def without(self, *names: str) -> Self:
        """The same, with nothing of what stood in these settings, in files neither."""
        made = self.model_copy(update=dict.fromkeys(names, ""))
        made._files = {name: file for name, file in self._files.items() if name not in names}  # noqa: SLF001
        return made

    def environment(self) -> dict[str, str]:
        """These settings as the variables that a child process reads them from. A secret that came from a file is
        named and not told: a process's environment can be read by others, and is inherited by whatever it starts."""
        told = {
            variable(name): str(value)
            for name, value in self.model_dump().items()
            if value is not None and value != "" and name not in self._files
        }
        return told | {variable(name) + FROM_FILE: file for name, file in self._files.items()}
