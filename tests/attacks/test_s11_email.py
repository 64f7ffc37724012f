"""S11: whatever raised the alert and whatever a patient wrote, the mail says that there is one, and where to look."""

import re
import uuid
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage

from flask import Flask

from server.extensions import Parts, db
from server.jobs.delivering import deliver, deliver_to_member
from server.jobs.escalating import digest, escalate
from server.mail import ALARM_SUBJECT, DIGEST_SUBJECT, SUBJECT, Smtp
from server.models import Role
from server.services import consents
from server.services.care_teams import replace_care_team
from server.services.raising import raise_findings
from server.services.safety import heed_refused
from server.settings import Settings
from server.trends import RULES, Thresholds, assess
from tests.conftest import Clock
from tests.database import change, rows
from tests.factories import GRAY, Actors, disclosure_fields, identity_of, make_member
from tests.mail.conftest import Mailbox, Server
from tests.mail.test_compose import NEVER, part
from tests.web.test_names import record_with_everything

HOSTILE = "Cocaine <b>10/10</b>\r\nBcc: eve@evil.example"
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SAYS = re.compile(
    rf"""A patient alert needs your attention\.

Severity: (urgent|prompt|routine)
Raised:   4 May 2026, 16:00 EDT

(It comes to you because nobody has acknowledged it in time\.

)?See the alert:
https?://[^/\s]+/alerts/{ID}

You will be asked to sign in\. Acknowledge it there\.

This message is automatic; replies are not read\.
"""
)


def raise_everything(actors: Actors, clock: Clock) -> set[str]:
    """An alert of each rule, for a patient and a clinic whose every text is hostile."""
    actors.ada.reference = HOSTILE
    actors.clinic.name = actors.bob.name = f"Addiction TMS {HOSTILE}"
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    findings = list(assess(record_with_everything(clock), Thresholds()))
    raise_findings(actors.ada, findings, clock())
    heed_refused(actors.ada.id, clock())
    db.session.commit()
    return {rule for (rule,) in rows("SELECT DISTINCT rule FROM alert")}


def delivered(app: Flask, settings: Settings, clock: Clock) -> Sequence[tuple[list[str], EmailMessage]]:
    """As they came over the wire: each envelope's recipients, and the message."""
    mailbox = Mailbox()
    server = Server(mailbox)
    server.start()
    try:
        app.extensions["interlude"] = Parts(settings, clock, Smtp("127.0.0.1", server.port, "none", "", ""))
        for table, send in (("alert_email", deliver), ("member_mail", deliver_to_member)):
            for clinic_id, mail_id in rows(f"SELECT clinic_id::text, id::text FROM {table} WHERE state = 'queued'"):  # noqa: S608
                send(clinic_id, mail_id)
    finally:
        server.stop()
    found = []
    for envelope in mailbox.received:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        found.append((envelope.rcpt_tos, message))
    return found


def unfolded(mail: EmailMessage) -> str:
    """Without the soft breaks of quoted-printable, one of which may cut an id in two: `ada` is hexadecimal, too."""
    return re.sub(r"=\r?\n", "", f"{mail}")


def telltales(mail: EmailMessage) -> list[str]:
    """What no mail may hold, and this one does: in its headers, its text or its HTML."""
    whole = re.sub(rf"{ID}|boundary=.*|={{15}}.*", "", f"{unfolded(mail)}{part(mail, 'html')}".lower())
    said = whole.replace(str(mail["To"]), "").replace("no-reply@interlude.example", "")
    return [word for word in (*NEVER, "evil", "b>10", *(rule.name for rule in RULES)) if word in said]


def test_of_every_rule_it_says_nothing(app: Flask, actors: Actors, clock: Clock, settings: Settings) -> None:
    assert raise_everything(actors, clock) == {rule.name for rule in RULES} | {"safety_concern"}
    at_once = rows("SELECT id, alert_id FROM alert_email WHERE state = 'queued'")
    ids = {str(email_id): f"{alert_id}" for email_id, alert_id in at_once}
    later = rows("SELECT id FROM alert_email WHERE state = 'in_digest'")
    mails = delivered(app, settings, clock)
    assert len(mails) == len(ids)
    assert len(ids) + len(later) >= len(RULES) + 1
    for recipients, mail in mails:
        assert recipients == [str(mail["To"])] == ["bob@clinic.example"]
        assert (mail["Subject"], mail["From"]) == (
            "A patient alert needs your attention", "Interlude <no-reply@interlude.example>"
        )  # fmt: skip
        assert mail["Auto-Submitted"] == "auto-generated"
        email_id = re.fullmatch(rf"<({ID})@interlude\.example>", mail["Message-ID"])
        assert email_id
        alert_id = ids.pop(email_id[1])
        assert SAYS.fullmatch(part(mail, "plain").replace("\r\n", "\n"))
        links = set(re.findall(r"https?://[^\s\"<]+", part(mail, "html") + part(mail, "plain")))
        assert links == {f"{settings.base_url}/alerts/{alert_id}"}
        assert telltales(mail) == []
    assert ids == {}


