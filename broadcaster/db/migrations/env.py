"""Alembic's entry: runs the revisions on the connection, and in the transaction, that `broadcaster.db.migrate` passes in."""

from alembic import context

from broadcaster.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=context.config.attributes.get("render_item"),
    transactional_ddl=True,  # SQLite has it too, since our own BEGIN and not the driver's opens the transaction
)
with context.begin_transaction():
    context.run_migrations()
