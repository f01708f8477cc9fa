// Finds sections that hold all words. INDEX comes from index.js: page, heading, address, text.
"use strict";
const field = document.querySelector("#words");
const list = document.querySelector("#found");
const MOST = 40;
const BEFORE = 60;
const AFTER = 140;

function matches(words) {
  const found = [];
  for (const [page, heading, address, text] of INDEX) {
    const title = `${page} ${heading}`.toLowerCase();
    const whole = `${title} ${text.toLowerCase()}`;
    if (words.every((word) => whole.includes(word))) {
      const score = words.filter((word) => title.includes(word)).length;
      found.push({ page, heading, address, text, score });
    }
  }
  return found.sort((a, b) => b.score - a.score);
}

function show() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren();
  if (!words.length) return;
  const found = matches(words);
  for (const { page, heading, address, text } of found.slice(0, MOST)) {
    const item = document.createElement("li");
    const link = item.appendChild(document.createElement("a"));
    link.href = address;
    link.textContent = heading === page ? page : `${page}: ${heading}`;
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]));
    const part = text.slice(Math.max(0, at - BEFORE), at + AFTER);
    item.append(document.createElement("br"), `… ${part} …`);
    list.append(item);
  }
  if (!found.length) list.append("Nothing found. Try fewer or shorter words.");
}

field.addEventListener("input", show);
show();
