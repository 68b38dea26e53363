"use strict";
// The controls. The address keeps what is shown, as #case=0/2&a=0&b=3&mode=side, so that a view can be linked to.
const one = (query) => document.querySelector(query);
const SIDES = ["a", "b"];
const BLINK_MS = 700;
let index, scene, timer, blinked = 0;
const state = { set: 0, n: 0, a: 0, b: 1, mode: "side", slices: 3 };
const shown = { case: "", facts: null, lesion: null, positives: 0, maps: [null, null], voxel: null };

const say = (text) => { one("#status").textContent = text; };
const setNow = () => index.sets[state.set];
const caseNow = () => setNow().cases[state.n];
const folder = () => `${state.set}/${state.n}`;

function fill(select, texts, value) {
  select.replaceChildren(...texts.map((text, place) => new Option(text, String(place))));
  select.value = String(value);
}

function caseText(one) {
  const value = one.values[setNow().leader];
  return `${one.place}: ${one.id}${typeof value === "number" ? `, ${setNow().metric} ${value.toFixed(3)}` : ""}`;
}

function fillControls() {
  const set = setNow();
  fill(one("#set"), index.sets.map(({ title }) => title), state.set);
  fill(one("#case"), set.cases.map(caseText), state.n);
  const labels = set.methods.map(({ label, control }) => (control ? `${label} (control)` : label));
  fill(one("#a"), labels, state.a);
  fill(one("#b"), labels, state.b);
  one("#mode").value = state.mode;
  one("#slices").value = String(state.slices);
  one("#about").textContent = `${set.title}: cases from worst to best of ${set.methods[set.leader].label}, ${set.reason}. uad-bench ${index.version}`;
}

function keep() {
  const words = new URLSearchParams({ case: folder(), a: state.a, b: state.b, mode: state.mode, slices: state.slices });
  history.replaceState(null, "", `#${words.toString().replace("%2F", "/")}`);
}

// Takes what the address says, where it names something that exists.
function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  const [set, n] = (words.get("case") || "0/0").split("/").map(Number);
  if (index.sets[set] && index.sets[set].cases[n]) Object.assign(state, { set, n });
  const { methods, leader } = setNow();
  const known = (word, otherwise) => (words.get(word) && methods[Number(words.get(word))] ? Number(words.get(word)) : otherwise);
  state.a = known("a", leader);
  state.b = known("b", (leader + 1) % methods.length);
  if (["side", "blink", "a"].includes(words.get("mode"))) state.mode = words.get("mode");
  if (["0", "1", "2", "3"].includes(words.get("slices"))) state.slices = Number(words.get("slices"));
}

async function showCase() {
  if (shown.case === folder()) return;
  const facts = await load(`${folder()}/case`);
  const dims = await scene.showCase(facts.image, facts.lesion);
  const lesion = (await volumeOf(facts.lesion, "lesion")).img;
  const positives = lesion.reduce((sum, voxel) => sum + voxel, 0) + facts.lost;
  Object.assign(shown, { case: folder(), facts, lesion, positives, maps: [null, null], voxel: null });
  ["x", "y", "z"].forEach((axis, place) => { one(`#${axis}`).max = String(dims[place] - 1); });
}

async function showMap(place) {
  const method = state[SIDES[place]], name = `${folder()}/map${method}`;
  if (shown.maps[place] && shown.maps[place].name === name) return;
  const facts = await load(name);
  const levels = await scene.showMap(place, facts.levels);
  const rule = facts.rules.find((one) => !one.oracle) || facts.rules[0];
  shown.maps[place] = { ...facts, name, levels, counts: countLevels(levels, shown.lesion), level: rule ? rule.level : 1 };
  makePanel(place);
}

// The colour of a level: that of its threshold on the scale of the map.
function colourOf(map) {
  const [low, high] = map.window;
  return (level) => {
    const value = level ? map.edges[level - 1] : low;
    const step = 3 * Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
    return index.map.slice(step, step + 3);
  };
}

function makePanel(place) {
  const side = SIDES[place], map = shown.maps[place], method = setNow().methods[state[side]];
  one(`#name-${side}`).textContent = `${side.toUpperCase()}: ${method.label}, ${method.detail}`;
  one(`#threshold-${side}`).max = String(map.edges.length);
  one(`#rules-${side}`).replaceChildren(...map.rules.map((rule) => {
    const button = document.createElement("button");
    const table = typeof rule.dice === "number" ? `, table ${rule.dice.toFixed(3)}` : "";
    Object.assign(button, { type: "button", textContent: `${rule.name}${rule.oracle ? "†" : ""} ${short(rule.value)}${table}` });
    button.addEventListener("click", () => setLevel(place, rule.level));
    return button;
  }));
  setLevel(place, map.level);
}

function setLevel(place, level) {
  const side = SIDES[place], map = shown.maps[place], slider = one(`#threshold-${side}`);
  map.level = Number(level);
  slider.value = String(map.level);
  const { hits, called, dice } = diceAt(map.counts, map.level, shown.positives);
  const ml = (voxels) => `${(voxels * shown.facts.voxel_ml).toFixed(1)} ml`;
  const threshold = short(map.edges[map.level - 1]);
  slider.setAttribute("aria-valuetext", `threshold ${threshold}`);
  const steps = setNow().after.length ? `, before ${setNow().after.join(", ")}, which table values include` : "";
  const value = dice === null ? "no lesion" : `Dice ${dice.toFixed(3)}`;
  one(`#dice-${side}`).textContent = `≥ ${threshold}: ${value}; called ${ml(called)}, of the lesion ${ml(hits)} of ${ml(shown.positives)}${steps}`;
  scene.paint(place, map.level, colourOf(map));
  scene.redraw();
}

