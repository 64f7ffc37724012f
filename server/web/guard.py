"""Who may open a page: the sign-in behind the cookie, as the account is now."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import g, redirect, request, session, url_for

from server.extensions import db, now
from server.models import Action, Role
from server.pace import keep_pace
from server.services import audit, sign_ins
from server.services.identities import Identity
from server.services.presenting import Presented
from server.services.sign_ins import Given, Lasting

View = Callable[..., Any]

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
LASTING = Lasting(unused=LONGEST, at_most=LONGEST)
MEMBERS = (Role.CLINICIAN, Role.COORDINATOR, Role.ADMIN)


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page that anybody may open: said, so that a forgotten guard is a failing test."""
    view.roles, view.audits = (), None  # type: ignore[attr-defined]
    return view


def clinician_page(action: Action) -> Callable[[View], View]:
    """A page for clinicians: about patients in their care."""
    return _page_for(Role.CLINICIAN, action)


def admin_page(action: Action) -> Callable[[View], View]:
    """A page for admins: about the clinic."""
    return _page_for(Role.ADMIN, action)


def _page_for(role: Role, action: Action) -> Callable[[View], View]:
    """A stranger is asked to sign in and comes back to it.

    `action` is audited: the page leaves after the event is committed. Who must set a second step up, or has another
    role, is led to the one page that there is for everybody.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = _entered()
            if identity is None:
                return _to_sign_in()
            if g.must_enrol or identity.role is not role:
                return redirect(url_for("second_step.show"), HTTPStatus.SEE_OTHER)
            with audit.opened(action, identity, kwargs):
                page = view(*args, **kwargs)
                db.session.commit()
            return page

        guarded.roles, guarded.audits = (role,), action  # type: ignore[attr-defined]
        return guarded

    return decorate


def own_page(view: View) -> View:
    """A page about the account itself, for every member; also for one who must set a second step up first."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if _entered() else _to_sign_in()

    guarded.roles, guarded.audits = MEMBERS, None  # type: ignore[attr-defined]
    return guarded


def cookie_for(given: Given) -> dict[str, Any]:
    """What the cookie holds: whose it is, and the text that this browser alone was given."""
    identity = given.identity
    return {
        "account": str(identity.id),
        "role": str(identity.role),
        "clinic": str(identity.clinic_id),
        "version": identity.token_version,
        "sign_in": str(given.sign_in_id),
        "pair": given.pair,
        "seen": now().isoformat(),
    }


def signed_in() -> Identity | None:
    """The member behind the cookie, as the account is now."""
    presented, at = _presented(), now()
    if presented is None or at - datetime.fromisoformat(session["seen"]) > IDLE:
        return None
    session["seen"] = at.isoformat()
    admitted = sign_ins.admit(presented, at)
    if admitted is None:
        return None
    g.must_enrol = admitted.must_enrol
    if admitted.noted:
        db.session.commit()
    # Kept, or the session forgets it, and whoever asks again asks the database.
    g.account = admitted.account
    return admitted.identity


def _entered() -> Identity | None:
    identity = signed_in()
    if identity is not None:
        g.caller = identity
        keep_pace()
    return identity


def _to_sign_in() -> Any:
    session.clear()
    return redirect(url_for("sessions.sign_in", next=request.path))


def _presented() -> Presented | None:
    """What the cookie says; its signature was found to be ours. None for a stranger's."""
    if "sign_in" not in session:
        return None
    return Presented(
        # A cookie of before there were other roles says none.
        role=Role(session.get("role", Role.CLINICIAN)),
        account_id=uuid.UUID(session["account"]),
        clinic_id=uuid.UUID(session["clinic"]),
        token_version=session["version"],
        sign_in_id=uuid.UUID(session["sign_in"]),
        pair=session["pair"],
    )
