"""GOV.UK Notify as our channel meets it: an account with its key and the token of its callbacks."""

from datetime import UTC, datetime

from channels.base import Account, Secret
from channels.gateways.notify import Notify
from channels.gateways.wire import TOTAL_TIMEOUT_S, Wire
from channels.sms import AskableSms

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
SENDER = "8e222534-7f05-4972-86e3-17c5d9f894e2"
ID = "740e5834-3a29-46b4-9a6f-16142fde533a"
API_KEY = f"my_test_key-{SERVICE}-{SECRET}"
TOKEN = "canary-callback-token"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


def account(url="https://api.notifications.service.gov.uk", allowed_hosts=None, secrets=None, **options):
    return Account(
        name="wyre-notify",
        channel="sms",
        mode="live",
        options={"gateway": "notify", "base_url": url, "template_id": TEMPLATE, "service_id": SERVICE}
        | options,
        secrets={"api_key": Secret(API_KEY), "callback_token": Secret(TOKEN)} | (secrets or {}),
        allowed_hosts=allowed_hosts,
    )


def build(url, timeouts, hosts, total_s=TOTAL_TIMEOUT_S, **options):
    return AskableSms(
        account(url, hosts, **options),
        wire=Wire(timeouts=timeouts, total_s=total_s),
        gateway=lambda a: Notify(a, now=lambda: NOW),
        timeouts=timeouts,
    )