function showValues(voxel, mm) {
  if (!shown.facts || voxel.some((at) => !Number.isFinite(at))) return;
  shown.voxel = voxel;
  const dims = ["x", "y", "z"].map((axis) => Number(one(`#${axis}`).max) + 1);
  ["x", "y", "z"].forEach((axis, place) => { one(`#${axis}`).value = String(voxel[place]); });
  const at = voxel[0] + dims[0] * (voxel[1] + dims[1] * voxel[2]);
  const [low, high] = shown.facts.window;
  const image = scene.views[0].volumes[0].img[at] / 255 * (high - low) + low;
  const scores = shown.maps.map((map, place) => map && `${SIDES[place].toUpperCase()} ${scoreText(map.levels[at], map.edges)}`);
  const parts = [`voxel ${voxel.join(", ")}; ${[...mm].slice(0, 3).map((one) => one.toFixed(0)).join(", ")} mm`, `image ${short(image)}`,
    ...scores.filter(Boolean), shown.lesion[at] ? "lesion" : "no lesion"];
  one("#values").textContent = parts.join("; ");
}

// The crosshair at the lesion's voxel that is nearest to its centre, or in the middle of the volume.
function startVoxel() {
  const [x, y] = ["x", "y"].map((axis) => Number(one(`#${axis}`).max) + 1);
  const place = (at) => [at % x, Math.floor(at / x) % y, Math.floor(at / (x * y))];
  const voxels = [];
  shown.lesion.forEach((voxel, at) => { if (voxel) voxels.push(place(at)); });
  if (!voxels.length) return ["x", "y", "z"].map((axis) => Math.floor(Number(one(`#${axis}`).max) / 2));
  const centre = [0, 1, 2].map((axis) => voxels.reduce((sum, voxel) => sum + voxel[axis], 0) / voxels.length);
  const far = (voxel) => voxel.reduce((sum, at, axis) => sum + (at - centre[axis]) ** 2, 0);
  return voxels.reduce((best, voxel) => (far(voxel) < far(best) ? voxel : best));
}

function arrange() {
  clearInterval(timer);
  const names = SIDES.map((side) => setNow().methods[state[side]].label);
  one("#panel-b").hidden = state.mode === "a";
  one("#b").disabled = state.mode === "a";
  const [left, right] = one("#names").children;
  const look = (places) => {
    scene.arrange(places);
    left.textContent = places.includes(0) ? `A: ${names[0]}` : `B: ${names[1]}`;
    right.textContent = places.length > 1 ? `B: ${names[1]}` : "";
  };
  look(state.mode === "side" ? [0, 1] : [0]);
  if (state.mode !== "blink") return;
  blinked = 0;
  timer = setInterval(() => { blinked = 1 - blinked; look([blinked]); }, BLINK_MS);
}

// Brings the page to the state. Requests that come meanwhile wait, so that volumes of two cases never mix.
let queue = Promise.resolve();
function show() {
  keep();
  fillControls();
  queue = queue.then(async () => {
    say(`loading ${caseNow().id} ...`);
    await showCase();
    await showMap(0);
    await showMap(1);
    scene.slices(state.slices);
    arrange();
    scene.moveTo(shown.voxel || startVoxel());
    say("");
    one("#canvas").setAttribute("aria-label", `${caseNow().id} (${shown.facts.kind}): image, lesion outline and anomaly maps of ${SIDES.map((side) => setNow().methods[state[side]].label).join(" and ")}`);
    document.body.dataset.ready = folder();
  }).catch((error) => say(`not shown: ${error.message}`));
}

function change(more) {
  delete document.body.dataset.ready;
  Object.assign(state, more);
  show();
}

function listen() {
  one("#set").addEventListener("change", ({ target }) => {
    history.replaceState(null, "", `#case=${target.value}/0&mode=${state.mode}&slices=${state.slices}`);
    readAddress();
    change({});
  });
  one("#case").addEventListener("change", ({ target }) => change({ n: Number(target.value) }));
  SIDES.forEach((side, place) => {
    one(`#${side}`).addEventListener("change", ({ target }) => change({ [side]: Number(target.value) }));
    one(`#threshold-${side}`).addEventListener("input", ({ target }) => setLevel(place, target.value));
  });
  one("#mode").addEventListener("change", ({ target }) => change({ mode: target.value }));
  one("#slices").addEventListener("change", ({ target }) => change({ slices: Number(target.value) }));
  one("#outline").addEventListener("change", ({ target }) => scene.outline(target.checked));
  ["x", "y", "z"].forEach((axis) => one(`#${axis}`).addEventListener("input", () => {
    scene.moveTo(["x", "y", "z"].map((name) => Number(one(`#${name}`).value)));
  }));
  one("form").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { readAddress(); change({}); });
  addEventListener("resize", () => scene.arrange(state.mode === "side" ? [0, 1] : [state.mode === "blink" ? blinked : 0]));
}

async function start() {
  index = await load("index");
  scene = new Scene(one("#canvas"), showValues);
  await scene.start();
  readAddress();
  listen();
  show();
}

start().catch((error) => say(`the viewer does not start: ${error.message}`));
