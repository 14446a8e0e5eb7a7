"use strict";

// Without this file the page is loaded anew every few seconds; with it, only what has changed is.

const EVERY = 1000;

async function asked(address) {
  const answer = await fetch(address, { headers: { Accept: "*/*" } });
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  return answer;
}

async function takeOver(ids) {
  const text = await (await asked(location.href)).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const id of ids) {
    const fresh = page.getElementById(id);
    if (fresh) {
      document.getElementById(id).replaceWith(fresh);
    }
  }
}

async function watch(source, seen) {
  let found = { running: true, done: seen };
  try {
    const heard = await (await asked(source)).json();
    if (heard.done !== seen || !heard.running) {
      // The button to stop keeps the keyboard's focus.
      const held = document.activeElement && document.activeElement.closest("#progress");
      await takeOver(["results", "progress"]);
      const button = held && document.querySelector("#progress button, #progress .button");
      if (button) {
        button.focus();
      }
    }
    found = heard;
  } catch {
    // The kiosk is busy, or starts again: the next time will tell.
  }
  if (found.running) {
    setTimeout(watch, EVERY, source, found.done);
  }
}

watch(document.getElementById("progress").dataset.source, -1);
