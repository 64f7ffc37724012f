"""What is counted as it happens, for /metrics: a row for each time, so that nobody waits for a counter."""

from sqlalchemy import BigInteger, Double, Identity
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base


class Tally(Base):
    """So many more of something. A count is the sum of its rows; it goes up with the transaction that has done it."""

    __tablename__ = "tally"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    label: Mapped[str]
    """Which of a fixed list: a state, an outcome. Never whose."""
    counted: Mapped[float] = mapped_column(Double)
