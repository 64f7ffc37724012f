"""What there is of a patient's besides what the table of cells needs."""

from datetime import datetime

from flask.testing import FlaskClient

from tests.attacks.good_bodies import a_push
from tests.factories import NOTE, new_id, urge_body


def add_push_address(client: FlaskClient, headers: dict[str, str], at: datetime) -> None:
    """Where the phone is reminded."""
    assert client.put("/v1/me/push", json=a_push(at), headers=headers).status_code == 200


def add_urges(client: FlaskClient, headers: dict[str, str], at: datetime) -> None:
    """An urge, what it said before an edit, and one that could not be taken."""
    url = f"/v1/urges/{new_id()}"
    assert client.put(url, json=urge_body(at, note=NOTE), headers=headers).status_code == 201
    edit = headers | {"If-Match": "*"}
    assert client.put(url, json=urge_body(at, note=NOTE, used="no"), headers=edit).status_code == 200
    assert client.put(f"/v1/urges/{new_id()}", json=urge_body(at, craving=11), headers=headers).status_code == 422
