"""`broadcaster up`, `migrate` and `demo`: starting everything, the database's schema, and trying it out."""

import socket
from typing import Annotated

import typer

from broadcaster.bootstrap import build
from broadcaster.cli import terminal
from broadcaster.cli.sandbox_setup import SECRETS, ensure_list, ensure_people, prepare_sandbox
from broadcaster.cli.session import TOKEN
from broadcaster.cli.supervised import Supervised
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate as apply_migrations
from broadcaster.domain.errors import Unavailable
from broadcaster.domain.names import did_you_mean
from broadcaster.processes import reachable
from broadcaster.settings import Settings

FAULTS = ("flush", "kill", "silent")

app = terminal.group("Starting everything.")


@app.command(epilog="Example: broadcaster up --sandbox")
def up(
    *,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="With stand-ins for the platforms and three users, to try it out."),
    ] = False,
    sandbox_port: Annotated[int, typer.Option(min=0, max=65535, help="Where the stand-ins listen.")] = 8001,
    exercise_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where those for exercises listen. 0: any free port.")
    ] = 0,
) -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    settings = Settings.load()
    web = _free_port(settings.web_host, settings.web_port, "BROADCASTER_WEB_PORT")
    settings = settings.model_copy(update={"web_port": web})
    port = drill_port = None
    if sandbox:
        port = _free_port("127.0.0.1", sandbox_port, "--sandbox-port")
        drill_port = _free_port("127.0.0.1", exercise_port, "--exercise-port")
        settings = prepare_sandbox(settings, port=port, exercise_port=drill_port)
    with Supervised(settings, sandbox_port=port, exercise_port=drill_port) as running:
        if running.wait_until_up():
            say(*_where(settings))
            if port is not None and drill_port is not None:
                say(*_sandbox(settings, port, drill_port))
            say("Ctrl-C stops it.")
        code = running.wait()
    raise typer.Exit(code)


@app.command(epilog="Example: broadcaster migrate")
def migrate(*, as_json: Json = False) -> None:
    """Bring the database to the schema that this version needs. Safe to run again."""
    settings = Settings.load()
    database = Database(settings.database, lock_wait_s=settings.lock_wait_s)
    try:
        applied = apply_migrations(database)
    finally:
        database.close()
    if as_json:
        print_json({"applied": applied})
    else:
        say(f"Applied: {', '.join(applied)}" if applied else "Nothing to do: the database is up to date.")


@app.command(epilog="Example: broadcaster demo --fault kill")
def demo(
    *,
    fault: Annotated[
        str | None, typer.Option(metavar="FAULT", help=f"Break something on the way: {' or '.join(FAULTS)}.")
    ] = None,
    recipients: Annotated[int, typer.Option(min=1, help="How many numbers get the text message.")] = 10_000,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's folder to look into it.")] = False,
) -> None:
    """Show one message from draft to every channel, with stand-ins for the platforms, in a folder of its own."""
    if fault is not None and fault not in FAULTS:
        raise typer.BadParameter(
            f'"{fault}" is not a fault.{did_you_mean(fault, FAULTS)}', param_hint="--fault"
        )
    from broadcaster.cli.demo import run_demo  # noqa: PLC0415 - what only the demo needs must not keep `up` from running

    raise typer.Exit(run_demo(fault, recipients, keep=keep))


def _free_port(host: str, port: int, given_by: str) -> int:
    """The port, or a free one for 0. Unavailable where it is taken: nothing has been started yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"{host}:{port} cannot be listened on ({error.strerror}). Nothing was started. Perhaps the broadcaster is "
                f"running already; otherwise choose another port with {given_by}."
            ) from error
        return int(probe.getsockname()[1])


def _where(settings: Settings) -> list[str]:
    host = reachable(settings.web_host)
    web = f"http://{f'[{host}]' if ':' in host else host}:{settings.web_port}"
    return [
        "The broadcaster is running.",
        f"  Console       {settings.console_url}/",
        f"  Public pages  {web}/site/",
        f"  Data          {settings.root}",
        f"  Logs          {settings.root / 'logs'}",
    ]


def _sandbox(settings: Settings, port: int, drill_port: int) -> list[str]:
    """Where to look, and whom to act as: in another terminal, which needs the same settings."""
    parts = build(settings, channels={})
    try:
        tokens = ensure_people(parts)
        if tokens:
            ensure_list(parts, parts.people.who(tokens["officer"]))
    finally:
        parts.database.close()
    lines = [
        f"  Wall          http://127.0.0.1:{port}/ (what the stand-ins for the platforms received)",
        f"  For drills    http://127.0.0.1:{drill_port}/ (stand-ins of their own: what exercises sent)",
    ]
    lines += [f"To act as {name}: export {TOKEN}={token}" for name, token in tokens.items()]
    if (settings.root / SECRETS).exists():
        lines.insert(
            1,
            f"  Sign in as    http://127.0.0.1:{port}/_sandbox/staff (made-up people, their passwords and codes)",
        )
    if not tokens:
        lines.append("This database had users of its own, so none were made. Act as one of them.")
    return lines
