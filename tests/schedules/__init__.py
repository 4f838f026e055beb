"""Years of schedules in some minutes: real stores, sweepers as processes of their own, and a clock that only this drives."""
