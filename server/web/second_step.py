"""A member's second step: set up with an app's camera, its recovery codes shown once, removed with a code."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from markupsafe import Markup

from server.charts import draw_qr
from server.errors import DomainError
from server.extensions import db, now
from server.models import Action
from server.services import audit, profiles, second_factor
from server.services.throttle import Scope, count_own
from server.web.again import NOT_TAKEN, again
from server.web.guard import LASTING, cookie_for, own_page

routes = Blueprint("second_step", __name__, url_prefix="/second-step")

LONGEST_CODE = 40


@routes.get("")
@own_page
def show() -> str:
    return render_template("second_step.html", **_state())


@routes.post("/begin")
@own_page
def begin() -> Any:
    """The secret is in this answer alone."""
    try:
        _count()
        made = second_factor.begin_enrolment(g.caller, _said("password"))
        db.session.commit()
    except NOT_TAKEN as error:
        return _once_more(error)
    # Drawn by us, from what we made.
    drawn = Markup(draw_qr(made["uri"]))  # noqa: S704  # nosec B704
    return render_template("second_step_confirm.html", secret=_in_fours(made["secret"]), drawn=drawn)


@routes.post("/confirm")
@own_page
def confirm() -> Any:
    """The recovery codes are in this answer alone. Every other device of the member is signed out."""
    try:
        _count()
        given, codes = second_factor.confirm_enrolment(g.caller, _said("mfa_code").strip(), LASTING, now())
        audit.record(Action.SECOND_STEP_SET_UP, g.caller)
        db.session.commit()
    except NOT_TAKEN as error:
        return again(error, "second_step_confirm.html")
    session.update(cookie_for(given))
    return render_template("recovery_codes.html", codes=codes)


@routes.post("/remove")
@own_page
def remove() -> Any:
    """As before a new phone."""
    try:
        _count()
        second_factor.remove(g.caller, _said("password"), _said("mfa_code").strip()[:LONGEST_CODE], now())
        audit.record(Action.SECOND_STEP_REMOVED, g.caller)
        db.session.commit()
    except NOT_TAKEN as error:
        return _once_more(error)
    return redirect(url_for("second_step.show"), HTTPStatus.SEE_OTHER)


def _count() -> None:
    """Only this device can try, and it may not try for ever."""
    count_own(Scope.PASSWORD, g.caller.sign_in_id, now())


def _said(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "")


def _once_more(error: DomainError) -> Any:
    db.session.rollback()
    return again(error, "second_step.html", **_state())


def _state() -> dict[str, Any]:
    return {"me": profiles.profile(g.caller), "must_enrol": g.must_enrol}


def _in_fours(secret: str) -> str:
    """As it is typed, which apps take with its spaces."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
