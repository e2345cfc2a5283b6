"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");

  // Chips and search narrow the matrix and the evidence; a group without a pressed chip lets everything through.
  const chips = all("[data-chip]");
  const search = document.getElementById("search");
  const items = all("[data-item]");
  const words = new Map();
  const textOf = (item) => words.get(item) ?? words.set(item, item.textContent.toLowerCase()).get(item);

  const narrow = () => {
    const wanted = {};
    for (const chip of chips.filter((chip) => chip.getAttribute("aria-pressed") === "true")) {
      (wanted[chip.dataset.chip] ??= []).push(chip.value);
    }
    const query = search.value.trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      const fits = Object.entries(wanted).every(([key, values]) => !(key in item.dataset) || values.includes(item.dataset[key]));
      item.hidden = !fits || (query !== "" && !textOf(item).includes(query));
      shown += item.hidden || "twin" in item.dataset ? 0 : 1;
    }
    const narrowed = query !== "" || Object.keys(wanted).length > 0;
    for (const group of all("[data-group]")) {
      group.hidden = narrowed && !group.querySelector("[data-item]:not([hidden])");
      if (group.tagName === "DETAILS" && query !== "") group.open = !group.hidden;
    }
    document.getElementById("shown").textContent = narrowed ? `${shown} ${shown === 1 ? "entry" : "entries"} shown` : "";
    document.getElementById("clear").hidden = !narrowed;
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      narrow();
    });
  }
  search.addEventListener("input", narrow);
  document.getElementById("clear").addEventListener("click", () => {
    search.value = "";
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    narrow();
    search.focus();
  });

  // A link to a criterion opens it.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    target?.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper has no clicks.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const detail of closed) detail.open = true;
  });
  addEventListener("afterprint", () => {
    for (const detail of closed) detail.open = false;
  });
})();
