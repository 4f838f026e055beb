"""Lists of numbers as files, and what became of them in the database."""

from sqlalchemy import func, select

from broadcaster.db import audit_log
from broadcaster.db.key_files import KEY_BYTES
from broadcaster.db.tables import audience, audience_version, recipient
from broadcaster.db.vault import Vault

VAULT = Vault(bytes(KEY_BYTES))
GOOD = "+447700900001"


def number(n):
    return f"+4477{n:08}"


def csv_file(tmp_path, content, name="list.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def many(tmp_path, count, name="many.csv"):
    return csv_file(tmp_path, "mobile\n" + "".join(f"{number(n)}\n" for n in range(count)), name)


def stored(database, version_id=None):
    """Numbers and languages, opened, in order."""
    query = select(recipient).order_by(recipient.c.audience_version_id, recipient.c.ordinal)
    if version_id:
        query = query.where(recipient.c.audience_version_id == version_id)
    with database.read() as tx:
        rows = tx.execute(query).all()
    return [(VAULT.open(row.number_sealed, row.number_index), row.language) for row in rows]


def counts(database):
    """Rows of audiences, versions, recipients and audit events."""
    with database.read() as tx:
        tables = (audience, audience_version, recipient)
        found = [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]
        return (*found, len(list(audit_log.events(tx))))


#: Rows of `name,phone,language` of which each is broken in a way of its own, and what is said of it.
BROKEN = {
    "": "the row is empty",
    ",,": "the row is empty",
    "Ann": "the row has 1 columns instead of 3",
    "Ann,07700900002": "the row has 2 columns instead of 3",
    "Ann,07700900003,en,more": "the row has 4 columns instead of 3",
    "Smith, J,07700900004,en": "the row has 4 columns instead of 3",
    "Ann,,en": "there is no phone number in the row",
    "Ann,none,en": "there are letters among the digits of the phone number",
    "Ann,07700 9O0005,en": "there are letters among the digits of the phone number",
    "Ann,7.7009E+11,en": "a spreadsheet has turned the number into a power of ten",
    'Ann,"7,7009E+11",en': "a spreadsheet has turned the number into a power of ten",
    "Ann,077009000061234,en": "the number ending in 234 is too long",
    "Ann,07700,en": "the number is too short",
    "Ann,900007,en": "the number is too short or lacks its area code",
    "Ann,+999700900008,en": "the value ending in 008 is not a phone number",
    "Ann,07700900009/07700900010,en": "the value ending in 010 is not a phone number",
    "Ann,07700900011#12,en": "has an extension",
    "Ann,0770\x000900012,en": "there is a NUL byte in the row",
    'Ann,07700900013,"en': "the quotation marks in the row do not pair up",
    'Ann,"07700900014"x,en': "the quotation marks in the row do not pair up",
    "Ann," + "0" * 12000 + ",en": "the row is longer than 10,000 characters",
    "Ann,????,en": "the value is not a phone number",
    "Ann,07700\ufffd900015,en": "is not a phone number",
}
