"""Log lines: whose they are and what they are about, in both forms, and nothing in them that is nobody's business."""

import json
import logging
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests
import structlog

from broadcaster.domain.errors import Unavailable
from broadcaster.logs import about, configure

NUMBER, TEXT, TOKEN = "447700900123", "Leave the canary's house now", "canary-token"
LEAK = f"to={NUMBER}&text={TEXT}&token={TOKEN}"


@pytest.fixture(autouse=True)
def logging_as_it_was():
    root = logging.getLogger()
    before = (root.handlers[:], root.level, warnings.showwarning)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, warnings.showwarning = before


@pytest.fixture
def lines(capsys):
    def read():
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


def test_every_line_says_which_process_it_is_from_and_a_librarys_too(lines):
    configure("live-pump", mode="live", form="json")
    structlog.get_logger().info("started", count=1)
    logging.getLogger("kombu").warning("lost %s", "it")
    logging.getLogger("kombu").info("not told")
    ours, theirs = lines()
    assert (ours["event"], ours["count"], ours["level"]) == ("started", 1, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("lost it", "kombu", "warning")
    assert [(line["process"], line["mode"]) for line in (ours, theirs)] == [("live-pump", "live")] * 2


def test_what_a_line_is_about_is_bound_once_and_forgotten_in_a_pools_thread(lines):
    configure("live-public", form="json")
    log = structlog.get_logger()

    def work(broadcast):
        if broadcast:
            with about(broadcast=broadcast, batch=7, channel=None):
                with about(channel="x", group=9):
                    log.warning("sent")
                log.warning("over")
        log.warning("idle")

    with ThreadPoolExecutor(1) as pool:  # the same thread serves both
        list(pool.map(work, ["first", ""]))
    sent, over, *idle = lines()
    assert {k: sent[k] for k in ("broadcast", "batch", "channel", "group")} == {
        "broadcast": "first", "batch": 7, "channel": "x", "group": 9}  # fmt: skip
    assert (over["broadcast"], "group" in over, "channel" in over) == ("first", False, False)
    assert [set(line) & {"broadcast", "batch", "channel", "group"} for line in idle] == [set(), set()]


def test_the_level_holds_for_ours_and_at_debug_no_library_talks(lines):
    configure("web", form="json", level_name="debug")
    logging.getLogger("urllib3").debug(LEAK)
    structlog.get_logger().debug("seen")
    assert [line["event"] for line in lines()] == ["seen"]
    configure("web", form="json", level_name="error")
    logging.getLogger("urllib3").warning("not told")
    structlog.get_logger().warning("not told")
    assert lines() == []


def fail():
    try:
        requests.get(f"http://127.0.0.1:1/cgi-bin/sendsms?{LEAK}", timeout=1)
    except requests.ConnectionError as error:
        raise KeyError(LEAK) from error


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_errors_words_are_left_out_where_they_may_quote_people(capsys, form):
    configure("live-bulk", form=form)
    try:
        fail()
    except KeyError as error:
        structlog.get_logger().exception("channel_failed")
        told_by_celery = {"name": "deliver", "exc": repr(error), "args": [LEAK]}
        logging.getLogger("celery.app.trace").exception("Task %(name)s raised: %(exc)s", told_by_celery)
        logging.getLogger("uvicorn.error").exception("Exception in %s", error)  # noqa: TRY401 - what a library does
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert "requests.exceptions.ConnectionError" in told
    assert "test_logs.py" in told  # where it was
    for canary in (NUMBER, TEXT, TOKEN):
        assert canary not in told
    assert len(told.splitlines()) == 3  # one line per event


def test_what_a_server_or_we_ourselves_say_is_told(lines):
    configure("sweeper", form="json")
    for error in (
        psycopg.OperationalError("password authentication failed for user broadcaster"),
        Unavailable("The database does not answer."),
        FileNotFoundError(2, "No such file or directory", f"/tmp/{TOKEN}"),
    ):
        try:
            raise error
        except type(error):
            structlog.get_logger().exception("loop_step_failed")
    told = [line["exception"].splitlines()[-1] for line in lines()]
    assert told == [
        "psycopg.OperationalError: password authentication failed for user broadcaster",
        "broadcaster.domain.errors.Unavailable: The database does not answer.",
        "FileNotFoundError: No such file or directory",
    ]


def test_pythons_own_warnings_go_the_same_way(lines):
    configure("web", form="json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert [(line["logger"], line["level"]) for line in lines()] == [("py.warnings", "warning")]
    assert sys.stderr
