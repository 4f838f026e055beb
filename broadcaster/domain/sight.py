"""What a look at an accepted post found, a minute later, where people read it."""

from enum import StrEnum


class Sight(StrEnum):
    LOOKING = "looking"  #: not seen yet, or could not be read: it is looked for again
    THERE = "there"
    GONE = "gone"  #: it came down, as was approved
    DIFFERS = "differs"  #: it is there, and does not say what was approved
    ABSENT = "absent"  #: two readings a minute apart did not show it
    UNREADABLE = "unreadable"  #: nothing could be learned: a person looks


#: What a person must be told.
WRONG = frozenset({Sight.ABSENT, Sight.DIFFERS})
