"""Which of the posts that a platform shows is ours: examples of each look-alike, and properties."""

import string
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from broadcaster.db.ids import REFERENCE_ALPHABET
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.read_back import MOST_PAGES, Page, Shown, is_ours, look_through, read_back_failed
from channels.sandbox.x_posts import XPost
from channels.twitter import _shown

SINCE = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
TEXT = (
    "Flood warning: River Wyre. Move to upper floors now.\n\n"
    "Wyre Council. Ref 7F3K2M sent 14:05.\nhttps://alerts.example/7f3k2m/"
)


def post(text=TEXT):
    return Post(channel="x", account="wyre-x", title="Flood warning", text=text)


def made(text=TEXT, created=SINCE):
    return Shown(platform_id="1", text=text, created=created)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\n", " "),
        TEXT + "\n",
        TEXT.replace("https://alerts.example/7f3k2m/", "https://t.co/abcdefghij"),
        TEXT.replace("https://alerts.example/7f3k2m/", "alerts.example/7f3k2m"),
        TEXT + " https://t.co/ofAnImage1",
    ],
)
def test_the_same_words_are_ours(text):
    assert is_ours(made(text), post(), SINCE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ref 7F3K2M",
        TEXT.replace("7F3K2M", "7F3K2N"),
        TEXT.replace("7F3K2M", "7f3k2m"),
        TEXT.replace("Ref 7F3K2M ", ""),
        TEXT.replace("Move to upper floors now", "You may return home"),
        f"All clear. This cancels Ref 7F3K2M.\n{TEXT[-30:]}",
        f"RT @WyreCouncil: {TEXT}",
        TEXT + " Is this real?",
        TEXT[:-40],
    ],
)
def test_a_look_alike_is_not_ours(text):
    assert not is_ours(made(text), post(), SINCE)


def test_without_a_reference_the_links_must_agree_too():
    bare = post("Flood warning. https://alerts.example/1")
    assert is_ours(made("Flood  warning. https://alerts.example/1"), bare, SINCE)
    assert not is_ours(made("Flood warning. https://alerts.example/2"), bare, SINCE)


def test_a_reference_inside_a_link_is_not_printed():
    linked = post("Flood warning. https://alerts.example/?Ref-7F3K2M")
    assert not is_ours(made("Flood warning. https://alerts.example/2"), linked, SINCE)


def test_a_post_without_words_matches_nothing():
    assert not is_ours(made(" "), post("\n"), SINCE)


@pytest.mark.parametrize(("seconds", "ours"), [(-61, False), (-60, True), (0, True), (3600, True)])
def test_a_minute_before_is_the_edge(seconds, ours):
    assert is_ours(made(created=SINCE + timedelta(seconds=seconds)), post(), SINCE) is ours


def test_times_are_compared_across_zones():
    east = SINCE.astimezone(tz=datetime.strptime("+0900", "%z").tzinfo)
    assert is_ours(made(created=east), post(), SINCE)


