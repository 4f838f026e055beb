"""Templates, the policy to read, holds, redactions and records, on the command line."""

import json

DATABASES = ("sqlite",)


def test_holds_redactions_and_records(desk, tmp_path):
    ref = desk.draft("website")
    placed = desk.data_of("record", "hold", "message", ref, "--reason", "Inquiry", who="auditor")["ref"]
    assert placed in desk.do("record", "holds", who="auditor")
    why = ("--why", "personal-data", "--reason", "DP-1", "--authorised-by", "DPO", "--yes")
    assert "no such picture" in desk.refused(
        "record", "redact", ref, *why, "--picture", "0" * 64, who="admin"
    )
    assert "is lifted" in desk.do("record", "lift", placed, "--reason", "closed", who="auditor")
    assert "Nothing was taken out" in desk.do("record", "redactions", ref, who="admin")
    assert [c["days"] for c in desk.data_of("record", "classes", who="")][:4] == [None, None, None, 30]
    desk.do("record", "export", "--file", tmp_path / "r.csv", who="auditor")
    assert ref in (tmp_path / "r.csv").read_text()
    lines = desk.do("record", "export", "--message", ref, "--json", who="auditor").splitlines()
    assert json.loads(lines[-1]) == {"end": {"records": 1}}


def test_a_template_is_edited_as_a_file_compared_and_put_back(desk, tmp_path):
    file = tmp_path / "flood.toml"
    file.write_text(
        desk.do("template", "show", "flood", "--toml", who="").replace("Keep out of", "Stay out of")
    )
    assert "Version 1 of flood" in desk.do(
        "template", "edit", "flood", file, "--reason", "plainer", who="officer"
    )
    assert 'Removed "Keep"; added "Stay".' in desk.do("template", "diff", "flood", 0, 1, who="")
    assert "1, by officer" in desk.do("template", "list", who="")
    assert "changed meanwhile by officer" in desk.refused(
        "template", "edit", "flood", file, "--reason", "again", "--base", 0, who="officer"
    )
    assert "as version 2" in desk.do("template", "put-back", "flood", 0, "--reason", "no", who="admin")
    assert [v["no"] for v in desk.data_of("template", "versions", "flood", who="")] == [2, 1, 0]
    assert desk.data_of("template", "show", "flood", "--version", 1, who="")["wording"][
        "instruction"
    ].startswith("Stay")


def test_a_template_is_retired_and_brought_back(desk):
    assert "Retired" not in desk.do("template", "list", who="")
    said = desk.do("template", "retire", "flood", "--reason", "The agency tells it", who="officer")
    assert "flood is retired, with version 1" in said
    assert "broadcaster template put-back flood 0 --reason" in said
    listed = desk.do("template", "list", who="")
    assert "Retired: flood. Who, when and why: broadcaster template list --retired" in listed
    assert "flood" not in {each["name"] for each in desk.data_of("template", "list", who="")}
    (gone,) = desk.data_of("template", "list", "--retired", who="")
    assert (gone["name"], gone["version"], gone["retired"]) == ("flood", 1, True)
    assert (gone["changed_by"], gone["reason"]) == ("officer", "The agency tells it")
    shown = desk.do("template", "list", "--retired", who="")
    assert all(each in shown for each in ("officer", "The agency tells it", "template put-back flood 0"))
    assert "retired: The agency tells it" in desk.do("template", "versions", "flood", who="")
    assert "officer retired it on" in desk.do("template", "show", "flood", who="")
    assert "retired the notice template" in desk.refused("message", "draft", "flood", who="officer")
    assert "changed meanwhile" in desk.refused(
        "template", "retire", "road-closure", "--reason", "x", "--base", 3, who="officer"
    )
    assert "cannot be retired" in desk.refused(
        "template", "retire", "all-clear", "--reason", "x", who="admin"
    )
    made = desk.data_of("template", "retire", "road-closure", "--reason", "x", "--base", 0, who="admin")
    assert (made["no"], made["retired"]) == (1, True)
    desk.do("template", "put-back", "flood", 0, "--reason", "needed", who="admin")
    assert "flood" in {each["name"] for each in desk.data_of("template", "list", who="")}


def test_the_policy_is_written_read_and_acknowledged(desk, tmp_path):
    file = tmp_path / "policy.txt"
    file.write_text("Warn early. Never guess.")
    assert "no policy to read" in desk.do("policy", "read", who="officer")
    assert "Version 1 is the policy" in desk.do("policy", "write", file, who="admin")
    assert "Never guess." in desk.do("policy", "read", who="officer")
    assert desk.data_of("policy", "acknowledge", 1, who="officer")["version"] == 1
    assert "counts now" in desk.refused("policy", "acknowledge", 2, who="officer")
