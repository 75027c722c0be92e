// What happened, newest first; the way back to any moment since the view was opened; and a voice for what is new.
const MAX_LINES = 200;
const SPEAK_EVERY_MS = 2500;
const SPEAK_AT_ONCE = 3;
const OF_GROUPS = "Group coordinators"; // all of them are partitions of __consumer_offsets: who chooses them wants to see them
const SLIDER_STEP_MS = 100;

function makeTimeline(store) {
  const root = element("section", "kit-timeline");
  root.setAttribute("aria-label", "Timeline");
  const pause = makeButton("", () => (store.isPaused ? store.resume() : store.pause()));
  pause.classList.add("kit-pause");
  const slider = element("input");
  slider.type = "range";
  slider.step = SLIDER_STEP_MS;
  slider.setAttribute("aria-label", "Go back in time");
  slider.addEventListener("input", () => store.goTo(Number(slider.value)));
  const earlier = makeButton("◀ Event", () => jump(-1));
  earlier.setAttribute("aria-label", "Go to the event before");
  const later = makeButton("Event ▶", () => jump(1));
  later.setAttribute("aria-label", "Go to the event after");
  const when = element("span", "kit-when");
  const family = element("select");
  family.addEventListener("change", rebuild);
  const scrub = element("div", "kit-bar kit-scrub");
  scrub.append(pause, earlier, slider, later, when);
  const list = element("ol", "kit-events");
  list.tabIndex = 0;
  list.setAttribute("aria-label", "Events, newest first");
  const none = element("div", "kit-quiet");
  const bar = element("div", "kit-bar");
  bar.append(element("strong", "", "What happened"), labelled("Show", family));
  root.append(scrub, bar, list, none);

  const isChosen = (event) => (!family.value || event.family === family.value)
    && (!event.internal || store.choice.internal || family.value === OF_GROUPS);
  const chosen = () => store.events.filter(isChosen);

  function jump(step) {
    const at = store.isPaused ? store.thenMs : store.now?.time_ms ?? 0;
    const events = chosen();
    const found = step < 0 ? events.filter((event) => event.time_ms < at).pop()
      : events.find((event) => event.time_ms > at);
    if (found) store.goTo(found.time_ms, found.family);
    else if (step > 0) store.resume();
  }

  function makeLine(event) {
    const line = element("li");
    const button = makeButton("", () => store.goTo(event.time_ms, event.family));
    button.append(element("time", "kit-code", clockTime(event.time_ms)), element("span", "kit-family", event.family),
      element("span", "", event.text));
    line.dataset.time = event.time_ms;
    line.append(button);
    return line;
  }

  let isInternalDrawn = false;

  function rebuild() {
    isInternalDrawn = store.choice.internal;
    list.replaceChildren(...chosen().slice(-MAX_LINES).reverse().map(makeLine));
    drawState();
  }

  function add(events) {
    const fresh = events.filter(isChosen);
    list.prepend(...fresh.reverse().map(makeLine));
    while (list.children.length > MAX_LINES) list.lastChild.remove();
  }

  function drawFamilies() {
    if (family.options.length === store.families.length + 1) return;
    family.replaceChildren(...["", ...store.families].map((name) => {
      const option = element("option", "", name || "everything");
      option.value = name;
      return option;
    }));
  }

  function drawState() {
    if (isInternalDrawn !== store.choice.internal) rebuild();
    const { now, oldestMs } = store;
    setText(pause, store.isPaused ? "▶ Back to now" : "‖ Pause");
    pause.setAttribute("aria-label", store.isPaused ? "Back to now" : "Pause the view");
    setText(none, store.refusal ? "What happens is only known of a cluster that kit.start() runs."
      : list.children.length ? "" : "Nothing has happened yet. Kill a broker, and what follows appears here.");
    if (!now || oldestMs === null) return;
    if (!store.isPaused || !slider.max) {
      // In whole steps, so that the end can be reached.
      slider.min = now.time_ms - Math.ceil((now.time_ms - oldestMs) / SLIDER_STEP_MS) * SLIDER_STEP_MS;
      slider.max = now.time_ms;
    }
    const at = store.isPaused ? store.thenMs : now.time_ms;
    if (document.activeElement !== slider || !store.isPaused) slider.value = at;
    const text = store.isPaused ? `${clockTime(at)}, ${ago(now.time_ms - at)}`
      : store.end || store.isSilent ? `${clockTime(at)}, the last that was seen` : "now";
    slider.setAttribute("aria-valuetext", text);
    setText(when, store.isPaused && at < oldestMs ? `${text}: before this view was opened` : text);
    for (const line of list.children) line.classList.toggle("kit-later", store.isPaused && Number(line.dataset.time) > at);
  }

  return { root, drawState, drawFamilies, add, rebuild };
}

function makeVoice() {
  const root = element("div", "kit-hidden");
  root.setAttribute("aria-live", "polite");
  let waiting = [];
  const timer = setInterval(() => {
    if (!waiting.length) return;
    const told = waiting.slice(-SPEAK_AT_ONCE).map((event) => event.text).join(" ");
    const more = waiting.length - SPEAK_AT_ONCE;
    root.textContent = more > 0 ? `${told} Before that ${more} more events.` : told;
    waiting = [];
  }, SPEAK_EVERY_MS);
  return { root, add: (events) => { waiting.push(...events); }, end: () => clearInterval(timer) };
}
