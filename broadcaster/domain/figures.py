"""Figures that tell how it goes: what each is called and means, once, for `/metrics`, the command line and the documents.

No label holds a person, a message or anything else that grows with what is sent: of those a time series is kept for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number. `labels` are those that its name is listed with below."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class About:
    text: str
    labels: tuple[str, ...] = ()


def _about(text: str, *labels: str) -> About:
    return About(text=text, labels=labels)


#: What ends on `_total` only grows; everything else goes up and down.
CATALOGUE: Mapping[str, About] = {
    # --- speed
    "broadcaster_release_to_acceptance_seconds": _about(
        "From release to the platform's acceptance, for broadcasts of the last hour. What still waits counts with its age.",
        "mode",
        "lane",
        "channel",
        "quantile",
    ),
    "broadcaster_release_to_acceptance_looked_at": _about(
        "On how many deliveries that figure stands: all, or 1,000 and more spread evenly.",
        "mode",
        "lane",
        "channel",
    ),
    "broadcaster_platform_answer_seconds": _about(
        "From the intent to the recorded answer, for attempts of the last five minutes.",
        "mode",
        "lane",
        "channel",
        "quantile",
    ),
    "broadcaster_outcomes_recent": _about(
        "Attempts of the last five minutes by outcome and code, of texts the newest 5,000.",
        "mode",
        "lane",
        "channel",
        "outcome",
        "code",
    ),
    "broadcaster_deliveries_recent_ratio": _about(
        "Share of the deliveries of the last hour's broadcasts in each state.",
        "mode",
        "lane",
        "channel",
        "state",
    ),
    "broadcaster_attempts_total": _about("Attempts ever made, by the last one's id."),
    # --- what waits
    "broadcaster_sending_broadcasts": _about("Broadcasts that are being sent.", "mode"),
    "broadcaster_sending_deliveries": _about("Deliveries planned for those.", "mode", "lane", "channel"),
    "broadcaster_unplanned_deliveries": _about("Of those, rows that are yet to be made.", "mode"),
    "broadcaster_batches": _about(
        "Batches: ready to be taken, waiting for their time, leased to a worker, or lapsed since it fell silent.",
        "mode",
        "lane",
        "state",
    ),
    "broadcaster_oldest_ready_seconds": _about(
        "For how long the oldest work that a worker could take has been ready. 0: there is none.",
        "mode",
        "lane",
    ),
    "broadcaster_lane_working": _about(
        "1 where a worker holds a batch of this lane or brought an outcome in the last 30 seconds.",
        "mode",
        "lane",
    ),
    # --- doubt
    "broadcaster_unknown": _about(
        "Deliveries that may or may not be out (unknown), that only a person can decide about (unknown_final), or that "
        "are held back (quarantined). Counted up to 10,000.",
        "mode",
        "channel",
        "state",
    ),
    "broadcaster_oldest_unknown_seconds": _about(
        "For how long the oldest unknown outcome has been looked into.", "mode", "channel"
    ),
    # --- receipts and people who left
    "broadcaster_receipts_waiting": _about(
        "Delivery receipts that are stored and not matched yet, up to 10,000. What matches nothing stays for 24 hours."
    ),
    "broadcaster_no_receipt_ratio": _about(
        "Share of the accepted texts older than 15 minutes of which no receipt has come.", "mode", "channel"
    ),
    "broadcaster_opt_outs": _about("Numbers that are sent nothing because somebody asked."),
    # --- the record
    "broadcaster_audit_events_total": _about("Events that have their place in the audit log."),
    "broadcaster_unsealed_events": _about("Events that have none yet, up to 10,000."),
    "broadcaster_seal_lag_seconds": _about("For how long the oldest of those has waited. 0: there is none."),
    "broadcaster_anchor_age_seconds": _about(
        "For how long the oldest signed checkpoint has waited to be laid down outside. 0: none waits."
    ),
    # --- accounts on the platforms
    "broadcaster_account_state": _about(
        "1 for the state that the last check found: ready, doubtful, not_ready or unchecked.",
        "mode",
        "channel",
        "account",
        "state",
    ),
    "broadcaster_account_checked_age_seconds": _about(
        "How old that answer is.", "mode", "channel", "account"
    ),
    "broadcaster_account_paused": _about(
        "1 where the platform refused the account's credentials and nothing is sent with it.",
        "mode",
        "channel",
        "account",
    ),
    "broadcaster_account_failing": _about(
        "1 while what is sent through the account fails, and goes through its spares.",
        "mode",
        "channel",
        "account",
    ),
    "broadcaster_account_credentials_left_seconds": _about(
        "Until the account's credentials end, where the platform tells.", "mode", "channel", "account"
    ),
    # --- the machinery
    "broadcaster_database_up": _about("1 where the database answered. 0: nothing else of it is told."),
    "broadcaster_broker_up": _about("1 where the broker, which is only the doorbell, can be reached."),
    "broadcaster_processes_alive": _about(
        "Processes that gave a sign of life in the last 15 seconds.", "process"
    ),
    "broadcaster_sweeper_leading": _about(
        "1 where a sweeper has led in the last minute: without one no alarm is raised, and no alarm means nothing."
    ),
    "broadcaster_alarms_open": _about("Alarms that are neither over nor acknowledged.", "code"),
    "broadcaster_spill_bytes": _about("Answers that the database could not take and that wait beside it."),
    "broadcaster_spill_age_seconds": _about("Since the last of those was written. 0: there are none."),
    "broadcaster_disk_free_bytes": _about("Free space where the folder is.", "folder"),
    "broadcaster_disk_free_ratio": _about("Free share of that disk.", "folder"),
    "broadcaster_clock_skew_seconds": _about("This machine's clock minus the database's."),
    "broadcaster_look_seconds": _about("How long it took to find these figures."),
}
