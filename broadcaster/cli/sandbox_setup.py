"""Sets an installation up for the stand-in platforms: accounts, a fence that lets nothing else be reached, three users."""

import json
import os
import tempfile
from pathlib import Path

from broadcaster.bootstrap import Parts
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Role
from broadcaster.service.passwords import new_sandbox_secrets
from broadcaster.settings import Settings
from broadcaster.stand_ins import MARK
from channels.sandbox import STAND_INS
from channels.sandbox.accounts import sandbox_accounts
from channels.sandbox.paging import PATH as PAGING_ROOM

ORGANISATION = "Wyre Council"
ADMINISTRATOR = "admin"
USERS = {"officer": Role.OFFICER, "approver": Role.APPROVER, "auditor": Role.AUDITOR}
SECRETS = Path("sandbox") / "secrets.json"  # in the data directory
DAYS = 30


def prepare_sandbox(settings: Settings, *, port: int, exercise_port: int | None = None) -> Settings:
    """These settings with account files for the stand-ins on `port`, and the fence around them; with `exercise_port`, accounts
    for exercises too, at stand-ins and with credentials of their own.

    Invalid where the installation has accounts of its own: those are never mixed with stand-ins.
    """
    ports = {Mode.LIVE: port} | ({} if exercise_port is None else {Mode.EXERCISE: exercise_port})
    for mode, each in ports.items():
        _prepare(settings, mode, each)
    own_name = {} if "organisation" in settings.model_fields_set else {"organisation": ORGANISATION}
    room = f"json://127.0.0.1:{port}{PAGING_ROOM}/duty"  # and no real telephone rings
    fence = {"allowed_hosts": "127.0.0.1", "paging_urls": room, **own_name}
    return settings.without("paging_urls", "smtp_url", "anchor_mail_to").model_copy(update=fence)


def _prepare(settings: Settings, mode: Mode, port: int) -> None:
    folder = settings.credentials / mode
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = [p.name for p in folder.glob("*.toml") if not p.read_text().startswith(MARK)]
    if own:
        raise Invalid(
            f"{folder} holds accounts of your own, which are never mixed with the sandbox. "
            "Use another data directory: BROADCASTER_DATA_DIR=/tmp/try broadcaster up --sandbox",
            details=tuple(sorted(own)),
        )
    for name, options in _accounts(settings, mode, port).items():
        _write(folder / f"{name}.toml", options)


def ensure_people(parts: Parts) -> dict[str, str]:
    """Tokens of the sandbox's users by name. On an empty database they are made; `tokens.json` keeps them."""
    path = parts.settings.root / "sandbox" / "tokens.json"
    if not parts.people.is_empty():
        tokens: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return tokens
    parts.people.add(None, name=ADMINISTRATOR, roles=[Role.ADMINISTRATOR])
    tokens = {ADMINISTRATOR: parts.people.issue_token(None, name=ADMINISTRATOR, days=DAYS).text}
    admin = parts.people.who(tokens[ADMINISTRATOR])
    for name, role in USERS.items():
        parts.people.add(admin, name=name, roles=[role])
        tokens[name] = parts.people.issue_token(admin, name=name, days=DAYS).text
    _give_secrets(parts, list(tokens))
    _write_private(path, json.dumps(tokens, indent=1))
    return tokens


def ensure_list(parts: Parts, officer: Person) -> None:
    """Somebody to send texts to, where there is no list yet: numbers that Ofcom set aside for drama, so nobody's."""
    if parts.audiences.list():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        path.write_text("".join(f"+447700900{n:03}\n" for n in range(1000)))
        parts.audiences.import_csv(
            actor=officer,
            name="sample",
            path=path,
            source="made up for the sandbox",
            lawful_basis="public task",
            purpose="emergency warnings",
        )


def _give_secrets(parts: Parts, names: list[str]) -> None:
    """Passwords and the secrets of apps, to try signing in with; the file says which."""
    made = {name: new_sandbox_secrets() for name in names}
    for name, (password, secret) in made.items():
        parts.passwords.give_in_sandbox(name, password, secret)
    told = {name: {"password": password, "totp_secret": secret} for name, (password, secret) in made.items()}
    _write_private(parts.settings.root / SECRETS, json.dumps(told, indent=1))


def _accounts(settings: Settings, mode: Mode, port: int) -> dict[str, dict[str, str]]:
    """Account files by name: one for each channel that has a stand-in, and the website that we serve ourselves."""
    live = mode is Mode.LIVE
    known = sandbox_accounts(settings.root / ("sandbox" if live else "sandbox-exercise"))
    site = settings.site_dir if live else settings.exercise_site_dir
    site.mkdir(parents=True, exist_ok=True)
    sandbox, web = f"http://127.0.0.1:{port}", f"http://{settings.web_host}:{settings.web_port}"
    return {
        "website": {
            "channel": "website",
            "site_dir": str(site),
            "base_url": f"{web}/{site.name}",
            "site_name": f"{ORGANISATION} ({'sandbox' if live else 'exercises'})",
        },
        "facebook": {"channel": "facebook", "base_url": sandbox, **known["facebook"]},
        "x": {"channel": "x", "base_url": sandbox, **known["x"]},
        "sms": {
            "channel": "sms",
            "gateway": "kannel",
            "base_url": sandbox,
            "sender": "WyreCouncil",
            "receipt_url": f"{web}/hooks/{mode}/sms/receipt",
            **known["sms"],
        },
        **{name: {"channel": name, "base_url": sandbox, **known[name]} for name in STAND_INS},
    }


def _write(path: Path, options: dict[str, str]) -> None:
    _write_private(path, MARK + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))


def _write_private(path: Path, text: str) -> None:
    """Readable by its owner only from the first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
