"""Starts daemons, and judges at the end how they lived."""

from harness.almanac import Almanac

live = []


class Nursery:
    def __init__(self):
        self.own = []

    def start(self, database_url, wait=True, kind=Almanac, **settings):
        daemon = kind(database_url, **settings)
        self.own.append(daemon)
        live.append(daemon)
        daemon.start()
        return daemon.wait_ready() if wait else daemon

    def finish(self):
        complaints = []
        for daemon in self.own:
            try:
                daemon.finish()
            except Exception as complaint:  # pylint: disable=broad-except
                complaints.append(f"{complaint}\n{daemon.tail()}")
            live.remove(daemon)
        assert not complaints, "\n".join(complaints)
