"""The file of a message's CAP alert: built, signed, and left alone once it is there."""

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from broadcaster.domain.readiness import Readiness, ReadinessState
from channels import cap, cap_signing
from channels.cap_signing import BadKey, SigningKey
from channels.probing import doubtful
from channels.website_cap import element, issued_of, with_alert
from channels.website_pages import Site
from channels.website_store import Document

CERTIFICATES = "cap-certificates.pem"
WARN_BEFORE = timedelta(days=30)
_NO_KEY = "CAP alerts go out unsigned, and some receivers refuse those. {} Mend the file, or move it away: a new key is made."
_ENDS = "The certificate of the CAP alerts ends on {:%d %B %Y}. Make a new one: broadcaster cap rotate."


class AlertFile:
    """`key` is the file of the signing key; without one, alerts are not signed."""

    def __init__(self, site: Site, *, sender: str, key: str) -> None:
        self._site = site
        self.sender = cap.token(sender or urlsplit(site.base_url).hostname or site.base_url)
        self._key = Path(key).expanduser() if key else None

    def of(self, document: Document, path: Path, *, anew: bool = False) -> dict[Path, bytes]:
        """What is to be written: nothing where the newest alert is there, for its signature would be another one; unless it is
        made `anew`, since words were taken out of it.

        A warning is not held up by its signature: where the key cannot be used the alert goes out without, and the check of the
        account, which somebody saw before, says so.
        """
        issued = issued_of(document)
        if not issued or (not anew and _holds(path, issued[-1]["identifier"])):
            return {}
        alert = element(self._site, document)
        try:
            key = self._loaded()
            alert = cap_signing.signed(alert, key) if key else alert
        except (BadKey, ValueError):
            alert = element(self._site, document)
        return {path: cap.as_bytes(alert)}

    def unsigned(self, document: Document, now: datetime) -> bytes:
        """Of a document that is not published."""
        made = with_alert(self._site, self.sender, {document["reference"]: document}, document, now)
        return cap.as_bytes(element(self._site, made)) if issued_of(made) else b""

    def certificates(self, path: Path) -> dict[Path, bytes]:
        """What readers verify with: of the key in use and of all before it."""
        try:
            key = self._loaded()
        except BadKey:
            return {}
        return {path: "".join(key.certificates).encode()} if key else {}

    def doubt(self, found: Readiness, now: datetime) -> Readiness:
        """The finding of the site's own check, unless all is well but the key."""
        if found.state is not ReadinessState.READY:
            return found
        try:
            key = self._loaded()
        except BadKey as error:
            return doubtful("cap_key_bad", _NO_KEY.format(error), facts=found.facts)
        if key and key.ends_at - now < WARN_BEFORE:
            return doubtful("cap_key_ends", _ENDS.format(key.ends_at), facts=found.facts)
        return found

    def _loaded(self) -> SigningKey | None:
        return cap_signing.load_or_create(self._key, name=self._site.name) if self._key else None


def _holds(path: Path, identifier: str) -> bool:
    try:
        return f"<identifier>{identifier}</identifier>".encode() in path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return False
