"""Days and months as words: what differs is found, and no word that may mean something else keeps a warning back."""

import pytest

from broadcaster.domain.checks.dates import dates_in
from broadcaster.service.date_names import date_names


def apart(ours, theirs, language="cy"):
    """What is surely said on one side and cannot be meant on the other."""
    en, other = date_names("en"), date_names(language)
    here, there = dates_in(ours, en, further=other), dates_in(theirs, other, further=en)
    return sorted(here.sure - there.possible), sorted(there.sure - here.possible)


@pytest.mark.parametrize(
    ("english", "welsh"),
    [
        ("Monday 3 March", "dydd Llun 3 Mawrth"),
        ("Tuesday 3 March", "dydd Mawrth 3 Mawrth"),
        ("Tuesday 3 April", "Mawrth 3 Ebrill"),
        ("From Tuesday 11 November", "O ddydd Mawrth 11 Tachwedd"),
        ("on the 3rd of March and 4 November", "ar y 3ydd o Fawrth a 4 Dachwedd"),
        ("Monday night, until 6pm Saturday", "nos Lun, tan 6pm ddydd Sadwrn"),
        ("Closed Mondays in May", "Ar gau bob dydd Llun ym mis Mai"),
        ("You may wait. May be cold by the sea", "Cewch aros. Mai oer yw hi ger y môr"),
        ("Councillor May says: march on", "Dywed y Cynghorydd May: ewch ymlaen"),
        ("The Sunday Times, Mon 2 Sept", "The Sunday Times, Llun 2 Medi"),
        ("MONDAY 3 MARCH", "DYDD LLUN 3 MAWRTH"),
        ("It rains on and on", "Ger yr Iau, llun o'r sul a'r medi"),
    ],
)
def test_what_says_the_same_in_welsh_is_no_difference(english, welsh):
    assert apart(english, welsh) == ([], [])


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Tuesday 3 March by the sea", "martes 3 de marzo junto al mar"),
        ("Tue 3 Mar, until 5 May", "mar 3 mar, hasta el 5 de mayo"),
        ("Saturdays and Sundays", "Sábados y domingos"),
        ("In Santo Domingo Street", "En la calle Santo Domingo"),
    ],
)
def test_what_says_the_same_in_spanish_is_no_difference(english, spanish):
    assert apart(english, spanish, "es") == ([], [])


@pytest.mark.parametrize(
    ("english", "other", "language", "differ"),
    [
        ("Monday 3 March", "dydd Mawrth 3 Mawrth", "cy", (["Monday"], ["Tuesday"])),
        ("Monday 3 March", "dydd Llun 3 Ebrill", "cy", (["March"], ["April"])),
        ("4 November", "4 Ragfyr", "cy", (["November"], ["December"])),
        ("Until Saturday", "Tan ddydd Sul", "cy", (["Saturday"], ["Sunday"])),
        ("Until Saturday", "Tan yfory", "cy", (["Saturday"], [])),
        ("May 5", "5 de junio", "es", (["May"], ["June"])),
        ("Wednesday 3 March", "martes 3 de marzo", "es", (["Wednesday"], ["Tuesday"])),
    ],
)
def test_another_day_or_month_is_found(english, other, language, differ):
    assert apart(english, other, language) == differ
