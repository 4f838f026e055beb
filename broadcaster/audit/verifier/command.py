"""Checks an export of a crisis broadcaster's audit log, or the proof of one message. Needs Python 3.9 and nothing else.

    python3 verify_audit.py audit.jsonl --key "$(cat key-you-were-given)" --anchors checkpoints-you-kept.txt
    python3 verify_audit.py proof.json --key ...

Exit codes: 0 whole; 1 altered, with the number of the first event that nobody can trust; 2 wrong usage; 3 whole, but the end of
the log was never laid down outside (so whoever runs the database could still replace it); 4 cannot be read.

What is checked: every event against its hash; all hashes, in their order, against the roots of the signed checkpoints
(RFC 6962, c2sp.org/tlog-checkpoint, Ed25519); every outcome of a sending against the event that vouches for it; the checkpoints
that were laid down outside against the log. Without --key the key comes from the file itself, and whoever made the file could have
made the key: ask the organisation for its key by another way, or compare it with an earlier one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from broadcaster.audit.verifier.notes import notes_of
from broadcaster.audit.verifier.reading import verify_file
from broadcaster.audit.verifier.verdict import UNREADABLE, Unreadable
from broadcaster.audit.verifier.words import as_dict, in_words


def main(arguments: list[str] | None = None, write: Callable[[str], object] = print) -> int:
    given = _options().parse_args(arguments)
    try:
        anchors = [note for path in given.anchors for note in notes_of(path)]
        verdict = verify_file(given.file, keys=given.key, anchors=anchors, tsa_ca=given.tsa_ca)
    except Unreadable as error:
        said = {"code": UNREADABLE, "error": str(error)}
        write(json.dumps(said) if given.json else f"Cannot be checked: {error}.")
        return UNREADABLE
    write(json.dumps(as_dict(verdict)) if given.json else "\n".join(in_words(verdict)))
    return verdict.code


def _options() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    options.add_argument("file", help="what `broadcaster audit export` or `broadcaster audit prove` wrote")
    key = "the log's public key, as you were given it; may be repeated"
    options.add_argument("--key", action="append", default=[], help=key)
    anchors = "a file of checkpoints that were kept outside; may be repeated"
    options.add_argument("--anchors", action="append", default=[], help=anchors)
    tsa_ca = "certificates (PEM) of the authority whose time stamps are in the export"
    options.add_argument("--tsa-ca", default="", help=tsa_ca)
    options.add_argument("--json", action="store_true", help="the result for programs")
    return options


if __name__ == "__main__":
    sys.exit(main())
