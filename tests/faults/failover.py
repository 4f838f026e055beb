"""T21: of two gateways one is dead. Its texts move to the other one, but not those of which nobody knows whether it took
them.
"""

import json
import time
from collections import Counter
from datetime import timedelta

from broadcaster.cli.sandbox_setup import MARK
from broadcaster.domain.delivery import DeliveryState
from broadcaster.settings import Settings
from channels.sandbox.accounts import sandbox_accounts
from tests.faults.falling_silent import Scene
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.line import line_to_gateway
from tests.faults.lives import lives_of
from tests.faults.provider_faults import without_receipts
from tests.faults.sending import Brake, acceptances, judge, taken, wait_until_over
from tests.installation import AUDIENCE, Installation, installation, wait_for

MOVED_WITHIN_S = 15.0
UNKNOWN = 20
SECOND = "sms-2"


def two_gateways(settings: Settings) -> None:
    """Beside the Kannel of the sandbox, its Notify, whose ledger knows our keys, as its spare."""
    known = sandbox_accounts(settings.root / "sandbox")["notify"]
    own = settings.credentials / "live" / "sms.toml"
    first = own.read_text()
    own.write_text(f'{first}spares = "{SECOND}"\n')
    base_url = next(line for line in first.splitlines() if line.startswith("base_url"))
    options = {"channel": "sms", "gateway": "notify"} | {
        k: known[k] for k in ("api_key", "service_id", "template_id")
    }
    path = settings.credentials / "live" / f"{SECOND}.toml"
    path.touch(mode=0o600)
    path.write_text(MARK + base_url + "\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in options.items()))


def one_is_dead(place: Place, figures: Figures, *, texts: int) -> None:
    """Some texts have an unknown outcome at the first gateway when its line begins to refuse."""
    with line_to_gateway() as put:

        def prepare(settings: Settings) -> None:
            without_receipts(settings)
            two_gateways(settings)
            put(settings)

        made = installation(place.folder / "data", place.database_url, prepare=prepare, receipt_wait_s=30)
        with made as found:
            found.import_numbers(texts)
            Brake(found, texts).last_for(10)
            found.fault(platform="sms", kind="accept_then_500", count=UNKNOWN)
            ref = Scene(found=found).release(hold=True, audience=AUDIENCE, channels=["sms"])
            wait_for(lambda: taken(found) > 2 * UNKNOWN)
            put(found.settings).refuse()
            died, before = acceptances(found)[-1], taken(found)
            time.sleep(MOVED_WITHIN_S)
            unknown = _unknown(found, ref)  # recorded by now; their receipts are waited for twice as long
            in_time = [row for row in found.ledger("notify") if str(row["at"]) <= _iso(died, MOVED_WITHIN_S)]
            rest = texts - before
            figures.add("moved_percent", 100 * len(in_time) / rest, at_least=95)
            wait_until_over(found, ref, within_s=240)
            moved = Counter(str(row["recipient"]) for row in found.ledger("notify"))
            both = {str(row["recipient"]) for row in found.ledger("sms")} & set(moved)
            figures.add("taken_by_both", len(both), equals=0)
            figures.add("left_as_unknown", len(unknown & _unknown(found, ref)), at_least=1)
            judge(found, ref, figures, planned=texts, sent=False)


def _unknown(found: Installation, ref: str) -> set[str]:
    states = {DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL}
    return {life.uid for life in lives_of(found.parts.database, [ref]) if life.state in states}


def _iso(moment: object, later_s: float) -> str:
    return (moment + timedelta(seconds=later_s)).isoformat(timespec="microseconds")


SCENARIOS = [
    Scenario(
        test="T21",
        title="one of two gateways is dead",
        run=one_is_dead,
        small={"texts": 600},
        full={"texts": 20_000},
        n="texts",
        pushed=False,
    ),
]
