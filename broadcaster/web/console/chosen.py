"""What the form of a message holds, good or not: as it came, as it is kept meanwhile, and as it is shown again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData

from broadcaster.db.worksheets import Worksheet
from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.languages import TRANSLATOR, said_in
from broadcaster.domain.message import Mode
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate
from broadcaster.web.console.in_languages import languages_of


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a form holds, good or not: it is shown again as it was typed. `sheet` is where it is kept meanwhile, and `base`
    the version that a change began from."""

    values: Mapping[str, str] = field(default_factory=dict)
    channels: Sequence[str] = ()
    audience: str = ""
    mode: Mode = Mode.LIVE
    incident: str = ""
    sheet: str = ""
    base: int = 0
    #: The message that it follows, for what, and why what was published comes down.
    follows: str = ""
    purpose: str = ""
    reason: str = ""
    #: Beside the template's own, as far as the form asks; None where it does not. `later`: by when one follows.
    languages: Sequence[str] | None = None
    later: str = ""

    @classmethod
    def begun(
        cls, template: NoticeTemplate, *, zone: ZoneInfo, known: Mapping[str, str] | None = None
    ) -> Self:
        """A new form: times that have to be given stand there already, as the template proposes them, and what is `known`
        from elsewhere, such as who says so."""
        proposed = {blank.name: _proposed(blank, zone) for blank in template.blanks if blank.required}
        names = {blank.name for blank in template.blanks} | set(_in_others(template))
        proposed |= {name: value for name, value in (known or {}).items() if name in names}
        return cls(channels=template.channels, values={name: at for name, at in proposed.items() if at})

    @classmethod
    def of(cls, form: FormData, template: NoticeTemplate) -> Self:
        names = [blank.name for blank in template.blanks] + list(OVERRIDES) + _in_others(template)
        mode = _text(form, "mode")
        return cls(
            values={name: value for name in names if (value := _text(form, f"blank-{name}"))},
            channels=[str(each) for each in form.getlist("channels")],
            audience=_text(form, "audience"),
            mode=Mode(mode) if mode in set(Mode) else Mode.LIVE,
            incident=_text(form, "incident"),
            sheet=_text(form, "sheet"),
            follows=_text(form, "follows"),
            purpose=_text(form, "purpose"),
            reason=_text(form, "reason"),
            languages=languages_of(form),
            later=_text(form, "later"),
            base=int(base) if (base := _text(form, "base")).isdigit() else 0,
        )

    def with_values(self, values: Mapping[str, str]) -> Self:
        return replace(self, values={**self.values, **values})

    def to_json(self) -> dict[str, Any]:
        languages = None if self.languages is None else list(self.languages)
        return {**asdict(self), "channels": list(self.channels), "languages": languages}

    @classmethod
    def kept(cls, sheet: Worksheet) -> Self:
        """As it was left; the form goes on in the same worksheet, by which a feed's warning finds what was written from it."""
        data = {**sheet.content, "mode": Mode(sheet.content["mode"]), "sheet": sheet.uid}
        return cls(**data)


def _in_others(template: NoticeTemplate) -> list[str]:
    anew = [blank.name for code in template.languages for blank in said_in(template, code)]
    return [*anew, *(f"{TRANSLATOR}.{code}" for code in template.languages)]


def _proposed(blank: Blank, zone: ZoneInfo) -> str:
    """The time that a blank's default or example means now, as a browser's field for times has it; empty for others."""
    if blank.type is not BlankType.TIME:
        return ""
    moment, _ = read_answer(blank, blank.default or blank.example, zone, datetime.now(zone))
    return f"{moment:%Y-%m-%dT%H:%M}" if isinstance(moment, datetime) else ""


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""
