"use strict";

// One film after another goes to the kiosk; what came of each is shown in its row.
// Without this file the form sends one film and its outcome is the next page.

const PATIENCE = 120_000;
const form = document.querySelector("#screening");
const image = form.querySelector("#image");
const camera = form.querySelector("#camera");
const drop = form.querySelector(".drop");
const chosen = form.querySelector("#chosen");
const submit = form.querySelector("[type=submit]");
const queue = document.querySelector("#queue");
const rows = queue.querySelector("#rows");
const template = queue.querySelector("#row");
const words = form.dataset;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

let films = [];
const waiting = [];
let working = false;

function show() {
  submit.disabled = films.length === 0;
  drop.classList.toggle("filled", films.length > 0);
  chosen.textContent = words.choose;
  if (films.length === 1) {
    chosen.textContent = films[0].name;
  } else if (films.length) {
    chosen.textContent = fill(words.chosen, { number: films.length });
  }
}

function choose(files) {
  films = [...films, ...files];
  // The same file may be chosen again, and nothing is sent twice by a page that comes back.
  image.value = camera.value = "";
  show();
}

function count() {
  const all = rows.children.length;
  const open = waiting.length + (working ? 1 : 0);
  const overall = queue.querySelector("#overall");
  overall.max = all;
  overall.value = all - open;
  queue.querySelector("#overall-text").textContent = fill(words.done, { done: all - open, all });
}

function turn(row, state) {
  for (const part of row.querySelectorAll("[data-state]")) {
    part.hidden = part.dataset.state !== state;
  }
  row.dataset.now = state;
}

// Statuses of what would be refused again.
const LASTING = [400, 413, 422];

function fail(row, record, status) {
  const reason = record?.shown ?? "";
  row.querySelector(".why").textContent = reason;
  row.querySelector(".lost").hidden = Boolean(reason);
  row.querySelector(".retry").hidden = LASTING.includes(status);
  turn(row, "failed");
}

async function asked(path, body) {
  const answer = await fetch(path, { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) });
  const record = await answer.json();
  if (!record.id) {
    return { record, status: answer.status };
  }
  const part = await fetch(`/screenings/${record.id}/row`);
  if (!part.ok) {
    throw new Error(`row: ${part.status}`);
  }
  return { record, html: await part.text() };
}

async function screen(row, path, body) {
  turn(row, "reading");
  try {
    const { record, status, html } = await asked(path, body);
    if (html === undefined) {
      fail(row, record, status);
      return;
    }
    row.querySelector("[data-state=done]").innerHTML = html;
    turn(row, "done");
  } catch {
    // The connection broke, took too long, or brought something else than an answer.
    fail(row);
  }
}

async function work() {
  if (working) {
    return;
  }
  while (waiting.length) {
    const task = waiting.shift();
    working = true;
    count();
    await screen(...task);
    working = false;
    count();
  }
}

function enqueue(row, path, body) {
  turn(row, "waiting");
  waiting.push([row, path, body]);
  count();
  work();
}

function add(film, patient) {
  const row = template.content.cloneNode(true).firstElementChild;
  const body = new FormData();
  for (const [name, value] of patient) {
    body.append(name, value);
  }
  body.append("image", film, film.name);
  row.querySelector(".file").textContent = film.name;
  row.querySelector(".retry").addEventListener("click", () => enqueue(row, "/api/screenings", body));
  rows.append(row);
  enqueue(row, "/api/screenings", body);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const patient = [...new FormData(form)].filter(([name]) => name !== "image");
  queue.hidden = false;
  for (const film of films) {
    add(film, patient);
  }
  // The next films may be another child's.
  films = [];
  form.reset();
  for (const field of form.querySelectorAll("fieldset input, fieldset select")) {
    field.value = "";
  }
  show();
});

queue.addEventListener("submit", (event) => {
  if (event.target.matches(".again")) {
    event.preventDefault();
    const row = event.target.closest(".row");
    const path = event.target.getAttribute("action");
    enqueue(row, `/api${path}`, new FormData(event.target));
  }
});

image.addEventListener("change", () => choose(image.files));
camera.addEventListener("change", () => choose(camera.files));
window.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
window.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) {
    drop.classList.remove("over");
  }
});
window.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  choose(event.dataTransfer.files);
});
window.addEventListener("beforeunload", (event) => {
  if (working || waiting.length) {
    event.preventDefault();
  }
});

image.multiple = true;
image.required = false;
form.querySelector("#photograph").hidden = false;
form.classList.add("enhanced");
show();
