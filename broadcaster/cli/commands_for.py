"""The command that does what an alarm or a warning asks for. Their own sentences name none, since pages show them too."""

from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.message import Mode

CHECK = "broadcaster channels check"
#: Of an alarm about a message, the log, or work that waits.
OF_ALARMS = {
    AlarmCode.UNKNOWN_UNDECIDED: "broadcaster unknown list",
    AlarmCode.NOBODY_SENDS: "broadcaster up",
    AlarmCode.AUDIT_LOG_ALTERED: "broadcaster audit verify",
    AlarmCode.BREAK_GLASS_UNREVIEWED: "broadcaster break-glass list",
    AlarmCode.WEBHOOK_FAILING: "broadcaster webhooks list",
    AlarmCode.FEED_FAILING: "broadcaster feed list",
}
OF_ACCOUNTS = {
    AlarmCode.ACCOUNT_PAUSED: "broadcaster account resume",
    AlarmCode.ACCOUNT_FAILING: CHECK,
    AlarmCode.ACCOUNT_NOT_READY: CHECK,
    AlarmCode.CREDENTIALS_END: CHECK,
}
WARNINGS_OF_ACCOUNTS = frozenset({"account_unchecked", "account_check_old", "account_not_ready"})


def alarm(code: str, subject: str) -> str:
    """Nothing where no command of ours helps."""
    if code in OF_ACCOUNTS:
        mode, _, name = subject.partition("/")
        return f"{OF_ACCOUNTS[AlarmCode(code)]} {as_arguments(name, mode)}"
    return OF_ALARMS.get(AlarmCode(code), "")


def warning(code: str, where: str, mode: str) -> str:
    return f"{CHECK} {as_arguments(where, mode)}" if code in WARNINGS_OF_ACCOUNTS else ""


def as_arguments(name: str, mode: str) -> str:
    """How a command of ours is told which account is meant."""
    return name if mode == Mode.LIVE else f"{name} --mode {mode}"
