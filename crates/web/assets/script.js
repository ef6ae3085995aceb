// Shows live parts anew while somebody looks, and the reader's own zone beside UTC. Every page works without this.
"use strict";
(function () {
  const every = 15000;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  // The reader's own time of each time, as a title and for screen readers; beside it where there is room.
  function localize(root) {
    if (new Date().getTimezoneOffset() === 0) return;
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (isNaN(date)) continue;
      time.title = format.format(date) + " " + zone;
      const own = document.createElement("span");
      own.className = "own";
      own.textContent = " " + format.format(date);
      time.append(own);
    }
  }

  // Whether somebody reads, types or has chosen something in a part: then it stays as it is.
  function isUsed(part) {
    const chosen = document.getSelection();
    return part.contains(document.activeElement) || (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode));
  }

  const shown = {};
  window.packageImport = function (parts) {
    for (const id of Object.keys(parts)) {
      const part = document.getElementById(id);
      if (!part || shown[id] === parts[id] || isUsed(part)) continue;
      const open = Array.from(part.querySelectorAll("details"), (it) => it.open);
      part.innerHTML = parts[id];
      part.querySelectorAll("details").forEach((it, at) => { it.open = Boolean(open[at]); });
      shown[id] = parts[id];
      localize(part);
    }
  };

  function refresh() {
    if (document.visibilityState !== "visible") return;
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("refresh", Date.now());
    const script = document.createElement("script");
    script.src = address.href;
    script.onload = script.onerror = function () { script.remove(); };
    document.head.append(script);
  }

  localize(document);
  const mark = document.querySelector(".zone");
  if (mark && new Date().getTimezoneOffset() !== 0) mark.textContent = ", yours (" + zone + ") beside";
  if (document.querySelector("[data-live]")) {
    setInterval(refresh, every);
    document.addEventListener("visibilitychange", refresh);
  }
})();
