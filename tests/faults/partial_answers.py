"""T23: a gateway that takes many recipients in one request refuses some, and says nothing of others that it took."""

import json
from random import Random

from broadcaster.cli.sandbox_setup import MARK
from broadcaster.domain.delivery import DeliveryState
from broadcaster.settings import Settings
from channels.sandbox.accounts import sandbox_accounts
from tests.faults.falling_silent import Scene
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.lives import lives_of
from tests.faults.provider_faults import numbers
from tests.faults.sending import wait_until_over
from tests.installation import AUDIENCE, installation

ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)
UNKNOWN = (DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL)


def partial(
    place: Place, figures: Figures, *, texts: int, refused: int, unnamed: int, receipt_wait_s: float
) -> None:
    """What is not named is unknown, and policy holds it; no receipt ever comes."""
    made = installation(
        place.folder / "data", place.database_url, prepare=at_sinch, receipt_wait_s=receipt_wait_s
    )
    with made as found:
        found.import_numbers(texts)
        chosen = Random(place.seed).sample(numbers(found), refused + unnamed)
        for number in chosen[:refused]:
            found.fault(platform="sinch", kind="refuse_recipient", recipient=number)
        for number in chosen[refused:]:
            found.fault(platform="sinch", kind="unnamed_recipient", recipient=number)
        ref = Scene(found=found).release(hold=True, audience=AUDIENCE, channels=["sms"])
        wait_until_over(found, ref, within_s=180 + texts / 20)
        states = [life.state for life in lives_of(found.parts.database, [ref])]
        figures.add("accepted", sum(s in ANSWERED for s in states), equals=texts - refused - unnamed)
        figures.add("failed", states.count(DeliveryState.FAILED), equals=refused)
        figures.add("unknown", sum(s in UNKNOWN for s in states), equals=unnamed)
        taken = [n for row in found.ledger("sinch") for n in str(row["recipient"]).split()]
        figures.add("taken", len(taken), equals=texts - refused)
        figures.add("taken_twice", len(taken) - len(set(taken)), equals=0)


def at_sinch(settings: Settings) -> None:
    """The account for texts is one at Sinch, whose receipts go where nobody listens."""
    path = settings.credentials / "live" / "sms.toml"
    base_url = next(line for line in path.read_text().splitlines() if line.startswith("base_url"))
    known = sandbox_accounts(settings.root / "sandbox")["sinch"]
    options = {
        "channel": "sms",
        "gateway": "sinch",
        "sender": "WyreCouncil",
        "receipt_url": "http://127.0.0.1:1/hooks/live/sms/receipt",
        **known,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
    path.write_text(MARK + "\n".join([base_url, *lines]) + "\n")


SCENARIOS = [
    Scenario(
        test="T23",
        title="a batch is answered in part",
        run=partial,
        small={"texts": 500, "refused": 10, "unnamed": 10, "receipt_wait_s": 3.0},
        full={"texts": 20_000, "refused": 400, "unnamed": 400, "receipt_wait_s": 10.0},
        n="texts",
        pushed=False,
    ),
]
