"""Looking, a minute later, whether an accepted post is there and says what was approved."""

import pytest

from broadcaster.domain.errors import SendError
from broadcaster.domain.sight import Sight
from tests.contract.platform_server import Answer
from tests.contract.read_back_places import SINCE, OnFacebook, OnX
from tests.contract.website_site import post as page_post


def look(on, platform, platform_id):
    return on.channel(platform.url).read_back(on.post, platform_id, SINCE)


@pytest.mark.parametrize(
    ("text", "platform_id", "sight"),
    [
        (None, "own", Sight.THERE),
        ("Somebody changed these words.", "own", Sight.DIFFERS),
        (None, "another id", Sight.THERE),  # a platform that gives a post another id, once it has a picture
        ("Somebody else's words.", "another id", Sight.ABSENT),
    ],
)
def test_a_post_is_known_by_its_id_and_else_by_its_words(on, platform, text, platform_id, sight):
    platform.answer = on.page(on.item(text))
    assert look(on, platform, on.receipt.platform_id if platform_id == "own" else platform_id) == sight


def test_a_reading_that_fails_says_nothing(on, platform):
    platform.answer = Answer(status=503)
    with pytest.raises(SendError):
        look(on, platform, on.receipt.platform_id)


def test_both_can_be_looked_at():
    assert all(hasattr(on.channel("http://127.0.0.1:9"), "read_back") for on in (OnFacebook, OnX))


def test_the_page_is_judged_by_its_own_file(website, site):
    post = page_post(text="Where: by the <river>.\n\nMove up.\nRead https://example.org/a?b=1&c=2 now.")
    assert website.read_back(post, "7F3K2M", SINCE) == Sight.ABSENT
    website.send(post, "k1")
    assert website.read_back(post, "7F3K2M", SINCE) == Sight.THERE
    file = site / "alerts" / "7f3k2m" / "index.html"
    file.write_text(file.read_text().replace("Move up.", "Stay."))
    assert website.read_back(post, "7F3K2M", SINCE) == Sight.DIFFERS
    file.unlink()
    assert website.read_back(post, "7F3K2M", SINCE) == Sight.ABSENT
