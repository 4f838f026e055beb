"""What programs do about pictures, many texts at once, and webhooks that there are. For the tables of acts: each is made ready, and
told as (who, path, body), with headers of its own where it is no JSON.
"""

from tests.integration.pictures import picture
from tests.integration.programs import Program, program
from tests.integration.unknown_texts import WAIT_S, look_into, texts_with_unknown

BECAUSE = {"reason": "as agreed"}
EDGE = "b7f3"


def form(*fields):
    """As a browser or curl sends it: (name, file name or empty, content)."""
    parts = []
    for name, file, content in fields:
        said = f'; filename="{file}"\r\nContent-Type: image/png' if file else ""
        head = f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"{said}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{EDGE}--\r\n".encode()


def put(who: Program, ref, base, *fields):
    """These fields as the pictures of a message."""
    path, headers = f"/messages/{ref}/pictures?base={base}", {"content_type": AS_FORM}
    return who.ask("PUT", path, form(*fields), **headers)


AS_FORM = f"multipart/form-data; boundary={EDGE}"


class ActsOfTheDesk:
    def __init__(self, world):
        self.world = world
        self.olive = program(world, "olive", "officer")
        self.ada = program(world, "ada", "administrator")

    def decide_many(self):
        ref = texts_with_unknown(self.world, 3, 3).ref
        self.world.clock.advance(WAIT_S)
        look_into(self.world)
        (found,) = self.world.parts.unknowns.of_message(ref)
        path = f"/messages/{ref}/unknowns/{found.target_id}/decision"
        return self.olive, path, {"decision": "sent", **BECAUSE}

    def attach(self):
        sent = form(("picture", "red.png", picture().content))
        return self.olive, f"/messages/{self.world.draft()}/pictures?base=1", sent, {"content_type": AS_FORM}

    def _with_picture(self):
        ref = self.world.draft()
        put(self.olive, ref, 1, ("picture", "red.png", picture().content))
        return f"/messages/{ref}/pictures"

    def describe(self):
        return self.olive, f"{self._with_picture()}/alts", {"base": 2, "alts": ["The pier."]}

    def take_out(self):
        return self.olive, f"{self._with_picture()}?base=2", None

    def _webhook(self):
        return self.ada.post("/webhooks", {"url": "https://localhost/"}).json["uid"]

    def change_webhook(self):
        return self.ada, f"/webhooks/{self._webhook()}", {"url": "https://localhost/other"}

    def rotate_webhook(self):
        return self.ada, f"/webhooks/{self._webhook()}/secret", {}


ACTS_OF_THE_DESK = {
    ("POST", "/messages/{ref}/unknowns/{target}/decision"): (ActsOfTheDesk.decide_many, "unknown_decided"),
    ("PUT", "/messages/{ref}/pictures"): (ActsOfTheDesk.attach, "message_edited"),
    ("PUT", "/messages/{ref}/pictures/alts"): (ActsOfTheDesk.describe, "message_edited"),
    ("DELETE", "/messages/{ref}/pictures"): (ActsOfTheDesk.take_out, "message_edited"),
    ("PUT", "/webhooks/{uid}"): (ActsOfTheDesk.change_webhook, "webhook_changed"),
    ("POST", "/webhooks/{uid}/secret"): (ActsOfTheDesk.rotate_webhook, "webhook_secret_changed"),
}
