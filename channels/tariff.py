"""What an account's file may say about costs, for channels whose platform charges for each segment. No input or output."""

from broadcaster.domain.checks.cost import DEFAULT_CURRENCY, Tariff
from broadcaster.domain.errors import Invalid
from channels.base import Account, Option
from channels.options import option

TARIFF_OPTIONS = (
    Option(name="price", help='what one segment costs, such as "0.0227"'),
    Option(name="budget", help='what may be spent in a calendar month, such as "500"; going over it warns'),
    Option(
        name="currency",
        help="the three letters of the currency of price and budget",
        default=DEFAULT_CURRENCY,
    ),
)


def tariff_of(account: Account) -> Tariff:
    """The account's costs. Invalid, with every problem, where they cannot be read."""
    given = {each.name: option(account, TARIFF_OPTIONS, each.name) for each in TARIFF_OPTIONS}
    try:
        return Tariff.read(**given)
    except Invalid as error:
        details = tuple(f'The account "{account.name}": {each}' for each in error.details)
        raise Invalid(
            f'The account "{account.name}" cannot be used: {error.text}', details=details
        ) from error
