"""`broadcaster key`: changing the keys that protect what is stored."""

import sys
import time
from dataclasses import asdict

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.service.keys import Keys

TOLD_EVERY = 100_000
CHANGED_WITHIN_S = 5.0

keys = terminal.group("Change the keys that protect what is stored.")


@keys.command(epilog="Example: broadcaster key rotate")
def rotate(*, as_json: Json = False) -> None:
    """Seal every stored phone number anew under a new key, while everything goes on. Safe to run again at any point.

    The half of the key by which numbers are found again stays, so approvals and opt-outs stay valid. Take a backup
    afterwards: older ones hold the old key.
    """
    with signed_in() as session:
        path = session.parts.settings.root / "keys" / "data.key"
        done = Keys(session.parts.database, path).rotate(session.actor, on_progress=_tell)
    if as_json:
        print_json(asdict(done))
        return
    if done.resumed:
        say("An earlier change of the key had broken off, and was brought to its end.")
    say(f"The data key was changed (now {done.fingerprint}). {done.numbers:,} numbers are under the new one.")
    if done.unreadable:
        say(f"{done.unreadable:,} rows match neither key: they were altered, and were left as they are.")
    say("Take a backup now: older ones hold the old key, and are as secret as it was.")


@keys.command("rotate-seal", epilog="Example: broadcaster key rotate-seal")
def rotate_seal(*, as_json: Json = False) -> None:
    """Sign the audit log with a new key from now on. Run it where the sealer has its key.

    The last checkpoint under the present key names the new one, so an auditor who holds the present key needs no other. The
    present key's private half is destroyed. Where it may have been stolen, give auditors the new public key yourself: whoever
    has the old one can forge what was not laid down outside.
    """
    with signed_in() as session:
        public = session.parts.seal.change_key(session.actor)
        ends = time.monotonic() + CHANGED_WITHIN_S
        while session.parts.seal.key_changes() and time.monotonic() < ends:
            time.sleep(0.05)
        changed = not session.parts.seal.key_changes()
    if as_json:
        print_json({"key": public, "in_use": changed})
        return
    say(f"The audit log is {'now' if changed else 'going to be'} signed under this key: {public}")
    if not changed:
        say("The sealer has not taken it yet. Look whether it runs: it takes the key with the next event.")
    say("Give it to your auditors by another way than this machine, and take a backup now.")


def _tell(done: int) -> None:
    if done % TOLD_EVERY == 0:
        sys.stderr.write(f"{done:,} numbers looked at\n")
