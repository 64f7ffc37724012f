"""How often something was tried: counted by all processes together, and by nobody's name."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base


class AttemptCount(Base):
    """UNLOGGED: each attempt costs no write-ahead log, and a crash of the database, which nobody outside can cause,
    loses a quarter of an hour of counting at most.
    """

    __tablename__ = "attempt_count"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012  # SQLAlchemy's own declaration

    scope: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """An HMAC: the table lists neither accounts nor addresses."""
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]
