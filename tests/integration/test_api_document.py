"""The OpenAPI document against the API itself: requests made up from it. No answer is a defect of ours, and none is
one that the document does not tell of.
"""

import re
import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from broadcaster.web.app import create_app
from tests.builders import a_world
from tests.integration.api_acts_of_incidents import ActsOfIncidents
from tests.integration.api_acts_of_time import ActsOfTime
from tests.integration.programs import program
from tests.integration.weather import Fetching, watching

load_all_checks()
WANTED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)
EXAMPLES = 2  # of each kind and operation
AT_MOST_S = 120  # a busy machine is no defect
SHARES = 10  # so that none takes as long as a test may, on a busy machine either
ALL = ("officer", "approver", "auditor", "administrator", "data-keeper")


@pytest.fixture(scope="module")
def installation(sqlite_template, tmp_path_factory):
    """One that holds a little of everything, and somebody who may do everything."""
    folder = tmp_path_factory.mktemp("api")
    file = shutil.copy(sqlite_template, folder / "broadcaster.db")
    with a_world(f"sqlite:///{file}", folder, api_requests_per_minute=0) as world:
        watching(world, Fetching())
        messages = [world.release_texts(3).ref, world.submit().ref, world.draft()]
        acts = ActsOfTime(world)
        schedules = [acts.planned(approved=True), acts.planned()]
        drills = [acts.planned_drill()]
        there_are = {"messages": messages, "schedules": refs_of(schedules), "drills": refs_of(drills)}
        there_are |= {"incidents": [ActsOfIncidents(world).ref], "templates": ["flood"]}
        yield world, program(world, "una", *ALL), there_are


@pytest.mark.parametrize("share", range(SHARES))
def test_no_request_is_answered_by_a_defect_or_with_what_the_document_does_not_tell_of(
    installation, share, subtests
):
    world, una, there_are = installation
    schema = schemathesis.openapi.from_dict(about_these(una.get("/openapi.json").json, there_are))
    app, headers = create_app(world.parts), {"Authorization": f"Bearer {una.token}"}
    for found in list(schema.get_all_operations())[share::SHARES]:
        operation = found.ok()
        with subtests.test(operation.label):
            shoot(operation, app, headers)


def refs_of(paths):
    return [path.rpartition("/")[2] for path in paths]


def about_these(document, there_are):
    """The same, for what there is: of six letters made up, nothing ever is."""
    for path, operations in document["paths"].items():
        named = re.match(r"/(\w+)/\{(\w+)\}", path)
        if named is None or named[1] not in there_are:
            continue
        for operation in operations.values():
            for each in operation["parameters"]:
                if each["name"] == named[2]:
                    each["schema"] = {"type": "string", "enum": there_are[named[1]]}
    return document


def shoot(operation, app, headers):
    """With what the document allows, and with what it does not."""
    for mode in GenerationMode:
        strategy = operation.as_strategy(generation_mode=mode)
        shoot_with(strategy, app, headers)


def shoot_with(strategy, app, headers):
    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case):
        case.call_and_validate(app=app, headers=headers, checks=WANTED, timeout=AT_MOST_S)

    one()
