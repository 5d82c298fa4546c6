// What comes in while the first page is open is put on top of its list, and what is counted is counted again. Without this
// file the page is the same, as of when it was asked for.
"use strict";

(() => {
  const rows = document.querySelector("tbody[data-after]");
  if (!rows || !("EventSource" in window)) {
    return;
  }
  const most = 50;
  // So many milliseconds pass before the same is told or counted again.
  const told = 5_000;
  const counted = 15_000;
  const status = document.querySelector("#live");
  let events = 0;
  let waiting = false;
  let due = false;

  // The collector has escaped what events hold, and of what comes no script would run: it is read as text.
  const read = (html) => new DOMParser().parseFromString(html, "text/html");

  const tell = () => {
    status.textContent = events === 1 ? "1 came in just now." : events + " came in since you opened this page.";
  };

  const count = async () => {
    due = false;
    if (document.hidden) {
      return;
    }
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) {
      return;
    }
    const fresh = read(await answer.text());
    for (const old of document.querySelectorAll("[data-fresh]")) {
      const found = fresh.querySelector('[data-fresh="' + old.dataset.fresh + '"]');
      // Who stands on a link within stays there.
      if (found && !old.contains(document.activeElement)) {
        old.replaceWith(document.adoptNode(found));
      }
    }
  };

  const soon = (wait) => {
    if (!due) {
      due = true;
      setTimeout(() => count().catch(() => undefined), wait);
    }
  };

  const source = new EventSource("page/live?after=" + encodeURIComponent(rows.dataset.after));
  source.addEventListener("rows", (message) => {
    const fresh = [...read("<table><tbody>" + message.data + "</tbody></table>").querySelectorAll("tr")];
    for (const row of fresh) {
      row.classList.add("fresh");
      rows.prepend(document.adoptNode(row));
    }
    while (rows.children.length > most) {
      rows.lastElementChild.remove();
    }
    if (fresh.length === 0) {
      return;
    }
    document.querySelector("#nothing")?.remove();
    events += fresh.length;
    if (!waiting) {
      waiting = true;
      tell();
      setTimeout(() => {
        waiting = false;
        tell();
      }, told);
    }
    // The first events of all are counted at once.
    soon(events === fresh.length ? 1_000 : counted);
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      status.textContent = "No longer live: load this page again.";
    }
  });
  // Minutes pass without events, too.
  setInterval(() => soon(0), 60_000);
})();
