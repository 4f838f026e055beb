"""`broadcaster incident`, `broadcaster message lines` and `broadcaster audit pack`, as they are typed."""

import json

from tests.papers import read

DATABASES = ("sqlite",)


def test_an_incident_is_kept_from_the_command_line(desk, tmp_path):
    assert "There is none. Open one" in desk.do("incident", "list", who="officer")
    ref = desk.data_of("incident", "open", "Storm Darragh", "--lead", "Police", who="officer")["ref"]
    decided = ("incident", "decide", ref, "not-to-warn", "No text tonight")
    assert "Give a reason" in desk.refused(*decided, who="officer")
    assert "one more decision: not to warn" in desk.do(*decided, "--reason", "Below the wall", who="officer")
    assert "one more action" in desk.do("incident", "to-do", ref, "Ring", "--who", "Sam", who="officer")
    assert "stays where it is until approver" in desk.do(
        "incident", "hand-over", ref, "approver", who="officer"
    )
    assert "Only approver can accept it" in desk.refused("incident", "accept", ref, who="officer")
    assert "is in the hands of approver" in desk.do("incident", "accept", ref, who="approver")
    shown = desk.do("incident", "show", ref, who="auditor")
    for said in (
        "Storm Darragh",
        "in the hands of approver",
        "No text tonight Because: Below the wall",
        "OPEN",
    ):
        assert said in shown
    action = desk.data_of("incident", "show", ref, who="officer")["to_do"][0]["id"]
    assert "done" in desk.do("incident", "done", ref, str(action), who="officer")
    assert "is closed" in desk.do("incident", "close", ref, "--reason", "over", who="officer")
    assert ref in desk.do("incident", "list", "--closed", who="officer")
    paper = tmp_path / "pack.pdf"
    told = json.loads(desk.do("audit", "pack", ref, "-o", str(paper), "--json", who="auditor"))
    assert told["bytes"] == paper.stat().st_size
    assert "No text tonight" in read(paper.read_bytes()).words
    assert "exists already" in desk.refused("audit", "pack", ref, "-o", str(paper), who="auditor")
