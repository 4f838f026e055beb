"""What a test sees of an installation's records, and alters there past the services."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, select, update

from broadcaster.bootstrap import Parts
from broadcaster.db.engine import Database
from broadcaster.db.tables import attempt, audit_event, batch, broadcast, delivery, metadata, target
from broadcaster.domain.delivery import DeliveryState
from broadcaster.service.approve import Released
from broadcaster.service.report import Status


class Records:
    """The tables of one installation, and what its report makes of them."""

    database: Database
    parts: Parts

    def rows(self, table: Table, **equal: Any) -> list[Any]:
        """Rows of a table by id, those whose columns have these values."""
        key = next(iter(table.primary_key))
        query = select(table).where(*(table.c[name] == value for name, value in equal.items())).order_by(key)
        with self.database.read() as tx:
            return list(tx.execute(query))

    def row(self, table: Table, **equal: Any) -> Any:
        (found,) = self.rows(table, **equal)
        return found

    def size(self, table: Table) -> int:
        return len(self.rows(table))

    def change(self, table: Table, values: Mapping[str, Any], **equal: Any) -> None:
        """By SQL, past the services: what somebody with access to the database could do."""
        conditions = [table.c[name] == value for name, value in equal.items()]
        with self.database.write() as tx:
            assert tx.execute(update(table).where(*conditions).values(**values)).rowcount

    def add(self, table: Table, **values: Any) -> None:
        with self.database.write() as tx:
            tx.execute(insert(table).values(**values))

    def broadcast_id(self, ref: str) -> int:
        return self.broadcast(ref).id

    def broadcast(self, ref: str) -> Any:
        uid = self.parts.report.status(ref).broadcast
        return self.row(broadcast, uid=uid)

    def status(self, ref: str) -> Status:
        return self.parts.report.status(ref)

    def totals(self, ref: str) -> dict[str, int]:
        """Deliveries by state. They always add up to what was planned, or the test fails."""
        status = self.status(ref)
        assert sum(status.totals.values()) == status.planned
        assert status.adds_up
        return {str(state): count for state, count in status.totals.items()}

    def deliveries(self, channel: str) -> list[Any]:
        """Deliveries of one channel, in the order of their ordinals."""
        query = (
            select(delivery)
            .join(target, target.c.id == delivery.c.target_id)
            .where(target.c.channel == channel)
            .order_by(delivery.c.target_id, delivery.c.ordinal)
        )
        with self.database.read() as tx:
            return list(tx.execute(query))

    def delivery(self, channel: str) -> Any:
        (found,) = self.deliveries(channel)
        return found

    def state(self, channel: str) -> DeliveryState:
        return DeliveryState(self.delivery(channel).state)

    def state_of(self, released: Released, channel: str) -> str:
        """State of the one delivery of a broadcast on a channel."""
        (found,) = [t for t in self.status(released.ref).targets if t.channel == channel]
        (state,) = found.states
        return str(state)

    def attempts(self, delivery_id: int) -> list[Any]:
        return self.rows(attempt, delivery_id=delivery_id)

    def batches(self) -> list[Any]:
        return self.rows(batch)

    def states(self, channel: str = "sms") -> list[str]:
        """Of each delivery of a channel, in the order of their ordinals."""
        return [d.state for d in self.deliveries(channel)]

    def acts(self) -> list[str]:
        """What the audit log says was done, in order. It is whole, or the test fails."""
        self.parts.seal.seal()
        assert self.parts.audit.first_bad_event() is None
        return [event.act for event in self.rows(audit_event)]

    def events(self, act: str) -> list[Any]:
        """What the audit log says of each act of this kind, in order."""
        return [json.loads(event.payload) for event in self.rows(audit_event, act=act)]

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with self.database.read() as tx:
            names = [t.name for t in metadata.sorted_tables]
            read = tx.connection.exec_driver_sql  # as it is stored, whatever the types make of it
            return {name: [tuple(r) for r in read(f"SELECT * FROM {name} ORDER BY 1")] for name in names}

    def now(self) -> datetime:
        with self.database.read() as tx:
            return tx.now()

    def later(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)
