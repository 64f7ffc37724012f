"""What the real processes tell of themselves: the same whichever is asked, and still after one died."""

import os
import re
import signal
from pathlib import Path
from urllib.request import Request, urlopen

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.api.test_metrics import Samples, samples_of
from tests.e2e.system import METRICS_TOKEN, System, eventually, running_system
from tests.factories import bearer, check_in_body, make_actors, new_id, signed_in

ASKED = 40
PUT = "interlude_requests_total{method=PUT}{route=/v1/check-ins/<uuid:check_in_id>}{status=2xx}"


def scraped(system: System) -> Samples:
    """On a connection of its own, as a scraper that comes anew: whichever process takes it."""
    with urlopen(Request(f"{system.base_url}/metrics", headers=bearer(METRICS_TOKEN)), timeout=30) as answer:  # noqa: S310
        return samples_of(answer.read().decode())


def measuring(system: System) -> set[int]:
    """The processes that have answered something, by what they wrote down."""
    names = Path(system.environment["PROMETHEUS_MULTIPROC_DIR"]).glob("counter_*.db")
    return {int(found[1]) for name in names if (found := re.fullmatch(r"counter_(\d+)\.db", name.name))}


def check_in(system: System, headers: dict[str, str]) -> None:
    phone = system.browser()
    phone.token = headers["Authorization"].removeprefix("Bearer ")
    phone.call("PUT", f"/v1/check-ins/{new_id()}", check_in_body(system.now()), expect=201)


def test_two_web_processes_tell_the_same_and_a_dead_one_is_not_forgotten(
    tmp_path: Path, migrated: EmbeddedPostgres
) -> None:
    with running_system(tmp_path, ("web",), migrated=migrated, web_processes=2) as system:
        app = create_app(Settings.from_env(system.environment))
        with app.app_context():
            headers = signed_in(app, make_actors(system.now()).ada)
            db.session.remove()
            db.engine.dispose()
        for _ in range(ASKED):
            check_in(system, headers)
        eventually(
            lambda: bool(system.browser().answers("/healthz")) and len(measuring(system)) == 2, "both have answered"
        )
        told = [scraped(system) for _ in range(10)]
        assert {(said["interlude_check_ins_total"], said[PUT]) for said in told} == {(ASKED, ASKED)}

        os.kill(min(measuring(system)), signal.SIGKILL)
        eventually(
            lambda: system.browser().answers("/healthz") and len(measuring(system)) == 3, "another took its place"
        )
        check_in(system, headers)
        told = [scraped(system) for _ in range(10)]
        assert {(said["interlude_check_ins_total"], said[PUT]) for said in told} == {(ASKED + 1, ASKED + 1)}
