"""What programs do beside the live board, about accounts, and about pages. For the tables of acts: each is made ready, and told as
(who, path, body).
"""

from broadcaster.db.tables import page_request, target
from tests.builders import NO_HURRY, number
from tests.integration.alarms import looked, pause
from tests.integration.at_the_board import RUDE
from tests.integration.programs import program

BECAUSE = {"reason": "They allow it now"}


class ActsOfMending:
    def __init__(self, world):
        self.world = world
        self.olive = program(world, "olive", "officer")
        self.ada = program(world, "ada", "administrator")

    def _at(self):
        return self.world.now().isoformat()

    def waiting_post(self):
        """The path to a post by hand of one that waits."""
        ref = self.world.release(channels=("x",)).ref
        row = self.world.broadcast(ref)
        return f"/messages/{ref}/by-hand/{self.world.row(target, broadcast_id=row.id).id}"

    def post_by_hand(self):
        return self.olive, self.waiting_post(), {"at": self._at(), "link": "https://x.test/7"}

    def tell(self):
        path = f"/messages/{self.world.release(channels=('x',)).ref}/told"
        return self.olive, path, {"way": "doors", "at": self._at(), "words": "Dock Street"}

    def refused_texts(self):
        """Four texts of which one was refused; the path to trying that again."""
        self.world.gateway.by_address = {number(1): RUDE}
        ref = self.world.release_texts(4, **NO_HURRY).ref
        self.world.work_bulk()
        self.world.gateway.by_address = {}
        row = self.world.broadcast(ref)
        return f"/messages/{ref}/again/{self.world.row(target, broadcast_id=row.id).id}/too_rude"

    def again(self):
        return self.olive, self.refused_texts(), BECAUSE

    def resume(self):
        pause(self.world)
        return self.ada, "/channels/live/page/resume", None

    def answer(self):
        pause(self.world)
        looked(self.world)
        (about,) = [row for row in self.world.rows(page_request) if row.subject == "live/page"]
        return self.ada, f"/pages/{about.uid}/on-it", None


ACTS_OF_MENDING = {
    ("POST", "/messages/{ref}/by-hand/{target}"): (ActsOfMending.post_by_hand, "posted_by_hand"),
    ("POST", "/messages/{ref}/told"): (ActsOfMending.tell, "told_by_hand"),
    ("POST", "/messages/{ref}/again/{target}/{code}"): (ActsOfMending.again, "failed_tried_again"),
    ("POST", "/channels/{mode}/{name}/resume"): (ActsOfMending.resume, "account_resumed"),
    ("POST", "/pages/{uid}/on-it"): (ActsOfMending.answer, "page_acknowledged"),
}
#: Asks the platforms at once, as the program does every three minutes.
NO_ACTS_OF_MENDING = {("POST", "/channels/check")}
