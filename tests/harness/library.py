"""A catalog of some hundred events that knows by itself what every search must give.

Many events share their starts, titles and prices, so that orders need their last key.
"""

import dataclasses
import datetime
import decimal
import json
import random

from harness.catalog import Catalog
from harness.feeds import base, event, feed, zone

SEED = 20260201
COUNT = 420
FIRST = datetime.datetime(2026, 3, 1, 10, 0, 0)
WORDS = ["Jazz", "Gala", "Teatro", "Ópera", "noche", "Mañana", "rock", "circo"]
PRICES = ["0.00", "5.00", "5.50", "9.99", "10.00", "12.000001", "19.999", "100.00"]
FOREVER = (datetime.datetime(1970, 1, 1), datetime.datetime(9999, 1, 1))


@dataclasses.dataclass
class Event:
    key: tuple                  # base id, event id
    title: str
    is_online: bool
    is_sold_out: bool
    start: datetime.datetime    # UTC
    end: datetime.datetime      # or None
    prices: list                # as written
    has_capacity: bool
    provider: int = 0           # its place in `Library.providers`
    id: int = 0
    uuid: str = ""

    @property
    def last(self):
        """Without end it ends as it starts."""
        return self.end or self.start

    @property
    def low(self):
        return min(map(decimal.Decimal, self.prices), default=None)

    @property
    def high(self):
        return max(map(decimal.Decimal, self.prices), default=None)

    @property
    def is_available(self):
        return self.has_capacity and not self.is_sold_out and bool(self.prices)

    def row(self, id_of="uuid"):
        """The item of a search, parsed with decimals."""
        return {"id": getattr(self, id_of), "title": self.title,
                "start_date": f"{self.start:%Y-%m-%d}", "start_time": f"{self.start:%H:%M:%S}",
                "end_date": f"{self.end:%Y-%m-%d}" if self.end else None,
                "end_time": f"{self.end:%H:%M:%S}" if self.end else None,
                "min_price": self.low, "max_price": self.high}

    def element(self):
        zones = [zone(price, zone_id=number, capacity=7 if self.has_capacity else 0)
                 for number, price in enumerate(self.prices)]
        return event(self.key[1], self.start.isoformat(), self.end and self.end.isoformat(),
                     *zones, sold_out=str(self.is_sold_out).lower())


def invent(dice, number):
    start = FIRST + datetime.timedelta(hours=6 * dice.randrange(60))
    length = dice.choice([None, 0, 1, 2, 30, 100])
    return Event(
        key=(str(number), "1"),
        title=" ".join(dice.sample(WORDS, dice.randint(1, 3))),
        is_online=dice.random() > 0.1,
        is_sold_out=dice.random() < 0.2,
        start=start,
        end=None if length is None else start + datetime.timedelta(hours=length),
        prices=dice.choices(PRICES, k=dice.randint(0, 3)),
        has_capacity=dice.random() > 0.2,
        provider=dice.randrange(2))


def z(moment):
    """A moment as a bound of a search."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def parse(text):
    """JSON with exact decimals."""
    return json.loads(text, parse_float=decimal.Decimal)


def is_in(event_, match, first, last):
    return {"within": event_.start >= first and event_.last <= last,
            "starts": first <= event_.start <= last,
            "overlaps": event_.start <= last and event_.last >= first}[match]


class Library:
    def __init__(self, ways, world):
        self.ways = ways
        dice = random.Random(SEED)
        self.events = [invent(dice, number) for number in range(COUNT)]
        catalog = Catalog(ways["memory"])
        self.providers = []
        for place in range(2):
            bases = [base(found.key[0], found.title, found.element(),
                          sell_mode="online" if found.is_online else "offline")
                     for found in self.events if found.provider == place]
            world.serve(f"/{place}", feed(*bases))
            self.providers.append(catalog.provide(world.url(f"/{place}")))
        self._learn_ids(catalog)
        for almanac in ways.values():
            Catalog(almanac).settle()

    def _learn_ids(self, catalog):
        ids = {(base_id, event_id): (number, uuid) for base_id, event_id, number, uuid in
               catalog.query("SELECT base_id, event_id, id, uuid::text FROM catalog_events")}
        for found in self.events:
            found.id, found.uuid = ids[found.key]

    def find(self, match="within", window=FOREVER, keep=lambda event_: True, offline=False):
        """What a search must find, in the order (start, id)."""
        found = [event_ for event_ in self.events if is_in(event_, match, *window)
                 and (event_.is_online or offline) and keep(event_)]
        return sorted(found, key=lambda event_: (event_.start, event_.id))

    def windows(self, count, seed=1):
        """Windows of all sizes whose bounds often meet starts and ends."""
        dice = random.Random(seed)
        for _ in range(count):
            first = FIRST + datetime.timedelta(hours=dice.randrange(-24, 380))
            yield first, first + datetime.timedelta(hours=dice.choice([0, 1, 2, 6, 30, 100, 400]))
