// What people wrote, newest first. All of it is set with textContent: what somebody sent is never read as HTML.
const SHORT_CHARS = 280;
const ANNOUNCE_EVERY_MS = 4000;
const PHASES = { waiting: "waiting for the question", open: "open", closed: "closed" };

function button(text, onClick) {
  const node = element("button", "", text);
  node.type = "button";
  node.addEventListener("click", onClick);
  return node;
}

function render({ model, el }) {
  const name = model.get("name");
  const root = element("section", "kit-widget kit-feedback");
  root.setAttribute("aria-label", `Feedback ${name}`);
  const phase = element("span");
  const how = element("span", "kit-quiet", "Answer with ");
  how.append(element("code", "", `kit.vote(cluster, "${name}")`));
  const head = element("div", "kit-bar");
  head.append(element("span", "kit-title", `Feedback ${name}`), phase, how);
  const question = element("div", "kit-question");
  const empty = element("div", "kit-empty");
  const list = element("ul");
  list.tabIndex = 0;
  list.setAttribute("aria-label", "Answers, newest first");
  const count = element("span", "kit-count");
  const live = element("span", "kit-hidden");
  live.setAttribute("aria-live", "polite");
  const ask = (content) => {
    try { model.send(content); } catch { trouble.textContent = "The kernel does not answer. Run this cell again."; }
  };
  const toggle = button("", () => ask({ do: model.get("state").phase === "open" ? "close" : "reopen" }));
  const save = button("Save as CSV", () => ask({ do: "export" }));
  const note = element("span", "kit-quiet");
  note.setAttribute("role", "status");
  const foot = element("div", "kit-bar kit-foot");
  foot.append(count, toggle, save, note, live);
  const trouble = element("div", "kit-trouble");
  trouble.setAttribute("role", "status");
  root.append(head, question, empty, list, foot, trouble);
  el.append(root);

  const opened = new Set();
  function item(row) {
    const line = element("li", row.hidden ? "kit-put-away" : "");
    line.dataset.offset = row.offset;
    const body = element("div");
    const long = row.text.length > SHORT_CHARS;
    const text = element("div", "kit-text");
    const cut = () => {
      text.textContent = row.hidden ? "(hidden)" : long && !opened.has(row.offset) ? `${row.text.slice(0, SHORT_CHARS)}…` : row.text;
    };
    body.append(text);
    if (long && !row.hidden) {
      const more = button("", () => {
        if (!opened.delete(row.offset)) opened.add(row.offset);
        tell();
      });
      const tell = () => {
        cut();
        more.textContent = opened.has(row.offset) ? "less" : "more";
        more.setAttribute("aria-expanded", String(opened.has(row.offset)));
      };
      tell();
      body.append(more);
    }
    cut();
    const hide = button(row.hidden ? "Show" : "Hide", () => ask({ do: row.hidden ? "show" : "hide", offset: row.offset }));
    hide.setAttribute("aria-label", `${row.hidden ? "Show" : "Hide"} the answer of record ${row.offset}`);
    line.append(body, hide);
    return line;
  }

  let drawn = new Map();
  let announced = { text: model.get("state").said, at: 0 }; // what is there at first is read when somebody comes to it
  function draw() {
    const state = model.get("state");
    phase.textContent = PHASES[state.phase];
    trouble.textContent = state.trouble;
    question.textContent = state.question ?? "";
    foot.hidden = state.phase === "waiting";
    empty.hidden = state.rows.length > 0 || state.phase === "waiting";
    list.hidden = state.rows.length === 0;
    empty.textContent = state.rows.length ? "" : state.said;
    count.textContent = state.rows.length ? state.said : "";
    note.textContent = state.note ?? "";
    toggle.textContent = state.phase === "open" ? "Close" : "Reopen";
    drawRows(state.rows);
    const now = Date.now();
    if (state.said !== announced.text && now - announced.at > ANNOUNCE_EVERY_MS) {
      live.textContent = state.said;
      announced = { text: state.said, at: now };
    }
  }
  // Lines that stay the same stay in the page, so that the focus and an opened text are kept while others arrive.
  function drawRows(rows) {
    const next = new Map(rows.map((row) => {
      const key = `${row.offset} ${row.hidden}`;
      return [key, drawn.get(key) ?? item(row)];
    }));
    const focused = list.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.offset : null;
    for (const [key, node] of drawn) if (!next.has(key)) node.remove();
    let before = null;
    for (const node of next.values()) {
      const place = before ? before.nextSibling : list.firstChild;
      if (place !== node) list.insertBefore(node, place);
      before = node;
    }
    drawn = next;
    if (focused && !list.contains(document.activeElement)) {
      list.querySelector(`li[data-offset="${CSS.escape(focused)}"] > button`)?.focus();
    }
  }

  root.addEventListener("keydown", (pressed) => pressed.stopPropagation());
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
