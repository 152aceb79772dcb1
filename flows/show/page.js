"use strict";
// The pages work without this. It filters and sorts the index, and zooms into flame graphs and searches them.
(() => {
  const make = (tag, attributes, ...content) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...content);
    return made;
  };

  // Index: rows are filtered as one types, and by the builds that one wants to see; headings sort.
  const index = document.querySelector("table.index");
  if (index) {
    const rows = [...index.tBodies[0].rows];
    const words = document.getElementById("words"), last = document.getElementById("last");
    const only = document.getElementById("only"), count = document.getElementById("count");
    const newest = Number(index.dataset.newest);
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.dataset.text;
        const isShown = wanted.every((w) => text.includes(w)) && (!only.checked || row.dataset.open === "1")
          && (!last.value || newest - Number(row.dataset.ordinal) < Number(last.value));
        row.hidden = !isShown;
        const article = document.getElementById(row.dataset.id);
        if (article) article.hidden = !isShown;
        shown += isShown;
      }
      count.textContent = `${shown} of ${rows.length} incidents`;
    };
    for (const input of [words, last, only]) input.addEventListener("input", filter);
    document.querySelector(".tools").hidden = false;
    filter();
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
        event.preventDefault();
        words.focus();
      }
    });
    [...index.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.dataset.sort) return;
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
        rows.sort((a, b) => sign * (head.dataset.sort === "number"
          ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b))));
        index.tBodies[0].append(...rows);
      });
    });
    // An incident that the filter hides is shown when a link leads to it.
    addEventListener("hashchange", () => {
      const article = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (article?.hidden) article.hidden = false;
    });
  }

  // Flame graphs: a click or Enter zooms, Escape zooms out, arrows walk, the field searches.
  for (const flame of document.querySelectorAll("svg.flame")) {
    const frames = [...flame.children].map((node) => ({
      node, left: parseFloat(node.getAttribute("x")), width: parseFloat(node.getAttribute("width")),
      y: Number(node.getAttribute("y")), name: node.querySelector("title").textContent,
    }));
    const row = Number(flame.firstElementChild.getAttribute("height")) + 1;
    const inside = (a, b) => a.left >= b.left - 1e-3 && a.left + a.width <= b.left + b.width + 1e-3;
    const zoom = (to) => {
      const scale = 100 / to.width;
      for (const f of frames) {
        const isShown = f.y < to.y ? inside(to, f) : inside(f, to);
        f.node.classList.toggle("gone", !isShown);
        const isParent = f.y < to.y;
        f.node.setAttribute("x", `${isParent ? 0 : (f.left - to.left) * scale}%`);
        f.node.setAttribute("width", `${isParent ? 100 : f.width * scale}%`);
        if (isShown && !f.node.querySelector("text") && f.width * scale > 2) {
          const text = document.createElementNS(flame.namespaceURI, "text");
          text.setAttribute("x", "4");
          text.setAttribute("y", "13");
          text.textContent = f.name.split("\n")[0].replace(/^[^[(]*\//, "");
          f.node.append(text);
        }
      }
    };
    flame.classList.add("live");
    flame.setAttribute("role", "tree");
    frames.forEach((f, i) => {
      f.node.setAttribute("role", "treeitem");
      f.node.setAttribute("tabindex", i ? "-1" : "0");
      f.node.setAttribute("aria-level", f.y / row + 1);
      f.node.setAttribute("aria-label", f.name.replaceAll("\n", ", "));
      f.node.addEventListener("click", () => zoom(f));
      f.node.addEventListener("keydown", (event) => {
        const at = (test) => frames.filter((o) => !o.node.classList.contains("gone") && test(o));
        const step = {
          Enter: () => zoom(f), Escape: () => zoom(frames[0]),
          ArrowDown: () => at((o) => o.y > f.y && inside(o, f))[0],
          ArrowUp: () => at((o) => o.y < f.y && inside(f, o)).pop(),
          ArrowRight: () => at((o) => o.y === f.y && o.left > f.left)[0],
          ArrowLeft: () => at((o) => o.y === f.y && o.left < f.left).pop(),
        }[event.key];
        if (!step) return;
        event.preventDefault();
        step()?.node.focus();
      });
    });
    const found = make("span", { class: "note", role: "status" });
    const field = make("input", { type: "search", placeholder: "search functions", "aria-label": "search functions in the flame graph" });
    const reset = make("button", { type: "button" }, "whole");
    reset.addEventListener("click", () => zoom(frames[0]));
    field.addEventListener("input", () => {
      const word = field.value.toLowerCase();
      let hits = 0;
      for (const f of frames) {
        const isHit = word && f.name.split("\n")[0].toLowerCase().includes(word);
        f.node.classList.toggle("hit", Boolean(isHit));
        f.node.classList.toggle("dim", Boolean(word && !isHit));
        hits += Boolean(isHit);
      }
      found.textContent = word ? `${hits} frames` : "";
    });
    flame.before(make("div", { class: "tools" }, field, reset, found));
  }
})();
