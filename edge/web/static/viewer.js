"use strict";

// A film as on a light box: contrast, size and place. It is never mirrored or turned.
// Without this file the film is shown as it was sent.

const WHITE = 255;
const NARROWEST = 8;
const LARGEST = 12;
const figure = document.querySelector("#viewer");
const view = figure.querySelector("#view");
const sheet = figure.querySelector("#sheet");
const film = figure.querySelector("#radiograph");
const map = figure.querySelector("#attention");
const slider = figure.querySelector("#opacity");

// Where grey is black and white, and where the film lies: zoom 1 shows all of it.
const shown = { window: WHITE, level: WHITE / 2, inverted: false, zoom: 1, x: 0, y: 0 };
let presets = { sent: [0, WHITE], lungs: [0, 0.6 * WHITE], soft: [0.3 * WHITE, WHITE] };
let preset = "sent";
let dragging = "contrast";

const within = (value, low, high) => Math.min(high, Math.max(low, value));

// What the page shows

function drawContrast() {
  const sign = shown.inverted ? -1 : 1;
  const slope = (sign * WHITE) / shown.window;
  const black = (shown.level - shown.window / 2) / shown.window;
  for (const channel of figure.querySelectorAll("feComponentTransfer > *")) {
    channel.setAttribute("slope", slope);
    channel.setAttribute("intercept", shown.inverted ? 1 + black : -black);
  }
  for (const button of figure.querySelectorAll("[data-preset]")) {
    button.setAttribute("aria-pressed", button.dataset.preset === preset);
  }
  press("[data-do=invert]", shown.inverted);
}

function drawPlace() {
  const { clientWidth: width, clientHeight: height } = view;
  const fit = Math.min(width / film.naturalWidth, height / film.naturalHeight);
  const [wide, high] = [film.naturalWidth * fit, film.naturalHeight * fit];
  // Half of the view always holds film.
  const [roomX, roomY] = [(wide * shown.zoom) / 2, (high * shown.zoom) / 2];
  shown.x = within(shown.x, -roomX, roomX);
  shown.y = within(shown.y, -roomY, roomY);
  sheet.style.width = `${wide}px`;
  sheet.style.height = `${high}px`;
  const [left, top] = [(width - wide * shown.zoom) / 2, (height - high * shown.zoom) / 2];
  sheet.style.transform = `translate(${left + shown.x}px, ${top + shown.y}px) scale(${shown.zoom})`;
}

let speaking = 0;

function tell() {
  clearTimeout(speaking);
  // A screen reader should hear where a movement ended, not every step of it.
  speaking = setTimeout(() => {
    const words = { window: Math.round(shown.window), level: Math.round(shown.level), zoom: `${Math.round(shown.zoom * 100)} %` };
    const text = figure.dataset.values.replace(/\{(\w+)\}/g, (_, name) => words[name]);
    figure.querySelector("#viewer-values").textContent = text;
  }, 150);
}

function press(selector, on) {
  figure.querySelector(selector).setAttribute("aria-pressed", on);
}

function draw() {
  drawContrast();
  drawPlace();
  tell();
}

// What can be done

function adjust(wider, brighter) {
  shown.window = within(shown.window + wider, NARROWEST, 2 * WHITE);
  // Bright means a low level, on an inverted film a high one.
  shown.level = within(shown.level - (shown.inverted ? -brighter : brighter), 0, WHITE);
  preset = "";
  draw();
}

function take(name) {
  const [low, high] = presets[name];
  shown.window = Math.max(NARROWEST, high - low);
  shown.level = (low + high) / 2;
  preset = name;
  draw();
}

// Keeps what lies under the point (from the view's middle) where it is.
function enlarge(factor, x = 0, y = 0) {
  const zoom = within(shown.zoom * factor, 1, LARGEST);
  const grown = zoom / shown.zoom;
  shown.x = x - (x - shown.x) * grown;
  shown.y = y - (y - shown.y) * grown;
  shown.zoom = zoom;
  if (zoom === 1) {
    shown.x = shown.y = 0;
  }
  draw();
}

function move(x, y) {
  shown.x += x;
  shown.y += y;
  draw();
}

function chooseDragging(how) {
  dragging = how;
  for (const button of figure.querySelectorAll("[data-drag]")) {
    button.setAttribute("aria-pressed", button.dataset.drag === how);
  }
  view.classList.toggle("moving", how === "move");
}

