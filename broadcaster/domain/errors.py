"""Everything that can go wrong, in two families: what a platform did to a post, and what a person must mend."""


class SendError(Exception):
    """The platform did not confirm that it took the post.

    `code` is stable and short (for counting); `operator_text` is a sentence for the officer; `detail` is
    what the platform said, already free of secrets and personal data.
    """

    def __init__(self, code: str, operator_text: str | None = None, *, detail: str = "") -> None:
        self.code = code
        self.operator_text = operator_text or " ".join((type(self).__doc__ or "").split("\n\n")[0].split())
        self.detail = detail
        super().__init__(f"{code}: {self.operator_text}")


class NotSent(SendError):
    """The platform surely did not take the post. It is tried again.

    `retry_after_s` is what the platform asked for, in seconds, or None.
    """

    def __init__(
        self,
        code: str,
        operator_text: str | None = None,
        *,
        detail: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, operator_text, detail=detail)
        self.retry_after_s = retry_after_s


class Refused(SendError):
    """The platform refused the post, and would refuse it again."""


class NotConfigured(Refused):
    """The platform does not accept our credentials or set-up. An administrator must mend the account."""


class OutcomeUnknown(SendError):
    """The platform may or may not have taken the post. It is never sent again blindly."""


class Problem(Exception):
    """Something a person must mend. `text` says what happened and what to do; `details` lists each thing. `command` is how
    to do it on the command line, which says it after the text: a page has a button for it, or a field.
    """

    def __init__(self, text: str, *, details: tuple[str, ...] = (), command: str = "") -> None:
        self.text = text
        self.details = details
        self.command = command
        super().__init__("\n".join([self.at_a_terminal, *(f"  - {line}" for line in details)]))

    @property
    def at_a_terminal(self) -> str:
        return f"{self.text} {self.command}".rstrip()


class Invalid(Problem):
    """What was given cannot be used."""


class NotFound(Problem):
    """There is no such thing."""


class NotAllowed(Problem):
    """This user may not do this."""


class FactorWanted(NotAllowed):
    """This needs the second factor, given a short while ago at most."""


class TryLater(Problem):
    """Too many tries. `retry_after_s` says when the next one is looked at."""

    def __init__(self, text: str, *, retry_after_s: int) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Stale(Problem):
    """What this person saw is not what is there now."""


class Unavailable(Problem):
    """The database, the disk or the broker cannot be used right now; nothing was changed."""


class InTheWay(Unavailable):
    """Two changes at once, of which each waited for the other; this one was taken back, and may simply be tried again."""
