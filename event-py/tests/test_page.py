"""The collector's page in a real browser: what it obeys, what is live, what a keyboard and a screen reader reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import pytest

from browser import Browser, chromium
from collector import Collector, running

HOSTILE = '</td></script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
# As long as a name may be.
NAME = '<img src=x onerror="window.hacked=1">'
# A source has no spaces.
SOURCE = "<svg/onload=window.hacked=1>"
PAGES = ("/", "/explore", "/explore?measure=sum", "/refused", "/refused/1", "/sessions/s", "/losses", "/types", "/keys")
SCHEMA = {"required": ["total"], "properties": {"total": {"type": "number"}, "html": {"type": "string"}}}

# Every text, its colour and what is behind it, where that is less than what WCAG asks for.
FAINT = """(() => {
  const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map((part) => linear(part / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) { return colour; }
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.getClientRects().length || element.closest("title")) { continue; }
    const style = getComputedStyle(element);
    const colour = rgba(element.closest("svg") ? style.fill : style.color);
    const [one, other] = [light(colour), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) { faint.add(element.tagName + "." + element.className + " " + ratio.toFixed(2)); }
  }
  return [...faint];
})()"""

# What a person can do something with, as far as it is shown.
INTERACTIVE = """[...document.querySelectorAll(
  "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']"
)].filter((element) => element.checkVisibility())"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium: install it, or set EVENT_TEST_CHROMIUM to its path")
    started = Browser(program, tmp_path_factory.mktemp("browser"))
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One for all tests that only look."""
    for collector in running(tmp_path_factory.mktemp("filled")):
        fill(collector)
        yield collector


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


def event(number: int, **more: Any) -> dict[str, Any]:
    """An event of this moment."""
    return {"id": f"e-{number}", "category": "order", "name": "paid", "occurred_at": now(), **more}


def fill(collector: Collector) -> None:
    """Something for every page to show, as hostile as it may be."""
    collector.register("order", "paid", SCHEMA)
    hostile = {"category": NAME, "name": NAME, "source": SOURCE}
    events = [
        event(1, session_id="s", sequence=1, data={"total": 1, "html": HOSTILE}),
        event(2, session_id="s", sequence=5, data={"total": 2}),
        event(3, session_id="s", data={HOSTILE: HOSTILE}, **hostile),
        event(4, session_id="s", data={"total": HOSTILE, HOSTILE: HOSTILE}),
        event(5, session_id=HOSTILE, data=HOSTILE, **hostile),
    ]
    answer = collector.request("POST", "/v1/events", events)
    statuses = [verdict["status"] for verdict in answer["results"]]
    assert statuses == ["stored"] * 3 + ["quarantined"] * 2, answer
    loss = {"hour": now()[:13] + ":00:00Z", "reason": NAME, "events": 3}
    collector.request("POST", "/v1/losses", {"id": "r", "source": SOURCE, "losses": [loss]})


def test_what_events_hold_is_shown_and_never_obeyed(browser: Browser, collector: Collector) -> None:
    fill(collector)
    for path in (*PAGES, f"/explore?measure=count&by=name&bucket=minute&source={quote(SOURCE)}", "/docs"):
        with browser.page() as page:
            page.open(collector.url + path)
            if path == "/":
                # What comes in live is no more obeyed than what was there.
                collector.request("POST", "/v1/events", [event(6, data={"total": 6, "html": HOSTILE})])
                page.wait("document.querySelectorAll('tbody[data-after] tr').length === 4")
            assert not page.do("'hacked' in window"), path
            assert page.do("document.querySelectorAll('main img').length") == 0, path
            assert page.problems() == [], path
            foreign = [url for url in page.requests() if not url.startswith((collector.url, "data:", "about:"))]
            assert foreign == [], path


def test_the_policy_forbids_what_is_not_our_own(browser: Browser, collector: Collector) -> None:
    """That the browser complains where there is something to complain of."""
    with browser.page() as page:
        page.open(collector.url)
        page.do("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked = 1'}))")
        page.do("document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/'}))")
        assert not page.do("'hacked' in window")
        page.wait("1")
        assert len([problem for problem in page.problems() if "Content Security Policy" in problem]) >= 2


def test_a_newcomer_sees_his_first_event_without_doing_anything(browser: Browser, collector: Collector) -> None:
    with browser.page() as page:
        page.open(collector.url)
        assert "No event is stored yet" in page.text() and "Send one" in page.text()
        page.do("window.stays = true")
        collector.request("POST", "/v1/events", [event(1, data={"total": 1}, session_id="s-1")])
        page.wait("document.querySelectorAll('tbody[data-after] tr').length === 1")
        assert "No event is stored yet" not in page.text() and "1 came in just now." in page.text("#live")
        # What is counted is counted again, and drawn.
        page.wait("document.querySelector('[data-fresh=minutes] svg rect')")
        page.wait("document.querySelector('[data-fresh=others] a[href=\"sessions/s-1\"]')")
        assert page.do("window.stays") and page.problems() == []


def test_the_pages_need_no_scripts(browser: Browser, filled: Collector) -> None:
    with browser.page(scripts=False) as page:
        for path in PAGES:
            page.open(filled.url + path)
            assert page.text("h1") and page.problems() == [], path
        page.open(filled.url)
        assert page.do("document.querySelectorAll('svg rect').length") > 0
        assert page.do("document.querySelectorAll('tbody[data-after] tr').length") == 3
        page.open(filled.url + "/refused?code=schema_violation")
        page.submit("form[action='refused/replay'] button")
        assert page.text("h1") == "Tried" and "1 entry" in page.text()


def test_a_question_has_a_drawing_a_link_and_a_line_for_a_shell(browser: Browser, collector: Collector) -> None:
    events = [event(number, data={"total": number}) for number in range(5)]
    collector.request("POST", "/v1/events", [*events, event(9, name="created", data={})])
    with browser.page() as page:
        page.open(collector.url + "/explore")
        page.do("document.querySelector('[name=measure]').select()")
        page.type("sum:/total")
        page.do("document.querySelector('[name=bucket]').value = 'hour'")
        page.do("document.querySelector('summary').click()")
        page.do("document.querySelector('[name=name]').focus()")
        page.type("paid")
        page.enter()
        assert page.do("document.querySelector('[name=measure]').value") == "sum:/total"
        assert page.do("document.querySelectorAll('svg circle').length") >= 1
        found = re.fullmatch(r"curl '(http://[^']+)'", page.text("section:last-of-type pre"))
        assert found is not None and found[1].startswith(collector.url)
        answer = collector.request("GET", found[1].removeprefix(collector.url))
        assert sum(int(row["value"]) for row in answer["rows"]) == 10
        # The link leads to the same page again.
        shown = page.text("figure")
        page.submit("a[href^='explore?']")
        assert page.text("figure") == shown
        # What cannot be asked is said beside what was asked.
        page.do("document.querySelector('[name=measure]').select()")
        page.type("sum")
        page.enter()
        assert page.text("[role=alert]") and page.do("document.querySelector('[name=measure]').value") == "sum"


def test_what_was_refused_is_mended_and_replayed(browser: Browser, collector: Collector) -> None:
    collector.register("order", "paid", SCHEMA)
    collector.request("POST", "/v1/events", [event(number, data={"total": "much"}) for number in range(3)])
    with browser.page() as page:
        page.open(collector.url + "/refused")
        page.submit("a[href='refused/1']")
        assert "/data/total" in page.text()
        page.submit("form[action$=replay] button")
        assert "failed again" in page.text() and page.text("h1") == "Refused 1"
        collector.register("order", "paid", {})
        page.submit("form[action$=replay] button")
        assert "Its event is stored." in page.text() and collector.count() == 1
        # And all others at once, which is tried first.
        page.submit("nav a[href$=refused]")
        page.submit("form[action='refused/replay'] button")
        assert page.text("h1") == "Tried" and "2 entries" in page.text() and collector.count() == 1
        page.submit("form[action=replay] button")
        assert page.text("h1") == "Replayed" and collector.count() == 3
        page.submit("p a[href*=refused]")
        assert "Nothing is open." in page.text() and page.problems() == []


def test_who_has_a_key_signs_in_by_it(browser: Browser, collector: Collector) -> None:
    collector.stop()
    key = collector.key("shop")
    collector.start()
    with browser.page() as page:
        page.open(collector.url + "/refused")
        assert page.text("h1") == "Log in" and page.do("document.activeElement.name") == "key"
        page.type("ev_wrong")
        page.enter()
        assert "no key" in page.text("[role=alert]")
        page.type(key)
        page.enter()
        assert page.text("h1") == "Overview" and page.do("document.cookie") == ""
        assert key.split("_")[1] in page.text(".visitor")
        # It speaks for one source, and so not for all keys.
        page.submit("nav a[href=keys]")
        assert page.text("h1") == "This cannot be shown" and "bound to no sources" in page.text()
        page.open(collector.url)
        page.submit(".visitor button")
        page.open(collector.url)
        assert page.text("h1") == "Log in"
        assert key not in page.do("document.documentElement.outerHTML")


@pytest.mark.parametrize("path", [*PAGES, "/login"])
def test_the_keyboard_reaches_whatever_there_is_and_all_has_a_name(
    browser: Browser, filled: Collector, path: str
) -> None:
    with browser.page() as page:
        page.open(filled.url + path)
        nameless = [role for role, name in page.focusable() if not name and role not in ("RootWebArea", "main", "code")]
        assert nameless == [], nameless
        # The way to the content is the first that there is.
        page.press("Tab", 9)
        assert page.do("document.activeElement.textContent") == "Skip to the content"
        page.press("Enter", 13, "\r")
        page.wait("document.activeElement.matches('main')")
        page.do("window.reached = new Set(); document.activeElement.blur()")
        for _ in range(page.do(INTERACTIVE + ".length") + 2):
            page.press("Tab", 9)
            page.do("reached.add(document.activeElement)")
        missed = INTERACTIVE + ".filter((each) => !reached.has(each)).map((each) => each.outerHTML.slice(0, 200))"
        assert page.do(missed) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_are_to_be_read_and_nothing_is_wider_than_the_page(
    browser: Browser, filled: Collector, dark: bool
) -> None:
    grounds = set()
    for path in (*PAGES, "/login", "/sessions/nobody"):
        with browser.page(dark=dark, width=400) as page:
            page.open(filled.url + path)
            page.do("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert page.do(FAINT) == [], path
            assert page.do("document.documentElement.scrollWidth") <= 400, path
            grounds.add(page.do("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(22, 24, 29)" if dark else "rgb(251, 250, 248)"}
