"""The rules, the dashboard and the page on metrics name the figures that there are, with the bounds that the code has."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.figures import CATALOGUE, QUANTILES
from broadcaster.domain.message import Mode
from broadcaster.domain.readiness import ENDS_SOON, ReadinessState
from broadcaster.service.alarms import NOBODY_SENDS_AFTER
from broadcaster.service.figures import BOUNDS
from worker.roles import in_containers

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "metrics.md").read_text()
RULES_FILE = ROOT / "docs" / "prometheus" / "alerts.yml"
RULES = {r["alert"]: r for g in yaml.safe_load(RULES_FILE.read_text())["groups"] for r in g["rules"]}
DASHBOARD = json.loads((ROOT / "docs" / "grafana" / "broadcaster.json").read_text())
PANELS = [p for p in DASHBOARD["panels"] if p["type"] != "row"]
QUERIES = [t["expr"] for p in PANELS for t in p["targets"]]

#: Figures without a rule of their own, each with its reason.
NO_RULE = {
    "broadcaster_release_to_acceptance_looked_at": "says how sure another figure is",
    "broadcaster_deliveries_recent_ratio": "to look at: what is wrong with them is in the outcomes and in doubt",
    "broadcaster_attempts_total": "speed is the gateway's matter as much as ours",
    "broadcaster_sending_broadcasts": "is no fault",
    "broadcaster_sending_deliveries": "is no fault",
    "broadcaster_unplanned_deliveries": "is in oldest_ready_seconds where nobody plans",
    "broadcaster_audit_events_total": "is no fault",
    "broadcaster_unsealed_events": "seal_lag_seconds says since when",
    "broadcaster_spill_age_seconds": "spill_bytes says that there are any",
}
#: What a label may be asked for. Others (channel, account, code, process, folder) depend on the installation.
VALUES = {
    "mode": set(Mode) | {"$mode"},
    "lane": set(Lane),
    "quantile": {f"{q:g}" for q in QUANTILES},
    "outcome": set(Outcome),
    "state": set(DeliveryState) | set(ReadinessState) | {"unchecked", "ready", "waiting", "leased", "lapsed"},
}
SELECTOR = re.compile(r"\b(broadcaster_\w+)(?:\{([^}]*)\})?")
WORDS = {
    "and",
    "or",
    "unless",
    "on",
    "by",
    "group_left",
    "ignoring",
    "without",
    "absent",
    "sum",
    "max",
    "min",
    "rate",
}
WORDS |= {"abs", "delta", "vector", "scalar"}


def selectors(query):
    """Each figure that a query names, with what it asks of its labels: (name, label, operator, value)."""
    for name, asked in SELECTOR.findall(query):
        yield (
            name,
            [
                re.fullmatch(r'(\w+)(=~|!~|!=|=)"([^"]*)"', part.strip()).groups()
                for part in asked.split(",")
                if part
            ],
        )


def wrong_with(query):
    """What a query names that there is not, or that cannot be so."""
    problems = []
    for name, conditions in selectors(query):
        labels = CATALOGUE[name].labels if name in CATALOGUE else ()
        problems += [f"no figure {name}"] if name not in CATALOGUE else []
        problems += [f"{name} has no label {label}" for label, *_ in conditions if label not in labels]
        for label, _, value in conditions:
            unknown = set(value.split("|")) - VALUES.get(label, set(value.split("|")))
            problems += [f"{label} is never {each}" for each in sorted(unknown)]
    rest = SELECTOR.sub("", re.sub(r'"[^"]*"', "", query))
    labels = {label for name, _ in selectors(query) if name in CATALOGUE for label in CATALOGUE[name].labels}
    words = set(re.findall(r"(?<![\w.])[a-z_]+", re.sub(r"\[\w+\]", "", rest))) - WORDS - labels
    problems += [f"what is {word}" for word in sorted(words)]
    problems += ["brackets"] if any(query.count(a) != query.count(b) for a, b in ("()", "[]", "{}")) else []
    return problems


def names(queries):
    return {name for query in queries for name, _ in selectors(query)}


def test_every_figure_is_documented_once_and_no_other_is():
    rows = re.findall(r"^\| `(broadcaster_\w+)` \| (.*?) \| (.+) \|$", PAGE, re.MULTILINE)
    documented = {name: (tuple(re.findall(r"`(\w+)`", labels)), text) for name, labels, text in rows}
    assert len(rows) == len(documented)
    assert documented == {name: (about.labels, about.text) for name, about in CATALOGUE.items()}
    assert set(re.findall(r"`(broadcaster_[a-z_]+)[` ]", PAGE)) <= set(CATALOGUE)


@pytest.mark.parametrize("query", [*(r["expr"] for r in RULES.values()), *QUERIES])
def test_a_query_names_figures_labels_and_values_that_there_are(query):
    assert wrong_with(query) == []


def test_the_check_of_queries_finds_what_is_wrong():
    assert wrong_with('max by (lane) (broadcaster_batches{mode="live", state=~"ready|leased"}) > 1') == []
    for query in (
        "broadcaster_batchs > 1",
        'broadcaster_batches{colour="red"}',
        'broadcaster_batches{state="reday"}',
        'broadcaster_outcomes_recent{outcome=~"refused|refussed"}',
        "sum by (channell) (broadcaster_unknown)",
        "summ(broadcaster_unknown)",
        "max(broadcaster_unknown",
    ):
        assert wrong_with(query), query


def test_every_figure_is_in_a_panel_and_in_a_rule_or_has_a_reason_not_to_be():
    assert set(CATALOGUE) - names(QUERIES) == set()
    ruled = names(r["expr"] for r in RULES.values())
    assert set(CATALOGUE) - ruled == set(NO_RULE)


def test_every_rule_says_whom_it_calls_and_why():
    for name, rule in RULES.items():
        assert rule["labels"]["severity"] in {"page", "ticket"}, name
        assert len(rule["annotations"]["reason"]) > 60, name
        assert rule["annotations"]["summary"], name
        assert rule["labels"].get("alarm", AlarmCode.UNKNOWN_WAITS) in set(AlarmCode), name
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s")), name
        for document in re.findall(r"docs/[\w/.-]+\.md", rule["annotations"]["reason"]):
            assert (ROOT / document).exists(), name


def test_no_rule_that_wakes_somebody_is_about_an_exercise():
    for name, rule in RULES.items():
        for figure, conditions in selectors(rule["expr"]):
            if rule["labels"]["severity"] == "page" and "mode" in CATALOGUE[figure].labels:
                alone = "unless" in rule["expr"] and figure == "broadcaster_lane_working"
                assert alone or ("mode", "=", "live") in conditions, name


def test_the_bounds_of_rules_dashboard_and_page_are_those_of_the_code():
    bounds = {}
    for rule in RULES.values():
        for found in re.finditer(r"(broadcaster_\w+)(?:\{[^}]*\})?\)? *> *([\d.e]+)", rule["expr"]):
            bounds.setdefault(found[1], set()).add(float(found[2]))
    assert {name: bounds[name] for name in BOUNDS} == {name: {bound} for name, bound in BOUNDS.items()}
    assert f"< {ENDS_SOON.total_seconds():.0f}" in RULES["BroadcasterCredentialsEnd"]["expr"]
    drawn = {}
    for panel in PANELS:
        last = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]
        for name in names(t["expr"] for t in panel["targets"]) & set(BOUNDS):
            if panel["type"] == "timeseries":
                drawn[name] = (last["color"], last["value"])
    assert drawn == {name: ("red", bound) for name, bound in BOUNDS.items()}
    assert BOUNDS["broadcaster_oldest_ready_seconds"] == NOBODY_SENDS_AFTER.total_seconds() == 30
    for words in (
        "| 30 s | `nobody_sends` |",
        "| 120 s | `unknown_waits` |",
        "| 15 min | `nobody_anchors` |",
        "| 5 s | |",
    ):
        assert words in PAGE


def test_every_kind_of_process_is_one_that_is_looked_for():
    kinds = {f"{mode}-{kind}" for mode in Mode for kind in (*Lane, "pump")} | {"sweeper", "sealer"}
    assert kinds == set(in_containers()) - {"web"}  # which tells these figures


def test_panels_do_not_overlap_and_each_says_where_its_figures_are_from():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${source}"}
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"source", "mode"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (in Debian: prometheus) is not installed")
def test_prometheus_itself_takes_the_rules():
    checked = subprocess.run(
        ["promtool", "check", "rules", RULES_FILE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
