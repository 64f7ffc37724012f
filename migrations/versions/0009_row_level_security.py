"""Row-level security by clinic: the app's role sees and writes the rows of one clinic, the one of its transaction.

The transaction names its clinic in the setting interlude.clinic; unset, no row is seen and none goes in. Every table
of a clinic's has the clinic's id, and where it refers to a patient, a member or an alert, by a key that holds the id,
so that it cannot lie. (Asking the patient's row for the clinic instead costs a look-up for each row that is read.)

ENABLE and not FORCE: migrations run as the owner and must see every row, and so must the functions below, which run
as the owner too. They are all that runs before a clinic is known, and tell no more than ids, counts and instants:

clinic_of_member, clinic_of_patient, clinic_of_invite
                    which clinic to work for, from what the person typed; the account is then read within that clinic
clinics_with_due    where the scheduler has something to put on the queue
check_ins_received  when anybody's came in: the scheduler's sign that the service was up
forget_trends_from  after an outage, which is everybody's: what the engine remembers, a cache, is thrown away
every_clinic        for an operator's commands, which go from clinic to clinic (explain)
health_counts       readyz is about the whole service and asks often: counts, and the oldest instants
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0009"
down_revision = "0008"

CLINIC = "(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid"
# A subquery, so that it is worked out once for a statement and not for each row.
POLICY = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_clinic ON {table} USING ({column} = (SELECT {clinic})) WITH CHECK ({column} = (SELECT {clinic}));
"""
REFERRED = ("patient", "member", "alert")
# Each table that gets the clinic's id, with what it is taken from, and all that it refers to by a key with the clinic.
NEW = {
    "check_in": ("patient",),
    "course": ("patient",),
    "session": ("patient",),
    "invite": ("patient",),
    "care_team": ("patient", "member"),
    "pause": ("patient",),
    "trend_state": ("patient",),
    "alert_event": ("alert",),
    "alert_email": ("alert", "member"),
}
KEYS = {"alert": ("patient",), "sign_in": ("member", "patient"), **NEW}
TABLES = {"clinic": "id", "member": "clinic_id", "limits": "clinic_id", "patient": "clinic_id"} | dict.fromkeys(
    KEYS, "clinic_id"
)

