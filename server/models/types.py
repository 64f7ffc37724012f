"""Column types that several models share."""

from enum import StrEnum

from sqlalchemy import Enum, text

# The clinic that the transaction works for, as server.scope tells the database: a row belongs to it unless it says
# otherwise, and without one no row goes in.
CLINIC_IN_FORCE = text("(NULLIF(current_setting('interlude.clinic'::text, true), ''::text))::uuid")


def choice(values: type[StrEnum], name: str) -> Enum:
    """Text that the CHECK `name` holds to the values of a StrEnum (adding one is a migration, not a rewrite)."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name,
        values_callable=lambda kind: [member.value for member in kind],
    )
