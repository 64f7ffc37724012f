"""The link by which a member who forgot the password sets another: its hash, one for each member.

clinic_of_reset tells which clinic to work for, before anybody is known; as the functions of 0009 do.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0014"
down_revision = "0013"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
POLICY = f"""
    ALTER TABLE password_reset ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON password_reset USING (clinic_id = (SELECT {CLINIC}))
        WITH CHECK (clinic_id = (SELECT {CLINIC}));
"""
SIGNATURE = "clinic_of_reset(hash bytea)"
BODY = """
    RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT clinic_id FROM public.password_reset WHERE token_hash = clinic_of_reset.hash
    $$
"""


def upgrade() -> None:
    op.create_table(
        "password_reset",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False, server_default=sa.text(CLINIC)),
        sa.ForeignKeyConstraint(
            ["member_id", "clinic_id"], ["member.id", "member.clinic_id"],
            name=op.f("fk_password_reset_member_id_clinic_id"),
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_password_reset")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_reset_token_hash")),
    )  # fmt: skip
    op.execute(POLICY)
    op.execute(f"CREATE FUNCTION {SIGNATURE} {BODY}")
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO {role}")


def downgrade() -> None:
    """Links that were mailed stop working."""
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.drop_table("password_reset")
