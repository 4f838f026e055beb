"""Who is on duty in this night: the sandbox's made-up staff, and one more whom the administrator invites."""

from functools import partial

import requests
from lxml import html

from tests.storm.browser import Browser, Codes
from tests.storm.house import House

PASSWORD = "three words beside the sea"  # of somebody who exists for four minutes
WAIT_S = 15.0


def at_a_browser(house: House, name: str) -> Browser:
    """One of the made-up staff, signed in; their password and codes are where the sandbox shows them."""
    person = Browser(house.console, name, Codes(partial(_code_of, house, name)))
    person.sign_in(_staff(house)[name][0])
    return person


def invited(house: House, administrator: Browser, name: str, role: str) -> Browser:
    """Somebody new: a link handed over, a password chosen, an app set up, all on the pages for it."""
    administrator.go("/manage/users/new")
    page = administrator.send("/manage/users/new", name=name, roles=role, reason="stands in at night")
    link = str(page.tree.xpath('//code[@id="link"]')[0].text_content())
    path = link.removeprefix(house.console)
    newcomer = Browser(house.console, name, Codes(lambda: ""))
    newcomer.go(path)
    newcomer.send(path, new=PASSWORD)
    page = newcomer.go("/me/second-factor")  # a sandbox does not insist on it
    secret = str(page.tree.xpath('//code[@class="secret"]')[0].text_content())
    newcomer.codes = Codes.of_secret("".join(secret.split()))
    newcomer.send("/me/second-factor", code=newcomer.codes.next())
    return newcomer


def _code_of(house: House, name: str) -> str:
    return _staff(house)[name][1]


def _staff(house: House) -> dict[str, tuple[str, str]]:
    """Password and code by name, as the page shows them."""
    answer = requests.get(f"{house.sandbox}/_sandbox/staff", timeout=WAIT_S)
    answer.raise_for_status()
    found = {}
    for card in html.fromstring(answer.text).xpath("//article"):
        password, code = (str(each.text_content()).strip() for each in card.xpath(".//dd"))
        found[str(card.xpath(".//h2")[0].text_content()).strip()] = (password, code)
    return found
