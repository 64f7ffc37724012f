"""A member who forgot the password: the form that asks for a link, and the one behind it. A GET changes nothing."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from server.extensions import db, now
from server.origin import origin
from server.services import password_resets
from server.web.again import NOT_TAKEN, again
from server.web.guard import public

routes = Blueprint("resets", __name__)

LONGEST_ADDRESS = 254


@routes.get("/reset")
@public
def ask() -> str:
    return render_template("reset.html")


@routes.post("/reset")
@public
def asked() -> Any:
    """The same for every address, whether or not somebody has it."""
    email = request.form.get("email", "").replace("\x00", "")[:LONGEST_ADDRESS]
    try:
        password_resets.ask(email, origin(), now())
        db.session.commit()
    except NOT_TAKEN as error:
        return again(error, "reset.html")
    return render_template("reset.html", asked=True)


@routes.get("/reset/<string(length=43):token>")
@public
def new_password(token: str) -> str:  # noqa: ARG001  # nobody looks at it before the form is sent
    return render_template("new_password.html")


@routes.post("/reset/<string(length=43):token>")
@public
def set_password(token: str) -> Any:
    try:
        password_resets.redeem(token, request.form.get("password", "").replace("\x00", ""), origin(), now())
        db.session.commit()
    except NOT_TAKEN as error:
        return again(error, "new_password.html")
    return redirect(url_for("sessions.sign_in", new_password=1), HTTPStatus.SEE_OTHER)
