// Arrows, space, Page Up and Page Down, Home and End turn the slides; so does a swipe.
const slides = [...document.querySelectorAll("section")];
let now = Math.min(slides.length, Number(location.hash.slice(1)) || 1) - 1;
// Pictures take the height that the text leaves, and without pictures printed text is large. If there
// is too little room, the type becomes smaller.
const SMALL = 0.63;
function fit(slide) {
  const pictures = [...slide.querySelectorAll("img")], box = getComputedStyle(slide);
  const shown = (pre) => !pre.closest("details:not([open])");
  const printed = [...slide.querySelectorAll("pre")].filter(shown);
  const height = slide.clientHeight - parseFloat(box.paddingTop) - parseFloat(box.paddingBottom);
  for (let size = 100; size >= 65; size -= 5) {
    slide.style.fontSize = size + "%";
    for (const type of pictures.length ? [SMALL] : [0.95, 0.85, 0.75, SMALL]) {
      printed.forEach((pre) => { pre.style.fontSize = type + "em"; });
      const wide = Math.max(1, ...printed.map((pre) => pre.scrollWidth / pre.clientWidth));
      if (wide > 1 && type > SMALL) continue;
      printed.forEach((pre) => { pre.style.fontSize = type / wide + "em"; });
      pictures.forEach((picture) => { picture.style.height = "0"; });
      const free = height - slide.firstElementChild.offsetHeight;
      const last = size === 65 && type === SMALL;
      if (free >= 0.5 * height * Math.min(1, pictures.length) || last) {
        pictures.forEach((picture) => {
          picture.style.height = Math.max(free, 0.3 * height) / pictures.length + "px";
        });
        return;
      }
    }
  }
}
function show(number) {
  now = Math.max(0, Math.min(slides.length - 1, number));
  slides.forEach((slide, place) => slide.classList.toggle("shown", place === now));
  slides[now].querySelectorAll("img").forEach((picture) => { picture.loading = "eager"; });
  history.replaceState(null, "", "#" + (now + 1));
  fit(slides[now]);
}
const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
addEventListener("keydown", (event) => {
  if (event.key in steps) { event.preventDefault(); show(now + steps[event.key]); }
  if (event.key === "Home") show(0);
  if (event.key === "End") show(slides.length - 1);
});
let from = null;
addEventListener("touchstart", (event) => { from = event.touches[0].clientX; });
addEventListener("touchend", (event) => {
  const way = event.changedTouches[0].clientX - from;
  if (Math.abs(way) > 60) show(now + (way < 0 ? 1 : -1));
});
addEventListener("resize", () => fit(slides[now]));
addEventListener("toggle", () => fit(slides[now]), true); // code is shown or hidden
addEventListener("load", () => show(now));
show(now);
