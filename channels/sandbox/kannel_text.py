"""The text of an SMS as its reader sees it: charset and coding as Kannel 1.4.5 understands them."""

#: GSM 03.38's default alphabet in code order; the escape character's place holds NUL, which no text contains.
GSM_7BIT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\0ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
_READABLE = frozenset(GSM_7BIT + GSM_EXTENSION) - {"\0"}


def readable_text(raw: bytes, *, charset: str, coding: str) -> str:
    """What appears on the telephone. ValueError where nobody knows the charset.

    Coding 1 is bytes, coding 2 is UCS-2, anything else is 7 bits. Without a charset, text is UTF-8 for 7 bits and
    UTF-16BE for UCS-2 (user guide 1.4.5, sendsms's CGI variables); bytes that are no text pass, as smsbox lets them.
    """
    if coding == "1":
        return raw.decode("latin-1")
    try:
        text = raw.decode(charset or ("utf-16-be" if coding == "2" else "utf-8"), "replace")
    except LookupError as error:
        raise ValueError(f"unknown charset {charset!r}") from error
    if coding == "2" or (text.isascii() and "`" not in text and "\t" not in text):
        return text
    return "".join(char if char in _READABLE else _in_its_place(char) for char in text)


def _in_its_place(char: str) -> str:
    """What 7 bits show for a character they lack, as smsbox 1.4.5 sent it to an SMPP peer."""
    if char == "ç":
        return "Ç"
    return "?" if ord(char) <= 0xFFFF else "????"
