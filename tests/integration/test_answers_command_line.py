"""`broadcaster opt-out` and `broadcaster heard`: nobody's number by accident, and what there is to do where nothing is there."""

from structlog.testing import capture_logs

from broadcaster.bootstrap import build
from broadcaster.db import accounts
from broadcaster.db.engine import Database
from broadcaster.service.callbacks import Unread
from broadcaster.service.hearing import HeardAt
from broadcaster.settings import Settings
from channels.incoming import Heard

DATABASES = ("sqlite",)

NUMBER, END = "+447700900001", "001"
REASON = ("--reason", "call 2026-114")


def somebody_writes(desk, *texts):
    """Each from NUMBER, and a callback that nobody understands."""
    database = Database(desk.url)
    parts = build(Settings.load({"BROADCASTER_DATA_DIR": str(desk.data)}), channels={}, database=database)
    with database.write() as tx:
        account_id = accounts.ensure(tx, mode="live", channel="sms", name="texts").id
    parts.hearing.store(
        [
            HeardAt(
                account_id=account_id,
                message=Heard(address=NUMBER, text=text, platform_id=text),
                confirm=True,
            )
            for text in texts
        ]
    )
    with capture_logs():
        parts.receipts.store([Unread(account_id=account_id, raw="{}")])
    database.close()


def test_opt_outs_are_entered_counted_and_taken_back_without_a_number_on_the_screen(desk):
    assert desk.do("opt-out", "list", who="officer") == "Nobody has opted out.\n"
    shown = desk.do("opt-out", "add", NUMBER, "--purpose", "floods", *REASON, who="keeper")
    assert shown == f"The number ending in {END} is left out of floods from now on.\n"
    assert "already" in desk.do("opt-out", "add", NUMBER, "--purpose", "floods", *REASON, who="keeper")
    assert desk.data_of("opt-out", "add", NUMBER, "--all", *REASON, who="admin")["count"] == 1
    listed = desk.do("opt-out", "list", who="auditor")
    for words in ("floods", "asked the staff", "(all purposes)"):
        assert words in listed
    assert desk.data_of("opt-out", "end", NUMBER, *REASON, who="keeper")["count"] == 2
    assert "no such opt-out" in desk.refused("opt-out", "end", NUMBER, *REASON, who="keeper")
    everything = listed + shown + desk.do("audit", "show", who="auditor")
    assert NUMBER[-6:] not in everything


def test_what_cannot_be_entered_says_why(desk):
    for words, code, arguments in [
        ("Give either --purpose TEXT or --all", 2, ("add", NUMBER, *REASON)),
        ("Give either --purpose TEXT or --all", 2, ("add", NUMBER, "--all", "--purpose", "x", *REASON)),
        ("Nothing was changed", 1, ("add", NUMBER, "--all", "--reason", f"is {NUMBER}")),
        ("country code", 1, ("add", "12", "--all", *REASON)),
    ]:
        assert words in desk.refused("opt-out", *arguments, who="keeper", code=code)
    assert "Only" in desk.refused("opt-out", "add", NUMBER, "--all", *REASON, who="officer")


def test_what_people_wrote_is_listed_by_its_last_digits_and_shown_one_by_one(desk):
    assert "Nobody has written anything." in desk.do("heard", "list", who="officer")
    assert "Nobody has written anything." in desk.do("heard", "count", who="auditor")
    somebody_writes(desk, "we are on the roof\x1b[2J", "STOP")
    listed = desk.do("heard", "list", who="officer")
    assert "we are on the roof" in listed
    assert f"...{END}" in listed
    assert "\x1b" not in listed
    assert "STOP" not in listed
    assert "1 callbacks that were genuine and not understood" in listed
    assert NUMBER[-6:] not in listed
    (message,) = desk.data_of("heard", "list", who="approver")["messages"]
    assert NUMBER in desk.do("heard", "show", message["id"], who="officer")
    assert "Only" in desk.refused("heard", "show", message["id"], who="auditor")
    assert "heard list" in desk.refused("heard", "show", 99, who="officer")
    counted = desk.data_of("heard", "count", who="auditor")
    assert sorted((m["meaning"], m["count"]) for m in counted["messages"]) == [("other", 1), ("stop", 1)]
    assert "wrote STOP to us" in desk.do("opt-out", "list", who="officer")
    assert "Confirmations: 1 waiting." in desk.do("opt-out", "list", who="officer")
    acts = desk.do("audit", "show", who="auditor")
    assert "answer_number_read" in acts
    assert NUMBER[-6:] not in acts
