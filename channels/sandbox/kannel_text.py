"""The text of an SMS as its reader sees it: charset and coding as Kannel 1.4.5 understands them."""

#: GSM 03.38's default alphabet in code order; the escape character's place holds NUL, which no text contains.
GSM_7BIT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\0ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
_READABLE = frozenset(GSM_7BIT + GSM_EXTENSION) - {"\0"}


def readable_text(raw: bytes, *, charset: str, coding: str) -> str:
    """What appears on the telephone. ValueError where charset and body do not go together.

    Coding 0 (or none) is 7 bits: what GSM 03.38 lacks arrives as "?". Coding 1 is bytes. Coding 2 is UCS-2. Without a
    charset, text is UTF-8 for 7 bits and UTF-16BE for UCS-2 (Kannel user guide 1.4.5, sendsms's CGI variables).
    """
    if coding == "1":
        return raw.decode("latin-1")
    try:
        text = raw.decode(charset or ("utf-16-be" if coding == "2" else "utf-8"))
    except LookupError as error:
        raise ValueError(f"unknown charset {charset!r}") from error
    if coding == "2":
        return text
    if text.isascii() and "`" not in text and "\t" not in text:
        return text
    return "".join(char if char in _READABLE else "?" for char in text)
