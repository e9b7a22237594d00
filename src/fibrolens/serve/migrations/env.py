"""What Alembic runs to bring a database up to date; the connection is handed over by `fibrolens.serve.database`."""

from alembic import context

from fibrolens.serve.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
