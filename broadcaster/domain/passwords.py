"""Which passwords are refused: short ones, common ones, and what anybody would try first here. No rules about kinds of
characters: they make passwords shorter and alike (NIST SP 800-63B-4, 3.1.1.2, read 2026-11)."""

import unicodedata
from collections.abc import Iterable

from broadcaster.domain.errors import Invalid

SHORTEST, LONGEST = 12, 256
OWN_PART = 8  # what must be left of a password without the names that everybody here knows
SHORTEST_NAME = 4

#: What common passwords of twelve characters and more are made of, once digits and signs at their ends are gone.
_WORDS = """
    abc abcabc abcd abcdef abcdefg abcdefgh abcdefghij abcdefghijk abcdefghijkl access admin administrator alexander alert alerts
    amanda anthony apple april arsenal asdf asdfgh asdfghjkl ashley august autumn barcelona baseball basketball batman beautiful
    birmingham blackpool broadcaster butterfly canada changeme charlie cheese chelsea chocolate christmas computer council
    crisis daniel december default dragon elephant emergency england everton everyone facebook february fleetwood flower football forever
    freedom friday george google guest hello helloworld hunter iloveyou iloveyouforever internet jackson january jennifer jessica jordan joshua july june
    justin killer lancashire letmein letmeinnow linkedin liverpool london love lovely manchester march master matrix matthew
    maverick mercedes michael microsoft midnight monday monkey mustang newpassword nicole nothing november october officer
    opensesame orange pass passphrase passw passwd password passwordpassword passwort pepper peter phoenix pokemon princess public purple
    qazwsx qazwsxedc qwe qwer qwert qwerty qwertyui qwertyuiop qwertyuiopasdfghjkl rainbow ranger robert samsung saturday scotland secret secure security september service shadow
    sophie spring starwars summer sunday sunshine superman system temp temporary test testing testtest thomas thursday tigger
    trustno tuesday twitter united unknown user username victoria wales wednesday welcome whatever william windows winter
    wyre wyrecouncil yellow zaq zxcvbn zxcvbnm correcthorsebatterystaple thequickbrownfox
"""
COMMON = frozenset(_WORDS.split())
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
)
LOOKALIKES = str.maketrans("013457@$!", "oieastasi")


def normal(password: str) -> str:
    """The same for the same password, on whatever keyboard it was typed."""
    return unicodedata.normalize("NFC", password)


def check_password(password: str, *, known: Iterable[str] = ()) -> None:
    """Invalid, saying why, where it would be guessed. `known` are names that everybody here knows: the user's own, the
    organisation's."""
    given = normal(password)
    if len(given) < SHORTEST:
        raise _refused(
            f"It has {len(given)} characters, and needs {SHORTEST} or more. Three or four words make a good one."
        )
    if len(given) > LONGEST:
        raise _refused(f"It has more than {LONGEST} characters.")
    plain = given.casefold()
    if is_common(plain):
        raise _refused(
            "It is one of those that are tried first: a common word, a row of keys, or one over and over."
        )
    rest = plain
    for name in known:
        if len(name) >= SHORTEST_NAME:
            rest = rest.replace(name.casefold(), "")
    if len(rest) < min(OWN_PART, len(plain)):
        raise _refused("Most of it is a name that everybody here knows: yours, or your organisation's.")


def is_common(plain: str) -> bool:
    unit = _repeated(plain)
    return (
        len(unit) < 5
        or any(unit in row * 2 or unit in row[::-1] * 2 for row in ROWS)
        or any(
            _repeated(text) in COMMON
            for text in (
                _core(unit),
                _core(unit.translate(LOOKALIKES)),
                _core(_trimmed(unit).translate(LOOKALIKES)),
            )
        )
    )


def _core(text: str) -> str:
    """Its letters."""
    return "".join(c for c in text if c.isalpha())


def _trimmed(text: str) -> str:
    """Without what people put around a word because they must."""
    places = [n for n, c in enumerate(text) if c.isalpha()]
    return text[places[0] : places[-1] + 1] if places else ""


def _repeated(text: str) -> str:
    """The shortest text of which this is a repetition."""
    place = (text + text).find(text, 1)
    return text[:place] if place > 0 else text


def _refused(why: str) -> Invalid:
    return Invalid(f"This password cannot be used. {why} Nothing was changed.")
