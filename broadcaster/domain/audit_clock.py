"""What the acts of the approval clock mean, as sentences: a room of its own beside `audit_words.py`."""

from collections.abc import Mapping

from broadcaster.domain.audit_told import FACTORS, Sentence, Told, listed, many

ASKED = {
    "approval": "to decide about",
    "told": "to look after",
    "break-glass": "to know of break-glass,",
    "review": "to review",
}
BY = {"mail": "by mail", "sms": "by text", "": "in no way"}
CAME = {"sent": "went out", "not_sent": "surely did not go out", "unknown": "may or may not have arrived"}


def released_alone(t: Told) -> str:
    """Of the event of a release for which no second person decided on the day."""
    people = (
        f" and texts to {many(t.number('recipients'), 'person', 'people')}" if t.number("recipients") else ""
    )
    size = f"{many(t.number('public_posts'), 'public post')}{people}"
    if t.text("authority") == "break-glass":
        how = FACTORS.get(t.text("factor"), t.text("factor"))
        return (
            f"BREAK-GLASS: {t['who']} sent {t['about']} WITHOUT A SECOND PERSON, with {how}: {size}{t.why()}."
        )
    under = f"the pre-authorisation {t['pre_authorisation']} by {t['authorised_by']}"
    if t.get("by_the_clock"):
        return f"Nobody answered, so {t['about']} was released by itself under {under}: {size}."
    return f'{t["who"]} alone released {t["about"]} under {under}, for "{t["event"]}": {size}.'


def _paged(t: Told) -> str:
    missed = t.get("no_way") or []
    lost = f" There was no way to reach {listed(missed)}." if isinstance(missed, list) and missed else ""
    people = t.get("people") or []
    named = listed(people) if isinstance(people, list) and people else "Nobody, since nobody has that role,"
    asked = ASKED.get(t.text("kind"), "to look after")
    waited = many(t.number("waited_s"), "second")
    return f"{named[:1].upper()}{named[1:]} was paged {asked} {t['about']}, {waited} after it began.{lost}"


def _came(t: Told) -> str:
    way = BY.get(t.text("way"), "in a room")
    to = f" to {t['person']}" if t.get("person") else ""
    return f"The page{to} {way} about {t['about']} {CAME.get(t.text('state'), t.text('state'))}."


SENTENCES: Mapping[str, Sentence] = {
    "people_paged": _paged,
    "page_outcome": _came,
    "page_acknowledged": lambda t: (
        f"{t['who']} said to be on it: {t['about']}, after {many(t.number('waited_s'), 'second')}."
    ),
    "paging_ended": lambda t: (
        f"Nobody is paged about {t['about']} any more, after {many(t.number('waited_s'), 'second')}: {t['why']}."
    ),
    "nobody_answered": lambda t: (
        f'Everybody was paged about {t["about"]} and nobody decided. By the policy then: "{t["policy"]}".'
    ),
    "paging_tried": "{who} tried out paging, with a page to himself or herself and to the rooms.",
    "pre_authorisation_proposed": lambda t: (
        f"{t['who']} proposed to authorise the template {t['about']} beforehand ({t['pre_authorisation']}), until {t['ends']}{t.why()}."
    ),
    "pre_authorisation_confirmed": (
        "{who} confirmed the pre-authorisation {pre_authorisation} of the template {about}, which {proposed_by} had proposed."
    ),
    "pre_authorisation_ended": lambda t: (
        f"{t['who']} ended the pre-authorisation {t['pre_authorisation']} of the template {t['about']}{t.why()}."
    ),
    "break_glass_reviewed": lambda t: (
        f"{t['who']} reviewed the break-glass of {t['sent_by']} for {t['about']}, and found it {t['verdict']}: {t['finding']}."
    ),
    "election_period_set": "{who} set a pre-election period from {starts} until {ends} ({about}).",
    "election_period_ended": "{who} ended the pre-election period {about}.",
    "election_names_changed": (
        "{who} changed the list of names that a pre-election period watches: {added} added, {removed} taken out."
    ),
}
