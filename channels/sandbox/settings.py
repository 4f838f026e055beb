"""What a control call may set about the stand-ins while they run; faults are elsewhere."""

from dataclasses import asdict, dataclass, field
from typing import Any

from channels.sandbox.loopback import is_loopback

SCOPES = ("pages_show_list", "pages_manage_posts", "pages_read_engagement")
FINALS = ("delivered", "undelivered", "none")
RECEIPT_IDS = ("same", "decimal")


@dataclass(kw_only=True)
class Settings:
    """`dlr_final` is what texts come to; `undelivered` lists the recipients for whom it is failure in any case.

    `notify_callback_url` is where GOV.UK Notify brings its receipts: it is entered on Notify's pages, not in a request.
    `dlr_copies` is how often each delivery receipt is sent: a real gateway repeats itself, too.

    The rest is what a check of an account finds: `facebook_token_days` until the token ends (0: never; below: ended
    already), its permissions and the page it speaks for (empty: ours), X's credits and what its app may do, the body of
    Notify's template, Twilio's status and balance. `smpp_receipt_ids` is the form in which the SMPP centre's receipts repeat
    its ids, which are hexadecimal.
    """

    x_posts_per_window: int = 100
    dlr_delay_s: float = 0.3
    dlr_final: str = "delivered"
    dlr_copies: int = 1
    undelivered: list[str] = field(default_factory=list)
    notify_callback_url: str = ""
    facebook_token_days: float = 0
    facebook_scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    facebook_speaks_for: str = ""
    x_username: str = ""
    x_access_level: str = "read-write"
    x_credits: float = 25.0
    notify_template: str = "((message))"
    twilio_status: str = "active"
    twilio_balance: str = "25.00"
    smpp_receipt_ids: str = "same"

    def change(self, data: Any) -> None:
        """Set what the JSON names. ValueError names what is wrong, and then nothing is changed."""
        known = asdict(self)
        if not isinstance(data, dict) or not data.keys() <= known.keys():
            raise ValueError(f"Settings are a JSON object with the keys {', '.join(known)}.")
        wanted = Settings(**{**known, **data})
        wanted.check()
        vars(self).update(vars(wanted))

    def check(self) -> None:
        if type(self.x_posts_per_window) is not int or self.x_posts_per_window < 1:
            raise ValueError("x_posts_per_window is a whole number from 1.")
        if type(self.dlr_delay_s) not in (int, float) or not 0 <= self.dlr_delay_s <= 3600:
            raise ValueError("dlr_delay_s is a number from 0 to 3600.")
        if self.dlr_final not in FINALS:
            raise ValueError(f"dlr_final is one of {', '.join(FINALS)}.")
        if self.smpp_receipt_ids not in RECEIPT_IDS:
            raise ValueError(f"smpp_receipt_ids is one of {', '.join(RECEIPT_IDS)}.")
        if type(self.dlr_copies) is not int or not 1 <= self.dlr_copies <= 10:
            raise ValueError("dlr_copies is a whole number from 1 to 10.")
        if not (
            isinstance(self.undelivered, list) and all(isinstance(item, str) for item in self.undelivered)
        ):
            raise ValueError("undelivered is a list of recipients.")
        self._check_accounts()
        url = self.notify_callback_url
        if not isinstance(url, str) or (url and not is_loopback(url)):
            raise ValueError("notify_callback_url is an address on this machine, or empty.")

    def _check_accounts(self) -> None:
        for name in ("facebook_token_days", "x_credits"):
            if type(getattr(self, name)) not in (int, float):
                raise ValueError(f"{name} is a number.")
        texts = (
            "facebook_speaks_for",
            "x_username",
            "x_access_level",
            "notify_template",
            "twilio_status",
            "twilio_balance",
        )
        for name in texts:
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is text.")  # noqa: TRY004 -- all that is wrong is a ValueError
        scopes = self.facebook_scopes
        if not (isinstance(scopes, list) and all(isinstance(item, str) for item in scopes)):
            raise ValueError("facebook_scopes is a list of permissions.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
