"use strict";
(function () {
  const root = document.documentElement, tip = document.getElementById("tip");
  const data = JSON.parse(document.getElementById("designs").textContent);
  root.classList.add("js");

  // The native titles serve readers without scripts; with one they would show twice.
  const words = new Map();
  for (const mark of document.querySelectorAll("[data-m]")) {
    const title = mark.querySelector("title");
    if (title) { words.set(mark, title.textContent); title.remove(); }
  }

  function fill(mark) {
    tip.replaceChildren();
    const lines = (words.get(mark) || "").split("\n");
    lines.forEach((line, i) => {
      if (line) tip.append(Object.assign(document.createElement(i ? "div" : "b"), { textContent: line }));
    });
    const design = data.designs[mark.getAttribute("data-m")];
    if (design) tip.append(designBox(design));
    return tip.childElementCount > 0;
  }

  function designBox([paths, values]) {
    const box = Object.assign(document.createElement("div"), { className: "d" }), places = new Map();
    paths.forEach((number, i) => {
      const path = data.paths[number], cut = path.lastIndexOf(".");
      const place = path.slice(0, Math.max(cut, 0));
      if (!places.has(place)) places.set(place, []);
      places.get(place).push(path.slice(cut + 1) + " " + values[i]);
    });
    let left = 12;
    for (const [place, decisions] of places) {
      if (left-- === 0) { box.append(line("", "and " + (places.size - 12) + " more places")); break; }
      box.append(line(place, decisions.join(", ")));
    }
    return box;
  }

  function line(place, text) {
    const row = document.createElement("div");
    row.append(Object.assign(document.createElement("span"), { textContent: place ? place + ": " : "" }), text);
    return row;
  }

  let shown = null;
  function show(mark, x, y) {
    if (mark !== shown) {
      if (shown) shown.classList.remove("near");
      shown = mark;
      if (mark && mark.localName === "use") mark.classList.add("near");
      tip.hidden = !mark || !fill(mark);
    }
    if (tip.hidden) return;
    const room = tip.getBoundingClientRect(), width = root.clientWidth, height = window.innerHeight;
    tip.style.left = Math.max(6, x + 14 + room.width > width ? x - 14 - room.width : x + 14) + "px";
    tip.style.top = Math.max(6, Math.min(y + 14, height - room.height - 6)) + "px";
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const marks = Array.from(chart.querySelectorAll("use[data-m]"), (mark) =>
      ({ mark, x: +mark.getAttribute("x"), y: +mark.getAttribute("y") }));
    const bars = Array.from(chart.querySelectorAll("rect[data-m]"));
    if (!marks.length && !bars.length) continue;
    const frame = chart.viewBox.baseVal;
    const place = (x, y) => {
      const box = chart.getBoundingClientRect(), scale = box.width / frame.width;
      return [box.left + x * scale, box.top + y * scale];
    };
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect(), scale = frame.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let near = null, least = 22 * 22;
      // Later marks lie on top of earlier ones, so they win where both are equally near.
      for (const each of marks) {
        const far = (each.x - x) ** 2 + (each.y - y) ** 2;
        if (far <= least) { near = each.mark; least = far; }
      }
      if (!near) near = event.target.closest("rect[data-m]") || bars.find((bar) => x >= +bar.getAttribute("x") &&
        x < +bar.getAttribute("x") + +bar.getAttribute("width") + 0.7 && y > 20) || null;
      show(near, event.clientX, event.clientY);
    });
    chart.addEventListener("pointerleave", () => show(null));
    keys(chart, marks, bars, place);
  }

  function keys(chart, marks, bars, place) {
    const better = marks.filter(({ mark }) => mark.closest(".front,.winner"));
    const stops = (better.length ? better : marks).slice().sort((a, b) => a.x - b.x);
    for (const bar of bars) stops.push({ mark: bar, x: +bar.getAttribute("x"), y: +bar.getAttribute("y") });
    const say = document.getElementById("say");
    let at = -1;
    chart.tabIndex = 0;
    chart.addEventListener("blur", () => { show(null); at = -1; });
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") show(null);
      if (!step) return;
      event.preventDefault();
      at = (at + step + stops.length) % stops.length;
      show(stops[at].mark, ...place(stops[at].x, stops[at].y));
      say.textContent = words.get(stops[at].mark) || "";
    });
  }

  for (const row of document.querySelectorAll("tr[data-m]")) {
    words.set(row, "Design of trial " + row.dataset.m);
    row.addEventListener("pointermove", (event) => show(row, event.clientX, event.clientY));
    row.addEventListener("pointerleave", () => show(null));
  }
  addEventListener("scroll", () => show(null), { passive: true });

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table.tBodies[0], column, down ? -1 : 1);
      });
    });
  }

  function sort(body, column, sign) {
    const value = (row) => {
      const cell = row.cells[column], given = cell.dataset.v;
      return given === undefined ? cell.textContent : given === "" ? null : +given;
    };
    const rows = Array.from(body.rows, (row) => [value(row), row]);
    rows.sort(([a], [b]) => {
      // What has no value stays at the end in either direction.
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    body.append(...rows.map(([, row]) => row));
  }

  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
})();
