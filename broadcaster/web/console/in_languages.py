"""A form's fields in several languages: behind each sentence the same one in the others."""

from collections.abc import Iterable, Sequence

from starlette.datastructures import FormData

from broadcaster.domain.blanks import Blank
from broadcaster.domain.languages import LanguagePolicy, said_in
from broadcaster.domain.notice import NoticeTemplate


def languages_of(form: FormData) -> tuple[str, ...] | None:
    """Those that are chosen beside the template's own; None where the form does not ask."""
    return tuple(str(each) for each in form.getlist("languages")) if "asks_languages" in form else None


def languages_asked(
    policy: LanguagePolicy, template: NoticeTemplate, wanted: Sequence[str] | None
) -> dict[str, bool]:
    """The languages that a form asks for beside the template's own, and which of them are chosen: those that are spoken here,
    and those that are `wanted`. None wants the usual ones."""
    usual = policy.order_for(template)
    chosen = usual if wanted is None else wanted
    shown = [code for code in template.languages if code in usual or code in chosen]
    return {code: code in chosen for code in shown}


def beside(template: NoticeTemplate, codes: Iterable[str], blanks: Sequence[Blank]) -> list[Blank]:
    """Each of these blanks, and behind it what is said anew in these languages."""
    shown = [code for code in codes if code in template.languages]
    anew = {blank.name: blank for code in shown for blank in said_in(template, code)}
    found: list[Blank] = []
    for blank in blanks:
        names = [f"{blank.name}.{code}" for code in shown]
        found += [blank, *(anew[name] for name in names if name in anew)]
    return found


def labels_of(template: NoticeTemplate) -> dict[str, str]:
    """Of every field, by its name."""
    labels = {"later": "By when the other language follows", "languages": "Languages"}
    blanks = beside(template, template.languages, template.blanks)
    return {**labels, **{blank.name: blank.label for blank in blanks}}
