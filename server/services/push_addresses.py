"""Where a patient's phones are reminded: what each sign-in gave, for as long as it lasts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from server.extensions import db
from server.models import PATIENT_HELD, Patient, PushAddress, SignIn
from server.push import Address, FcmToken, Kind, Subscription, read_address, write_address
from server.services.identities import Identity
from server.services.keys import index_of
from server.services.unique import unique
from server.settings import Settings

# Of one patient; the oldest go. A phone that was lost signed in once and never says goodbye.
MOST = 10
TAKEN = ("uq_push_address_clinic_id_address_index", "This phone is being signed in to another account. Try again.")


@dataclass(frozen=True, slots=True, repr=False)
class Claimed:
    """One address that is this worker's to send to, once."""

    sign_in_id: uuid.UUID
    sealed: bytes
    address: Address
    patient: Patient


def show(caller: Identity, settings: Settings) -> dict[str, Any]:
    """What this service sends by, and what this device gave."""
    given = db.session.get(PushAddress, caller.sign_in_id)
    key = settings.vapid_private_key
    return {
        "web_push_key": key.public if key else None,
        "fcm": settings.fcm_credentials is not None,
        "kind": read_address(given.address).kind if given else None,
        "given_at": given.given_at if given else None,
    }


def give(caller: Identity, said: dict[str, Any], settings: Settings, now: datetime) -> None:
    """This device's address, in place of the one before. Raises Refused for one that we cannot or will not call."""
    address = _address_of(said)
    address.check(settings)
    db.session.get_one(Patient, caller.id, with_for_update=PATIENT_HELD, populate_existing=True)
    index = index_of("push_address.address", address.name)
    is_other = PushAddress.sign_in_id != caller.sign_in_id
    # Who signed in on this phone last is reminded on it, and nobody else.
    _delete(PushAddress.address_index == index, is_other)
    given = db.session.get(PushAddress, caller.sign_in_id, populate_existing=True)
    with unique(*TAKEN):
        if given is None:
            given = PushAddress(sign_in_id=caller.sign_in_id, patient_id=caller.id)
            db.session.add(given)
        given.address, given.address_index, given.given_at = write_address(address), index, now
    kept = select(PushAddress.sign_in_id).where(PushAddress.patient_id == caller.id, is_other)
    kept = kept.order_by(PushAddress.given_at.desc(), PushAddress.sign_in_id).limit(MOST - 1)
    _delete(PushAddress.patient_id == caller.id, is_other, PushAddress.sign_in_id.not_in(kept))


def take_back(caller: Identity) -> None:
    _delete(PushAddress.sign_in_id == caller.sign_in_id)


def phones_of(patient_id: uuid.UUID, now: datetime) -> Sequence[uuid.UUID]:
    """Those whose sign-in lasts."""
    theirs = select(PushAddress.sign_in_id).where(PushAddress.patient_id == patient_id, _lasts(now))
    return db.session.scalars(theirs.order_by(PushAddress.sign_in_id)).all()


def claim(sign_in_id: uuid.UUID, day: date, now: datetime) -> Claimed | None:
    """Takes it on oneself to remind this phone of this day; None when that was done, or the sign-in is over.

    A worker that dies from here on has not reminded: better that than twice.
    """
    taken = db.session.scalar(
        update(PushAddress)
        .where(
            PushAddress.sign_in_id == sign_in_id,
            or_(PushAddress.reminded_on.is_(None), PushAddress.reminded_on < day),
            _lasts(now),
        )
        .values(reminded_on=day)
        .returning(PushAddress.sign_in_id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        return None
    found = db.session.get_one(PushAddress, sign_in_id, populate_existing=True)
    patient = db.session.get_one(Patient, found.patient_id)
    return Claimed(sign_in_id, found.address_sealed, read_address(found.address), patient)


def release(claimed: Claimed, day: date) -> None:
    """It was surely not sent: it may be tried again."""
    own = update(PushAddress).where(PushAddress.sign_in_id == claimed.sign_in_id, PushAddress.reminded_on == day)
    db.session.execute(own.values(reminded_on=None).execution_options(synchronize_session=False))


def drop(claimed: Claimed) -> None:
    """Nothing arrives there any more. What the phone gave meanwhile stays."""
    _delete(PushAddress.sign_in_id == claimed.sign_in_id, PushAddress.address_sealed == claimed.sealed)


def forget(now: datetime) -> None:
    """The clinic's whose sign-in is over."""
    _delete(~_lasts(now))


def _lasts(now: datetime) -> ColumnElement[bool]:
    return exists().where(SignIn.id == PushAddress.sign_in_id, SignIn.ended_at.is_(None), SignIn.ends_at > now)


def _delete(*those: ColumnElement[bool]) -> None:
    db.session.execute(delete(PushAddress).where(*those).execution_options(synchronize_session=False))


def _address_of(said: dict[str, Any]) -> Address:
    if said["kind"] is Kind.FCM:
        return FcmToken(said["token"])
    return Subscription(said["endpoint"], said["keys"]["p256dh"], said["keys"]["auth"])
