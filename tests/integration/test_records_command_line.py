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


def test_the_policy_is_written_read_and_acknowledged(desk, tmp_path):
    file = tmp_path / "policy.txt"
    file.write_text("Warn early. Never guess.")
    assert "no policy to read" in desk.do("policy", "read", who="officer")
    assert "Version 1 is the policy" in desk.do("policy", "write", file, who="admin")
    assert "Never guess." in desk.do("policy", "read", who="officer")
    assert desk.data_of("policy", "acknowledge", 1, who="officer")["version"] == 1
    assert "counts now" in desk.refused("policy", "acknowledge", 2, who="officer")