DIGEST_SAYS = re.compile(
    r"""Patient alerts are waiting for you\.

Urgent:  \d+
Prompt:  \d+
Routine: \d+
Open on: 5 May 2026, 07:30 EDT

See the alerts:
https?://[^/\s]+/alerts

You will be asked to sign in\.

This message is automatic; replies are not read\.
"""
)
ALARM_SAYS = re.compile(
    r"""The delivery of patient alerts needs your attention\.

Alerts that are with nobody: 1
Mails that cannot be delivered: 0
Found on: \d May 2026, \d\d:\d\d EDT

See which, and settle them:
https?://[^/\s]+/worklist

You will be asked to sign in\.

This message is automatic; replies are not read\.
"""
)
EACH_SAYS = {SUBJECT: SAYS, DIGEST_SUBJECT: DIGEST_SAYS, ALARM_SUBJECT: ALARM_SAYS}
LINKS_END = {
    SUBJECT: re.compile(rf"/alerts/{ID}"),
    DIGEST_SUBJECT: re.compile("/alerts"),
    ALARM_SUBJECT: re.compile("/worklist"),
}


def test_whatever_follows_when_nobody_acknowledges_says_nothing(
    app: Flask, actors: Actors, clock: Clock, settings: Settings
) -> None:
    """Bob, then Dan, then the admin, and both again in the morning."""
    raise_everything(actors, clock)
    mails = [*delivered(app, settings, clock)]
    for _ in range(2):
        clock.pass_by(hours=5)
        escalate(str(actors.clinic.id), [str(alert_id) for (alert_id,) in rows("SELECT id FROM alert")])
        mails += delivered(app, settings, clock)
    clock.pass_by(hours=5, minutes=30)
    digest(str(actors.clinic.id))
    mails += delivered(app, settings, clock)
    assert {(str(mail["To"]), str(mail["Subject"])) for _, mail in mails} == {
        *(
            (to, subject)
            for to in ("bob@clinic.example", "dan@interlude.example")
            for subject in (SUBJECT, DIGEST_SUBJECT)
        ),
        ("alice@clinic.example", ALARM_SUBJECT),
    }
    for recipients, mail in mails:
        assert recipients == [str(mail["To"])]
        assert mail["Auto-Submitted"] == "auto-generated"
        assert re.fullmatch(rf"<{ID}@interlude\.example>", mail["Message-ID"])
        text = part(mail, "plain").replace("\r\n", "\n")
        assert EACH_SAYS[mail["Subject"]].fullmatch(text), text
        (link,) = set(re.findall(r"https?://[^\s\"<]+", part(mail, "html") + text))
        assert LINKS_END[mail["Subject"]].fullmatch(link.removeprefix(settings.base_url))
        assert telltales(mail) == []
    unacknowledged = [mail for _, mail in mails if "nobody has acknowledged" in part(mail, "plain")]
    assert unacknowledged
    assert "dan@interlude.example" in {str(mail["To"]) for mail in unacknowledged}


OUTSIDE_SAYS = re.compile(
    r"""The clinic asks you to contact it\.

Reference: [0-9A-Z]{4}-[0-9A-Z]{4}
Severity:  (urgent|prompt|routine)
Since:     4 May 2026, 16:00 EDT

It is about somebody who named you to the clinic and gave you this reference\.

Call the clinic and give the reference\.

That person agreed in writing that you get this message, which says that the clinic asks you to get in touch, """
    r"""how urgent it is and since when, and nothing else\. """
    r"""They agreed to it until 31 October 2026 or until they withdraw it\.

42 CFR part 2 prohibits unauthorized use or disclosure of these records\.

This message is automatic; replies are not read\.
"""
)


def test_to_somebody_outside_it_says_less(app: Flask, actors: Actors, clock: Clock, settings: Settings) -> None:
    """Whatever a patient called the recipient, and whatever raised the alert."""
    said = disclosure_fields(clock(), recipient_name=HOSTILE)
    consents.grant(identity_of(actors.ada), said, clock())
    raise_everything(actors, clock)
    mails = [(to, mail) for to, mail in delivered(app, settings, clock) if to == [GRAY]]
    assert len(mails) >= len(RULES) + 1
    for recipients, mail in mails:
        assert recipients == [str(mail["To"])]
        assert (mail["Subject"], mail["From"]) == (
            "Please contact the clinic", "Interlude <no-reply@interlude.example>"
        )  # fmt: skip
        assert mail["Auto-Submitted"] == "auto-generated"
        assert OUTSIDE_SAYS.fullmatch(part(mail, "plain").replace("\r\n", "\n"))
        assert "http" not in part(mail, "plain") + part(mail, "html")
        assert telltales(mail) == []


def test_sent_again_it_is_the_same_message(app: Flask, actors: Actors, clock: Clock, settings: Settings) -> None:
    """As after a 250 that was lost."""
    heed_refused(actors.ada.id, clock())
    db.session.commit()
    ((_, first),) = delivered(app, settings, clock)
    change("UPDATE alert_email SET state = 'queued', sent_at = NULL")
    ((_, second),) = delivered(app, settings, clock)
    assert first["Message-ID"] == second["Message-ID"]
    assert uuid.UUID(first["Message-ID"].strip("<").partition("@")[0])
    assert first["Date"] == second["Date"]
