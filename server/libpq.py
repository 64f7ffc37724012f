"""Where the database is, as libpq wants it said. On its own: `make run` needs no more of SQLAlchemy and the queue."""


def conninfo(database_url: str) -> str:
    """SQLAlchemy's URL."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)
