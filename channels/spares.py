"""What an account's file says of others that may send in its place, and of how fast it may be sent through."""

from collections.abc import Mapping, Sequence

from broadcaster.domain.errors import Invalid
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.ways import Way
from channels.base import Account, Channel, HasSpares, Option
from channels.options import option

WAY_OPTIONS = (
    Option(
        name="spares",
        help="accounts that send in its place while it fails, is paused or has no room, in this order: texts-b, texts-c",
    ),
    Option(
        name="share",
        help="accounts that always send a part of it, each with how much of a hundred: texts-b 30",
    ),
    Option(
        name="per_second",
        help="most segments that leave through it in a second, by all processes together",
    ),
)
WHOLE = 100
MOST_PER_SECOND = 100_000


def ways_of(account: Account) -> tuple[Way, ...]:
    """The account itself, those that share with it, and its spares in their order. Invalid where that cannot be."""
    shares = [_share(account, each) for each in _listed(account, "share")]
    left = WHOLE - sum(way.weight for way in shares)
    if left < 1:
        raise Invalid(
            f'The account "{account.name}": share gives everything away. Leave at least 1 of 100 to itself.'
        )
    spares = [Way(account=name, rank=no) for no, name in enumerate(_listed(account, "spares"), 1)]
    found = (Way(account=account.name, weight=left), *shares, *spares)
    names = [way.account for way in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(
            f'The account "{account.name}": share and spares name {", ".join(twice)} twice, or itself.'
        )
    return found


def per_second_of(account: Account) -> int:
    """Segments; 0 where the file names none."""
    given = option(account, WAY_OPTIONS, "per_second")
    if not given:
        return 0
    if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= MOST_PER_SECOND):
        raise Invalid(
            f'The account "{account.name}": per_second is a whole number from 1 to {MOST_PER_SECOND}.'
        )
    return int(given)


def problems_with(opened: Mapping[str, Channel]) -> list[str]:
    """What is wrong with spares among the accounts of a mode."""
    found = []
    for name, channel in opened.items():
        for way in channel.ways[1:] if isinstance(channel, HasSpares) else ():
            other = opened.get(way.account)
            said = f'The account "{name}": its spare {way.account}'
            if other is None:
                found.append(f"{said} does not exist.{did_you_mean(way.account, set(opened) - {name})}")
            elif other.name != channel.name:
                found.append(f"{said} is of another channel: {other.name}.")
            elif isinstance(other, HasSpares) and len(other.ways) > 1:
                found.append(
                    f"{said} has spares of its own. Name all of them in the file of {name}, and none there."
                )
    return found


def _listed(account: Account, name: str) -> Sequence[str]:
    return [each.strip() for each in option(account, WAY_OPTIONS, name).split(",") if each.strip()]


def _share(account: Account, text: str) -> Way:
    name, _, of_hundred = text.rpartition(" ")
    if not (
        of_hundred.isascii() and of_hundred.isdecimal() and 1 <= int(of_hundred) < WHOLE and name.strip()
    ):
        raise Invalid(
            f'The account "{account.name}": share is a name and how much of a hundred, such as "texts-b 30".'
        )
    return Way(account=name.strip(), weight=int(of_hundred))
