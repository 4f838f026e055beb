"""What programs do about incidents. For the tables of acts: each is made ready, and told as (who, path, body)."""

from tests.integration.programs import program

BECAUSE = {"reason": "as agreed"}
GAS = {"name": "Gas leak in Dock Street", "lead_agency": "Fire"}
NOT_TO_WARN = {"kind": "not-to-warn", "what": "No text tonight", "reason": "The wind carries it out to sea"}


class ActsOfIncidents:
    def __init__(self, world):
        self.world = world
        self.olive = program(world, "olive", "officer")
        self.anna = program(world, "anna", "approver")
        self.ref = self.olive.post("/incidents", GAS).json["reference"]
        self.path = f"/incidents/{self.ref}"

    def open(self):
        return self.olive, "/incidents", GAS

    def change(self):
        return self.olive, self.path, {**GAS, "lead_agency": "Fire and rescue"}

    def decide(self):
        return self.olive, f"{self.path}/decisions", NOT_TO_WARN

    def agree(self):
        body = {"who": "Insp. Hall", "agency": "Police", "way": "telephone", "about": "Closing the road"}
        return self.olive, f"{self.path}/agreements", {**body, "at": self.world.now().isoformat()}

    def to_do(self):
        return self.olive, f"{self.path}/actions", {"what": "Ring the mast", "who": "Sam of the county"}

    def done(self):
        (left,) = self.olive.get(self.path).json["actions"]
        return self.anna, f"{self.path}/actions/{left['id']}/done", None

    def move(self):
        return self.olive, f"/messages/{self.world.draft()}/incident", {"incident": self.ref}

    def offer(self):
        return self.olive, f"{self.path}/hand-over", {"to": "anna", "words": "All quiet"}

    def withdraw(self):
        return self.anna, f"{self.path}/hand-over", None

    def accept(self):
        self.world.parts.incidents.offer(self.world.officer, self.ref, to="anna", words="All quiet")
        return self.anna, f"{self.path}/hand-over/accept", None

    def close(self):
        return self.anna, f"{self.path}/close", BECAUSE

    def reopen(self):
        return self.anna, f"{self.path}/reopen", BECAUSE


#: In an order in which each finds what it needs.
ACTS_OF_INCIDENTS = {
    ("POST", "/incidents"): (ActsOfIncidents.open, "incident_opened"),
    ("PUT", "/incidents/{ref}"): (ActsOfIncidents.change, "incident_changed"),
    ("POST", "/incidents/{ref}/decisions"): (ActsOfIncidents.decide, "incident_decided"),
    ("POST", "/incidents/{ref}/agreements"): (ActsOfIncidents.agree, "incident_agreed"),
    ("POST", "/incidents/{ref}/actions"): (ActsOfIncidents.to_do, "incident_action_noted"),
    ("POST", "/incidents/{ref}/actions/{action}/done"): (ActsOfIncidents.done, "incident_action_done"),
    ("PUT", "/messages/{ref}/incident"): (ActsOfIncidents.move, "message_moved_to_incident"),
    ("POST", "/incidents/{ref}/hand-over"): (ActsOfIncidents.offer, "hand_over_offered"),
    ("DELETE", "/incidents/{ref}/hand-over"): (ActsOfIncidents.withdraw, "hand_over_withdrawn"),
    ("POST", "/incidents/{ref}/hand-over/accept"): (ActsOfIncidents.accept, "hand_over_accepted"),
    ("POST", "/incidents/{ref}/close"): (ActsOfIncidents.close, "incident_closed"),
    ("POST", "/incidents/{ref}/reopen"): (ActsOfIncidents.reopen, "incident_reopened"),
}
