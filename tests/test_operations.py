"""What the operator is told to watch is there: every metric of the example rules; and each alarm has its meaning."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.api.test_metrics import TOKEN
from tests.api.test_metrics import token as token  # noqa: PLC0414  # a fixture
from tests.factories import Actors, bearer

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/operations.md").read_text()
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((ROOT / "docs/alerts.rules.yml").read_text())["groups"] for rule in group["rules"]
]
# What Prometheus itself adds.
OF_PROMETHEUS = {"up": {"job", "instance"}}
METRIC = re.compile(r"\b(up|interlude_\w+)(?:\{([^}]*)\})?")


@pytest.fixture
def labels(client: FlaskClient, actors: Actors, token: None) -> dict[str, set[str]]:
    """Of each sample that /metrics has, by its name."""
    found: dict[str, set[str]] = defaultdict(set)
    client.get("/healthz")
    answer = client.get("/metrics", headers=bearer(TOKEN)).get_data(as_text=True)
    for family in text_string_to_metric_families(answer):
        found[family.name] |= set()
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    # Nothing is on the queue, so that none of its jobs shows.
    found["interlude_jobs"] |= {"task", "state"}
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_each_rule_names_what_is_there(labels: dict[str, set[str]], rule: dict[str, Any]) -> None:
    known = labels | OF_PROMETHEUS
    named = METRIC.findall(rule["expr"])
    assert named
    for name, chosen in named:
        assert name in known, name
        assert {label for label, _ in re.findall(r'(\w+)="([^"]*)"', chosen)} <= known[name], name
    by = re.search(r"by \((\w+)\)", rule["expr"])
    if by:
        assert by[1] in set().union(*(known[name] for name, _ in named))
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


def test_each_alarm_is_explained() -> None:
    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in PAGE] == []
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 8


def test_each_metric_is_explained(labels: dict[str, set[str]]) -> None:
    names = {name for name in labels if not re.search(r"_(bucket|count|sum|total|created)$", name)}
    assert len(names) > 15
    assert [name for name in sorted(names) if f"`{name}" not in PAGE] == []


def test_each_command_of_the_page_is_there() -> None:
    commands = set(re.findall(r"flask (?:--app server\.app )?([a-z]+(?:-[a-z]+)*)", PAGE)) - {"db"}
    declared = "".join(path.read_text() for path in (ROOT / "server/cli").glob("*.py"))
    assert {"after-restore", "erase-again", "erasures", "audit-head", "rotate-keys"} <= commands
    assert [name for name in sorted(commands) if f'command("{name}"' not in declared] == []