references = st.text(alphabet=REFERENCE_ALPHABET, min_size=6, max_size=6)
characters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn"))
words = st.lists(st.text(characters, min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=12)
links = st.builds(
    "https://alerts.example/{}".format, st.text(alphabet=string.ascii_letters + "/-_", max_size=20)
)


@given(words, references, links, st.sampled_from([" ", "\n", "\r\n", "\t", "  \n "]))
def test_white_space_and_normal_form_make_no_difference(parts, reference, link, space):
    text = " ".join([*parts, f"Ref {reference}.", link])
    shown = unicodedata.normalize("NFD", text).replace(" ", space)
    assert is_ours(made(shown), post(text), SINCE)


@given(words, references, links, links)
def test_with_a_reference_only_links_may_differ(parts, reference, link, other):
    text = " ".join(["Danger:", *parts, f"Ref {reference}."])
    assert is_ours(made(f"{text} {other}"), post(f"{text} {link}"), SINCE)
    assert not is_ours(made(f"{text} over {other}"), post(f"{text} {link}"), SINCE)


@given(words, references, references, links)
def test_another_reference_is_another_post(parts, reference, other, link):
    assume(reference != other)
    ours, theirs = (" ".join([*parts, f"Ref {each}.", link]) for each in (reference, other))
    assert not is_ours(made(theirs), post(ours), SINCE)


@given(words, st.datetimes(timezones=st.just(UTC), max_value=datetime(2026, 11, 21, 14, 3, 59)))
def test_what_is_older_is_never_ours(parts, created):
    text = " ".join(parts)
    assert not is_ours(made(text, created), post(text), SINCE)


@given(words, links)
@example(["R&D", "&amp;", "&copy", "<b>", "a&lt;b"], "https://alerts.example/?a=1&b=2")
@example(["see", "example.gov.uk", "(council.uk)."], "https://alerts.example/")
def test_what_x_makes_of_a_text_is_still_ours(parts, link):
    """Through the stand-in: links shortened, `&`, `<` and `>` escaped, no reference to make up for anything."""
    text = " ".join([*parts, link])
    item = XPost(id="7", text=text, created=SINCE, author_id="99").to_json(
        ["id", "text", "created_at", "entities"]
    )
    assert is_ours(_shown(item, "99"), post(text), SINCE)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_can_be_compared(one, other):
    assert is_ours(made(one), post(other), SINCE) in {True, False}


@pytest.mark.timeout(20)
def test_a_long_word_takes_no_long_time():
    """Milliseconds; a search that begins anew in every place takes most of a minute."""
    for long in ("a" * 63_000, "a." * 31_000, "a.bc/!!" * 9_000, "https://" * 7_000):
        assert not is_ours(made(long + "x"), post(f"{long} Ref 7F3K2M"), SINCE)


class TestLookingThrough:
    OLD = made("older", SINCE - timedelta(hours=1))
    NEW = made("newer")

    def look(self, *pages):
        self.asked = []
        given = iter(pages)

        def read(after):
            self.asked.append(after)
            return next(given)

        return look_through(read, post(), SINCE)

    def test_the_first_page_that_shows_it_ends_the_search(self):
        assert self.look(Page(posts=[self.NEW], after="b"), Page(posts=[made()], after="c")) == made()
        assert self.asked == ["", "b"]

    @pytest.mark.parametrize("last", [Page(posts=[NEW]), Page(posts=[]), Page(posts=[NEW, OLD], after="d")])
    def test_it_is_not_shown_where_the_pages_end_or_reach_back(self, last):
        assert self.look(Page(posts=[self.NEW], after="b"), Page(posts=[], after="c"), last) is None
        assert self.asked == ["", "b", "c"]

    def test_an_old_post_pinned_on_top_does_not_end_the_search(self):
        assert self.look(Page(posts=[self.OLD, self.NEW], after="b"), Page(posts=[made()])) == made()

    def test_what_lies_beyond_the_last_page_that_is_read_is_no_absence(self):
        with pytest.raises(NotSent) as raised:
            self.look(*[Page(posts=[self.NEW], after="x")] * MOST_PAGES)
        assert raised.value.code == "read_back_failed"
        assert len(self.asked) == MOST_PAGES


class TestAFailedReading:
    def test_bad_credentials_stay_a_matter_of_set_up(self):
        error = read_back_failed(NotConfigured("token_refused", "Renew it."), post())
        assert (type(error), error.code) == (NotConfigured, "token_refused")
        assert error.operator_text.endswith("Renew it.")

    @pytest.mark.parametrize("cause", [OutcomeUnknown("read_timeout"), Refused("refused"), NotSent("busy")])
    def test_all_else_is_to_be_read_again(self, cause):
        error = read_back_failed(cause, post())
        assert (type(error), error.code, error.retry_after_s) == (NotSent, "read_back_failed", None)
        assert cause.code in error.detail

    def test_the_wait_that_was_asked_for_is_kept(self):
        assert read_back_failed(NotSent("rate_limited", retry_after_s=7), post()).retry_after_s == 7

    def test_the_text_of_the_post_is_not_told(self):
        assert "upper floors" not in read_back_failed(Refused("refused", detail=TEXT), post()).detail
