"""Signing in to the pages: a signed cookie for a sign-in on the server, which ends by our own clock."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, session, url_for

from server.errors import SignInFailed
from server.extensions import db, now
from server.models import Action, Ended, Role
from server.origin import give_mark, origin
from server.pace import keep_pace
from server.services import audit, identities, sign_ins
from server.services.identities import Identity
from server.services.second_factor import check_second_factor
from server.services.sign_ins import Given, Lasting, Presented
from server.services.throttle import email_account, new_mark
from server.web.again import NOT_TAKEN, again

routes = Blueprint("sessions", __name__)

View = Callable[..., Any]

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
LASTING = Lasting(unused=LONGEST, at_most=LONGEST)
DEVICE = "browser"
FIELDS = ("email", "password", "mfa_code")
ENROL_FIRST = "Your clinic asks for a second step when you sign in. Set it up in your app first, then come back."
# Back to the alert also when the session ended between looking and acting.
OWN_PAGE = re.compile(r"(/alerts(?:/[0-9a-f-]{36})?)(?:/acknowledge|/resolve|/chart\.svg)?")


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page that anybody may open: said, so that a forgotten guard is a failing test."""
    view.roles, view.audits = (), None  # type: ignore[attr-defined]
    return view


def clinician_page(action: Action) -> Callable[[View], View]:
    """A page for clinicians: anybody else is asked to sign in and comes back to it.

    `action` is audited: the page leaves after the event is committed.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = _signed_in()
            if identity is None:
                session.clear()
                return redirect(url_for("sessions.sign_in", next=request.path))
            if g.must_enrol:
                return render_template("sorry.html", detail=ENROL_FIRST), HTTPStatus.FORBIDDEN
            g.caller = identity
            keep_pace()
            with audit.opened(action, identity, kwargs):
                page = view(*args, **kwargs)
                db.session.commit()
            return page

        guarded.roles, guarded.audits = (Role.CLINICIAN,), action  # type: ignore[attr-defined]
        return guarded

    return decorate


@routes.get("/sign-in")
@public
def sign_in() -> str:
    shown = {"next": _own_path(request.args.get("next")), "new_password": "new_password" in request.args}
    return render_template("sign_in.html", **shown)


@routes.post("/sign-in")
@public
def signed_in() -> Any:
    target = _own_path(request.form.get("next"))
    try:
        email, password, code = (request.form.get(name, "").replace("\x00", "") for name in FIELDS)
        identity = identities.sign_in_member(email, password, origin(), now())
        if identity.role is not Role.CLINICIAN:
            raise SignInFailed("The email address or the password is wrong.")
        check_second_factor(identity.id, code.strip()[:40] or None, now())
    except NOT_TAKEN as error:
        return again(error, "sign_in.html", next=target)
    _leave(Ended.REPLACED)
    # Whoever was signed in here before may be of another clinic, where that is audited.
    db.session.commit()
    given = sign_ins.begin(identity, DEVICE, LASTING, now())
    audit.record(Action.SIGN_IN, identity)
    db.session.commit()
    session.update(cookie_for(given))
    give_mark(new_mark(email_account(email)))
    return redirect(target)


@routes.post("/sign-out")
@public
def sign_out() -> Any:
    _leave(Ended.SIGNED_OUT)
    db.session.commit()
    return redirect(url_for("sessions.sign_in"))


def cookie_for(given: Given) -> dict[str, Any]:
    """What the cookie holds: whose it is, and the text that this browser alone was given."""
    identity = given.identity
    return {
        "account": str(identity.id),
        "clinic": str(identity.clinic_id),
        "version": identity.token_version,
        "sign_in": str(given.sign_in_id),
        "pair": given.pair,
        "seen": now().isoformat(),
    }


def _signed_in() -> Identity | None:
    """The clinician behind the cookie, as the account is now."""
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
    return admitted.identity


def _presented() -> Presented | None:
    """What the cookie says; its signature was found to be ours. None for a stranger's."""
    if "sign_in" not in session:
        return None
    return Presented(
        role=Role.CLINICIAN,
        account_id=uuid.UUID(session["account"]),
        clinic_id=uuid.UUID(session["clinic"]),
        token_version=session["version"],
        sign_in_id=uuid.UUID(session["sign_in"]),
        pair=session["pair"],
    )


def _leave(why: Ended) -> None:
    """Whoever this browser is signed in as is so no longer, on the server too."""
    identity = _signed_in()
    if identity is not None:
        sign_ins.sign_out(identity, why, now())
    session.clear()


def _own_path(target: str | None) -> str:
    """Only a path of ours, so that a crafted link cannot send a clinician elsewhere after the sign-in."""
    page = OWN_PAGE.fullmatch(target or "")
    return page[1] if page else url_for("pages.list_alerts")
