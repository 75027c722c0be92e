// The live record view: a table of the newest records, newest first. All text is set with textContent: what a record
// holds is never read as HTML.
const COLUMNS = ["Partition", "Offset", "Time", "Key", "Value", "Headers"];
const ANNOUNCE_EVERY_MS = 3000;

function textCell(text) {
  const cell = element("td", "kit-text", text === null ? "null" : text);
  if (text === null) cell.classList.add("kit-null");
  return cell;
}

function localTime(iso) {
  const time = new Date(iso);
  const part = (value, width) => String(value).padStart(width, "0");
  return `${part(time.getHours(), 2)}:${part(time.getMinutes(), 2)}:${part(time.getSeconds(), 2)}.` +
    part(time.getMilliseconds(), 3);
}

function recordRow(record) {
  const line = element("tr");
  line.dataset.id = `${record.partition}-${record.offset}`;
  line.dataset.lane = record.partition % 4;
  const time = element("td", "kit-number", localTime(record.time));
  time.title = record.time;
  const headers = element("td");
  for (const [name, value] of record.headers) headers.append(element("span", "kit-chip", `${name}=${value}`));
  line.append(
    element("td", "kit-number kit-partition", record.partition), element("td", "kit-number", record.offset), time,
    textCell(record.key), textCell(record.value), headers,
  );
  return line;
}

function matches(record, needle) {
  return !needle || JSON.stringify(Object.values(record)).toLowerCase().includes(needle);
}

function summary(feed, shown) {
  const skipped = feed.skipped ? `, ${feed.skipped.toLocaleString()} left out because they came too fast to read` : "";
  return `${feed.read.toLocaleString()} read${skipped}, ${shown} shown`;
}

function render({ model, el }) {
  const topic = model.get("topic");
  const root = element("section", "kit-widget kit-records");
  root.setAttribute("aria-label", `Live records of topic ${topic}`);

  const pause = element("button");
  pause.type = "button";
  const from = element("select");
  for (const [value, text] of [["beginning", "the beginning"], ["latest", "now on"]]) {
    const option = element("option", "", text);
    option.value = value;
    from.append(option);
  }
  const filter = element("input");
  filter.type = "search";
  filter.placeholder = "text in a record";
  const count = element("span", "kit-quiet kit-count");
  const bar = element("div", "kit-bar");
  bar.append(element("span", "kit-title", topic), pause, labelled("From", from), labelled("Filter", filter), count);

  const scroll = element("div", "kit-scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", `Records of ${topic}, newest first`);
  const table = element("table");
  table.append(element("caption", "kit-hidden", `Records of topic ${topic}, newest first`));
  const head = element("tr");
  for (const name of COLUMNS) {
    const cell = element("th", ["Partition", "Offset", "Time"].includes(name) ? "kit-number" : "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  table.append(thead, body);
  const empty = element("div", "kit-empty");
  scroll.append(table, empty);
  const live = element("div", "kit-hidden");
  live.setAttribute("aria-live", "polite");
  root.append(bar, scroll, live);
  el.append(root);

  let shownIds = null; // null until the first drawing: what is there then is not new
  let announced = { read: model.get("feed").read, at: 0 };

  function draw() {
    const feed = model.get("feed");
    const needle = filter.value.trim().toLowerCase();
    const lines = feed.rows.filter((record) => matches(record, needle)).reverse().map(recordRow);
    const ids = new Set(lines.map((line) => line.dataset.id));
    if (shownIds) for (const line of lines) if (!shownIds.has(line.dataset.id)) line.classList.add("kit-new");
    shownIds = ids;
    body.replaceChildren(...lines);
    empty.hidden = lines.length > 0;
    empty.textContent = feed.rows.length ? "No record holds this text." : feed.status;
    count.textContent = feed.rows.length && feed.status ? feed.status : summary(feed, lines.length);
    announce(feed);
  }

  function announce(feed) {
    const now = Date.now();
    const fresh = feed.read - announced.read;
    if (fresh <= 0 || now - announced.at < ANNOUNCE_EVERY_MS) return;
    const last = feed.rows[feed.rows.length - 1];
    live.textContent = `${fresh} new in ${topic}. The last one: partition ${last.partition}, offset ${last.offset}.`;
    announced = { read: feed.read, at: now };
  }

  function drawControls() {
    const paused = model.get("paused");
    pause.textContent = paused ? "Resume" : "Pause";
    pause.setAttribute("aria-label", paused ? `Resume the view of ${topic}` : `Pause the view of ${topic}`);
    from.value = model.get("start");
  }

  pause.addEventListener("click", () => {
    model.set("paused", !model.get("paused"));
    model.save_changes();
  });
  from.addEventListener("change", () => {
    model.set("start", from.value);
    model.save_changes();
  });
  filter.addEventListener("input", draw);
  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:feed", draw);
  model.on("change:paused change:start", drawControls);
  drawControls();
  draw();
  return () => {
    model.off("change:feed", draw);
    model.off("change:paused change:start", drawControls);
  };
}

export default { render };
