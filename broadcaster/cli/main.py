"""The command `broadcaster`: which commands there are, and what a person reads when something goes wrong.

A command's module is imported when the command is used, so that `broadcaster --help` answers at once.
"""

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from broadcaster.cli import failures
from broadcaster.domain.errors import Problem

#: Name -> (module, its Typer app, the summary in `broadcaster --help`), in the order in which they are needed.
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "up": ("run", "app", "Start everything on this machine and keep it running."),
    "demo": ("run", "app", "Show one message from draft to every channel, with stand-ins for the platforms."),
    "migrate": ("run", "app", "Bring the database to the schema that this version needs."),
    "login": ("login", "app", "Sign in on the command line, with name, password and code."),
    "logout": ("login", "app", "Sign out on the command line."),
    "password": ("login", "app", "Set or change your own password."),
    "factor": ("factors", "factors", "Set up your second factor, and give it."),
    "user": ("users", "users", "Add, list, change and disable the people who may use this."),
    "rota": ("rota", "rota", "Say who is on call, and see who is."),
    "page": ("pages", "pages", "See who is paged about what, and say that you are on it."),
    "sso": ("sso", "sso", "Say who may use single sign-on, and check that it works."),
    "token": ("tokens", "tokens", "List, make and revoke tokens, with which programs say who asks."),
    "proposal": ("proposals", "proposals", "Confirm or decline what another administrator proposes."),
    "delegation": ("delegations", "delegations", "Let somebody approve some messages, for a time."),
    "policy": ("proposals", "policies", "Show and propose how users are managed; read the policy."),
    "webhooks": ("webhooks", "webhooks", "Tell programs elsewhere what happens here, signed."),
    "account": ("accounts", "accounts", "List the accounts on the platforms and resume paused ones."),
    "channels": ("channels", "channels", "Check whether the accounts could send now, without posting."),
    "audience": (
        "audiences",
        "audiences",
        "Import and list lists of phone numbers, and erase people from them.",
    ),
    "opt-out": ("opt_outs", "opt_outs", "Leave numbers out because their people asked, and take it back."),
    "heard": ("heard", "heard", "Read what people wrote to us."),
    "template": ("templates", "templates", "List, edit and compare the notice templates."),
    "message": ("messages", "messages", "Write, submit, approve and look at messages."),
    "pre-authorised": (
        "pre_authorised",
        "pre_authorised",
        "Authorise wording beforehand, and send under it alone.",
    ),
    "break-glass": ("break_glass", "break_glass", "Send without a second person, and review it."),
    "election": ("elections", "elections", "Mark messages that name politicians before an election."),
    "schedule": ("schedules", "schedules", "Plan notices that go out by themselves, approved beforehand."),
    "incident": ("incidents", "incidents", "Keep the record of an incident: decisions, actions, hand-over."),
    "feed": ("feeds", "feeds", "Watch the feeds of weather services and of others who warn."),
    "warning": ("feeds", "warnings", "Look at what watched feeds warned of, write from it, or dismiss it."),
    "cap": ("cap", "cap", "Show the CAP alert of a message, and change the key that signs them."),
    "status": ("status", "app", "Show what became of a message on every channel."),
    "figures": ("figures", "app", "Show how fast posts were accepted, what waits and what is in doubt."),
    "alarms": ("alarms", "alarms", "Show what is wrong now and what to do; exit code 1 while anything is."),
    "stop": ("status", "app", "Stop a broadcast: nothing more of it is sent."),
    "drill": ("drills", "drills", "Plan drills, run them, and see how fast each step was."),
    "storm": ("storm", "storm", "Hold everything routine in a storm, and decide about what was held."),
    "unknown": ("unknowns", "unknowns", "Decide about deliveries that may or may not have been sent."),
    "again": ("mending", "app", "Try again what a platform refused, once its cause is mended."),
    "by-hand": ("mending", "by_hand", "Note what people posted themselves, or told in another way."),
    "backup": ("backup", "app", "Save everything into one file while it runs, or check such a file."),
    "restore": ("backup", "app", "Bring everything back from a backup."),
    "key": ("keys", "keys", "Change the keys that protect what is stored."),
    "record": ("records", "records", "Hold, redact and hand out what is kept."),
    "audit": ("audit", "audit", "Read the record of who did what, and check that nobody altered it."),
}


class Commands(TyperGroup):
    """Loads a command when it is used, and turns every failure into a text and an exit code.

    Parameters of click's own classes are `Any`: Typer carries click inside it and does not export them.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # the names, for "did you mean"

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["as_json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        as_json = ctx.meta["as_json"]
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except TyperException as error:  # a usage error: Typer prints it with the command's usage
            if not as_json:
                raise
            failures.show(error.format_message(), as_json=True)
            raise typer.Exit(error.exit_code) from error
        except Problem as problem:
            failures.show(problem.at_a_terminal, problem.details, as_json=as_json)
            code = 1
        except Exception as error:  # noqa: BLE001 - the command line's error page: a person reads a sentence
            if ctx.params["debug"]:
                traceback.print_exc()
            failures.show(failures.UNEXPECTED.format(kind=type(error).__name__), as_json=as_json)
            code = 1
        raise typer.Exit(code)


def load(name: str) -> Any:
    """The command or group of this name."""
    module, attribute, _ = COMMANDS[name]
    group = typer.main.get_group(getattr(import_module(f"broadcaster.cli.{module}"), attribute))
    return group.commands.get(name, group)  # `up` is a command of its module's app, `user` is the app


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Example: broadcaster demo",
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's signature
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and needed here only

        typer.echo(version("crisis-broadcaster"))
        raise typer.Exit


@app.callback()
def top(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Get one approved message onto every channel within seconds, and prove it afterwards.

    You act as who signed in with `broadcaster login`, or whose token is in BROADCASTER_TOKEN. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
    """


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # no letter is worth a crash
    app(prog_name="broadcaster")


if __name__ == "__main__":
    main()
