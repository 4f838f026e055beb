"""What programs do about the rota, notice templates, users and the policy to read. For the tables of acts: each is made ready, and
told as (who, path, body).
"""

from tests.integration.identities import enter, person
from tests.integration.programs import program

BECAUSE = {"reason": "as agreed"}


def edited(who, name="flood", **wording):
    """The newest version of a template as PUT takes it, with some other words."""
    base = who.get(f"/templates/{name}").json["version"]
    text = who.get(f"/templates/{name}/versions/{base}").json
    return {"base": base, "template": {**text, "wording": {**text["wording"], **wording}}, **BECAUSE}


class ActsOfManaging:
    def __init__(self, world):
        self.world = world
        self.olive = program(world, "olive", "officer")
        self.ada = program(world, "ada", "administrator")

    # --- the rota -------------------------------------------------------------------------------------------

    def duty(self, **other):
        times = {"starts_at": self.world.now().isoformat(), "ends_at": self.world.later(8 * 3600).isoformat()}
        return {"person": "olive", "role": "duty-officer", **times, **other}

    def enter(self):
        return self.ada, "/rota", self.duty()

    def _entry(self):
        return f"/rota/{self.olive.get('/rota').json['mine'][0]['uid']}"

    def seen(self):
        self.entry = self._entry()
        return self.olive, f"{self.entry}/seen", None

    def remove(self):
        return self.ada, self.entry, None

    def contact(self):
        return self.olive, "/me/contact", {"phone": "01632 960123", "mail": "olive@wyre.example"}

    # --- notice templates -----------------------------------------------------------------------------------

    def edit(self):
        return self.olive, "/templates/flood", edited(self.olive, area="((area)) and all around")

    def put_back(self):
        return self.olive, "/templates/flood/put-back", {"version": 0, **BECAUSE}

    def retire(self):
        return self.olive, "/templates/road-closure/retire", {"base": 0, **BECAUSE}

    # --- users ----------------------------------------------------------------------------------------------

    def single_sign_on(self):
        person(self.world, "tom", "officer")
        return self.ada, "/users/tom/single-sign-on", {"allowed": True, **BECAUSE}

    def sign_out(self):
        enter(self.world, "tom")
        return self.ada, "/users/tom/sign-out", None

    def write_policy(self):
        return self.ada, "/staff-policy", {"words": "Warn early. Never guess."}

    def read_policy(self):
        return self.olive, "/me/policy", {"version": 1}


#: In an order in which each finds what it needs.
ACTS_OF_MANAGING = {
    ("POST", "/rota"): (ActsOfManaging.enter, "duty_entered"),
    ("POST", "/rota/{uid}/seen"): (ActsOfManaging.seen, "duty_acknowledged"),
    ("DELETE", "/rota/{uid}"): (ActsOfManaging.remove, "duty_removed"),
    ("PUT", "/me/contact"): (ActsOfManaging.contact, "contact_changed"),
    ("PUT", "/templates/{name}"): (ActsOfManaging.edit, "template_edited"),
    ("POST", "/templates/{name}/put-back"): (ActsOfManaging.put_back, "template_put_back"),
    ("POST", "/templates/{name}/retire"): (ActsOfManaging.retire, "template_retired"),
    ("PUT", "/users/{name}/single-sign-on"): (ActsOfManaging.single_sign_on, "sso_allowed"),
    ("POST", "/users/{name}/sign-out"): (ActsOfManaging.sign_out, "sessions_ended"),
    ("PUT", "/staff-policy"): (ActsOfManaging.write_policy, "policy_text_set"),
    ("POST", "/me/policy"): (ActsOfManaging.read_policy, "policy_acknowledged"),
}
#: It shows how a wording would read.
NO_ACTS_OF_MANAGING = {("POST", "/templates/{name}/try")}
