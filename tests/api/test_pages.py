"""The search by numbered pages: GET /events/."""

import datetime

import pytest

from harness.library import parse

YEAR = {"starts_at": "2026-01-01", "ends_at": "2027-01-01"}
WINDOW = datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1)


def ask(almanac, status=200, **parameters):
    answer = almanac.get("/events/", params={**YEAR, **parameters})
    assert answer.status_code == status, answer.text
    return parse(answer.text)


def rows(found):
    return [event_.row() for event_ in found]



KEYS = {"start_date": lambda e: e.start, "end_date": lambda e: e.last,
        "min_price": lambda e: e.low, "max_price": lambda e: e.high,
        "title": lambda e: e.title.lower().encode()}


def in_order(found, column, direction):
    """Ties go by id; what has no price comes last in either direction."""
    found = sorted(found, key=lambda e: e.id)
    known = [event_ for event_ in found if KEYS[column](event_) is not None]
    unknown = [event_ for event_ in found if KEYS[column](event_) is None]
    return sorted(known, key=KEYS[column], reverse=direction == "desc") + unknown


def test_a_page_and_its_numbers(library, searched):
    everything = library.find("within", WINDOW)
    told = ask(searched)
    assert list(told) == ["page", "pageSize", "totalRows", "totalPages", "data"]
    assert [told[name] for name in list(told)[:4]] == \
        [1, 20, len(everything), -(-len(everything) // 20)]
    assert told["data"] == rows(everything[:20])


@pytest.mark.parametrize("size", [1, 20, 377, 1000])
def test_pages_cover_everything_once(size, library, searched):
    everything = library.find("within", WINDOW)
    pages = -(-len(everything) // size)
    seen = []
    for page in range(1, min(pages, 25) + 1):
        told = ask(searched, page=page, pageSize=size)
        assert (told["page"], told["pageSize"], told["totalPages"]) == (page, size, pages)
        seen += told["data"]
    assert seen == rows(everything[:25 * size])


def test_a_page_past_the_end_is_empty(library, searched):
    total = len(library.find("within", WINDOW))
    for page in (total // 20 + 2, 999, 1_000_000):
        told = ask(searched, page=page)
        assert (told["data"], told["page"], told["totalRows"]) == ([], page, total)


def test_page_sizes_are_lowered(library, searched):
    told = ask(searched, pageSize=5000)
    assert (told["pageSize"], len(told["data"])) == (1000, len(library.find("within", WINDOW)))


@pytest.mark.parametrize("column", KEYS)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_orders(column, direction, library, searched):
    expected = rows(in_order(library.find("within", WINDOW), column, direction))
    seen = []
    for page in range(1, 6):
        seen += ask(searched, page=page, pageSize=90, sortBy=column, sortDir=direction)["data"]
    assert seen == expected


def test_windows_are_those_of_search(library, searched):
    for first, last in library.windows(20, seed=6):
        found = library.find("within", (first, last))
        told = ask(searched, 200 if found else 404, starts_at=first.isoformat(),
                   ends_at=last.isoformat(), pageSize=1000)
        if found:
            assert told["data"] == rows(found)


@pytest.mark.parametrize("parameters", [{}, {"page": 7}, {"sortBy": "title"}])
def test_nothing_found_is_404(parameters, searched):
    answer = searched.get("/events/", params={"starts_at": "2036-01-01", "ends_at": "2037-01-01",
                                              **parameters})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:almanac:problem:nothing_found", "title": "Nothing was found", "status": 404,
        "detail": "ask for a wider window or another page", "instance": "/events/", "code": "nothing_found"}


FAULTS = {
    "": {"starts_at": "required", "ends_at": "required"},
    "starts_at=2026-01-01": {"ends_at": "required"},
    "starts_at=x&ends_at=2026-01-01": {"starts_at": "format"},
    "starts_at=2026-01-02&ends_at=2026-01-01": {"ends_at": "order"},
    "starts_at=2026-01-01&ends_at=2027-01-01&page=0": {"page": "minimum"},
    "starts_at=2026-01-01&ends_at=2027-01-01&page=-1": {"page": "minimum"},
    "starts_at=2026-01-01&ends_at=2027-01-01&page=1000001": {"page": "maximum"},
    "starts_at=2026-01-01&ends_at=2027-01-01&page=one": {"page": "format"},
    "starts_at=2026-01-01&ends_at=2027-01-01&pageSize=0": {"pageSize": "minimum"},
    "starts_at=2026-01-01&ends_at=2027-01-01&sortBy=id": {"sortBy": "choice"},
    "starts_at=2026-01-01&ends_at=2027-01-01&sortDir=up": {"sortDir": "choice"},
    "page=x&pageSize=x&sortBy=x&sortDir=x&starts_at=x": {
        "starts_at": "format", "ends_at": "required", "page": "format", "pageSize": "format",
        "sortBy": "choice", "sortDir": "choice"},
}


@pytest.mark.parametrize("query", FAULTS)
def test_faults_are_all_named(query, searched):
    answer = searched.get(f"/events/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameters")
    assert {fault["field"]: fault["rule"] for fault in answer.json()["errors"]} == FAULTS[query]


def test_without_its_slash_there_is_nothing(searched):
    assert searched.get("/events", params=YEAR).status_code == 404
