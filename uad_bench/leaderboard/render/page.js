"use strict";
// The state of the page is in the address after "#", as sort=ap.case&dir=asc&dataset=mslub&method=ae&theme=dark, so that a
// view can be linked to. Text from outside is only compared or set as text.
const all = (query, from = document) => [...from.querySelectorAll(query)];
const one = (query, from = document) => from.querySelector(query);
const FILTERS = ["dataset", "protocol", "metric", "method"];
const words = { ascending: "lowest first", descending: "highest first" };
let state = {};

const key = (cell, numbers) => numbers ? parseFloat(cell.dataset.value) : cell.textContent.trim();
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// Sorts the rows of a table by one column: rows without a value last, ties in the original order.
function arrange(table, index, direction) {
  const body = table.tBodies[0];
  const rows = all("tr", body).sort((a, b) => a.dataset.place - b.dataset.place);
  if (index >= 0) {
    const numbers = rows.some((row) => row.cells[index].dataset.value !== undefined);
    const keyed = rows.map((row) => [key(row.cells[index], numbers), row]);
    const missing = (value) => value === "" || Number.isNaN(value);
    const sign = direction === "ascending" ? 1 : -1;
    keyed.sort(([a], [b]) => missing(a) - missing(b) || (missing(a) ? 0 : sign * order(a, b)));
    rows.splice(0, rows.length, ...keyed.map(([, row]) => row));
  }
  body.append(...rows);
}

function sortAll() {
  let status = "";
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    const index = heads.findIndex((head) => head.dataset.key && head.dataset.key === state.sort);
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    let direction = "";
    if (index >= 0) {
      const requested = state.dir === "asc" ? "ascending" : state.dir === "desc" ? "descending" : "";
      direction = requested || heads[index].dataset.first;
      heads[index].setAttribute("aria-sort", direction);
      status = `Sorted by ${one("button", heads[index]).textContent.trim()}, ${words[direction]}. `;
    }
    arrange(table, index, direction);
  }
  return status || "In the original order. ";
}

const boxes = all(".chooser input");
const chosenAtFirst = boxes.filter((box) => box.checked).map((box) => box.value);
const chosen = () => new Set(state.columns === undefined ? chosenAtFirst : state.columns.split("|"));

// One metric hides all others; otherwise the chooser says which columns are shown.
function filterColumns(table) {
  const keys = chosen();
  table.classList.toggle("narrowed", state.columns === undefined && !state.metric);
  all("thead th", table).forEach((head, index) => {
    const { column, extra, metric } = head.dataset;
    const unchosen = column === "method" ? false : state.columns === undefined ? extra !== undefined : !keys.has(column);
    const hidden = state.metric && metric ? metric !== state.metric : unchosen;
    [head, ...all("tbody tr", table).map((row) => row.cells[index])].forEach((cell) => { cell.hidden = hidden; });
  });
}

// Uninformative controls are always shown, as the reference for all other rows.
function filterRows(table) {
  const wanted = (state.method || "").toLowerCase();
  for (const row of all("tbody tr", table)) {
    row.hidden = !row.dataset.always && !row.dataset.method.toLowerCase().includes(wanted);
  }
}

function filterAll() {
  const sections = all("section.ranking");
  for (const section of sections) {
    const has = !state.metric || all("table.main th", section).some((head) => head.dataset.metric === state.metric);
    section.hidden = !has || ["dataset", "protocol"].some((name) => state[name] && section.dataset[name] !== state[name]);
    const link = one(`nav a[href="#${section.id}"]`);
    if (link) link.parentElement.hidden = section.hidden;
    all("table.sortable", section).forEach(filterRows);
    filterColumns(one("table.main", section));
  }
  const shown = sections.filter((section) => !section.hidden);
  const rows = shown.flatMap((section) => all("table.main tbody tr", section)).filter((row) => !row.hidden);
  return `${rows.length} rows in ${shown.length} of ${sections.length} tables.`;
}

function applyTheme() {
  if (state.theme === "dark" || state.theme === "light") document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
}

const isDark = () => state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

function show() {
  applyTheme();
  FILTERS.forEach((name) => { one(`#${name}`).value = state[name] || ""; });
  const keys = chosen();
  boxes.forEach((box) => { box.checked = keys.has(box.value); });
  one("#theme").setAttribute("aria-pressed", String(isDark()));
  one("#status").textContent = sortAll() + filterAll();
}

