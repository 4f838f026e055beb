"""Threads on X, accounts without links, and what X says of credits, caps and days."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, ChoosesLinks, Receipt, Secret, Threads
from channels.text_x import x_links
from channels.twitter import XAccount
from channels.twitter_checks import MAX_PARTS
from tests.contract.channel_suite import PATIENT, all_that_is_said, attempt
from tests.contract.on_x import NOW_S, SECRETS, account, problem, saved
from tests.contract.platform_server import Answer, Fault
from tests.contract.x_pictures import POST, on_the_sandbox

ONE = "Flood warning for the River Wyre. Move to upper floors now. Wyre Council. Ref 7F3K2M 1/3"
TWO = "The rest centre is at Garstang High School, open from 14:05. Ref 7F3K2M 2/3"
THREE = "Bring medicines and what a baby needs. Ref 7F3K2M 3/3"
MENTIONS = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author"
    " of the post you are replying to."
)
AUTHORS = "You can only reply to or quote posts where you are mentioned or are the author."
GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."


def thread(*texts):
    return Post(channel="x", account="wyre-x", title="Flood", text=texts[0], further=texts[1:])


@pytest.fixture
def channel(script):
    return XAccount(account(script.url), timeouts=PATIENT, now_s=lambda: NOW_S)


def codes(post, **options):
    return [problem.code for problem in x(**options).check(post)]


def x(**options):
    return XAccount(
        Account(
            name="wyre-x",
            channel="x",
            mode="live",
            options={"username": "WyreCouncil", "user_id": "99", **options},
            secrets={name: Secret(text) for name, text in SECRETS.items()},
        )
    )


def test_the_channel_threads_and_chooses_links():
    assert isinstance(x(), Threads)
    assert isinstance(x(), ChoosesLinks)
    assert x().max_parts == MAX_PARTS


def test_a_part_answers_the_one_before(script, channel):
    assert isinstance(attempt(channel, thread(ONE, TWO).part(2, in_reply_to="7")), Receipt)
    assert json.loads(script.calls[0].body) == {"text": TWO, "reply": {"in_reply_to_tweet_id": "7"}}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([ONE, TWO, THREE], []),
        ([f"part {n}" for n in range(MAX_PARTS)], []),
        ([f"part {n}" for n in range(MAX_PARTS + 1)], ["too_many_parts"]),
        ([ONE, "b" * 280], []),
        ([ONE, "b" * 281], ["too_long"]),
        (["a" * 281, TWO, "c" * 281], ["too_long", "too_long"]),
        ([ONE, " \n"], ["empty"]),
        ([ONE, TWO, f" {ONE}\n"], ["repeated_part"]),
    ],
)
def test_each_part_is_checked_before_anybody_approves_it(parts, expected):
    found = x().check(thread(*parts))
    assert [problem.code for problem in found] == expected
    assert all(problem.text.endswith(".") for problem in found)


def test_a_problem_names_its_part():
    (found,) = x().check(thread(ONE, "b" * 290))
    assert (
        found.text == "Part 2 of the post for X is 10 over X's 280 characters (a link counts 23). Shorten it."
    )


@pytest.mark.parametrize(
    "answer",
    [
        problem(403, detail=MENTIONS, title="Forbidden", type="about:blank"),
        problem(403, detail=AUTHORS, type="https://api.x.com/2/problems/not-authorized-for-resource"),
        problem(403, errors=[{"message": AUTHORS}]),
        problem(403, errors=[{"code": 433, "message": "said"}]),
    ],
)
def test_a_part_that_x_refuses_as_an_answer_goes_out_by_itself(script, channel, answer):
    script.steps[POST] = [answer, saved("create 201")]
    assert isinstance(attempt(channel, thread(ONE, TWO).part(2, in_reply_to="7")), Receipt)
    assert [json.loads(call.body) for call in script.calls] == [
        {"text": TWO, "reply": {"in_reply_to_tweet_id": "7"}},
        {"text": TWO},
    ]


def test_the_second_try_by_itself_may_fail_like_any_post(script, channel):
    for answer, outcome in ((Answer(fault=Fault.CLOSE), OutcomeUnknown), (Answer(status=429), NotSent)):
        script.steps[POST] = [problem(403, detail=MENTIONS), answer]
        assert type(attempt(channel, thread(ONE, TWO).part(2, in_reply_to="7"))) is outcome


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (problem(403, detail="You are not permitted to perform this action."), Refused, "forbidden"),
        (problem(403, detail=GONE), Refused, "part_before_gone"),
        (problem(400, detail=GONE), Refused, "part_before_gone"),
        (problem(403, errors=[{"code": 385}]), Refused, "part_before_gone"),
        (problem(400, detail=MENTIONS), Refused, "refused"),
        (problem(500, detail=MENTIONS), OutcomeUnknown, "platform_error"),
        (saved("duplicate content (live)"), OutcomeUnknown, "duplicate"),
        (problem(401, detail=MENTIONS), NotConfigured, "credentials_refused"),
        (Answer(fault=Fault.CLOSE), OutcomeUnknown, "connection_lost"),
    ],
)
def test_only_a_sure_refusal_of_the_answer_is_sent_by_itself(script, channel, answer, outcome, code):
    script.steps[POST] = [answer, saved("create 201")]
    error = attempt(channel, thread(ONE, TWO).part(2, in_reply_to="7"))
    assert (type(error), error.code) == (outcome, code)
    assert len(script.calls) == 1


def test_a_post_that_answers_nothing_is_never_sent_twice(script, channel):
    script.steps[POST] = [problem(403, detail=MENTIONS), saved("create 201")]
    error = attempt(channel, thread(ONE))
    assert (type(error), error.code) == (Refused, "reply_refused")
    assert len(script.calls) == 1


def test_that_a_part_went_out_by_itself_is_logged_without_its_text(script, channel, capsys):
    script.steps[POST] = [problem(403, detail=MENTIONS), saved("create 201")]
    attempt(channel, thread(ONE, TWO).part(2, in_reply_to="7"))
    logged = capsys.readouterr().out
    assert "x_part_posted_by_itself" in logged
    assert TWO not in logged


# links


@pytest.mark.parametrize(
    ("given", "expected"), [({}, True), ({"links": "yes"}, True), ({"links": "no"}, False)]
)
def test_the_account_says_whether_its_posts_carry_links(given, expected):
    assert x(**given).with_links is expected


@pytest.mark.parametrize("odd", ["No", "false", "0", "maybe"])
def test_an_unclear_choice_of_links_is_refused_at_set_up(odd):
    with pytest.raises(Invalid, match="links"):
        x(links=odd)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://alerts.example/7f3k2m/ now.", ["https://alerts.example/7f3k2m/"]),
        ("See wyre.gov.uk.", ["wyre.gov.uk"]),
        ("twice www.a.org/x and b.com", ["www.a.org/x", "b.com"]),
        ("Mind the gap.It is wide", []),
        ("Read notice.pdf at 10.30am, Rev.2", []),
        ("write to help@wyre.gov.uk", []),
        ("call 101", []),
        ("at wyre.gov.uk.foobar", ["wyre.gov.uk"]),
        ("http://192.0.2.1/x", []),
    ],
)
def test_what_x_makes_a_link_of_is_found_and_nothing_else(text, links):
    found = x_links(text)
    if text.startswith("Mind"):
        assert found == ["gap.It"]  # Italy: X links it, and charges
    else:
        assert found == links


@pytest.mark.parametrize(
    "text", ["See https://alerts.example.org/a", "See wyre.gov.uk", "Leave now.See wyre.gov.uk"]
)
def test_a_link_is_a_problem_only_for_an_account_without_links(text):
    assert codes(thread(text)) == []
    assert codes(thread(text), links="no") == ["link_not_wanted"]
    assert codes(thread(ONE, text), links="no") == ["link_not_wanted"]
    (found,) = x(links="no").check(thread(text))
    assert "Leave it out" in found.text


def test_the_price_of_a_link_stands_in_the_option_s_help():
    (links,) = [option for option in XAccount.options if option.name == "links"]
    assert "0.20 USD" in links.help
    assert "0.015" in links.help
    assert links.default == "yes"


# credits, caps, days

CREDITS = "https://api.x.com/2/problems/credits"
CAP = "Your enrolled account [1] has reached its billing cycle spend cap. Blocked until the next cycle begins on 2026-12-14."


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (
            problem(402, title="CreditsDepleted", type=CREDITS, detail="no credits"),
            "no_credits",
            "Buy credits",
        ),
        (problem(402, title="Payment Required", type=f"{CREDITS}-depleted"), "no_credits", "console.x.com"),
        (problem(402, title="Payment Required"), "no_credits", "Buy credits"),
        (
            problem(403, title="SpendCapReached", type=CREDITS, detail=CAP),
            "spending_capped",
            "from 14 December 2026.",
        ),
        (
            problem(403, title="SpendCapReached", reset_date="2026-05-13"),
            "spending_capped",
            "from 13 May 2026.",
        ),
        (problem(403, type="https://api.x.com/2/problems/spend-cap-reached"), "spending_capped", "Raise it"),
        (
            problem(403, title="SpendCapReached", reset_date="2026-99-99"),
            "spending_capped",
            "resume the account.",
        ),
        (
            problem(429, title="UsageCapExceeded", period="Monthly"),
            "usage_capped",
            "Raise it at console.x.com",
        ),
    ],
)
def test_what_costs_money_pauses_the_account_and_says_where_to_mend_it(script, channel, answer, code, words):
    script.steps[POST] = [answer]
    error = attempt(channel, thread(ONE))
    assert (type(error), error.code) == (NotConfigured, code)
    assert words in error.operator_text


@pytest.mark.parametrize("whose", ["user", "app"])
def test_a_day_s_limit_says_when_it_ends_and_pauses_nothing(script, channel, whose):
    headers = {
        f"x-{whose}-limit-24hour-remaining": "0",
        f"x-{whose}-limit-24hour-reset": str(int(NOW_S) + 3600),
        "x-rate-limit-reset": str(int(NOW_S) + 5),
    }
    script.steps[POST] = [Answer(status=429, headers=headers)]
    error = attempt(channel, thread(ONE))
    assert (type(error), error.code, error.retry_after_s) == (NotSent, "daily_limit", 300)
    assert "at 16:58 UTC on 16 January" in error.operator_text


@pytest.mark.parametrize("reset", ["", "soon", "nan", "1e99", "-1e99"])
def test_a_day_s_limit_without_a_readable_end_still_says_what_it_is(script, channel, reset):
    headers = {"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": reset}
    script.steps[POST] = [Answer(status=429, headers=headers)]
    error = attempt(channel, thread(ONE))
    assert (type(error), error.code) == (NotSent, "daily_limit")
    assert "within a day" in error.operator_text


def test_a_window_s_limit_is_no_day_s_limit(script, channel):
    headers = {"x-user-limit-24hour-remaining": "12", "x-rate-limit-reset": str(int(NOW_S) + 5)}
    script.steps[POST] = [Answer(status=429, headers=headers)]
    error = attempt(channel, thread(ONE))
    assert (error.code, error.retry_after_s) == ("rate_limited", 5)


# through the stand-in


def test_a_thread_is_shown_in_its_order_and_each_part_is_found(sandbox):
    channel, since = on_the_sandbox(sandbox), datetime.now(UTC) - timedelta(seconds=1)
    whole, receipts = thread(ONE, TWO, THREE), []
    for no in (1, 2, 3):
        before = receipts[-1].platform_id if receipts else ""
        receipts.append(attempt(channel, whole.part(no, in_reply_to=before)))
    for no, receipt in enumerate(receipts, start=1):
        assert channel.find(whole.part(no), "key", since) == receipt
    fields = "conversation_id,referenced_posts"
    answers = [
        sandbox.get(
            f"/2/tweets/{r.platform_id}", params={"tweet.fields": fields}, auth=sandbox.signature()
        ).json()
        for r in receipts
    ]
    assert {answer["data"]["conversation_id"] for answer in answers} == {receipts[0].platform_id}
    assert [answer["data"].get("referenced_posts") for answer in answers[1:]] == [
        [{"type": "replied_to", "id": receipt.platform_id}] for receipt in receipts[:2]
    ]


def test_a_refused_answer_goes_out_by_itself_on_the_stand_in(sandbox):
    channel = on_the_sandbox(sandbox)
    first = attempt(channel, thread(ONE))
    sandbox.fault(platform="x", kind="reply_refused")
    second = attempt(channel, thread(ONE, TWO).part(2, in_reply_to=first.platform_id))
    assert isinstance(second, Receipt)
    rows = [row for row in sandbox.ledger(platform="x") if row["path"] == "/2/tweets"]
    assert [(row["status"], row["accepted"]) for row in rows] == [(201, 1), (403, 0), (201, 1)]
    assert sandbox.summary("x")["accepted"] == 2


def test_an_answer_to_a_deleted_part_is_not_sent_by_itself(sandbox):
    channel = on_the_sandbox(sandbox)
    first = attempt(channel, thread(ONE))
    sandbox.delete(f"/2/tweets/{first.platform_id}", auth=sandbox.signature())
    error = attempt(channel, thread(ONE, TWO).part(2, in_reply_to=first.platform_id))
    assert (type(error), error.code) == (Refused, "part_before_gone")
    assert sandbox.summary("x")["accepted"] == 1


@pytest.mark.parametrize(
    ("kind", "outcome", "code"),
    [
        ("no_credits", NotConfigured, "no_credits"),
        ("spend_cap", NotConfigured, "spending_capped"),
        ("daily_limit", NotSent, "daily_limit"),
    ],
)
def test_what_is_used_up_on_the_stand_in_is_told_to_people(sandbox, kind, outcome, code):
    sandbox.fault(platform="x", kind=kind)
    error = attempt(on_the_sandbox(sandbox), thread(ONE))
    assert (type(error), error.code) == (outcome, code)
    assert ONE not in all_that_is_said(error)
    assert sandbox.summary("x")["accepted"] == 0
