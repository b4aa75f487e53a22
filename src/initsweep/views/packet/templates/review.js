"use strict";
// What reading needs: hide schemes, read numbers under the pointer, choose light or dark.
// The state is kept in the address (#off=zeros,constant&theme=dark&axes=linear), so a link shares it.
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const linear = document.getElementById("linear");
  const themeButton = document.getElementById("theme");
  const tip = document.getElementById("tip");
  const off = new Set();
  const themes = ["auto", "light", "dark"];
  let theme = "auto";

  function show() {
    for (const element of document.querySelectorAll("[data-scheme]")) {
      element.classList.toggle("off", off.has(element.dataset.scheme));
    }
    for (const chip of document.querySelectorAll("[data-chip]")) {
      chip.setAttribute("aria-pressed", String(!off.has(chip.dataset.chip)));
    }
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    themeButton.textContent = `Theme: ${theme}`;
  }

  function write() {
    const parts = [];
    if (off.size) parts.push(`off=${[...off].join(",")}`);
    if (theme !== "auto") parts.push(`theme=${theme}`);
    if (linear.checked) parts.push("axes=linear");
    history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname);
    show();
  }

  function read() {
    if (!location.hash.includes("=")) return; // a link to a section
    const state = new URLSearchParams(location.hash.slice(1));
    off.clear();
    for (const name of (state.get("off") || "").split(",")) {
      if (data.schemes.includes(name)) off.add(name);
    }
    theme = themes.includes(state.get("theme")) ? state.get("theme") : "auto";
    linear.checked = state.get("axes") === "linear";
    show();
  }

  function toggle(name) {
    if (!off.delete(name)) off.add(name);
    write();
  }

  function only(names) {
    off.clear();
    for (const name of data.schemes) {
      if (names !== null && !names.includes(name)) off.add(name);
    }
    write();
  }

  for (const chip of document.querySelectorAll("[data-chip]")) {
    chip.addEventListener("click", () => toggle(chip.dataset.chip));
  }
  for (const chip of document.querySelectorAll("[data-only]")) {
    const names = chip.dataset.only;
    chip.addEventListener("click", () => only(names === "all" ? null : names.split(" ")));
  }
  linear.addEventListener("change", write);
  themeButton.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    write();
  });
  window.addEventListener("hashchange", read);

  // Under the pointer: the nearest place of a figure, and what else there is at the same x.
  const REACH = 40; // in the figure's own units, points
  const MOST = 18; // lines

  function nearest(marks, x, y) {
    let found = null;
    let best = REACH * REACH;
    for (const mark of marks) {
      if (off.has(data.schemes[mark[3]])) continue;
      const distance = (mark[1] - x) ** 2 + (mark[2] - y) ** 2;
      if (distance < best) [found, best] = [mark, distance];
    }
    return found;
  }

  function lines(marks, found) {
    const beside = marks.filter(
      (mark) =>
        mark !== found &&
        mark[0] === found[0] &&
        Math.abs(mark[1] - found[1]) < 0.6 &&
        !off.has(data.schemes[mark[3]]),
    );
    beside.sort((one, other) => other[2] - one[2]);
    const texts = [found, ...beside].map((mark) => mark[4]);
    if (texts.length > MOST) texts.splice(MOST, texts.length, `and ${texts.length - MOST} more`);
    return texts;
  }

  function ring(svg, mark, look) {
    let circle = svg.querySelector("circle.ring");
    if (!circle) {
      circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      circle.setAttribute("class", "ring");
      circle.setAttribute("r", "7");
      circle.setAttribute("style", "fill:none;stroke:var(--ink);stroke-width:1.5;pointer-events:none");
      svg.append(circle);
    }
    circle.setAttribute("visibility", look);
    if (mark) {
      circle.setAttribute("cx", mark[1]);
      circle.setAttribute("cy", mark[2]);
    }
  }

  function place(event) {
    const { width, height } = tip.getBoundingClientRect();
    const left = event.clientX + 16 + width > innerWidth ? event.clientX - width - 16 : event.clientX + 16;
    tip.style.left = `${Math.max(6, left)}px`;
    tip.style.top = `${Math.max(6, Math.min(event.clientY + 14, innerHeight - height - 6))}px`;
  }

  function hide(svg) {
    tip.hidden = true;
    ring(svg, null, "hidden");
  }

  function point(svg, marks, event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const found = nearest(marks, at.x, at.y);
    if (!found) return hide(svg);
    tip.replaceChildren(
      ...lines(marks, found).map((text) => {
        const line = document.createElement("div");
        line.textContent = text;
        return line;
      }),
    );
    tip.hidden = false;
    ring(svg, found, "visible");
    return place(event);
  }

  for (const svg of document.querySelectorAll("svg[data-figure]")) {
    const marks = data.marks[svg.dataset.figure];
    if (!marks) continue;
    for (const kind of ["pointermove", "pointerdown"]) {
      svg.addEventListener(kind, (event) => point(svg, marks, event));
    }
    svg.addEventListener("pointerleave", () => hide(svg));
  }

  // On paper everything is shown.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });

  root.classList.add("js");
  read();
})();
