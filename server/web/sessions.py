"""Signing in to the pages: a signed cookie, which ends by our own clock."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, session, url_for

from server.errors import SignInFailed
from server.extensions import now
from server.models import Role
from server.services import identities
from server.services.identities import Identity

routes = Blueprint("sessions", __name__)

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# Back to the alert also when the session ended between looking and acting.
OWN_PAGE = re.compile(r"(/alerts(?:/[0-9a-f-]{36})?)(?:/acknowledge|/resolve|/chart\.svg)?")


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page that anybody may open: said, so that a forgotten guard is a failing test."""
    view.roles = ()  # type: ignore[attr-defined]
    return view


def clinician_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """A page for clinicians: anybody else is asked to sign in and comes back to it."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        identity = _signed_in()
        if identity is None:
            session.clear()
            return redirect(url_for("sessions.sign_in", next=request.path))
        g.caller = identity
        return view(*args, **kwargs)

    guarded.roles = (Role.CLINICIAN,)  # type: ignore[attr-defined]
    return guarded


@routes.get("/sign-in")
@public
def sign_in() -> str:
    return render_template("sign_in.html", next=_own_path(request.args.get("next")), failed=False)


@routes.post("/sign-in")
@public
def signed_in() -> Any:
    target = _own_path(request.form.get("next"))
    try:
        email, password = (request.form.get(name, "").replace("\x00", "") for name in ("email", "password"))
        identity = identities.sign_in_member(email, password)
    except SignInFailed:
        return render_template("sign_in.html", next=target, failed=True), 401
    if identity.role is not Role.CLINICIAN:
        return render_template("sign_in.html", next=target, failed=True), 401
    session.clear()
    at = now().isoformat()
    session.update(account=str(identity.id), version=identity.token_version, since=at, seen=at)
    return redirect(target)


@routes.post("/sign-out")
@public
def sign_out() -> Any:
    session.clear()
    return redirect(url_for("sessions.sign_in"))


def _signed_in() -> Identity | None:
    """The clinician behind the cookie, as the account is now."""
    if "account" not in session:
        return None
    at = now()
    if at - datetime.fromisoformat(session["seen"]) > IDLE or at - datetime.fromisoformat(session["since"]) > LONGEST:
        return None
    session["seen"] = at.isoformat()
    return identities.behind(Role.CLINICIAN, uuid.UUID(session["account"]), session["version"])


def _own_path(target: str | None) -> str:
    """Only a path of ours, so that a crafted link cannot send a clinician elsewhere after the sign-in."""
    page = OWN_PAGE.fullmatch(target or "")
    return page[1] if page else url_for("pages.list_alerts")
