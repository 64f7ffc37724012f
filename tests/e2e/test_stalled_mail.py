"""A mail server that makes everybody wait makes no phone wait, and the mail goes once it has come to itself."""

from pathlib import Path

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.e2e.browser import Browser
from tests.e2e.system import System, eventually, running_system
from tests.factories import PASSWORD, check_in_body, make_actors, new_id
from tests.mail_server import Fault, MailServer, Step, listening

STATES = "SELECT state FROM alert_email ORDER BY created_at"


def test_a_yes_is_stored_and_answered_while_the_mail_server_stalls(tmp_path: Path, migrated: EmbeddedPostgres) -> None:
    with (
        listening(MailServer([{Step.GREETING: Fault.STALLS}])) as mail,
        running_system(tmp_path, names=("web",), smtp_port=mail.port, migrated=migrated) as system,
    ):
        phone = _adas_phone(system)
        # Whoever calls the mail server now is the web process, and would wait there.
        _say_yes(system, phone)
        assert (system.query(STATES), mail.stalled.is_set()) == ([("queued",)], False)

        system.start("worker")
        eventually(mail.stalled.is_set, "the worker waits for the mail server")
        _say_yes(system, phone)
        assert system.query(STATES) == [("queued",)] * 2
        assert system.query("SELECT attempts > 0, claimed_until > now() FROM alert_email ORDER BY created_at")[0] == (
            True,
            True,
        )

        mail.conversations = [{}]
        mail.over.set()
        system.start("scheduler")
        eventually(lambda: _all_sent_after_a_pause(system), "the mails have gone")
        assert {str(message["To"]) for message in mail.taken} == {"bob@clinic.example"}
        assert len({message["Message-ID"] for message in mail.taken}) == len(mail.taken) == 2


def _adas_phone(system: System) -> Browser:
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        code = make_actors(system.now()).ada.code
        db.session.commit()
        db.engine.dispose()
    phone = system.browser()
    phone.token = phone.call("POST", "/v1/tokens", {"code": code, "password": PASSWORD}, expect=201)["access_token"]
    return phone


def _say_yes(system: System, phone: Browser) -> None:
    phone.call("PUT", f"/v1/check-ins/{new_id()}", check_in_body(system.now(), self_harm_thoughts="yes"), expect=201)


def _all_sent_after_a_pause(system: System) -> bool:
    """Those that were put off are due after a pause, which is made to pass."""
    if system.query(STATES) == [("sent",)] * 2:
        return True
    system.shift(seconds=5)
    return False
