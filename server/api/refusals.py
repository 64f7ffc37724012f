"""What a refusal must not swallow: a yes about self-harm is heard, and what a patient reported is kept."""

import uuid
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g
from sqlalchemy import select
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from server.api.guard import caller
from server.api.problems import pointers_in
from server.errors import DomainError, Refused
from server.extensions import db, now
from server.models import Answer, Patient
from server.schemas.check_ins import CheckInIn, Support
from server.schemas.urges import UrgeIn
from server.sealing import CannotOpen, KeysLost
from server.services.quarantine import Refusal, keep
from server.services.safety import heed_refused
from server.services.support import support_for

SUPPORT = Support()
YES = frozenset({Answer.YES, "y", "true", "1", "s\u00ed", "si"})
KNOWN = {*CheckInIn().fields, *UrgeIn().fields}
View = TypeVar("View", bound=Callable[..., Any])


def keeps_refused(kind: str | None) -> Callable[[View], View]:
    """Between `requires` and the body. `kind`: what one item is, which is kept when its content is refused.

    Each commits on its own, the alert first, and then the refusal takes its course, with what every answer to a report
    carries.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def keeping(*args: Any, **kwargs: Any) -> Any:
            try:
                return view(*args, **kwargs)
            except (HTTPException, DomainError, KeysLost, CannotOpen) as error:
                db.session.rollback()
                said = g.get("body")
                told = says_yes(said)
                if told:
                    heed_refused(caller().id, now())
                    db.session.commit()
                g.refusal = _said_besides(told)
                pointers = blamed(error)
                if kind and pointers is not None and isinstance(said, dict):
                    reported_id = next(value for value in kwargs.values() if isinstance(value, uuid.UUID))
                    keep(caller().id, [Refusal(kind, reported_id, said, "invalid", pointers)], now())
                    db.session.commit()
                raise

        return cast(View, keeping)

    return decorate


def _said_besides(told: bool) -> dict[str, Any]:
    region = db.session.scalars(select(Patient.region).where(Patient.id == caller().id)).one()
    return {"support": SUPPORT.dump(support_for(region)), **({"care_team_told": True} if told else {})}


def says_yes(said: Any) -> bool:
    """Wherever in it; the reader of bodies has bounded how deep that is."""
    if isinstance(said, dict):
        return _means_yes(said.get("self_harm_thoughts")) or any(map(says_yes, said.values()))
    return isinstance(said, list) and any(map(says_yes, said))


def _means_yes(answer: object) -> bool:
    """Also one that an app wrote in a way of its own: it is refused, and the person has said it all the same."""
    if isinstance(answer, str):
        return answer.strip().casefold() in YES
    return isinstance(answer, bool | int | float) and answer == 1


def blamed(error: Exception) -> list[str] | None:
    """The fields of the content that are to blame; None where something else is."""
    if isinstance(error, Refused):
        return [f"#/{error.field}"]
    if isinstance(error, UnprocessableEntity):
        return known_pointers(pointers_in(error))
    return None


def known_pointers(pointers: Iterable[str]) -> list[str]:
    """A name that we do not know is the sender's own words, and so is not kept open."""
    return sorted({pointer if pointer.split("/")[:2][-1] in KNOWN else "#" for pointer in pointers})
