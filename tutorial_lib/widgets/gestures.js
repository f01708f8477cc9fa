// Decides which of the browser's events on a photo reach the widgets. ipycanvas takes every wheel,
// touch and mouse move for itself; this runs before it.
// - A plain wheel and one finger scroll the page. A tap becomes a click, as on any page.
// - A finger that begins on a mark drags it, and with the brush a finger paints: it becomes a left
//   button that was pressed there.
// - The wheel with Ctrl, and two fingers, zoom: one event for each doubling.
// - Two fingers, and dragging with the space bar held, become a drag with the middle button.
// - A key that is pressed on a button of the toolbar goes to the photo, and so does the focus.
// - A press tells which tool was chosen with its button, which a busy kernel hears of later.
// - A click leaves its mark at once, and the mark stays until the kernel draws the same one.
// - A file that is too large for the connection to the kernel is refused: it would break it.
(() => {
  if (window.tutorialPhotos) return;
  window.tutorialPhotos = new WeakSet();
  const WHEEL_STEP = 50, PINCH_STEP = 1.5;
  const MAX_UPLOAD = MAX_UPLOAD_BYTES;
  const ON_BUTTONS = ['Enter', ' ', 'Tab', 'Shift', 'Escape'];  // keys that buttons need
  const MARK = 7;  // CSS pixels: about the radius of a mark
  const STILL = 4;  // CSS pixels that a finger moves unintentionally
  const TOOLS = ['object', 'background', 'box'];  // the first buttons above the photo
  const TOOL_KEYS = ['t', 'e'];  // the kernel changes the tool
  const TOLD = 'tutorial-tool-';  // and its number: a class of the photo, which gestures.py reads
  const CLICK = 6;  // CSS pixels: a button that moves less while it is pressed makes a click
  const FINGER = 16;  // CSS pixels around a mark: a finger hides what it points at
  const LONGEST_TAP = 450, WIDEST_TAP = 10, QUIET = 700;  // milliseconds, pixels, milliseconds
  let wheel = 0, pinch = null, space = null, finger = null, held = null, pressed = null;
  let quietUntil = 0;
  let chosen = new WeakMap();  // of each widget: the number of the tool whose button was pressed
  const early = new WeakMap();  // of each photo: the marks that the kernel may not have drawn yet

  const stop = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  const send = (photo, type, at, button = 1) => {
    if (type === 'mousedown') tellTool(photo);
    photo.dispatchEvent(new MouseEvent(type, {
      bubbles: true, cancelable: true, clientX: at.clientX, clientY: at.clientY, button,
      buttons: type === 'mouseup' ? 0 : button === 0 ? 1 : 4,
    }));
  };
  const zoom = (photo, at, deltaY) => photo.dispatchEvent(new WheelEvent('wheel', {
    bubbles: true, cancelable: true, clientX: at.clientX, clientY: at.clientY, ctrlKey: true, deltaY,
  }));

  function onWheel(photo, event) {
    if (!event.ctrlKey && !event.metaKey) return event.stopImmediatePropagation();
    wheel += event.deltaY * (event.deltaMode ? 30 : 1);
    if (Math.abs(wheel) < WHEEL_STEP) return stop(event);
    wheel = 0;
  }

  function onTouch(photo, event) {
    event.stopImmediatePropagation();
    followFinger(event);
    if (dragByFinger(photo, event)) return;
    if (event.touches.length !== 2) {
      if (pinch) send(photo, 'mouseup', pinch);
      pinch = null;
      return;
    }
    if (event.cancelable) event.preventDefault();
    const [a, b] = event.touches;
    const at = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
    const span = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    send(photo, pinch ? 'mousemove' : 'mousedown', at);
    const ratio = pinch ? span / pinch.span : 1;
    const turned = ratio > PINCH_STEP || ratio < 1 / PINCH_STEP;
    if (turned) zoom(photo, at, ratio > 1 ? -100 : 100);
    pinch = { ...at, span: pinch && !turned ? pinch.span : span };
  }

  // What the kernel tells: where the marks are, the radius of the brush and of a mark, in canvas
  // pixels.
  const told = (photo) => widgetOf(photo)?.querySelector('[data-marks]')?.dataset
    ?? { marks: '', brush: '', radius: '' };
  const widgetOf = (part) => part.closest('.tutorial-click-canvas');

  // The kernel also tells the time of the latest click that it has heard of.
  const heard = (photo) => Number(widgetOf(photo)?.querySelector('[data-heard]')?.dataset.heard);

  // Return how far a finger or a mouse is from the nearest mark, or null if that is too far.
  function markNear(photo, at, reach) {
    const box = photo.getBoundingClientRect(), scale = box.width / photo.width;
    let nearest = null, distance = reach;
    const places = told(photo).marks.split(' ').filter(Boolean).map((place) => place.split(','));
    for (const place of [...places, ...unheard(photo).map(({ x, y }) => [x, y])]) {
      const [x, y] = place.map((value) => value * scale);
      const away = { right: box.left + x - at.clientX, down: box.top + y - at.clientY };
      if (Math.hypot(away.right, away.down) > distance) continue;
      [nearest, distance] = [away, Math.hypot(away.right, away.down)];
    }
    return nearest;
  }

  // The pointer shows the brush as a circle; browsers take pictures of up to 128 pixels for that.
  function pointerOf(photo, event) {
    const scale = photo.getBoundingClientRect().width / photo.width;
    const radius = Math.max(2, told(photo).brush * scale), size = Math.ceil(2 * radius + 4);
    if (!told(photo).brush) return markNear(photo, event, MARK) ? 'grab' : '';
    if (size > 128) return 'crosshair';
    const ring = (colour, width) => `<circle cx='${size / 2}' cy='${size / 2}' r='${radius}' `
      + `fill='none' stroke='${colour}' stroke-width='${width}'/>`;
    const picture = `<svg xmlns='http://www.w3.org/2000/svg' width='${size}' height='${size}'>`
      + ring('black', 3) + ring('white', 1) + '</svg>';
    const centre = Math.round(size / 2);
    const url = 'data:image/svg+xml,' + encodeURIComponent(picture);
    return `url("${url}") ${centre} ${centre}, crosshair`;
  }

  // Let a finger move a mark or paint. Return whether it does. The button is pressed only when the
  // finger has moved or is lifted, so that two fingers that zoom leave no dab of the brush.
  function dragByFinger(photo, event) {
    const alone = event.touches.length === 1, touch = event.touches[0] ?? event.changedTouches[0];
    if (event.type === 'touchstart' && alone) {
      held = told(photo).brush ? { right: 0, down: 0 } : markNear(photo, touch, FINGER);
      if (held && event.cancelable) event.preventDefault();
      if (held) held.start = { clientX: touch.clientX, clientY: touch.clientY };
    }
    if (!held) return false;
    const moveTo = (type, { clientX, clientY }) => send(
      photo, type, { clientX: clientX + held.right, clientY: clientY + held.down }, 0,
    );
    const lifted = event.type === 'touchend' && event.touches.length === 0;
    const { clientX, clientY } = held.start;
    const moved = Math.hypot(touch.clientX - clientX, touch.clientY - clientY) > STILL;
    if (!held.pressed && (lifted || (moved && alone))) {
      held.pressed = true;
      moveTo('mousedown', held.start);
    }
    if (event.type === 'touchmove' && alone) {
      if (held.pressed) moveTo('mousemove', touch);
    } else if (event.type !== 'touchstart' || !alone) {
      if (held.pressed) moveTo('mouseup', touch);
      held = null;
      return event.touches.length === 0;
    }
    return true;
  }

  // Browsers differ in what they make of a long press or a short swipe: some send mouse events after
  // it. Only what was a tap may become a click.
  function followFinger(event) {
    const { clientX, clientY } = event.changedTouches[0];
    if (event.type === 'touchstart') finger ??= { since: event.timeStamp, clientX, clientY, tap: true };
    if (!finger) return;
    const moved = Math.hypot(clientX - finger.clientX, clientY - finger.clientY) > WIDEST_TAP;
    const late = event.timeStamp - finger.since > LONGEST_TAP;
    if (moved || late || event.touches.length > 1) finger.tap = false;
    if (event.touches.length) return;
    if (!finger.tap) quietUntil = event.timeStamp + QUIET;
    finger = null;
  }

  function onKey(photo, event) {
    if (event.key !== ' ') return;
    stop(event);
    space ??= { photo, used: false };
    photo.style.cursor = 'grab';
  }

  // Draw the mark of a click before the kernel does, which may be busy.
  function markClick(photo, event) {
    const from = pressed;
    if (event.type === 'mousedown') {
      const { clientX, clientY, button } = event, plain = button === 0 && !event.shiftKey;
      const onMark = plain && markNear(photo, event, MARK);
      pressed = button === 1 || onMark ? null : { clientX, clientY, button, plain };
      return;
    }
    if (event.type !== 'mouseup' || !from || event.button !== from.button) return;
    pressed = null;
    const positive = marksObject(photo, from.plain);
    if (positive === null || photo.closest('.tutorial-unmarked') || movedFrom(from, event)) return;
    const box = photo.getBoundingClientRect(), scale = photo.width / box.width;
    const x = (from.clientX - box.left) * scale, y = (from.clientY - box.top) * scale;
    const mark = { x, y, positive, radius: Number(told(photo).radius) };
    early.set(photo, [...unheard(photo), { ...mark, time: event.timeStamp, before: heard(photo) }]);
    drawMark(photo.getContext('2d'), mark);
  }

  const movedFrom = (from, event) =>
    Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > CLICK;

  // Return whether a click marks the object (true) or the background (false); null: it marks
  // nothing. The buttons of the page say it: the kernel may be busy when a tool is chosen.
  function marksObject(photo, plain) {
    const tool = TOOLS[shownTool(photo)];
    if (tool === 'object') return plain;
    return tool === 'background' || (tool === 'box' && !plain) ? false : null;
  }

  const shownTool = (photo) =>
    toolsOf(widgetOf(photo)).findIndex((button) => button.classList.contains('mod-active'));
  const toolsOf = (widget) => [...widget?.querySelectorAll('.tutorial-tools button') ?? []];

  // ipywidgets keeps a second change of the tool back until the kernel has answered the first one,
  // but a press is sent at once. So the press itself tells the tool, in a class of the photo. A tool
  // that the kernel chose, for a key or after a box, is not told: it comes in its turn.
  function tellTool(photo) {
    const tool = chosen.get(widgetOf(photo)), known = tool !== undefined && tool === shownTool(photo);
    photo.classList.remove(...[...photo.classList].filter((name) => name.startsWith(TOLD)));
    if (known) photo.classList.add(TOLD + tool);
    if (!known || TOOLS[tool] === 'box') chosen.delete(widgetOf(photo));
  }

  function onToolKey(event) {
    if (TOOL_KEYS.includes(event.key?.toLowerCase())) chosen = new WeakMap();
  }

  // Return the early marks that the kernel has not heard of. A reloaded page counts time anew: what
  // was told before a click does not concern it.
  const unheard = (photo) => (early.get(photo) ?? []).filter(
    ({ time, before }) => heard(photo) === before || heard(photo) < time,
  );

  // ipycanvas draws the whole photo again for everything that is new on it. Early marks stay on top.
  function keepEarlyMarks(photo) {
    const context = photo.getContext('2d');
    context.drawImage = (...given) => {
      CanvasRenderingContext2D.prototype.drawImage.apply(context, given);
      unheard(photo).forEach((mark) => drawMark(context, mark));
    };
  }

  // A green disc with a plus or a red square with a minus, as the kernel draws them.
  function drawMark(context, { x, y, positive, radius }) {
    const colour = positive ? 'OBJECT_COLOUR' : 'BACKGROUND_COLOUR', arm = radius / 2;
    context.save();
    for (const [half, paint] of [[radius + 1, 'white'], [radius, colour]]) {
      context.fillStyle = paint;
      context.beginPath();
      if (positive) context.arc(x, y, half, 0, 2 * Math.PI);
      else context.rect(x - half + 1, y - half + 1, 2 * half - 2, 2 * half - 2);
      context.fill();
    }
    context.strokeStyle = 'white';
    context.lineWidth = Math.max(2, radius / 3.5);
    context.beginPath();
    for (const [right, down] of positive ? [[arm, 0], [0, arm]] : [[arm, 0]]) {
      context.moveTo(x - right, y - down);
      context.lineTo(x + right, y + down);
    }
    context.stroke();
    context.restore();
  }

  function onMouse(photo, event) {
    if (finger && event.timeStamp - finger.since > LONGEST_TAP) return stop(event);
    if (event.timeStamp < quietUntil) return stop(event);
    if (event.type === 'mousedown') tellTool(photo);
    if (event.type === 'mousemove') {
      if (pressed && movedFrom(pressed, event)) pressed = null;  // a stroke, or the box is dragged
      if (event.buttons === 0) {
        event.stopImmediatePropagation();
        if (!space) photo.style.cursor = pointerOf(photo, event);
      }
    } else if (event.button === 0 && space) {
      stop(event);
      space.used = true;
      send(photo, event.type, event);
    } else {
      markClick(photo, event);
    }
  }

  // A button keeps the focus after it was pressed. Without this, X would cut the cell of a notebook.
  function onToolbarKey(event) {
    if (!event.isTrusted || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!event.target.matches?.('.tutorial-click-canvas button')) return;
    if (ON_BUTTONS.includes(event.key)) return;
    stop(event);
    const { key, shiftKey } = event;
    photoOf(event.target)?.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey }));
  }

  const photoOf = (control) => widgetOf(control).querySelector('canvas.tutorial-photo');

  // A button that becomes disabled, as Clear does, loses the focus to the page. The photo takes it.
  function onToolbarClick(event) {
    const button = event.target.closest?.('.tutorial-click-canvas button');
    if (!button || button.matches('.widget-upload')) return;
    const widget = widgetOf(button), tool = toolsOf(widget).indexOf(button);
    if (tool >= 0) chosen.set(widget, tool);
    const focus = () => photoOf(button)?.focus({ preventScroll: true });
    if (event.detail) return setTimeout(focus);  // pressed with mouse or finger
    const watch = new MutationObserver(() => button.disabled && (focus(), watch.disconnect()));
    watch.observe(button, { attributes: true, attributeFilter: ['disabled'] });
    setTimeout(() => watch.disconnect(), 5000);
  }

  const inMegabytes = (bytes) => (bytes / 1e6).toFixed(1) + ' MB';

  // The file input of ipywidgets is not part of the page, so its events are caught where it opens.
  function onUploadButton(event) {
    const button = event.target.closest?.('.tutorial-click-canvas .widget-upload');
    if (!button) return;
    const open = HTMLInputElement.prototype.click;
    const restore = () => { HTMLInputElement.prototype.click = open; };
    HTMLInputElement.prototype.click = function () {
      restore();
      const look = (change) => onFile(change, widgetOf(button));
      this.addEventListener('change', look, { capture: true, once: true });
      open.call(this);
    };
    setTimeout(restore);
  }

  function onFile(change, widget) {
    const [file] = change.target.files;
    const line = widget.querySelector('[role=status]');
    if (!file || !line) return;
    if (file.size > MAX_UPLOAD) {
      change.stopImmediatePropagation();
      line.textContent = `${file.name} has ${inMegabytes(file.size)}, but this page can send at most `
        + `${inMegabytes(MAX_UPLOAD)}. Put it beside the notebook and write ClickCanvas("${file.name}").`;
    } else {
      line.innerHTML = '<span class="fa fa-spinner fa-pulse" aria-hidden="true"></span> ';
      line.append(`Sending ${file.name}, ${inMegabytes(file.size)}`);
    }
  }

  function bind(photo) {
    if (window.tutorialPhotos.has(photo)) return;
    window.tutorialPhotos.add(photo);
    photo.style.touchAction = 'pan-x pan-y';
    keepEarlyMarks(photo);
    const listen = (types, act) => types.split(' ').forEach((type) => photo.addEventListener(
      type, (event) => event.isTrusted && act(photo, event), { capture: true, passive: false },
    ));
    listen('wheel', onWheel);
    listen('touchstart touchmove touchend touchcancel', onTouch);
    listen('mousedown mousemove mouseup', onMouse);
    listen('contextmenu', (_photo, event) => stop(event));  // a right click marks the background
    listen('keydown', onKey);
  }

  window.addEventListener('keydown', onToolbarKey, true);
  window.addEventListener('click', onUploadButton, true);
  window.addEventListener('click', onToolbarClick, true);
  window.addEventListener('keydown', onToolKey, true);
  window.addEventListener('pointerover', (event) => {
    if (event.target.matches?.('canvas.tutorial-photo')) bind(event.target);
  }, true);
  window.addEventListener('keyup', (event) => {
    if (event.key !== ' ' || !space) return;
    const { photo, used } = space;
    space = null;
    photo.style.cursor = '';
    // A space bar that moved nothing marks the object, as Enter does.
    if (!used) photo.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', shiftKey: event.shiftKey }));
  }, true);
})();
