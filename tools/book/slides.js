// Arrows, space, Page Up and Page Down, Home and End turn the slides; so does a swipe.
const slides = [...document.querySelectorAll("section")];
let now = Math.min(slides.length, Number(location.hash.slice(1)) || 1) - 1;
function fit(slide) { // make the type smaller until the slide fits, down to half
  slide.style.fontSize = "";
  for (let size = 100; size > 50 && slide.scrollHeight > slide.clientHeight + 2; size -= 5) {
    slide.style.fontSize = size + "%";
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
addEventListener("load", () => show(now));
show(now);
