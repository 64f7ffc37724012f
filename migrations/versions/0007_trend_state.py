"""What the trend engine remembers of each patient. It starts empty: the next look reads the diary whole."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("patient", sa.Column("trend_through", sa.Date(), nullable=True))
    op.create_table(
        "trend_state",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("standing", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_trend_state_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_trend_state")),
        postgresql_with={"fillfactor": 50},
    )


def downgrade() -> None:
    op.drop_table("trend_state")
    op.drop_column("patient", "trend_through")
