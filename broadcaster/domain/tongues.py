"""The languages that messages can carry, and the words that every text of one says of its own accord. Data alone.

Names of days and months are those of Unicode's CLDR 46 (cy, es), the Welsh days in the mutated form that stands after a time.
Adding a language is one entry here, and its wording in the notice templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """`name` is what officers call it, `own` what its speakers do. A time without `am` is told by 24 hours. Patterns have the
    marks that their names tell: `{on}` is the day, `{clock}` what the clock shows."""

    code: str
    name: str
    own: str
    days: tuple[str, ...]  # from Monday
    days_short: tuple[str, ...]
    months: tuple[str, ...]
    months_short: tuple[str, ...]
    at: str = "{clock} {on}"
    on: str = "{day} {number} {month}"
    on_short: str = "{day} {number} {month}"
    am: str = ""
    pm: str = ""
    midday: str = ""
    midnight: str = ""
    midnight_short: str = ""
    #: How a clock time may be written beside digits: what is told at these is the same in every language.
    middays: tuple[str, ...] = ()
    midnights: tuple[str, ...] = ()
    where: str
    what_to_do: str
    would_say: str
    period: str
    period_short: str = ""
    more: str
    news: str
    sent: str
    sent_at: str
    update: str
    replies: str
    drill: str
    drill_short: str
    corrected: str
    cancelled: str
    in_error: str


ENGLISH = Tongue(
    code="en",
    name="English",
    own="English",
    days=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    days_short=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    months=tuple(
        "January February March April May June July August September October November December".split()  # noqa: SIM905
    ),
    months_short=tuple("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()),  # noqa: SIM905
    am="am",
    pm="pm",
    midday="midday {on}",
    midnight="midnight at the start of {on}",
    midnight_short="midnight, start of {on}",
    middays=("midday", "noon"),
    midnights=("midnight",),
    where="Where",
    what_to_do="What to do",
    would_say="In a real event we would say",
    period="From {starts} until {expires}.",
    period_short="{starts} until {expires}.",
    more="More",
    news="News of this will be on this page",
    sent="sent",
    sent_at="Sent at",
    update="Update",
    replies="We may not see replies. In danger call 999.",
    drill="EXERCISE - this is a drill, no action needed",
    drill_short="EXERCISE, no action needed",
    corrected="Correction of what we said at {at} (Ref {ref}).",
    cancelled="Cancelled: what we said at {at} (Ref {ref}) no longer applies.",
    in_error="It should not have been sent.",
)

WELSH = Tongue(
    code="cy",
    name="Welsh",
    own="Cymraeg",
    days=(
        "ddydd Llun",
        "ddydd Mawrth",
        "ddydd Mercher",
        "ddydd Iau",
        "ddydd Gwener",
        "ddydd Sadwrn",
        "ddydd Sul",
    ),
    days_short=("Llun", "Maw", "Mer", "Iau", "Gwen", "Sad", "Sul"),
    months=tuple(
        "Ionawr Chwefror Mawrth Ebrill Mai Mehefin Gorffennaf Awst Medi Hydref Tachwedd Rhagfyr".split()  # noqa: SIM905
    ),
    months_short=tuple("Ion Chwef Maw Ebr Mai Meh Gorff Awst Medi Hyd Tach Rhag".split()),  # noqa: SIM905
    am="am",
    pm="pm",
    midday="hanner dydd {on}",
    midnight="00:00 {on}",
    midnight_short="00:00 {on}",
    middays=("hanner dydd", "canol dydd", "ganol dydd"),
    midnights=("hanner nos", "canol nos", "ganol nos"),
    where="Lle",
    what_to_do="Beth i'w wneud",
    would_say="Mewn digwyddiad go iawn byddem yn dweud",
    period="O {starts} tan {expires}.",
    period_short="{starts} tan {expires}.",
    more="Rhagor",
    news="Bydd newyddion am hyn ar y dudalen hon",
    sent="anfonwyd",
    sent_at="Anfonwyd am",
    update="Diweddariad",
    replies="Efallai na fyddwn yn gweld atebion. Mewn perygl ffoniwch 999.",
    drill="EXERCISE / YMARFER - dril yw hwn, dim angen gwneud dim",
    drill_short="EXERCISE / YMARFER, dim angen gwneud dim",
    corrected="Cywiriad i'r hyn a ddywedwyd am {at} (Ref {ref}).",
    cancelled="Wedi'i ganslo: nid yw'r hyn a ddywedwyd am {at} (Ref {ref}) yn berthnasol bellach.",
    in_error="Ni ddylai fod wedi cael ei hanfon.",
)

SPANISH = Tongue(
    code="es",
    name="Spanish",
    own="Español",
    days=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    days_short=("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
    months=tuple(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()  # noqa: SIM905
    ),
    months_short=tuple("ene feb mar abr may jun jul ago sept oct nov dic".split()),  # noqa: SIM905
    at="{on}, {clock} h",
    on="{day} {number} de {month}",
    middays=("mediodía",),
    midnights=("medianoche",),
    where="Dónde",
    what_to_do="Qué hacer",
    would_say="En un caso real diríamos",
    period="Desde: {starts}. Hasta: {expires}.",
    period_short="Desde: {starts}. Hasta: {expires}.",
    more="Más información",
    news="Habrá novedades en esta página",
    sent="enviado",
    sent_at="Enviado a las",
    update="Actualización",
    replies="Es posible que no veamos las respuestas. Si está en peligro, llame al 999.",
    drill="EXERCISE / SIMULACRO - es un simulacro, no hace falta hacer nada",
    drill_short="EXERCISE / SIMULACRO, no hace falta hacer nada",
    corrected="Corrección de lo que dijimos a las {at} (Ref {ref}).",
    cancelled="Cancelado: lo que dijimos a las {at} (Ref {ref}) ya no es válido.",
    in_error="No debería haberse enviado.",
)

TONGUES: Mapping[str, Tongue] = {each.code: each for each in (ENGLISH, WELSH, SPANISH)}

#: Of a post that says the same in several languages, one after the other (ISO 639-2).
SEVERAL = "mul"


def base(code: str) -> str:
    """`cy` of `cy-GB`, `CY` and `cy_GB`."""
    return code.strip().lower().replace("_", "-").partition("-")[0]


def tongue_of(code: str) -> Tongue:
    """English where a language has no words here: a post must have some."""
    return TONGUES.get(base(code), ENGLISH)


def named(code: str) -> str:
    """What officers call it; the code itself where nobody here knows it."""
    return TONGUES[base(code)].name if base(code) in TONGUES else code
