"""Providers' feeds made by tests.

    feed(base(1, "Jazz", event(10, "2026-05-01T20:00:00", "2026-05-01T22:00:00", zone("15.00"))))
"""

import pathlib
from xml.sax.saxutils import quoteattr

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "world" / "provider"


def sample(name):
    """The path of a sample by the beginning of its name: sample("01")."""
    found = sorted(SAMPLES.glob(f"{name}*.xml"))
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def element(tag, content="", /, **attributes):
    written = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items()
                      if value is not None)
    return f"<{tag}{written}>{content}</{tag}>"


def zone(price, zone_id=1, capacity=10, name="Sala", numbered="true"):
    return element("zone", zone_id=zone_id, capacity=capacity, price=price, name=name,
                   numbered=numbered)


def event(event_id, start, end=None, *zones, sold_out="false", **others):
    return element("event", "".join(zones), event_id=event_id, event_start_date=start,
                   event_end_date=end, sold_out=sold_out, **others)


def base(base_id, title, *events, sell_mode="online"):
    return element("base_event", "".join(events), base_event_id=base_id, sell_mode=sell_mode,
                   title=title)


def feed(*bases):
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<eventList version="1.0"><output>\n'
            + "\n".join(bases) + "\n</output></eventList>\n")


def one_event(title="Jazz", start="2026-05-01T20:00:00", end="2026-05-01T22:00:00", price="15.00",
              base_id=1, event_id=1):
    """A feed of one event."""
    return feed(base(base_id, title, event(event_id, start, end, zone(price))))
