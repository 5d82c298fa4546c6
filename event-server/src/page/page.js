// What comes in while the first page is open is put on top of its list. Without this file the page is the same, as of when
// it was asked for.
"use strict";

(() => {
  const rows = document.querySelector("tbody[data-after]");
  if (!rows || !("EventSource" in window)) {
    return;
  }
  const most = 50;
  const status = document.querySelector("#live");
  const source = new EventSource("page/live?after=" + encodeURIComponent(rows.dataset.after));
  source.addEventListener("rows", (message) => {
    // The collector has escaped what events hold. Only rows of a table are taken, and no script among them would run.
    const body = new DOMParser().parseFromString("<table><tbody>" + message.data + "</tbody></table>", "text/html");
    const fresh = [...body.querySelectorAll("tr")];
    for (const row of fresh) {
      rows.prepend(document.adoptNode(row));
    }
    while (rows.children.length > most) {
      rows.lastElementChild.remove();
    }
    if (status && fresh.length > 0) {
      status.textContent = fresh.length === 1 ? "1 event came in." : fresh.length + " events came in.";
    }
  });
})();
