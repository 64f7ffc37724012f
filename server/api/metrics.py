"""/metrics, in Prometheus' text format: for whoever holds METRICS_TOKEN."""

import hmac
from collections.abc import Iterable, Iterator
from itertools import accumulate

from flask import Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from werkzeug.exceptions import NotFound, Unauthorized

from server.api.guard import public
from server.extensions import now, parts
from server.meters import of_this_machine
from server.models import EmailState
from server.services import tallies
from server.services.figures import Figures, figures
from server.services.health import LATE
from server.trends import Severity

# Each is a field of Health, and of readyz's body.
GAUGES = {
    "assessment_late_seconds": "How long the oldest assessment that is due has been due.",
    "assessments_failing": "Patients whose last assessment failed.",
    "emails_waiting": "Alert emails that are not sent yet.",
    "email_late_seconds": "How long the oldest alert email that is not sent has been there.",
    "escalation_late_seconds": "How long the oldest alert that is to go to the next person has been due.",
    "digest_late_seconds": "How long the oldest clinic's digest has been due.",
    "member_mail_late_seconds": "How long the oldest mail to a member that is not sent, of no alert, has been there.",
    "call_late_seconds": "How long the oldest call to a clinic's webhook has been due.",
    "emails_undeliverable": "Emails about open alerts that were refused for good, or came back.",
    "alerts_without_recipient": "Alerts that nobody who can be reached was, or is about to be, told of.",
    "job_late_seconds": "How long the oldest job that could be done, and is not a reminder, has been on the queue.",
    "workers": "Workers that gave a sign of life in the last minute.",
}


@public
def metrics() -> Response:
    """What is counted and how long things wait."""
    settings = parts().settings
    if not settings.metrics_token:
        raise NotFound
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {settings.metrics_token}".encode()):
        raise Unauthorized
    registry = of_this_machine(settings.metrics_folder)
    registry.register(OfTheDatabase(figures(now())))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class OfTheDatabase(Collector):
    """What was read at this scrape, as Prometheus has it."""

    def __init__(self, read: Figures) -> None:
        self.read = read

    def collect(self) -> Iterator[Metric]:
        counts = self.read.counts
        yield CounterMetricFamily("interlude_check_ins", "Check-ins stored.", counts["check_ins"].get("", 0))
        yield _counter("assessments", "Assessments of a patient.", "outcome", (tallies.DONE, tallies.FAILED),
                       counts[tallies.ASSESSMENTS])  # fmt: skip
        yield _counter("standings_verified", "Standings held against their diaries.", "outcome",
                       (tallies.RIGHT, tallies.WRONG), counts[tallies.STANDINGS])  # fmt: skip
        yield _counter("alert_emails", "Alert emails that came into a state.", "state", EmailState,
                       counts["alert_emails"])  # fmt: skip
        yield _counter("member_mails", "Digests, alarms and the like that came into a state.", "state", EmailState,
                       counts["member_mails"])  # fmt: skip
        yield _counter("webhook_calls", "Calls to clinics' webhooks that came into a state.", "state", EmailState,
                       counts["webhook_calls"])  # fmt: skip
        yield _time_to_acknowledge(counts)
        yield from self._ages()
        yield from self._waiting()

    def _ages(self) -> Iterator[Metric]:
        for name, about in GAUGES.items():
            yield GaugeMetricFamily(f"interlude_{name}", about, getattr(self.read.health, name))
        silent = self.read.health.scheduler_silent_seconds
        yield GaugeMetricFamily(
            "interlude_scheduler_silent_seconds", "How long ago the last tick was; NaN: there was none ever.",
            float("nan") if silent is None else silent,
        )  # fmt: skip
        late = GaugeMetricFamily("interlude_late", "1: beyond its limit, a person must look.", labels=["what"])
        for what in LATE:
            late.add_metric([what], what in self.read.health.late())
        yield late

    def _waiting(self) -> Iterator[Metric]:
        # Not `job`, which is Prometheus' own word for whom it asks.
        jobs = GaugeMetricFamily("interlude_jobs", "Jobs on the queue.", labels=["task", "state"])
        for (name, state), count in self.read.jobs.items():
            jobs.add_metric([name, state], count)
        alerts = GaugeMetricFamily(
            "interlude_alerts_unacknowledged", "Alerts that nobody has acknowledged.", labels=["severity"]
        )
        oldest = GaugeMetricFamily(
            "interlude_alert_unacknowledged_seconds", "For how long the oldest of them waits.", labels=["severity"]
        )
        for severity, (count, seconds) in self.read.unacknowledged.items():
            alerts.add_metric([severity], count)
            oldest.add_metric([severity], seconds)
        yield from (jobs, alerts, oldest)


def _counter(name: str, about: str, label: str, known: Iterable[str], counts: dict[str, float]) -> Metric:
    """With each that is known, so that a rate has something to begin with."""
    counter = CounterMetricFamily(f"interlude_{name}", about, labels=[label])
    for one in [*known, *sorted(counts.keys() - set(known))]:
        counter.add_metric([one], counts.get(one, 0))
    return counter


def _time_to_acknowledge(counts: tallies.Counts) -> Metric:
    histogram = HistogramMetricFamily(
        "interlude_acknowledge_seconds", "From when an alert wants somebody until it is acknowledged.",
        labels=["severity"],
    )  # fmt: skip
    bounds = [*map(str, tallies.WITHIN_MINUTES), tallies.LATER]
    edges = [*(str(60.0 * minutes) for minutes in tallies.WITHIN_MINUTES), "+Inf"]
    for severity in Severity:
        found = (counts[tallies.ACKNOWLEDGED].get(f"{severity} {bound}", 0) for bound in bounds)
        histogram.add_metric(
            [severity],
            list(zip(edges, accumulate(found), strict=True)),
            counts[tallies.ACKNOWLEDGED_SECONDS].get(severity, 0),
        )
    return histogram
