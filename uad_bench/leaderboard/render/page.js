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

function filterColumns(table) {
  all("thead th", table).forEach((head, index) => {
    const hidden = Boolean(state.metric && head.dataset.metric && head.dataset.metric !== state.metric);
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
  one("#theme").setAttribute("aria-pressed", String(isDark()));
  one("#status").textContent = sortAll() + filterAll();
}

function change(more) {
  const kept = Object.entries({ ...state, ...more }).filter(([, value]) => value);
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

function read() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return; // a link to a table
  state = Object.fromEntries(new URLSearchParams(text));
  show();
}

all("[hidden].scripted").forEach((part) => { part.hidden = false; });
all("thead th button").forEach((button) => button.addEventListener("click", () => press(button.parentElement)));
FILTERS.forEach((name) => one(`#${name}`).addEventListener("input", (event) => change({ [name]: event.target.value })));
one("form").addEventListener("submit", (event) => event.preventDefault());
one("#theme").addEventListener("click", () => change({ theme: isDark() ? "light" : "dark" }));
addEventListener("hashchange", read);
show();
read();
