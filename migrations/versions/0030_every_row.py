"""An outage writes each row of watch that remembers anything, though what is remembered ends before it.

A batch's look holds nothing while it reads, and then writes the rows that nobody has written since. One that ended
before an outage was held and not written, and so could take in the outage's days as if there had been none.
"""

from alembic import op

revision = "0030"
down_revision = "0029"

# All first, as in 0028. What remembers nothing may have been added meanwhile, and then is not held.
FORGET = """
    CREATE OR REPLACE FUNCTION forget_trends_from(day date) RETURNS void LANGUAGE sql VOLATILE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT count(*) FROM (SELECT FROM public.watch ORDER BY patient_id FOR NO KEY UPDATE) AS held;
            UPDATE public.watch SET {forgotten}
        $$
"""
WRITTEN = "through = CASE WHEN through < forget_trends_from.day THEN through END WHERE through IS NOT NULL"
WRITTEN_BEFORE = "through = NULL WHERE through >= forget_trends_from.day"


def upgrade() -> None:
    op.execute(FORGET.format(forgotten=WRITTEN))


def downgrade() -> None:
    op.execute(FORGET.format(forgotten=WRITTEN_BEFORE))
