"""What an admin's alarm links to: what must be mended so that alerts reach people. Nothing of what was found."""

from typing import Any

from flask import Blueprint, g, render_template

from server.extensions import db, now
from server.models import Action, Clinic
from server.services.worklists import worklist
from server.web.guard import admin_page

routes = Blueprint("worklist", __name__)


@routes.get("/worklist")
@admin_page(Action.WORKLIST_READ)
def show() -> Any:
    zone = db.session.get_one(Clinic, g.caller.clinic_id).zone
    return render_template("worklist.html", zone=zone, **worklist(g.caller, now()))
