"""The job queue: procrastinate's own schema, as the pinned release ships it."""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Through the driver: the script is full of % and : that are not parameters.
    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema())


def downgrade() -> None:
    connection = op.get_bind()
    for table in (
        "procrastinate_events",
        "procrastinate_periodic_defers",
        "procrastinate_jobs",
        "procrastinate_workers",
    ):
        connection.execute(text(f"DROP TABLE {table} CASCADE"))
    named = text("""
        SELECT oid::regprocedure FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = 'public'::regnamespace
    """)
    for function in connection.scalars(named).all():
        connection.execute(text(f"DROP FUNCTION {function}"))
    types = text("""
        SELECT typname FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') AND typnamespace = 'public'::regnamespace
    """)
    for name in connection.scalars(types).all():
        connection.execute(text(f"DROP TYPE {name}"))
