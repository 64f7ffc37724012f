"""Coordinators: members who keep the schedule, and see adherence and not what was said."""

from alembic import op

revision = "0010"
down_revision = "0009"

BEFORE = ("clinician", "admin")
AFTER = ("clinician", "coordinator", "admin")


def upgrade() -> None:
    _allow(AFTER)


def downgrade() -> None:
    """A coordinator becomes a clinician who cannot sign in until an admin decides."""
    op.execute("UPDATE member SET role = 'clinician', active = false WHERE role = 'coordinator'")
    _allow(BEFORE)


def _allow(roles: tuple[str, ...]) -> None:
    for name, allowed in (("role", ("patient", *roles)), ("works_here", roles)):
        op.drop_constraint(op.f(f"ck_member_{name}"), "member")
        listed = ", ".join(f"'{role}'" for role in allowed)
        op.create_check_constraint(op.f(f"ck_member_{name}"), "member", f"role IN ({listed})")
