"""Attempts at a sign-in and the like are counted in the database, for all processes together.

No clinic's rows, hence no policy: the keys are HMACs, and count whoever tries, known or not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "attempt_count",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key_hash", "window_start", name=op.f("pk_attempt_count")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_attempt_count_window_start"), "attempt_count", ["window_start"], unique=False)


def downgrade() -> None:
    """What was counted is forgotten."""
    op.drop_table("attempt_count")
