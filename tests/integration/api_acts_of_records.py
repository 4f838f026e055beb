"""What programs do about records and the audit log. For the tables of acts: each is made ready, and told as (who, path, body)."""

from tests.builders import VALUES, number
from tests.integration.api_acts_of_the_desk import put
from tests.integration.pictures import picture
from tests.integration.programs import program

BECAUSE = {"reason": "FOI 2026/114"}
PERSONAL = {"code": "personal-data", "authorised_by": "Data protection officer", **BECAUSE}


class ActsOfRecords:
    def __init__(self, world):
        self.world = world
        self.ada = program(world, "ada", "administrator")
        self.kim = program(world, "kim", "auditor", "data-keeper")
        self.ref = world.release(channels=("website",)).ref

    def place(self):
        return self.kim, "/records/holds", {"kind": "message", "about": self.ref, **BECAUSE}

    def lift(self):
        (hold,) = self.kim.get("/records/holds").json["items"]
        return self.kim, f"/records/holds/{hold['ref']}/lift", BECAUSE

    def export(self):
        return self.kim, "/records/export", {"form": "csv", "message": self.ref}

    def redact(self):
        ref = self.world.draft(channels=("website",))
        return self.ada, f"/messages/{ref}/redactions", {"words": VALUES["area"], **PERSONAL}

    def redact_picture(self):
        ref = self.world.draft(channels=("website",))
        sent = put(program(self.world, "olive", "officer"), ref, 1, ("picture", "red.png", picture().content))
        (shown,) = sent.json["pictures"]
        return self.ada, f"/messages/{ref}/redactions/picture", {"sha256": shown["sha256"], **PERSONAL}

    def export_events(self):
        return self.kim, "/audit/export", {"form": "jsonl", "about": self.ref}

    def trace(self):
        return self.kim, "/audit/number", {"number": number(1)}

    def check(self):
        return self.kim, "/audit/seal/check", None


#: In an order in which each finds what it needs.
ACTS_OF_RECORDS = {
    ("POST", "/records/holds"): (ActsOfRecords.place, "hold_placed"),
    ("POST", "/records/holds/{hold}/lift"): (ActsOfRecords.lift, "hold_lifted"),
    ("POST", "/records/export"): (ActsOfRecords.export, "records_exported"),
    ("POST", "/messages/{ref}/redactions"): (ActsOfRecords.redact, "message_redacted"),
    ("POST", "/messages/{ref}/redactions/picture"): (ActsOfRecords.redact_picture, "message_redacted"),
    ("POST", "/audit/export"): (ActsOfRecords.export_events, "audit_events_exported"),
    ("POST", "/audit/number"): (ActsOfRecords.trace, "person_looked_up"),
    ("POST", "/audit/seal/check"): (ActsOfRecords.check, "audit_log_checked"),
}
#: It counts, and changes nothing.
NO_ACTS_OF_RECORDS = {("POST", "/messages/{ref}/redactions/find")}