function showMap() {
  const percent = Number(slider.value);
  const value = figure.querySelector("#opacity-value");
  map.hidden = percent === 0;
  map.style.opacity = String(percent / 100);
  value.textContent = percent === 0 ? figure.dataset.off : `${percent} %`;
  slider.setAttribute("aria-valuetext", value.textContent);
}

function moreMap(percent) {
  if (slider) {
    slider.value = String(Number(slider.value) + percent);
    showMap();
  }
}

const deeds = {
  invert() {
    shown.inverted = !shown.inverted;
    draw();
  },
  larger: () => enlarge(1.25),
  smaller: () => enlarge(0.8),
  full() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      figure.requestFullscreen();
    }
  },
  reset() {
    Object.assign(shown, { inverted: false, zoom: 1, x: 0, y: 0 });
    chooseDragging("contrast");
    moreMap(-100);
    take("sent");
  },
};

// Fingers, mouse, keys

const pointers = new Map();

function fromMiddle(point) {
  const box = view.getBoundingClientRect();
  return [point.x - box.x - box.width / 2, point.y - box.y - box.height / 2];
}

function pinched() {
  const [a, b] = [...pointers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
}

function follow(event) {
  const last = pointers.get(event.pointerId);
  if (!last) {
    return;
  }
  const now = { x: event.clientX, y: event.clientY };
  if (pointers.size === 2) {
    const before = pinched();
    pointers.set(event.pointerId, now);
    const after = pinched();
    shown.x += after.x - before.x;
    shown.y += after.y - before.y;
    enlarge(after.distance / before.distance, ...fromMiddle(after));
    return;
  }
  pointers.set(event.pointerId, now);
  const [x, y] = [now.x - last.x, now.y - last.y];
  if (dragging === "move" || event.shiftKey || event.buttons > 1) {
    move(x, y);
  } else {
    adjust(x, -y / 2);
  }
}

function release(event) {
  pointers.delete(event.pointerId);
}

const keys = {
  ArrowLeft: (shift) => (shift ? move(-40, 0) : adjust(-8, 0)),
  ArrowRight: (shift) => (shift ? move(40, 0) : adjust(8, 0)),
  ArrowUp: (shift) => (shift ? move(0, -40) : adjust(0, 8)),
  ArrowDown: (shift) => (shift ? move(0, 40) : adjust(0, -8)),
  "+": deeds.larger,
  "=": deeds.larger,
  "-": deeds.smaller,
  1: () => take("sent"),
  2: () => take("lungs"),
  3: () => take("soft"),
  i: deeds.invert,
  a: () => moreMap(10),
  z: () => moreMap(-10),
  f: deeds.full,
  0: deeds.reset,
};

function listen() {
  view.addEventListener("pointerdown", (event) => {
    if (pointers.size < 2) {
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      view.setPointerCapture(event.pointerId);
    }
  });
  view.addEventListener("pointermove", follow);
  view.addEventListener("lostpointercapture", release);
  view.addEventListener("contextmenu", (event) => event.preventDefault());
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    enlarge(Math.exp(-within(event.deltaY, -200, 200) / 500), ...fromMiddle(event));
  }, { passive: false });
  view.addEventListener("keydown", (event) => {
    const deed = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (deed && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      deed(event.shiftKey);
    }
  });
  figure.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.preset) {
      take(button.dataset.preset);
    } else if (button?.dataset.drag) {
      chooseDragging(button.dataset.drag);
    } else if (button) {
      deeds[button.dataset.do]();
    }
  });
  document.addEventListener("fullscreenchange", () => press("[data-do=full]", Boolean(document.fullscreenElement)));
  new ResizeObserver(drawPlace).observe(view);
}

// In the middle of this film lungs are the darker part, heart, spine and bones the brighter one.
function measure() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 96;
  const context = canvas.getContext("2d");
  const { naturalWidth: width, naturalHeight: height } = film;
  context.drawImage(film, 0.15 * width, 0.15 * height, 0.7 * width, 0.65 * height, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const greys = Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]).sort();
  const at = (share) => greys[Math.floor(share * (greys.length - 1))];
  presets = { sent: [0, WHITE], lungs: [at(0.01), at(0.8)], soft: [at(0.3), at(0.995)] };
}

function begin() {
  measure();
  listen();
  view.tabIndex = 0;
  figure.classList.add("live");
  for (const id of ["#tools", "#below"]) {
    figure.querySelector(id).hidden = false;
  }
  if (slider) {
    slider.value = "0";
    slider.addEventListener("input", showMap);
    showMap();
  }
  draw();
}

if (film.complete && film.naturalWidth) {
  begin();
} else {
  film.addEventListener("load", begin, { once: true });
}
