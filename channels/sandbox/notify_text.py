"""The text of an SMS as GOV.UK Notify sends it, step by step as its published code does.

github.com/alphagov/notifications-utils, read 2026-11: `SMSMessageTemplate.__str__` in template.py, the steps in
formatters.py, the signs in sanitise_text.py. Written apart from channels/gateways/notify_text.py, which it proves.
"""

import re

_NO_WIDTH = dict.fromkeys(map(ord, "\u180e\u200b\u200c\u200d\u2060\ufeff"))
_FULL_WIDTH = {0x00A0: " ", 0x202F: " "}
_REPLACED = str.maketrans(
    {
        "\u2011": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2026": "...",
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
    }
)


def as_notify_sends(message: str) -> str:
    text = re.sub(r"[ \t]+([,\.])", r"\1", message)
    text = "\n".join(map(_line, text.splitlines()))
    return re.sub(r"\n{3,}", "\n\n", text).strip().translate(_REPLACED)


def _line(line: str) -> str:
    return " ".join(line.translate(_FULL_WIDTH | _NO_WIDTH).split())
