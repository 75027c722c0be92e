// The log inspector: segments as blocks, a segment's batches as a table, a batch's bytes with their meaning beside.
// All text is set with textContent: what a record holds is never read as HTML.
function button(text, label, action) {
  const node = element("button", "", text);
  node.type = "button";
  if (label) node.setAttribute("aria-label", label);
  node.addEventListener("click", action);
  return node;
}

const number = (value) => value.toLocaleString("en");

function size(bytes) {
  if (bytes >= 1024000) return `${(bytes / 1048576).toFixed(1)} MiB`;
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${bytes} bytes`;
}

function segmentBlock(segment, isOpen, choose) {
  const label = `Segment ${segment.name}, ${size(segment.log_bytes)}, ${segment.ticks.length} index entries in its file`;
  const block = button("", label, choose);
  block.className = "kit-segment";
  block.setAttribute("aria-pressed", String(isOpen));
  block.style.flexGrow = String(Math.max(segment.log_bytes, 1));
  block.append(element("span", "kit-code", segment.name.replace(/^0+(?=\d)/, "…")), element("span", "kit-quiet", size(segment.log_bytes)));
  const ticks = element("span", "kit-ticks");
  for (const position of segment.ticks) {
    const tick = element("i");
    tick.style.left = `${(100 * position) / segment.log_bytes}%`;
    ticks.append(tick);
  }
  block.append(ticks);
  return block;
}

function hintOf(all, leftOut, stopped) {
  const count = `${number(all.length)} ${all.length === 1 ? "segment" : "segments"}`;
  if (stopped) return `As last seen: ${count}.`;
  const inMemory = all.at(-1)?.ticks.length ? "" : " (its index is still in the broker's memory)";
  const more = leftOut ? ` ${number(leftOut)} older ones are not drawn.` : "";
  return `${count}, the last one is being written${inMemory}. Small marks: index entries. Choose a segment.${more}`;
}

function bytesView(batch) {
  const view = element("div", "kit-bytes kit-code");
  view.setAttribute("aria-hidden", "true"); // the table beside it says the same in words
  const bytes = batch.hex.match(/../g) || [];
  bytes.forEach((byte, at) => {
    const part = batch.parts.findIndex((each) => at >= each.start && at < each.start + each.size_bytes);
    const node = element("span", "", byte);
    node.dataset.part = String(part);
    node.dataset.shade = String(part % 2);
    view.append(node);
  });
  if (batch.size_bytes > bytes.length) view.append(element("span", "kit-rest", `… ${number(batch.size_bytes - bytes.length)} more bytes`));
  return view;
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-log");
  root.setAttribute("aria-label", model.get("title"));
  const bar = element("form", "kit-bar");
  const broker = element("select");
  const brokerLabel = element("label", "", "Replica of broker");
  brokerLabel.append(broker);
  const wanted = element("input");
  wanted.inputMode = "numeric";
  wanted.size = 8;
  const wantedLabel = element("label", "", "Offset");
  wantedLabel.append(wanted);
  const find = element("button", "", "Find");
  bar.append(element("span", "kit-title", model.get("title")), brokerLabel, wantedLabel, find);
  const steps = element("ol", "kit-steps");
  const live = element("div");
  live.setAttribute("role", "status");
  live.append(steps);
  const segments = element("div", "kit-segments");
  segments.setAttribute("role", "group");
  segments.setAttribute("aria-label", "Segments, oldest first");
  const hint = element("p", "kit-quiet");
  const batches = element("div", "kit-batches");
  const opened = element("div", "kit-opened");
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "alert");
  root.append(bar, live, trouble, hint, segments, batches, opened);
  el.append(root);

  const patience = makePatience(trouble);
  let opening = false; // a batch was chosen from the table: it comes into view. (What Find finds does not, its steps do.)
  function ask(content) {
    opening = content.type === "batch";
    patience.ask(() => model.send(content));
  }
  const drawTrouble = () => patience.answered(model.get("overview").trouble ?? "");
  function answered() {
    drawTrouble();
    if (!opening) return;
    opening = false;
    if (model.get("batch").parts) opened.scrollIntoView({ block: "nearest" });
  }

  function drawOverview() {
    const { brokers = [], broker: chosen, segments: all = [], status, trouble: stopped, left_out: leftOut } = model.get("overview");
    brokerLabel.hidden = wantedLabel.hidden = find.hidden = !all.length;
    broker.replaceChildren(...brokers.map((id) => {
      const option = element("option", "", id);
      option.selected = id === chosen;
      return option;
    }));
    const open = model.get("page").base_offset;
    const focused = segments.contains(document.activeElement) ? document.activeElement.dataset.base : null;
    segments.replaceChildren(...all.map((segment) => {
      const block = segmentBlock(segment, segment.base_offset === open,
        () => ask({ type: "segment", base_offset: segment.base_offset }));
      block.dataset.base = segment.base_offset;
      return block;
    }));
    if (focused !== null) segments.querySelector(`[data-base="${focused}"]`)?.focus();
    drawTrouble();
    hint.textContent = status || hintOf(all, leftOut, stopped);
  }

  const nameOf = (node) => node.getAttribute("aria-label") ?? node.textContent;

  function drawPage() {
    const page = model.get("page");
    const focused = batches.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    batches.replaceChildren();
    for (const block of segments.children) block.setAttribute("aria-pressed", String(Number(block.dataset.base) === page.base_offset));
    if (!page.rows) return;
    const [node, body] = makeTable(`Batches of ${page.name}`,
      [["At byte", true], ["Offsets", true], ["Records", true], ["Bytes", true], ["Bytes per record", true], ["Compression"], ["Leader epoch", true], ["In the index"]]);
    for (const row of page.rows) {
      const line = element("tr");
      const isOpen = model.get("batch").position === row.position && model.get("batch").name === page.name;
      if (isOpen) line.classList.add("kit-open");
      const open = element("td", "kit-number");
      open.append(button(number(row.position), `Open the batch at byte ${number(row.position)}`,
        () => ask({ type: "batch", base_offset: page.base_offset, position: row.position })));
      line.append(open, element("td", "kit-number", row.first === row.last ? number(row.first) : `${number(row.first)} – ${number(row.last)}`),
        element("td", "kit-number", number(row.records)), element("td", "kit-number", number(row.size_bytes)),
        element("td", "kit-number", (row.size_bytes / Math.max(row.records, 1)).toFixed(1)),
        element("td", "", row.compression), element("td", "kit-number", row.leader_epoch),
        element("td", row.indexed ? "kit-indexed" : "", row.indexed ? "has an entry" : ""));
      body.append(line);
    }
    const move = element("div", "kit-bar");
    if (page.position > 0) move.append(button("From the first", "", () => ask({ type: "segment", base_offset: page.base_offset })));
    if (page.next !== null) move.append(button("Next batches", "", () => ask({ type: "segment", base_offset: page.base_offset, position: page.next })));
    const scroll = element("div", "kit-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Batches of ${page.name}`);
    scroll.append(node);
    batches.append(element("h4", "", `Batches in ${page.name}`), scroll, move);
    const row = body.querySelector(".kit-open");
    // Just so far that it can be seen, and the table alone, not the page: the way to it stands in the rows above.
    if (row) scroll.scrollTop = row.offsetTop + row.offsetHeight - scroll.clientHeight;
    if (focused === null) return;
    const again = [...batches.querySelectorAll("button")].find((each) => nameOf(each) === focused);
    (again ?? scroll).focus({ preventScroll: true });
  }

  function drawBatch() {
    const batch = model.get("batch");
    opened.replaceChildren();
    drawPage();
    if (!batch.parts) return;
    const view = bytesView(batch);
    const [node, body] = makeTable("Parts of the batch", [["Part"], ["At byte", true], ["Bytes", true], ["Says"], ["What for"]]);
    batch.parts.forEach((part, at) => {
      const line = element("tr");
      const name = element("th", "kit-code", part.name);
      name.scope = "row";
      name.tabIndex = 0; // the keyboard's way to what the mouse does by hovering
      const mark = (on) => view.querySelectorAll(`[data-part="${at}"]`).forEach((byte) => byte.classList.toggle("kit-marked", on));
      name.addEventListener("focus", () => mark(true));
      name.addEventListener("blur", () => mark(false));
      line.addEventListener("mouseenter", () => mark(true));
      line.addEventListener("mouseleave", () => mark(false));
      line.append(name, element("td", "kit-number", part.start), element("td", "kit-number", number(part.size_bytes)),
        element("td", "kit-code", part.value), element("td", "", part.meaning));
      body.append(line);
    });
    const both = element("div", "kit-anatomy");
    const parts = element("div", "kit-scroll kit-parts"); // so low that the marked bytes stay in sight above it
    parts.append(node);
    both.append(view, parts);
    opened.append(element("h4", "", `The batch at byte ${number(batch.position)} of ${batch.name}`), both);
  }

  function drawFound() {
    const sentences = model.get("found").steps || [];
    steps.replaceChildren(...sentences.map((sentence) => element("li", "", sentence)));
  }

  broker.addEventListener("change", () => ask({ type: "broker", broker: broker.value }));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = wanted.value.trim();
    const isOffset = /^\d{1,18}$/.test(text);
    wanted.setAttribute("aria-invalid", String(!isOffset));
    if (isOffset) ask({ type: "find", offset: Number(text) });
    else steps.replaceChildren(element("li", "", "An offset is a whole number, 0 or more."));
  });
  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const watched = { overview: drawOverview, page: drawPage, batch: drawBatch, found: drawFound, answered };
  for (const [name, draw] of Object.entries(watched)) model.on(`change:${name}`, draw);
  drawOverview();
  drawBatch();
  drawFound();
  return () => {
    patience.stop();
    for (const [name, draw] of Object.entries(watched)) model.off(`change:${name}`, draw);
  };
}

export default { render };
