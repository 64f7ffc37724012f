"""The job queue: procrastinate's own schema, of the release that the lock pins."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0002"
down_revision = "0001"


# The schema is taken whole from the pinned release, which must be the one that this revision was written for: the
# last of its own migrations tells. A release that ships more needs a revision of ours that applies those.
LAST = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


def upgrade() -> None:
    last = max(script.name for script in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    if last != LAST:
        raise RuntimeError(f"procrastinate's schema ends with {last}, and this revision knows it up to {LAST}")
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
