"""How every route of the API is declared: strict bodies, one error shape, small lists."""

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

from flask import Request, g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser, abort

from server.api.strict_json import LARGEST, NotJson, parse
from server.schemas.fields import text
from server.services.pages import Cursor


class StrictParser(FlaskParser):
    """Bodies through our own JSON reader; unknown fields and query parameters are errors."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": "raise"}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:  # webargs' signature
        encoding = req.headers.get("Content-Encoding", "identity").strip().lower()
        if req.mimetype != "application/json" or encoding != "identity":
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        body = req.get_data(cache=False)
        if len(body) > LARGEST:
            abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            g.body = parse(body)
            return g.body
        except NotJson as error:
            abort(HTTPStatus.BAD_REQUEST, exc=error, not_json=error)

    def handle_error(self, error: ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        abort(HTTPStatus.UNPROCESSABLE_ENTITY, exc=error, messages=error.messages)


class Routes(Blueprint):  # type: ignore[misc]  # flask-smorest is untyped
    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: type[Schema], **kwargs: Any) -> Any:
        """One instance for all requests: webargs would make one for each, field by field."""
        return super().arguments(schema(), **kwargs)

    def alt_response(self, *args: Any, **kwargs: Any) -> Any:
        """It describes the view, and does not stand in its way: flask-smorest would call it by one function more."""
        described = super().alt_response(*args, **kwargs)

        def decorate(view: Any) -> Any:
            view._apidoc = described(view)._apidoc  # noqa: SLF001  # where flask-smorest keeps it
            return view

        return decorate

    def register_views_in_doc(self, api: Any, *app_and_spec: Any, **named: Any) -> None:
        """Only once somebody asks for the description: most of what a start would cost, and no request needs it."""
        waiting: list[Callable[[], None]] = api.waiting
        waiting.append(partial(super().register_views_in_doc, api, *app_and_spec, **named))


class PageQuery(Schema):
    cursor = text(200, metadata={"description": "next_cursor of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


def page(rows: Sequence[Any], limit: int, ordered_by: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One page of a list; a full page has a cursor to the next."""
    last = rows[-1] if len(rows) == limit else None
    return linked(rows, str(Cursor(getattr(last, ordered_by), last.id)) if last else None)


def linked(rows: Sequence[Any], next_cursor: str | None) -> tuple[dict[str, Any], dict[str, str]]:
    """One page, and the header that leads to the next (RFC 8288) by this request's own question."""
    body = {"items": rows, "next_cursor": next_cursor}
    if next_cursor is None:
        return body, {}
    query = urlencode({**request.args, "cursor": next_cursor})
    return body, {"Link": f'<{request.path}?{query}>; rel="next"'}
