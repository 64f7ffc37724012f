"""Guards: what the house promises about itself is true."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import yaml
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from server.api.description import description, openapi_yaml
from server.jobs import JOBS
from server.models import Action, Role
from server.scheduler import build
from server.settings import Settings
from tests.conftest import Clock

ROOT = Path(__file__).parents[1]
TOP = {
    *("server", "migrations", "tests", "docs", "bench", ".ci"),
    *("openapi.yaml", "requirements.txt", "pyproject.toml", "Procfile", "Makefile", "README.md", "LICENSE"),
    ".gitignore",
}


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("swagger_ui.") and not hasattr(app.view_functions[rule.endpoint], "roles")
    ]
    assert silent == []


# Nothing of a patient's is shown: the account itself, the clinic's settings and its members, counts of alerts.
NOT_AUDITED = {
    *("access.me", "access.refresh", "access.sign_out", "access.sign_out_everywhere", "access.change_password"),
    *("access.list_devices", "access.revoke_device", "caseload.show_clinic", "caseload.list_members"),
    *("routing.show_routing", "routing.list_on_call", "routing.list_absences", "alerts.show_figures"),
    *("second_factor.begin", "second_factor.confirm", "second_factor.remove"),
    *("second_step.show", "second_step.begin", "second_step.confirm", "second_step.remove"),
}


def test_every_route_of_staff_names_what_is_audited(app: Flask) -> None:
    """Or is one of a few that show nothing of a patient's. Patients' own routes are not audited."""
    silent: set[str] = set()
    audited: set[str] = set()
    for endpoint, view in app.view_functions.items():
        roles = getattr(view, "roles", ())
        if set(roles) & {Role.CLINICIAN, Role.ADMIN}:
            (audited if cast(Any, view).audits else silent).add(endpoint)
    assert silent == NOT_AUDITED
    assert len(audited) > 20


def test_every_action_is_somebodys() -> None:
    said = "".join(path.read_text() for path in (ROOT / "server").rglob("*.py"))
    assert [action.name for action in Action if f"Action.{action.name}" not in said] == []


def test_the_description_names_each_route_with_its_roles(app: Flask) -> None:
    described = description()["paths"]
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/v1/"):
            continue
        roles = [str(role) for role in cast(Any, app.view_functions[rule.endpoint]).roles]
        path = re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = described[path][method.lower()]
            assert operation.get("x-roles", []) == roles, (method, path)
            assert operation.get("security", []) == ([{"bearer": []}] if roles else []), (method, path)
            wanted = {"401", "403", "429", "500", "503"} if roles else {"500", "503"}
            assert wanted <= set(operation["responses"]), (method, path)
            assert operation["summary"]


def test_openapi_yaml_is_what_the_routes_say(app: Flask) -> None:
    written = (ROOT / "openapi.yaml").read_text()
    assert written == openapi_yaml(), "make openapi"
    described = yaml.safe_load(written)
    assert described["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(described).validate()


def test_patterns_are_regular_expressions_in_javascript_too() -> None:
    patterns = re.findall(r"pattern: (.*)", (ROOT / "openapi.yaml").read_text())
    assert patterns
    # Python alone knows these; elsewhere they would be the letters.
    assert [pattern for pattern in patterns if re.search(r"\\[AZ]|\(\?P", pattern)] == []


def test_operation_ids_are_unique(app: Flask) -> None:
    described = description()["paths"]
    ids = [operation["operationId"] for methods in described.values() for name, operation in methods.items()
           if name != "parameters"]  # fmt: skip
    assert len(ids) == len(set(ids))


def test_every_setting_is_in_the_readme() -> None:
    read = set(re.findall(r'env\.read\("([A-Z_]+)"', (ROOT / "server/settings.py").read_text()))
    assert len(read) >= len(Settings.__dataclass_fields__)
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "README.md").read_text()))
    assert read - named == set()


def test_the_scheduler_registers_exactly_the_job_table(app: Flask, settings: Settings, clock: Clock) -> None:
    scheduler = build(app, settings.tick, clock)
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert set(jobs) == {job.name for job in JOBS}
    for job in JOBS:
        _, given, every, now = jobs[job.name].args
        assert (given, every, now) == (job, job.every or settings.tick, clock)
        assert jobs[job.name].trigger.interval <= every


def test_the_trend_engine_loads_neither_flask_nor_sqlalchemy() -> None:
    question = "import sys, server.trends; print(sorted({'flask', 'sqlalchemy', 'psycopg'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_what_starts_the_programs_loads_neither_sqlalchemy_nor_the_queue() -> None:
    question = "import sys, server.local.__main__; print(sorted({'sqlalchemy', 'procrastinate'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_only_what_answers_requests_pays_for_pictures() -> None:
    question = (
        "import sys, server.scheduler, server.worker; print(sorted({'matplotlib', 'server.api'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_only_the_worker_pays_for_what_sends_pushes() -> None:
    question = "import sys, server.app, server.scheduler; print(sorted({'pywebpush', 'aiohttp'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_top_of_the_repository_is_what_it_should_be() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    top = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert top - TOP == set()
    assert {"server", "migrations", "tests", "openapi.yaml", "requirements.txt", "pyproject.toml"} <= top
