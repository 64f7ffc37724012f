"""A member is mailed when their account was changed."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

KINDS = ("digest", "alarm")
CHANGED = ("email", "password", "second_step_set_up", "second_step_removed")


def upgrade() -> None:
    op.add_column("member_mail", sa.Column("changed", sa.String(32), nullable=True))
    op.add_column("member_mail", sa.Column("email_before_sealed", sa.LargeBinary(), nullable=True))
    _allow("kind", (*KINDS, "account"))
    op.create_check_constraint(op.f("ck_member_mail_changed"), "member_mail", _one_of("changed", CHANGED))
    op.create_check_constraint(
        op.f("ck_member_mail_account"), "member_mail", "(kind = 'account') = (changed IS NOT NULL)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM member_mail WHERE kind = 'account'")
    _allow("kind", KINDS)
    op.drop_column("member_mail", "changed")
    op.drop_column("member_mail", "email_before_sealed")


def _allow(column: str, values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"ck_member_mail_{column}"), "member_mail")
    op.create_check_constraint(op.f(f"ck_member_mail_{column}"), "member_mail", _one_of(column, values))


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"
