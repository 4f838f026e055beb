"""Which runs of characters X shows, and counts, as one emoji (twemoji-parser as twitter-text 3.1 uses it:
Unicode 11; read 2026-11).

Only the runs that are surely one sign: to take two signs for one would count too little, and X would refuse the
post. What is newer than these lists counts by its parts.
"""

import re

#: ISO 3166 codes: as two letters the ends of host names, as two signs the flags.
_ISO = (  # noqa: SIM905 - as a list it fills a screen
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz"
    " ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm"
    " fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it"
    " je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn"
    " mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt"
    " pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl"
    " tm tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
).split()
COUNTRIES = (*_ISO, "su", "uk")
_FLAGS = (*_ISO, "cp", "dg", "ea", "ic", "ta", "un", "xk")

# Shown as a picture or, with U+FE0F, made one (Unicode's emoji-data.txt, Emoji=Yes, below U+10000).
_OLD_PICTURES = (
    "\u203c\u2049\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23ed-\u23ef\u23f1\u23f2\u23f8-\u23fa\u24c2\u25aa\u25ab"
    "\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d\u2620\u2622\u2623\u2626\u262a\u262e"
    "\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665\u2666\u2668\u267b\u267f\u2692-\u2697"
    "\u2699\u269b\u269c\u26a0\u26a1\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26cf\u26d1"
    "\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd\u2702\u2708\u2709\u270c\u270d\u270f\u2712\u2714\u2716\u271d"
    "\u2721\u2733\u2734\u2744\u2747\u2757\u2763\u2764\u27a1"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
)
_NEW_PICTURES = (
    "\U0001f004\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f202\U0001f21a\U0001f22f\U0001f237\U0001f321"
    "\U0001f324-\U0001f32c\U0001f336\U0001f37d\U0001f396\U0001f397\U0001f399-\U0001f39b\U0001f39e\U0001f39f"
    "\U0001f3cb-\U0001f3ce\U0001f3d4-\U0001f3df\U0001f3f3\U0001f3f5\U0001f3f7\U0001f43f\U0001f441\U0001f4fd"
    "\U0001f549\U0001f54a\U0001f56f\U0001f570\U0001f573-\U0001f579\U0001f587\U0001f58a-\U0001f58d\U0001f590"
    "\U0001f5a5\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3\U0001f5dc-\U0001f5de"
    "\U0001f5e1\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa\U0001f6cb\U0001f6cd-\U0001f6cf\U0001f6e0-\U0001f6e5"
    "\U0001f6e9\U0001f6f0\U0001f6f3"
)
# What takes a tone of skin (emoji-data.txt, Emoji_Modifier_Base, as of Unicode 11).
_PEOPLE = (
    "\u261d\u26f9\u270a-\u270d\U0001f385\U0001f3c2-\U0001f3c4\U0001f3c7\U0001f3ca-\U0001f3cc\U0001f442\U0001f443"
    "\U0001f446-\U0001f450\U0001f466-\U0001f469\U0001f46e\U0001f470-\U0001f478\U0001f47c\U0001f481-\U0001f483\U0001f485-\U0001f487\U0001f4aa"
    "\U0001f574\U0001f575\U0001f57a\U0001f590\U0001f595\U0001f596\U0001f645-\U0001f647\U0001f64b-\U0001f64f\U0001f6a3"
    "\U0001f6b4-\U0001f6b6\U0001f6c0\U0001f6cc\U0001f918-\U0001f91c\U0001f91e\U0001f91f\U0001f926"
    "\U0001f930-\U0001f939\U0001f93d\U0001f93e\U0001f9b5\U0001f9b6\U0001f9b8\U0001f9b9\U0001f9d1-\U0001f9dd"
)
_TONE = "[\U0001f3fb-\U0001f3ff]"
_DOING = "(?:[⚕⚖✈]\ufe0f|[🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳])"
_ACTIVE = "[🏃🏄🏊👮👱👳👷💁💂💆💇🙅-🙇🙋🙍🙎🚣🚴-🚶🤦🤷-🤹🤽🤾🦸🦹🧖-🧝]"
_FAMILY = "(?:👨(?:\u200d[👨👩])?|👩(?:\u200d👩)?)(?:\u200d(?:👧\u200d👦|👦\u200d👦|👧\u200d👧|👧|👦))"


def _flag(country: str) -> str:
    return "".join(chr(ord(letter) - ord("a") + 0x1F1E6) for letter in country)


def _tagged(region: str) -> str:
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"


EMOJI = re.compile(
    "|".join(
        [
            *map(_flag, _FLAGS),
            *map(_tagged, ("gbeng", "gbsct", "gbwls")),
            "[0-9#*]\ufe0f?\u20e3",
            _FAMILY,
            "👩\u200d❤\ufe0f\u200d(?:💋\u200d)?[👨👩]|👨\u200d❤\ufe0f\u200d(?:💋\u200d)?👨",
            f"[👨👩]{_TONE}?\u200d{_DOING}",
            f"(?:{_ACTIVE}{_TONE}?|[⛹🕵🏋🏌](?:{_TONE}|\ufe0f))\u200d[♀♂]\ufe0f",
            "[👯🤼🧞🧟]\u200d[♀♂]\ufe0f",
            "🏳\ufe0f\u200d🌈|🏴\u200d☠\ufe0f",
            f"[{_PEOPLE}]{_TONE}",
            f"[©®\u2122{_OLD_PICTURES}{_NEW_PICTURES}]\ufe0f",
        ]
    )
)
