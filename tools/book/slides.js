// Arrows, space, Page Up and Page Down, Home and End turn the slides; so does a swipe.
const slides = [...document.querySelectorAll("section")];
let now = Math.min(slides.length, Number(location.hash.slice(1)) || 1) - 1;
// Pictures take the height that the text leaves. If that is too little, the type becomes smaller.
function fit(slide) {
  const pictures = [...slide.querySelectorAll("img")], box = getComputedStyle(slide);
  const height = slide.clientHeight - parseFloat(box.paddingTop) - parseFloat(box.paddingBottom);
  for (let size = 100; size >= 65; size -= 5) {
    slide.style.fontSize = size + "%";
    slide.querySelectorAll("pre").forEach((pre) => { // long lines become smaller, too
      pre.style.fontSize = "";
      const wide = pre.scrollWidth / (pre.clientWidth || Infinity);
      if (wide > 1) pre.style.fontSize = 0.62 / wide + "em";
    });
    pictures.forEach((picture) => { picture.style.height = "0"; });
    const free = height - slide.firstElementChild.offsetHeight;
    if (free >= 0.5 * height * Math.min(1, pictures.length) || size === 65) {
      pictures.forEach((picture) => {
        picture.style.height = Math.max(free, 0.3 * height) / pictures.length + "px";
      });
      return;
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
addEventListener("load", () => show(now));
show(now);
