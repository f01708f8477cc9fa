// Arrow keys on a picture that was clicked move its row and column: each key goes to the handle of
// the slider that does the same. This runs before JupyterLab, which else selects another cell.
(() => {
  if (window.tutorialPointing) return;
  window.tutorialPointing = true;
  const KEYS = {
    ArrowUp: ['row', 'ArrowLeft'], ArrowDown: ['row', 'ArrowRight'],
    ArrowLeft: ['column', 'ArrowLeft'], ArrowRight: ['column', 'ArrowRight'],
  };
  const picture = (event) => event.target.closest?.('img.tutorial-pointed');

  window.addEventListener('pointerover', (event) => {
    const image = picture(event);
    if (!image) return;
    image.tabIndex = 0;
    image.style.cursor = 'crosshair';
  }, true);
  window.addEventListener('click', (event) => picture(event)?.focus({ preventScroll: true }), true);
  window.addEventListener('keydown', (event) => {
    const image = picture(event);
    if (!image || !KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const [side, key] = KEYS[event.key];
    const handle = image.closest('.tutorial-explorer')
      .querySelector(`.tutorial-pointed-${side} .noUi-handle`);
    handle?.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
  }, true);
})();
