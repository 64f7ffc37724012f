"""Signing in to the pages: a signed cookie for a sign-in on the server, which ends by our own clock."""

import re
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for

from server.extensions import db, now
from server.models import Action, Ended
from server.origin import give_mark, origin
from server.services import audit, identities, sign_ins
from server.services.second_factor import check_second_factor
from server.services.throttle import email_account, new_mark
from server.web import guard
from server.web.again import NOT_TAKEN, again
from server.web.guard import LASTING, cookie_for, public

routes = Blueprint("sessions", __name__)

DEVICE = "browser"
FIELDS = ("email", "password", "mfa_code")
# Back to the alert also when the session ended between looking and acting.
OWN_PAGE = re.compile(
    r"(/alerts(?:/[0-9a-f-]{36})?|/second-step|/worklist)(?:/acknowledge|/resolve|/chart\.svg|/begin|/confirm|/remove)?"
)


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


def _leave(why: Ended) -> None:
    """Whoever this browser is signed in as is so no longer, on the server too."""
    identity = guard.signed_in()
    if identity is not None:
        sign_ins.sign_out(identity, why, now())
    session.clear()


def _own_path(target: str | None) -> str:
    """Only a path of ours, so that a crafted link cannot send a member elsewhere after the sign-in."""
    page = OWN_PAGE.fullmatch(target or "")
    return page[1] if page else url_for("pages.list_alerts")
