"""Reads the accounts' files: one TOML file per account, in a folder per mode, so that an exercise cannot reach live ones.

accounts/live/wyre-page.toml
    channel = "facebook"
    page_id = "123"
    access_token_file = "wyre-page.token"     # beside this file; or access_token_env = "VARIABLE"
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.names import did_you_mean
from channels import channel_class
from channels.base import Account, Channel, Option, Secret
from channels.spares import problems_with


@runtime_checkable
class OptionsByContent(Protocol):
    """A kind of channel whose options depend on what an account's file says, such as its gateway."""

    def options_for(self, given: Mapping[str, object]) -> tuple[Option, ...]:
        """The options of an account whose file says this. Invalid where that cannot be."""
        ...


def load_accounts(directory: Path, mode: str, allowed_hosts: frozenset[str] | None) -> dict[str, Account]:
    """Every account of a mode, by name. No account is no problem; a missing `directory` is.

    Invalid lists every problem of every file at once, so that set-up takes one round and not ten.
    """
    if not directory.is_dir():
        raise Invalid(
            f"There is no folder {directory}. Create it, with a folder {mode} in it for the accounts."
        )
    readings = [_Reading(path) for path in sorted((directory / mode).glob("*.toml"))]
    found = [reading.account(mode, allowed_hosts) for reading in readings]
    problems = [problem for reading in readings for problem in reading.problems]
    if problems:
        raise Invalid(f"The accounts in {directory / mode} cannot be used.", details=tuple(problems))
    return {account.name: account for account in found if account}


def open_channels(accounts: Mapping[str, Account]) -> dict[str, Channel]:
    """A channel for every account, by the account's name. No input or output. Invalid lists all problems."""
    opened: dict[str, Channel] = {}
    problems: list[str] = []
    for name, account in accounts.items():
        try:
            opened[name] = channel_class(account.channel).from_account(account)
        except (Invalid, NotFound) as problem:
            problems.extend(problem.details or [problem.text])
    if len(opened) == len(accounts):
        problems.extend(problems_with(opened))
    if problems:
        raise Invalid("Some accounts cannot be used.", details=tuple(problems))
    return opened


@dataclass
class _Reading:
    """One file being read: what it gave, and what is wrong with it."""

    path: Path
    problems: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)

    def account(self, mode: str, allowed_hosts: frozenset[str] | None) -> Account | None:
        """None where there are problems."""
        given = self._parsed()
        channel = str(given.pop("channel", ""))
        declared = self._declared(channel, given) if not self.problems else {}
        for key, value in given.items():
            self._take(key, value, declared)
        self._miss(declared)
        if self.problems:
            return None
        return Account(
            name=self.path.stem,
            channel=channel,
            mode=mode,
            options=self.options,
            secrets=self.secrets,
            allowed_hosts=allowed_hosts,
        )

    def _problem(self, text: str) -> None:
        self.problems.append(f"{self.path.name}: {text}")

    def _parsed(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as exc:
            self._problem(
                f"it cannot be read ({exc.strerror}). Give the broadcaster's user the right to read it."
            )
        except ValueError:  # broken TOML or not UTF-8; the parser's own words may quote a secret
            self._problem("it is not valid TOML. Check quotes and equals signs.")
        return {}

    def _declared(self, channel: str, given: Mapping[str, object]) -> dict[str, Option]:
        if not channel:
            self._problem('it does not say which channel it is for. Add a line such as channel = "facebook".')
            return {}
        try:
            cls: object = channel_class(channel)
            options = (
                cls.options_for(given)
                if isinstance(cls, OptionsByContent)
                else channel_class(channel).options
            )
        except (Invalid, NotFound) as exc:
            self._problem(exc.text)
            return {}
        return {option.name: option for option in options}

    def _take(self, key: str, value: object, declared: Mapping[str, Option]) -> None:
        name, _, how = key.rpartition("_")
        self.mentioned |= {key, name}
        if key in declared:
            self._keep(declared[key], value)
        elif name in declared and declared[name].secret and how in {"file", "env"}:
            self._keep_from(declared[name], how, value)
        elif declared:
            self._problem(f'there is no option "{key}".{did_you_mean(key, declared)}')

    def _keep(self, option: Option, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._problem(f'{option.name} must be text: {option.name} = "..."')
        elif option.required and not str(value).strip():
            self._problem(f"{option.name} is empty: {option.help}.")
        elif option.secret:
            self._keep_secret(option, str(value))
            self._check_permissions()
        else:
            self.options[option.name] = str(value)

    def _keep_secret(self, option: Option, text: str) -> None:
        if option.name in self.secrets:
            self._problem(f"{option.name} is given twice. Keep one.")
        self.secrets[option.name] = Secret(text.strip())

    def _keep_from(self, option: Option, how: str, value: object) -> None:
        if how == "env":
            text = os.environ.get(str(value), "")
            if not text:
                self._problem(f"{option.name}_env names the variable {value}, which is not set.")
        else:
            text = self._file_text(option, self.path.parent / str(value))
        if text:
            self._keep_secret(option, text)

    def _file_text(self, option: Option, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
            self._problem(f"{option.name}_file names {path}, which cannot be read ({why}).")
            return ""
        if not text:
            self._problem(f"{option.name}_file names {path}, which is empty.")
        return text

    def _check_permissions(self) -> None:
        """Only for secrets in the file itself: files that Docker mounts as secrets are readable by all."""
        problem = f"others on this machine can read its secrets. Run: chmod 600 {self.path}"
        if self.path.stat().st_mode & 0o007 and f"{self.path.name}: {problem}" not in self.problems:
            self._problem(problem)

    def _miss(self, declared: Mapping[str, Option]) -> None:
        given = self.options.keys() | self.secrets.keys()
        for option in declared.values():
            if option.required and option.name not in self.mentioned:
                self._problem(f"{option.name} is missing: {option.help}.")
            elif option.default and not option.secret and option.name not in given:
                self.options[option.name] = option.default
