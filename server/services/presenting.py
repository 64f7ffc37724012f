"""What a device presents, and whether its sign-in and its account still stand as that says."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Select, bindparam, select

from server.extensions import db, table_of
from server.models import Member, Patient, Role, SignIn
from server.scope import enter, enter_asking, telling
from server.services.holding import holding
from server.services.identities import Identity, of_account

# Either a row to be written or its columns: the caller of `standing` knows which it asked for.
Standing: TypeAlias = tuple[Any, Member | Patient | None, Identity]


@dataclass(frozen=True, slots=True)
class Presented:
    """What a token or a cookie says; that it is ours and in date was found before."""

    role: Role
    account_id: uuid.UUID
    clinic_id: uuid.UUID
    token_version: int
    sign_in_id: uuid.UUID
    pair: str


def standing(presented: Presented, now: datetime, *, held: bool = False, patient_held: bool = False) -> Standing | None:
    """The sign-in and the account as they are now, in one statement; None unless both stand as presented.

    `held`: the sign-in's row. `patient_held`: the patient's, as `holding` has it, if a patient presents it.
    """
    # Signed by us; an account that is not of this clinic is not found there.
    is_patient, asked = presented.role is Role.PATIENT, {"id": presented.sign_in_id}
    if is_patient and not held:
        found: Any = next(iter(enter_asking(presented.clinic_id, _seen(patient_held), asked)), None)
    else:
        enter(presented.clinic_id)
        found = db.session.execute(_asked(is_patient, held), asked).one_or_none()
    if found is None:
        return None
    if is_patient and not held:
        sign_in, account, active = found, None, found.active
        identity = Identity(Role.PATIENT, found.id, found.clinic_id, found.token_version, presented.sign_in_id)
    else:
        sign_in, account = found[0], found[1]
        active, identity = account.active, replace(of_account(account), sign_in_id=sign_in.id)
    now_is = (identity.role, identity.id, identity.clinic_id, identity.token_version)
    was = (presented.role, presented.account_id, presented.clinic_id, presented.token_version)
    stands = active and sign_in.ended_at is None and now < sign_in.ends_at and now_is == was
    return (sign_in, account, identity) if stands else None


@cache
def _seen(patient_held: bool) -> Select[Any]:
    """Built once: every request of a phone asks it. Only what admits one: the rest is read by who needs it.

    Held, a patient's row is the one that whoever held it before left; the sign-in's is as it was when we asked.
    """
    sign_in, patient = table_of(SignIn).c, table_of(Patient).c
    columns = (sign_in.current_hash, sign_in.previous_hash, sign_in.retry_until)
    times = (sign_in.last_used_at, sign_in.ends_at, sign_in.ended_at)
    seen = select(*columns, *times, patient.token_version, patient.active)
    joined = table_of(SignIn).join(table_of(Patient), patient.id == sign_in.patient_id)
    seen = seen.select_from(joined).where(sign_in.id == bindparam("id"))
    if patient_held:
        return telling(holding(seen))
    return telling(seen.add_columns(patient.id, patient.clinic_id, patient.language))


@cache
def _asked(is_patient: bool, held: bool) -> Any:
    """Built once: every request asks it."""
    account = Patient if is_patient else Member
    owner = SignIn.patient_id if is_patient else SignIn.member_id
    asked = select(SignIn, account).join(account, account.id == owner).where(SignIn.id == bindparam("id"))
    if held:
        asked = asked.with_for_update(of=SignIn, key_share=True).execution_options(populate_existing=True)
    return asked
