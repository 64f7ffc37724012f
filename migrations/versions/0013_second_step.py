"""A second step for members: the secret of an app, sealed; recovery codes, hashed; and whether the clinic requires it.

An admin without one can only set one up.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"

BEFORE = (
    *("signed_out", "signed_out_everywhere", "revoked", "replaced", "reused"),
    *("password_changed", "role_changed", "disabled"),
)


def upgrade() -> None:
    op.add_column("clinic", sa.Column("mfa_required", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("member", sa.Column("totp_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("member", sa.Column("totp_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("member", sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("member", sa.Column("recovery_hashes", ARRAY(sa.LargeBinary()), nullable=False, server_default="{}"))
    for table, column in (("clinic", "mfa_required"), ("member", "totp_step"), ("member", "recovery_hashes")):
        op.alter_column(table, column, server_default=None)
    op.create_check_constraint(op.f("ck_member_totp"), "member", "totp_since IS NULL OR totp_sealed IS NOT NULL")
    _allow((*BEFORE, "second_step"))


def downgrade() -> None:
    """Everybody signs in with the password alone; the secrets are lost."""
    op.execute("UPDATE sign_in SET ended_why = 'signed_out_everywhere' WHERE ended_why = 'second_step'")
    _allow(BEFORE)
    op.drop_constraint(op.f("ck_member_totp"), "member")
    for column in ("recovery_hashes", "totp_step", "totp_since", "totp_sealed"):
        op.drop_column("member", column)
    op.drop_column("clinic", "mfa_required")


def _allow(reasons: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_sign_in_ended_why"), "sign_in")
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.create_check_constraint(op.f("ck_sign_in_ended_why"), "sign_in", f"ended_why IN ({listed})")
