"""Programs can do and see what people can at the console: each of its routes has an operation of the API, or a reason why not."""

import re

from tests.integration.console_in_the_api import ACTS_IN_THE_API, NOT_IN_THE_API, PAGES_IN_THE_API
from tests.integration.console_routes import routes
from tests.integration.desk import ROOT
from tests.integration.programs import program

DATABASES = ("sqlite",)


def test_every_route_of_the_console_is_in_the_api_or_stands_there_with_a_reason():
    for method, table in (("POST", ACTS_IN_THE_API), ("GET", PAGES_IN_THE_API)):
        there = set(routes(method))
        left = there - table.keys() - NOT_IN_THE_API.keys()
        assert left == set(), f"neither an operation of the API nor a reason: {method} {sorted(left)}"
        assert table.keys() - there == set(), "the console has these no more"
        assert table.keys() & NOT_IN_THE_API.keys() == set(), "either, or"
    assert NOT_IN_THE_API.keys() - {*routes("GET"), *routes("POST")} == set(), "the console has these no more"


def test_each_operation_that_is_named_is_in_the_document(world):
    paths = program(world, "olive", "officer").get("/openapi.json").json["paths"]
    there = {f"{method.upper()} {path}" for path, of in paths.items() for method in of}
    assert {*ACTS_IN_THE_API.values(), *PAGES_IN_THE_API.values()} - there == set()
    said = {
        f"{method} {path}": of.get("description") for path, o in paths.items() for method, of in o.items()
    }
    assert [operation for operation, text in said.items() if not text] == [], "say what it does"


def test_what_acts_at_the_console_acts_in_the_api():
    """An act that only had something to read beside it would not be one; a file that is taken is one by its event."""
    of_files = {"/audit/prove", "/audit/pack"}
    assert {path for path, operation in ACTS_IN_THE_API.items() if operation.startswith("GET")} == of_files


def test_the_page_about_the_api_names_what_is_not_in_it():
    told = (ROOT / "docs" / "api.md").read_text().partition("| in the console only |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(/[^`\s]*)`", told)) == NOT_IN_THE_API.keys()
