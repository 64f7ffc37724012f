"""Runs migrations as the owner role; the application itself connects as another, which owns nothing."""

import click
from alembic import context
from flask import current_app
from sqlalchemy import create_engine, make_url, pool

from server.extensions import Base, Instant, parts

QUEUE_PREFIX = "procrastinate_"


def ours(name: str | None, kind: str, _: object) -> bool:
    """The queue's tables are its own library's affair."""
    return not (kind == "table" and name is not None and name.startswith(QUEUE_PREFIX))


def plainly(kind: str, item: object, _: object) -> str | bool:
    """Migrations stand on their own: they name no type of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


def run() -> None:
    settings = parts().settings
    app_role = make_url(settings.database_url).username
    if make_url(settings.migration_database_url).username == app_role:
        raise click.ClickException(
            "The migrations do not run as the app's own role: it would own the tables, and row-level security would not"
            " bind it. MIGRATION_DATABASE_URL must name another role, the database's owner; without it the migrations"
            " connect by DATABASE_URL."
        )
    context.config.attributes["app_role"] = app_role
    engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=ours,
            render_item=plainly,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
