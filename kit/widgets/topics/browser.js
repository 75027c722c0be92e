// The topic browser: a paged list of topics, the records of the chosen one, one record in full. All text is set with
// textContent: what a record holds is never read as HTML.
const STARTS = [["beginning", "the beginning"], ["latest", "the newest"], ["offset", "an offset"], ["timestamp", "a time"]];
const SILENCE_MS = 15000; // longer than any answer takes
const TYPING_MS = 250;

function button(text, label, action) {
  const node = element("button", "", text);
  node.type = "button";
  if (label) node.setAttribute("aria-label", label);
  node.addEventListener("click", action);
  return node;
}

function select(options) {
  const node = element("select");
  for (const [value, text] of options) node.append(Object.assign(element("option", "", text), { value }));
  return node;
}

const number = (value) => (value === null || value === undefined ? "?" : value.toLocaleString("en"));
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

function localTime(iso) {
  const time = new Date(iso);
  const two = (value) => String(value).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

function textCell(text) {
  const cell = element("td", "kit-text kit-code", text === null ? "null" : text === "" ? "empty" : text);
  if (text === null || text === "") cell.classList.add("kit-nothing");
  return cell;
}

// -- one record in full -----------------------------------------------------------------------------------------------

function bytesView(name, views) {
  const part = element("div", "kit-part");
  const bar = element("div", "kit-bar");
  bar.append(element("h5", "", name));
  part.append(bar);
  if (!views) {
    part.append(element("p", "kit-quiet", name === "Value" ? "null: a record without a value, a tombstone." : "null: a record without a key."));
    return part;
  }
  bar.append(element("span", "kit-quiet", plural(views.size_bytes, "byte")));
  const group = element("div", "kit-bar kit-choice");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", `${name} as`);
  const note = element("p", "kit-quiet");
  const shown = element("pre", "kit-code");
  shown.tabIndex = 0;
  const choices = { text: "Text", json: "JSON", hex: "Hex" };
  const choose = (kind) => {
    for (const each of group.children) each.setAttribute("aria-pressed", String(each.dataset.kind === kind));
    shown.textContent = views[kind] ?? "";
    shown.hidden = views[kind] === null;
    shown.setAttribute("aria-label", `${name} as ${choices[kind]}`);
    note.textContent = views.size_bytes === 0 ? "0 bytes: empty, which is not the same as null." : views.notes[kind];
    note.hidden = !note.textContent;
  };
  for (const [kind, text] of Object.entries(choices)) {
    const one = button(text, "", () => choose(kind));
    one.dataset.kind = kind;
    group.append(one);
  }
  bar.append(group);
  part.append(note, shown);
  choose(name === "Value" && views.json !== null ? "json" : "text");
  return part;
}

function recordView(record, close) {
  const view = element("section", "kit-record");
  const title = `Partition ${record.partition}, offset ${number(record.offset)}`;
  view.setAttribute("aria-label", `Record: ${title}`);
  const bar = element("div", "kit-bar");
  const heading = element("h4", "", title);
  heading.tabIndex = -1;
  bar.append(heading, button("Close", `Close the record: ${title}`, close));
  view.append(bar);
  if (record.status) {
    view.append(element("p", "", record.status));
    return view;
  }
  const when = element("p", "kit-quiet", `${new Date(record.time).toLocaleString()} (${record.time_type || "no timestamp type"}), ${record.time} in UTC`);
  view.append(when, bytesView("Key", record.key), bytesView("Value", record.value));
  const headers = element("div", "kit-part");
  headers.append(element("h5", "", "Headers"));
  if (!record.headers.length) headers.append(element("p", "kit-quiet", "none"));
  for (const [name, value] of record.headers) headers.append(element("span", "kit-chip kit-code", `${name}=${value}`));
  view.append(headers);
  return view;
}

// -- the widget -------------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const root = element("section", "kit-widget kit-topics");
  root.setAttribute("aria-label", "Topic browser");
  el.append(root);
  const live = element("div", "kit-hidden");
  live.setAttribute("role", "status");

  let requests = 0;
  let silence = 0;
  function ask(content) {
    requests += 1;
    model.send({ ...content, request: requests });
    clearTimeout(silence);
    silence = setTimeout(() => say("The kernel does not answer. Is it busy with another cell, or was it restarted? Then run this cell again."), SILENCE_MS);
  }
  function heard(answer) {
    if (answer.answered === requests || answer.ended) clearTimeout(silence);
  }
  const say = (text) => { live.textContent = text; trouble.textContent = text; trouble.hidden = !text; };

  // the list
  const list = element("div", "kit-list");
  const filter = Object.assign(element("input"), { type: "search", placeholder: "part of a name", maxLength: 249 });
  const internal = Object.assign(element("input"), { type: "checkbox" });
  const count = element("span", "kit-quiet");
  const listBar = element("div", "kit-bar");
  listBar.append(element("span", "kit-title", "Topics"), labelled("Filter", filter), labelled("Internal topics", internal));
  const [listTable, listBody] = makeTable("Topics", [["Topic"], ["Partitions", true], ["Records", true], ["Replicas", true]]);
  const listStatus = element("p", "kit-empty");
  const previous = button("Previous", "Previous page of topics", () => turn(-1));
  const next = button("Next", "Next page of topics", () => turn(1));
  const listFoot = element("div", "kit-bar kit-foot");
  listFoot.append(previous, next, count);
  list.append(listBar, listTable, listStatus, listFoot);

  // the records
  const inspector = element("div", "kit-inspector");
  const heading = element("h3");
  const facts = element("p", "kit-quiet");
  const parts = element("details");
  parts.append(element("summary", "", "Partitions"));
  const [partTable, partBody] = makeTable("Partitions", [["Partition", true], ["Leader", true], ["Replicas on"], ["In sync"], ["First offset", true], ["Next offset", true]]);
  const partScroll = element("div", "kit-scroll");
  partScroll.append(partTable);
  parts.append(partScroll);
  const form = element("form", "kit-bar");
  const start = select(STARTS);
  const at = Object.assign(element("input"), { size: 10 });
  const atLabel = labelled("Offset", at);
  const partition = select([["", "all"]]);
  const needle = Object.assign(element("input"), { type: "search", placeholder: "text in a record", maxLength: 249 });
  const read = element("button", "", "Read");
  form.append(labelled("Read from", start), atLabel, labelled("Partition", partition), labelled("Filter", needle), read);
  const trouble = element("p", "kit-note");
  trouble.hidden = true;
  const notes = element("div", "kit-notes");
  const scroll = element("div", "kit-scroll kit-rows");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  const [rowTable, rowBody] = makeTable("Records", [["Partition : Offset"], ["Time", true], ["Key"], ["Value"]]);
  scroll.append(rowTable);
  const more = button("Next records", "", () => ask({ type: "more" }));
  const rowFoot = element("div", "kit-bar kit-foot");
  const rowCount = element("span", "kit-quiet");
  rowFoot.append(more, rowCount);
  const opened = element("div");
  const ways = codeWays();
  const body = element("div");
  body.append(facts, parts, form, trouble, notes, scroll, rowFoot, opened, ways.root);
  inspector.append(heading, body);
  root.append(list, inspector, live);

  // the list's life
  let page = 0;
  const look = () => ask({ type: "list", needle: filter.value, page, internal: internal.checked });
  const turn = (step) => { page += step; look(); };
  let typing = 0;
  filter.addEventListener("input", () => { page = 0; clearTimeout(typing); typing = setTimeout(look, TYPING_MS); });
  internal.addEventListener("change", () => { page = 0; look(); });

  function choose(topic) {
    start.value = "beginning";
    partition.value = "";
    needle.value = at.value = "";
    drawStart();
    ask({ type: "choose", topic });
  }

  function drawTopics() {
    const topics = model.get("topics");
    heard(topics);
    const focused = listBody.contains(document.activeElement) ? document.activeElement.dataset.topic : undefined;
    const name = model.get("chosen").name;
    listBody.replaceChildren(...topics.rows.map((topic) => {
      const line = element("tr");
      const cell = element("th");
      cell.scope = "row";
      const one = button(topic.name, "", () => choose(topic.name));
      one.dataset.topic = topic.name;
      one.className = "kit-topic";
      if (topic.name === name) one.setAttribute("aria-current", "true");
      cell.append(one);
      if (topic.internal) cell.append(element("span", "kit-chip", "internal"));
      if (topic.trouble) cell.append(element("span", "kit-chip kit-trouble", topic.trouble));
      line.append(cell, element("td", "kit-number", number(topic.partitions)), element("td", "kit-number", number(topic.records)), element("td", "kit-number", topic.replication));
      return line;
    }));
    if (focused !== undefined) [...listBody.querySelectorAll("button")].find((each) => each.dataset.topic === focused)?.focus();
    listTable.hidden = !topics.rows.length;
    listStatus.textContent = topics.status;
    listStatus.hidden = !topics.status;
    page = topics.page ?? 0;
    previous.disabled = page === 0;
    next.disabled = page + 1 >= (topics.pages ?? 1);
    previous.hidden = next.hidden = (topics.pages ?? 1) === 1;
    const all = topics.matching === topics.total ? plural(topics.total ?? 0, "topic") : `${number(topics.matching)} of ${plural(topics.total, "topic")}`;
    count.textContent = topics.total ? `${all}${topics.pages > 1 ? `, page ${page + 1} of ${topics.pages}` : ""}` : "";
    for (const control of root.querySelectorAll("button, input, select")) if (topics.ended) control.disabled = true;
  }

  // the records' life
  function drawStart() {
    const isAt = start.value === "offset" || start.value === "timestamp";
    atLabel.hidden = !isAt;
    atLabel.firstChild.textContent = start.value === "offset" ? "Offset" : "Time";
    at.type = start.value === "timestamp" ? "datetime-local" : "text";
    if (at.type === "text") at.inputMode = "numeric";
    else at.step = "1";
  }
  start.addEventListener("change", () => { at.value = ""; drawStart(); });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say("");
    let wanted = 0;
    if (start.value === "offset") {
      if (!/^\d{1,15}$/.test(at.value.trim())) return complain("An offset is a whole number, 0 or more.");
      wanted = Number(at.value.trim());
    } else if (start.value === "timestamp") {
      wanted = new Date(at.value).getTime();
      if (Number.isNaN(wanted)) return complain("Choose a day and a time, as your own clock shows it.");
    }
    at.removeAttribute("aria-invalid");
    ask({ type: "read", start: start.value, at: wanted, partition: partition.value === "" ? null : Number(partition.value), needle: needle.value });
    return undefined;
  });
  function complain(text) {
    at.setAttribute("aria-invalid", "true");
    at.focus();
    say(text);
  }

  let offered = "";
  function drawChosen() {
    const chosen = model.get("chosen");
    heading.textContent = chosen.name ?? "Choose a topic";
    body.hidden = !chosen.name;
    const spread = chosen.parts?.length ? `${plural(chosen.numbers.length, "partition")}, ${chosen.records === null ? "an unknown number of records" : plural(chosen.records, "record")} retained, replication factor ${chosen.replication}` : "";
    facts.textContent = chosen.status ?? spread;
    parts.hidden = form.hidden = !chosen.parts?.length;
    const numbers = (chosen.numbers ?? []).join();
    if (numbers !== offered) {
      offered = numbers;
      const kept = partition.value;
      partition.replaceChildren(...[["", "all"], ...(chosen.numbers ?? []).map((each) => [String(each), String(each)])]
        .map(([value, text]) => Object.assign(element("option", "", text), { value })));
      if ([...partition.options].some((each) => each.value === kept)) partition.value = kept;
    }
    partBody.replaceChildren(...(chosen.parts ?? []).map((part) => {
      const line = element("tr");
      line.append(element("td", "kit-number", part.partition), element("td", "kit-number", part.leader ?? "none"),
        element("td", "", part.replicas.join(", ")), element("td", "", part.isr.join(", ")),
        element("td", "kit-number", number(part.start)), element("td", "kit-number", number(part.end)));
      return line;
    }));
    drawTopics();
  }

  function drawResult() {
    const result = model.get("result");
    heard(result);
    if (result.topic !== undefined || result.notes) say("");
    const rows = result.rows ?? [];
    rowBody.replaceChildren(...rows.map((record) => {
      const line = element("tr");
      line.dataset.lane = record.partition % 4;
      const cell = element("th", "kit-partition");
      cell.scope = "row";
      cell.append(button(`${record.partition} : ${number(record.offset)}`, `Open the record of partition ${record.partition}, offset ${record.offset}`,
        () => ask({ type: "open", partition: record.partition, offset: record.offset })));
      const time = element("td", "kit-number", localTime(record.time));
      time.title = record.time;
      const value = textCell(record.value);
      for (const [name, text] of record.headers.slice(0, 3)) value.append(element("span", "kit-chip", `${name}=${text}`));
      line.append(cell, time, textCell(record.key), value);
      return line;
    }));
    scroll.hidden = !rows.length;
    scroll.scrollTop = 0;
    const order = result.start === "latest" ? "newest first" : "oldest first";
    scroll.setAttribute("aria-label", `Records of ${result.topic ?? "the topic"}, ${order}`);
    notes.replaceChildren(...(result.notes ?? []).map((text) => element("p", "kit-note", text)));
    const goesOn = Object.keys(result.goes_on_at ?? {}).length > 0;
    more.hidden = !goesOn;
    rowCount.textContent = rows.length ? `${plural(rows.length, "record")} shown, ${order}; ${number(result.looked_at)} looked at${goesOn ? "" : ", and that is all"}` : "";
    if (result.topic) live.textContent = [rowCount.textContent, ...(result.notes ?? [])].join(" ");
  }

  function drawRecord() {
    const record = model.get("record");
    heard(record);
    opened.replaceChildren();
    if (record.offset === undefined) return;
    const view = recordView(record, () => {
      opened.replaceChildren();
      rowBody.querySelector(`[aria-label="Open the record of partition ${record.partition}, offset ${record.offset}"]`)?.focus();
    });
    opened.append(view);
    if (record.answered === requests) view.querySelector("h4").focus();
  }

  const drawCodes = () => ways.draw(model.get("codes"));
  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const watched = { topics: drawTopics, chosen: drawChosen, result: drawResult, record: drawRecord, codes: drawCodes };
  for (const [name, draw] of Object.entries(watched)) model.on(`change:${name}`, draw);
  drawStart();
  drawChosen();
  drawResult();
  drawRecord();
  drawCodes();
  return () => {
    clearTimeout(silence);
    for (const [name, draw] of Object.entries(watched)) model.off(`change:${name}`, draw);
  };
}

export default { render };
