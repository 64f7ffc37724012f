"""What the `type` of a problem document opens in a browser: what it means, and what to do. Nobody need sign in."""

from typing import Any

from flask import Response, render_template
from werkzeug.exceptions import NotFound

from server.api.blueprint import Routes
from server.api.guard import public
from server.api.kinds import KINDS
from server.api.problems import page_of
from server.languages import language, say

routes = Routes("problem-pages", __name__, description="What went wrong", template_folder="templates")

HTML = "text/html; charset=utf-8"


@routes.get("/problems")
@public
@routes.response(200, {"type": "string"}, content_type="text/html")
def list_problems() -> Any:
    """Every kind of problem, as a page."""
    return Response(render_template("problems.html", kinds=KINDS, say=say, language=language()), content_type=HTML)


@routes.get("/problems/<slug>")
@public
@routes.response(200, {"type": "string"}, content_type="text/html")
@routes.alt_response(404, "not-found")
def show_problem(slug: str) -> Any:
    """What one kind of problem means, and what to do about it, as a page."""
    if slug not in KINDS:
        raise NotFound
    return Response(page_of(slug), content_type=HTML)
