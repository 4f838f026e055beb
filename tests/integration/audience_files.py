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
