"use strict";

// The upload works without this file: it adds a preview, dropping, progress, and the slider.

const MAX_BYTES = 25_000_000;

function prepareForm(form) {
  const input = form.querySelector("#image");
  const drop = form.querySelector(".drop");
  const preview = form.querySelector("#preview");
  const chosen = form.querySelector("#chosen");
  const hint = form.querySelector("#hint");
  const progress = form.querySelector("#progress");
  const buttons = form.querySelectorAll("button");
  const words = { chosen: "Choose or drop an X-ray image", hint: hint.textContent };
  chosen.textContent = words.chosen;
  form.classList.add("enhanced");

  function showChoice() {
    const file = input.files[0];
    drop.classList.toggle("filled", Boolean(file));
    preview.hidden = true;
    chosen.textContent = file ? file.name : words.chosen;
    hint.textContent = file ? `${(file.size / 1024).toLocaleString("en", { maximumFractionDigits: 0 })} kB · not screened yet` : words.hint;
    const tooLarge = Boolean(file) && file.size > MAX_BYTES;
    input.setCustomValidity(tooLarge ? "The file is larger than the 25 MB that are accepted." : "");
    if (tooLarge) {
      hint.textContent = input.validationMessage;
    } else if (file) {
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        preview.src = reader.result;
      });
      reader.readAsDataURL(file);
    }
  }

  function rest() {
    form.classList.remove("busy");
    progress.textContent = "";
    for (const button of buttons) {
      button.disabled = false;
    }
  }

  function wait() {
    form.classList.add("busy");
    progress.textContent = "Reading the film…";
    // After the browser has taken the form: not before, or it would not be sent.
    setTimeout(() => {
      for (const button of buttons) {
        button.disabled = true;
      }
    });
  }

  preview.addEventListener("load", () => {
    preview.hidden = false;
  });
  input.addEventListener("change", showChoice);
  form.addEventListener("submit", wait);
  document.querySelector("#demonstration").addEventListener("submit", wait);
  // A page that comes back from the browser's history comes back as it was left.
  window.addEventListener("pageshow", (event) => {
    rest();
    if (event.persisted || input.files.length) {
      showChoice();
    }
  });

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
    if (form.classList.contains("busy")) {
      return;
    }
    if (event.dataTransfer.files.length !== 1) {
      hint.textContent = "Drop one image at a time.";
      return;
    }
    input.files = event.dataTransfer.files;
    showChoice();
    form.requestSubmit();
  });
}

function prepareSlider(row) {
  const slider = row.querySelector("#opacity");
  const value = row.querySelector("#opacity-value");
  const overlay = document.querySelector("#attention");

  function show() {
    const percent = Number(slider.value);
    overlay.hidden = percent === 0;
    overlay.style.opacity = String(percent / 100);
    value.textContent = percent === 0 ? "off" : `${percent} %`;
    slider.setAttribute("aria-valuetext", value.textContent);
  }

  slider.value = "0";
  slider.addEventListener("input", show);
  row.hidden = false;
  show();
}

const form = document.querySelector("#screening");
if (form) {
  prepareForm(form);
}
const row = document.querySelector("#opacity-row");
if (row) {
  prepareSlider(row);
}
