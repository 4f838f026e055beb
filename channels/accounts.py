"""Reads the accounts' files: one TOML file per account, in a folder per mode, so that an exercise cannot reach live ones.

accounts/live/wyre-page.toml
    channel = "facebook"
    page_id = "123"
    access_token_file = "wyre-page.token"     # beside this file; or access_token_env = "VARIABLE"

Whoever only describes accounts passes over their secrets; whoever holds those of one mode is refused those of the other.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, runtime_checkable

from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.names import did_you_mean
from channels import channel_class
from channels.base import Account, Channel, Holds, Option, Secret
from channels.spares import problems_with


@runtime_checkable
class OptionsByContent(Protocol):
    """A kind of channel whose options depend on what an account's file says, such as its gateway."""

    def options_for(self, given: Mapping[str, object]) -> tuple[Option, ...]:
        """The options of an account whose file says this. Invalid where that cannot be."""
        ...


class OneMode:
    """The one mode whose credentials a process may hold: the first that it asks for, until it ends."""

    def __init__(self) -> None:
        self.mode = ""
        self._lock = Lock()

    def hold(self, mode: str) -> None:
        """Invalid where this process holds those of another mode."""
        with self._lock:
            if self.mode not in {"", mode}:
                raise Invalid(
                    f"This process holds the credentials of {self.mode} accounts, so it is refused those of {mode} "
                    "ones. Nothing was loaded. Let a process of its own do this."
                )
            self.mode = mode


THIS_PROCESS = OneMode()


def load_accounts(
    directory: Path, mode: str, allowed_hosts: frozenset[str] | None, *, holds: Holds = Holds.ALL
) -> dict[str, Account]:
    """Every account of a mode, by name. No account is no problem; a missing `directory` is.

    Invalid lists every problem of every file at once, so that set-up takes one round and not ten; and it refuses all of
    them to a process that holds the credentials of another mode. What is not to be held is not kept, and a file that
    holds nothing else is not opened.
    """
    if holds is Holds.ALL:
        THIS_PROCESS.hold(mode)
    if not directory.is_dir():
        raise Invalid(
            f"There is no folder {directory}. Create it, with a folder {mode} in it for the accounts."
        )
    readings = _readings(directory, mode, holds)
    found = [reading.account(mode, allowed_hosts) for reading in readings]
    problems = [problem for reading in readings for problem in reading.problems]
    if problems:
        raise Invalid(f"The accounts in {directory / mode} cannot be used.", details=tuple(problems))
    return {account.name: account for account in found if account}


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where secrets of a mode's accounts are: names of variables. `missing` says in words which of all are not there."""

    variables: frozenset[str]
    missing: tuple[str, ...]


def sources(directory: Path, mode: str, holds: Holds = Holds.NOTHING) -> Sources:
    """Of the secrets that whoever `holds` so much passes over, without reading any."""
    readings = _readings(directory, mode, holds)
    for reading in readings:
        reading.account(mode, None)
    return Sources(
        variables=frozenset().union(*(reading.variables for reading in readings)),
        missing=tuple(text for reading in readings for text in reading.missing),
    )


def _readings(directory: Path, mode: str, holds: Holds) -> "list[_Reading]":
    return [_Reading(path, holds) for path in sorted((directory / mode).glob("*.toml"))]


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
    holds: Holds
    problems: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)

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
            secrets={name: each for name, each in self.secrets.items() if each != Secret("")},
            allowed_hosts=allowed_hosts,
            holds=self.holds,
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
        self.secrets[option.name] = Secret(text.strip() if self._is_held(option) else "")

    def _is_held(self, option: Option) -> bool:
        return self.holds is Holds.ALL or (self.holds is Holds.CALLBACKS and option.verifies)

    def _keep_from(self, option: Option, how: str, value: object) -> None:
        if not self._is_held(option):
            self._pass_over(option, how, str(value))
            return
        if how == "env":
            text = os.environ.get(str(value), "")
            if not text:
                self._problem(f"{option.name}_env names the variable {value}, which is not set.")
        else:
            text = self._file_text(option, self.path.parent / str(value))
        if text:
            self._keep_secret(option, text)

    def _pass_over(self, option: Option, how: str, named: str) -> None:
        """A description knows that the secret is given, and where."""
        self.secrets[option.name] = Secret("")
        if how == "env":
            self.variables.add(named)
        path = self.path.parent / named
        there = named in os.environ if how == "env" else os.access(path, os.R_OK)
        if not there:
            where = (
                f"the variable {named}, which is not set" if how == "env" else f"{path}, which cannot be read"
            )
            self.missing.append(f"{self.path.name}: {option.name}_{how} names {where}.")

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
