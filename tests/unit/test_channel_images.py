"""What is wrong with pictures is said in one way by all channels, and each fault once."""

from hashlib import sha256

import pytest

from broadcaster.domain.checks.images import check_images
from broadcaster.domain.errors import Refused
from broadcaster.domain.media import Image, ImageRules
from broadcaster.domain.post import Post
from channels.base import Account, Secret
from channels.facebook import FacebookPage
from channels.images import image_problems, require_approved
from channels.twitter import XAccount
from channels.website import Website

RULES = ImageRules(most=2, max_bytes=100, max_side=40)


def image(**changes):
    content = b"a picture"
    values = {
        "media_type": "image/png",
        "width": 40,
        "height": 30,
        "size": 100,
        "alt": "The river at the old bridge.",
    }
    return Image(**{"sha256": sha256(content).hexdigest(), "content": content, **values, **changes})


@pytest.mark.parametrize(
    ("images", "code", "words"),
    [
        ([image()] * 3, "too_many_images", "2 pictures at most; this one has 3. Take 1 away."),
        (
            [image(), image(media_type="image/gif")],
            "image_type",
            "Picture 2 is of a kind that Any does not show. Save",
        ),
        (
            [image(size=101)],
            "image_size",
            "Picture 1 has 40 by 30 pixels and 101 bytes, which Any does not show",
        ),
        ([image(width=41)], "image_size", "1 to 40 pixels a side and at most 100 bytes"),
        ([image(height=0)], "image_size", "Save it in another size"),
    ],
)
def test_a_fault_has_its_code_says_which_picture_and_what_to_do(images, code, words):
    [problem] = image_problems(images, RULES, "Any")
    assert problem.code == code
    assert words in problem.text


def test_pictures_at_the_edge_of_the_rules_are_no_problem():
    assert image_problems([image(), image(width=1, height=40)], RULES, "Any") == []


def test_an_alt_text_is_counted_as_the_platform_counts():
    short = ImageRules(most=2, max_bytes=100, max_side=40, max_alt_chars=10)
    assert image_problems([image(alt="a" * 10)], short, "Any") == []
    [problem] = image_problems([image(alt="a" * 6)], short, "Any", length=lambda text: 2 * len(text))
    assert problem.text == "The alt text of picture 1 is 2 characters too long for Any. Shorten it."


SECRETS = ("access_token", "consumer_key", "consumer_secret", "access_token_secret")


def account(channel, **options):
    return Account(
        name="a",
        channel=channel,
        mode="exercise",
        options=options,
        secrets={name: Secret("s") for name in SECRETS},
    )


def channels(folder):
    yield FacebookPage(account("facebook", page_id="1"))
    yield XAccount(account("x", username="WyreCouncil"))
    site = {"site_dir": str(folder), "base_url": "https://alerts.example", "site_name": "Wyre Council"}
    yield Website(account("website", **site))


FAULTS = [
    {"alt": " "},
    {"alt": "a" * 1001},
    {"alt": "map.png"},
    {"media_type": "image/gif"},
    {"size": 9_000_000},
    {"width": 0},
    {"width": 5000},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault)))
def test_each_channel_says_the_same_of_a_fault_and_none_repeats_what_the_message_says(tmp_path, fault):
    faulty = image(**fault)
    of_message = [finding.code for finding in check_images([_Described(faulty.alt)])]
    for channel in channels(tmp_path):
        facts = {"reference": "7F3K2M"}
        post = Post(
            channel=channel.name, account="a", title="Flood", text="Move up.", facts=facts, images=(faulty,)
        )
        codes = [problem.code for problem in channel.check(post)]
        assert len(of_message + codes) == 1, (channel.name, of_message, codes)
        assert set(codes) <= {"image_type", "image_size"}


class _Described:
    name = "map.png"

    def __init__(self, alt):
        self.alt = alt


@pytest.mark.parametrize("content", [b"", b"another"])
def test_only_the_approved_picture_is_sent(content):
    require_approved([image()])
    with pytest.raises(Refused, match="picture 2") as caught:
        require_approved([image(), image(content=content)])
    assert caught.value.code == "image_not_approved"
