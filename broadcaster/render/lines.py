"""What people say of a message: a script for telephones, a line for the press, a line for radio. Facts into plain text.

What officers typed is data for the layouts and never a layout itself.
"""

import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.times import time_in_words
from broadcaster.render.punctuation import full_stop

DRILL = "EXERCISE - this is a drill. Do not publish it, and do not read it to the public."


def line_of(layout: str, facts: Facts, *, reference: str, link: str, mode: Mode, zone: ZoneInfo) -> str:
    """`layout` is contact-centre, press or radio. In an exercise framed by words that say so, whatever the layout says."""
    exercise = mode is Mode.EXERCISE
    text = (
        _layouts()
        .get_template(layout)
        .render(
            facts=facts,
            starts=_words(facts.starts, zone),
            expires=_words(facts.expires, zone),
            reference=reference,
            spelled=" ".join(reference),
            link=link,
            exercise=exercise,
        )
    )
    told = re.sub(r"\n{3,}", "\n\n", text).strip()
    return f"{DRILL}\n\n{told}\n\n{DRILL} EXERCISE" if exercise else told


def _words(moment: str, zone: ZoneInfo) -> str:
    return time_in_words(datetime.fromisoformat(moment).astimezone(zone))


@cache
def _layouts() -> SandboxedEnvironment:
    made = SandboxedEnvironment(
        loader=FunctionLoader(
            lambda name: (files("templates.lines") / f"{name}.j2").read_text(encoding="utf-8")
        ),
        undefined=StrictUndefined,
        autoescape=False,  # plain text; whoever shows it escapes it
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["full_stop"] = full_stop
    return made