FUNCTIONS = {
    "clinic_of_member(email bytea)": """
        RETURNS uuid LANGUAGE sql STABLE {definer} AS $$
            SELECT clinic_id FROM public.member WHERE email_index = clinic_of_member.email
        $$
    """,
    "clinic_of_patient(login text)": """
        RETURNS uuid LANGUAGE sql STABLE {definer} AS $$
            SELECT clinic_id FROM public.patient WHERE code = clinic_of_patient.login
        $$
    """,
    "clinic_of_invite(hash bytea)": """
        RETURNS uuid LANGUAGE sql STABLE {definer} AS $$
            SELECT clinic_id FROM public.invite WHERE code_hash = clinic_of_invite.hash
        $$
    """,
    "clinics_with_due(job text, at timestamp with time zone)": """
        RETURNS SETOF uuid LANGUAGE sql STABLE {definer} AS $$
            SELECT DISTINCT patient.clinic_id
            FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id
            WHERE clinics_with_due.job = 'assess' AND clinic.live AND patient.assess_due_at <= clinics_with_due.at
            UNION ALL
            SELECT DISTINCT clinic_id FROM public.alert_email
            WHERE clinics_with_due.job = 'deliver' AND state = 'queued' AND due_at <= clinics_with_due.at
        $$
    """,
    "check_ins_received(after timestamp with time zone, before timestamp with time zone)": """
        RETURNS SETOF timestamp with time zone LANGUAGE sql STABLE {definer} AS $$
            SELECT ends.instant
            FROM (
                SELECT min(received_at) AS first, max(received_at) AS last
                FROM public.check_in JOIN public.clinic ON clinic.id = check_in.clinic_id
                WHERE clinic.live
                    AND received_at > check_ins_received.after AND received_at < check_ins_received.before
                GROUP BY date_trunc('hour', received_at)
            ) AS of_an_hour CROSS JOIN LATERAL (VALUES (first), (last)) AS ends (instant)
            ORDER BY ends.instant
        $$
    """,
    "forget_trends_from(day date)": """
        RETURNS void LANGUAGE sql VOLATILE {definer} AS $$
            UPDATE public.patient SET trend_through = NULL WHERE trend_through >= forget_trends_from.day
        $$
    """,
    "every_clinic()": """
        RETURNS SETOF uuid LANGUAGE sql STABLE {definer} AS $$
            SELECT id FROM public.clinic ORDER BY created_at, id
        $$
    """,
    "health_counts()": """
        RETURNS TABLE (
            assessment_due_since timestamp with time zone, assessments_failing bigint, emails_waiting bigint,
            email_waiting_since timestamp with time zone, emails_undeliverable bigint, alerts_without_recipient bigint
        )
        LANGUAGE sql STABLE {definer} AS $$
            SELECT
                (SELECT min(patient.assess_due_at)
                 FROM public.patient JOIN public.clinic ON clinic.id = patient.clinic_id WHERE clinic.live),
                (SELECT count(*) FROM public.patient WHERE assess_failures > 0),
                waiting.emails, waiting.since,
                (SELECT count(*) FROM public.alert_email WHERE state = 'undeliverable'),
                -- Alerts not closed that nobody of today's care team was, or is about to be, told of.
                (SELECT count(*)
                 FROM public.alert JOIN public.clinic ON clinic.id = alert.clinic_id
                 WHERE clinic.live AND alert.state <> 'resolved' AND NOT EXISTS (
                     SELECT FROM public.alert_email
                     JOIN public.care_team
                         ON care_team.patient_id = alert.patient_id AND care_team.member_id = alert_email.member_id
                     JOIN public.member ON member.id = alert_email.member_id
                     WHERE alert_email.alert_id = alert.id AND alert_email.state IN ('queued', 'sent')
                         AND member.active))
            FROM (SELECT count(*), min(created_at) FROM public.alert_email WHERE state = 'queued')
                AS waiting (emails, since)
        $$
    """,
}
# Whatever a caller's search_path holds, the names within mean ours.
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"


def upgrade() -> None:
    app_role = context.config.attributes["app_role"]
    if op.get_bind().scalar(sa.text("SELECT current_user")) == app_role:
        raise RuntimeError(
            "the migrations run as the app's own role, which row-level security then would not bind:"
            " MIGRATION_DATABASE_URL must name another role, the owner"
        )
    for table in REFERRED:
        op.create_unique_constraint(op.f(f"uq_{table}_id_clinic_id"), table, ["id", "clinic_id"])
    for table, (parent, *_) in NEW.items():
        op.add_column(table, sa.Column("clinic_id", sa.Uuid(), nullable=True))
        op.execute(
            f"UPDATE {table} SET clinic_id = {parent}.clinic_id FROM {parent} WHERE {parent}.id = {parent}_id"  # noqa: S608  # nosec B608  # names of our own, no value
        )
        op.alter_column(table, "clinic_id", nullable=False, server_default=sa.text(CLINIC))
    for table, parents in KEYS.items():
        for parent in parents:
            op.drop_constraint(op.f(f"fk_{table}_{parent}_id"), table)
            op.create_foreign_key(
                op.f(f"fk_{table}_{parent}_id_clinic_id"), table, parent, [f"{parent}_id", "clinic_id"],
                ["id", "clinic_id"],
            )  # fmt: skip
    for table, column in TABLES.items():
        op.execute(POLICY.format(table=table, column=column, clinic=CLINIC))
    role = op.get_bind().dialect.identifier_preparer.quote(app_role)
    for signature, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {signature} {body.format(definer=DEFINER)}")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    for table in TABLES:
        op.execute(f"DROP POLICY own_clinic ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table, parents in KEYS.items():
        for parent in parents:
            op.drop_constraint(op.f(f"fk_{table}_{parent}_id_clinic_id"), table)
            op.create_foreign_key(op.f(f"fk_{table}_{parent}_id"), table, parent, [f"{parent}_id"], ["id"])
    for table in NEW:
        op.drop_column(table, "clinic_id")
    for table in REFERRED:
        op.drop_constraint(op.f(f"uq_{table}_id_clinic_id"), table)
