const SILENT_AFTER_MS = 8000;

function makeList(choose) {
  const root = element("div", "kit-scroll");
  root.tabIndex = 0;
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "Groups");
  const [table, body] = makeTable("Consumer groups", [["Group"], ["State"], ["Members", true], ["Lag", true]]);
  root.append(table);
  const rows = new Map(); // by group id: a row is kept, so that a focused button stays focused

  function makeRow(id) {
    const line = element("tr");
    const button = element("button", "kit-group", id);
    button.type = "button";
    button.addEventListener("click", () => choose(id));
    const cells = [element("td"), element("td"), element("td", "kit-number"), element("td")];
    cells[0].append(button);
    line.append(...cells);
    return { line, button, cells };
  }

  function draw(groups, chosen) {
    const most = Math.max(1, ...groups.map((group) => group.lag));
    const wanted = groups.map((group) => {
      if (!rows.has(group.id)) rows.set(group.id, makeRow(group.id));
      const row = rows.get(group.id);
      row.button.setAttribute("aria-pressed", String(group.id === chosen));
      row.line.dataset.state = group.state;
      setText(row.cells[1], group.trouble ? `${group.words} ⚠` : group.words);
      row.cells[1].title = group.trouble;
      setText(row.cells[2], number(group.members));
      const lag = lagCell(group.lag, most);
      row.cells[3].replaceWith(lag);
      row.cells[3] = lag;
      return row.line;
    });
    const ids = new Set(groups.map((group) => group.id));
    for (const id of [...rows.keys()]) if (!ids.has(id)) rows.delete(id);
    if (wanted.length !== body.children.length || wanted.some((line, at) => body.children[at] !== line)) {
      const focused = body.contains(document.activeElement) ? document.activeElement : null;
      body.replaceChildren(...wanted);
      focused?.focus();
    }
    root.hidden = !groups.length;
  }
  return { root, draw };
}

function makeDetail() {
  const root = element("div", "kit-detail");
  const heading = element("h4");
  const sentence = element("p");
  const trouble = element("p", "kit-trouble");
  const [members, memberBody] = makeTable("Members", [["Member"], ["Assignment"], ["Host"]]);
  const [partitions, partitionBody] = makeTable("Partitions",
    [["Partition"], ["Assigned to"], ["Committed offset", true], ["Log end offset", true], ["Lag", true]]);
  const tables = element("div", "kit-pair");
  for (const [table, name] of [[members, "Members"], [partitions, "Partitions"]]) {
    const scroll = element("div", "kit-scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", name);
    scroll.append(table);
    tables.append(scroll);
  }
  const leftOut = element("p", "kit-quiet");
  const timeline = makeTimeline();
  root.append(heading, sentence, trouble, tables, leftOut, timeline.root);

  function memberRow(member, rebalancing) {
    const line = element("tr");
    const name = element("td", "kit-code");
    name.append(mark(member.letter), document.createTextNode(` ${member.client}`));
    const idle = rebalancing ? "not told during a rebalance" : "no partition: it is idle";
    line.append(name, element("td", member.holds ? "" : "kit-idle", member.holds || idle), element("td", "kit-code", member.host));
    return line;
  }

  function partitionRow(each, most) {
    const line = element("tr");
    const holder = element("td", "kit-code");
    if (each.holder === null) holder.append(element("span", "kit-idle", "nobody"));
    else holder.append(mark(each.letter), document.createTextNode(` ${each.holder}`));
    line.append(element("td", "kit-code", `${each.topic}-${each.partition}`), holder,
      element("td", "kit-number", each.committed === null ? "none" : number(each.committed)),
      element("td", "kit-number", number(each.end)), lagCell(each.lag, most));
    return line;
  }

  function draw(detail, nowMs) {
    root.hidden = !detail.id;
    if (!detail.id) return;
    setText(heading, `Group ${detail.id}`);
    setText(sentence, detail.sentence);
    setText(trouble, detail.trouble);
    trouble.hidden = !detail.trouble;
    memberBody.replaceChildren(...detail.members.map((member) => memberRow(member, detail.rebalancing)));
    const none = element("tr");
    const cell = element("td", "kit-idle", "no member");
    cell.colSpan = 3;
    none.append(cell);
    if (!detail.members.length) memberBody.append(none);
    const most = Math.max(1, ...detail.partitions.map((each) => each.lag ?? 0));
    partitionBody.replaceChildren(...detail.partitions.map((each) => partitionRow(each, most)));
    setText(leftOut, detail.left_out ? `${number(detail.left_out)} more lines are not shown.` : "");
    timeline.draw(detail, nowMs);
  }
  return { root, twin: timeline.twin, draw };
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-groups");
  root.setAttribute("aria-label", "Consumer groups and lag");
  const live = element("span", "kit-live");
  const filter = element("input");
  filter.type = "search";
  filter.placeholder = "group, member or topic";
  const order = element("select");
  for (const [value, text] of [["lag", "lag, largest first"], ["name", "name"]]) {
    const option = element("option", "", text);
    option.value = value;
    order.append(option);
  }
  const count = element("span", "kit-quiet");
  const bar = element("div", "kit-bar");
  bar.append(element("span", "kit-title", "Consumer groups"), live, labelled("Filter", filter), labelled("Sort by", order), count);
  const status = element("div", "kit-status");
  status.setAttribute("role", "status");
  const voice = element("div", "kit-hidden");
  voice.setAttribute("aria-live", "polite");
  const list = makeList((id) => {
    model.set("chosen", id);
    model.save_changes();
  });
  const detail = makeDetail();
  root.append(bar, status, list.root, detail.root, voice);
  el.append(root);
  let heardAt = Date.now();

  function draw() {
    const picture = model.get("picture");
    const isSilent = !picture.over && Date.now() - heardAt > SILENT_AFTER_MS;
    root.dataset.mode = picture.over || isSilent ? "end" : "live";
    setText(live, picture.over || isSilent ? "■ stopped" : "● live");
    setText(status, isSilent
      ? `No news for ${Math.round((Date.now() - heardAt) / 1000)} s. The kernel was restarted or is gone: run the cells from the top again.`
      : picture.status);
    status.hidden = !status.textContent;
    setText(count, picture.groups.length < picture.total ? `${number(picture.groups.length)} of ${number(picture.total)} groups` : "");
    list.draw(picture.groups, picture.detail.id);
    detail.draw(picture.detail, picture.at_ms);
    setText(voice, picture.event);
  }

  function drawControls() {
    if (document.activeElement !== filter) filter.value = model.get("needle");
    order.value = model.get("order");
  }

  const news = () => { heardAt = Date.now(); draw(); };
  filter.addEventListener("input", () => {
    model.set("needle", filter.value.slice(0, 249));
    model.save_changes();
  });
  order.addEventListener("change", () => {
    model.set("order", order.value);
    model.save_changes();
  });
  detail.twin.addEventListener("toggle", draw);
  // A key pressed in the view must not reach the notebook's own shortcuts (typing "b" would insert a cell).
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:picture", news);
  model.on("change:needle change:order", drawControls);
  const watch = setInterval(() => { if (root.dataset.mode !== "end" && Date.now() - heardAt > SILENT_AFTER_MS) draw(); }, 1000);
  drawControls();
  draw();
  return () => {
    clearInterval(watch);
    model.off("change:picture", news);
    model.off("change:needle change:order", drawControls);
  };
}

export default { render };
