"""Every time that an SMPP line keeps, in seconds. An outcome is due 15 s after a text was given to us, at the latest."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Times:
    """The defaults are what the product runs with; tests are in more of a hurry."""

    connect_s: float = 3.0
    #: Name, connection, TLS and bind together; the look-up of a name has no limit but the system's own.
    open_s: float = 5.0
    goodbye_s: float = 0.5
    #: From `put` on: until when a text may begin, until when its segments may leave, and when it is over.
    begin_s: float = 5.0
    finish_s: float = 11.0
    over_s: float = 14.0
    #: How long a segment waits for its answer.
    answer_s: float = 9.0
    #: How long nothing new is sent after the centre asked for less (as Kannel: SMPP_THROTTLING_SLEEP_TIME).
    pause_s: float = 1.0
    #: An idle connection that was silent for longer is asked before a text goes into it: a line that broke in silence
    #: would make that text unknown.
    trusted_s: float = 3.0
    asked_s: float = 2.0
    #: How often idle connections are looked at (a centre's own enquire_link waits so long for its answer), how long one
    #: may be silent until it is asked, and when it is given up: carriers count connections.
    look_s: float = 5.0
    ask_after_s: float = 30.0
    give_up_s: float = 300.0
    #: How soon a receiver notices that it is to end, and how long it waits for the answer to its question.
    listen_s: float = 0.5
    listen_answer_s: float = 10.0


TIMES = Times()