function change(more) {
  const kept = Object.entries({ ...state, ...more }).filter(([name, value]) => value || (name === "columns" && value === ""));
  state = Object.fromEntries(kept);
  try { history.replaceState(null, "", `#${new URLSearchParams(kept)}`); } catch { /* forbidden in some viewers */ }
  show();
}

// A heading cycles through: best first, worst first, original order.
function press(head) {
  const now = head.getAttribute("aria-sort");
  const reversed = head.dataset.first === "ascending" ? "descending" : "ascending";
  const next = now === null ? head.dataset.first : now === head.dataset.first ? reversed : "";
  change(next ? { sort: head.dataset.key, dir: next === "ascending" ? "asc" : "desc" } : { sort: "", dir: "" });
}

// Opens everything around a method, so that a link reaches it; filters that hide its ranking are cleared.
function reveal(target) {
  if (target?.closest("section.ranking")?.hidden) change({ dataset: "", protocol: "", metric: "" });
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (target) target.scrollIntoView();
}

// The panels of a ranking become tabs: arrow keys move, as screen readers expect.
function makeTabs(part) {
  const panels = all(".panel", part);
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", part.getAttribute("aria-label"));
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", id: `${panel.id}-tab`, textContent: one("h3", panel).textContent });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    one("h3", panel).hidden = true;
    return tab;
  });
  const select = (index) => tabs.forEach((tab, place) => {
    tab.setAttribute("aria-selected", String(place === index));
    tab.tabIndex = place === index ? 0 : -1;
    panels[place].hidden = place !== index;
  });
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => select(place));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (place + step + tabs.length) % tabs.length;
      select(next);
      tabs[next].focus();
    });
  });
  list.append(...tabs);
  part.prepend(list);
  select(0);
}

function save(name, text, type) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// Full precision where a place has a value; text that a spreadsheet would read as a formula gets an apostrophe.
function csvOf(table) {
  const quote = (text) => `"${(/^\s*[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const place = (cell) => cell.dataset.value ?? (one("bdi", cell) || cell).textContent.trim();
  const rows = [...all("tr", table)].filter((row) => !row.hidden);
  return rows.map((row) => [...row.cells].filter((cell) => !cell.hidden && !one("svg", cell) && !(cell.tagName === "TH" && one(":scope > span:only-child", cell))).map((cell) => quote(place(cell))).join(",")).join("\n") + "\n";
}

function bibOf(section) {
  const safe = (text) => text.replaceAll("\\", "").replace(/[{}]/g, "").replace(/([&%$#_])/g, "\\$1");
  const entries = all(".paper", section).map(({ dataset, firstElementChild }) => {
    const doi = dataset.doi ? `,\n  doi = {${dataset.doi}}` : "";
    return `@misc{${dataset.label.replace(/[^A-Za-z0-9]+/g, "-")},\n  note = {${safe(firstElementChild.textContent)}}${doi}\n}\n`;
  });
  return entries.join("\n");
}

function read() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return reveal(document.getElementById(text)); // a link to a table or a method
  state = Object.fromEntries(new URLSearchParams(text));
  show();
}

all(".tabs").forEach(makeTabs);
boxes.forEach((box) => box.addEventListener("change", () => {
  const keys = boxes.filter((other) => other.checked).map((other) => other.value);
  change({ columns: keys.join("|") });
}));
all("section.ranking").forEach((section) => {
  one(".csv", section).addEventListener("click", () => save(`${section.dataset.dataset}.csv`, csvOf(one("table.main", section)), "text/csv"));
  one(".bib", section).addEventListener("click", () => save(`${section.dataset.dataset}.bib`, bibOf(section), "text/plain"));
});
all("[hidden].scripted").forEach((part) => { part.hidden = false; });
all("thead th button").forEach((button) => button.addEventListener("click", () => press(button.parentElement)));
FILTERS.forEach((name) => one(`#${name}`).addEventListener("input", (event) => change({ [name]: event.target.value })));
one("form").addEventListener("submit", (event) => event.preventDefault());
one("#theme").addEventListener("click", () => change({ theme: isDark() ? "light" : "dark" }));
addEventListener("hashchange", read);
show();
read();
