"""One run of a scheduled job for one period: the row whose insert wins is the run."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base


class JobRun(Base):
    """(job, period) is the key, so any number of schedulers start each run once."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    enqueued: Mapped[int]
