"""Texts over a line to a scripted centre."""

from tests.contract.scripted_centre import Centre, pdu
from tests.contract.smpp_accounts import (
    all_outcomes,
    gateway,
    parcels,
    post_of,
    said_of,
)

SUBMIT_RESP, NACK = 0x80000004, 0x80000000


def accepting(talk):
    talk.bind()
    while True:
        command, sequence, _ = talk.hear()
        if command == 4:
            talk.accept(sequence)
        elif command in {0x15, 0x6}:
            talk.say(pdu(command | 0x80000000, sequence))


def sent_to(script, count=1, text="Flood", **options):
    with Centre(script) as centre, gateway(centre.port, **options) as smpp:
        return [said_of(each) for each in all_outcomes(smpp, post_of(text), parcels(count)).values()]
