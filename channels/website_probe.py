"""Whether the website could publish now, without publishing: the folder, its disk, and the address that people open."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import requests

from broadcaster.domain.errors import SendError
from broadcaster.domain.readiness import Readiness
from channels.base import Account
from channels.http import from_exception, open_session, require_allowed
from channels.probing import PROBE_TIMEOUTS, PROBE_WITHIN_S, Facts, doubtful, ready

LOW_SPACE_BYTES = 100_000_000  # some messages with pictures, and what else fills the disk in a storm


def probe_address(account: Account, base_url: str, site_dir: Path) -> Readiness:
    """For a folder that can be written: its free space, and whether the web server answers."""
    free = shutil.disk_usage(site_dir).free
    facts: Facts = (("free space", f"{free / 1e9:,.1f} GB"),)
    trouble, answers = _asked(account, base_url)
    facts = (*facts, ("public address", answers))
    if free < LOW_SPACE_BYTES:
        text = "The website's disk is almost full. Free some space, or the next page cannot be written."
        return doubtful("space_low", text, facts=facts)
    if trouble:
        text = (
            f"The website's folder can be written, but {urlsplit(base_url).hostname} {answers}: people may not see the "
            "pages that posts link to. Look at the web server."
        )
        return doubtful(trouble, text, facts=facts)
    return ready("The website's folder can be written.", facts=facts)


def _asked(account: Account, base_url: str) -> tuple[str, str]:
    """A code of what is wrong, or nothing; and the same in words. The page itself is not read."""
    try:
        require_allowed(account, base_url)
    except SendError:
        return "", "not asked, since this account may not talk to it"
    try:
        with (
            open_session(account, timeout=PROBE_TIMEOUTS) as session,
            session.within(PROBE_WITHIN_S),
            session.get(f"{base_url}/", stream=True) as response,  # its head is enough
        ):
            status = response.status_code
    except (requests.RequestException, ValueError, SendError) as exc:
        return "site_unreachable", f"does not answer ({from_exception(exc).code.replace('_', ' ')})"
    if status >= 500 or status in {404, 410}:
        return "site_broken", f"answers {status}"
    return "", "answers"
