// A line for each worker with two ways to end it. Rows are kept, so that a focused button stays focused.
const SILENT_AFTER_MS = 6000;
const SIGNS = { joining: "…", working: "●", idle: "○", left: "←", crashed: "✕", stopped: "■" };

function render({ model, el }) {
  const root = element("section", "kit-widget kit-workers");
  root.setAttribute("aria-label", model.get("picture").title);
  const add = element("button", "", "Add a worker");
  add.type = "button";
  let waiting = 0;
  function ask(message) {
    model.send(message);
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      setText(said, "No answer yet: the kernel is busy, or was restarted, or is gone. After a restart, run the cells from the top again.");
    }, SILENT_AFTER_MS);
  }
  add.addEventListener("click", () => ask({ type: "add" }));
  const said = element("span");
  said.setAttribute("role", "status");
  const bar = element("div", "kit-bar");
  bar.append(element("span", "kit-title", model.get("picture").title), add, said);
  const table = element("table");
  table.append(element("caption", "kit-hidden", "Workers"));
  const head = element("thead");
  const line = element("tr");
  for (const [name, isNumber] of [["Worker"], ["State"], ["Partitions"], ["Generation", true], ["Records done", true], ["End it"]]) {
    const cell = element("th", isNumber ? "kit-number" : "", name);
    cell.scope = "col";
    line.append(cell);
  }
  head.append(line);
  const body = element("tbody");
  table.append(head, body);
  const empty = element("div", "kit-quiet", "Nobody works. Add a worker.");
  const gone = element("div", "kit-gone");
  root.append(bar, table, empty, gone);
  el.append(root);
  const rows = new Map();

  function makeRow(name) {
    const row = { line: element("tr"), cells: [] };
    const title = element("th", "kit-code", name);
    title.scope = "row";
    row.cells = ["", "kit-code", "kit-number", "kit-number", ""].map((kind) => element("td", kind));
    const buttons = element("div", "kit-ends");
    row.cells[4].append(buttons);
    for (const [type, text] of [["leave", "Leave"], ["crash", "Crash"]]) {
      const button = element("button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", `${text}: ${name}`);
      button.addEventListener("click", () => ask({ type, name }));
      buttons.append(button);
    }
    row.line.append(title, ...row.cells);
    return row;
  }

  function draw() {
    clearTimeout(waiting);
    const { workers, said: sentence, full, over, ended_before: before } = model.get("picture");
    add.disabled = full || over;
    setText(said, sentence);
    const running = workers.filter((worker) => worker.runs);
    for (const worker of running) {
      if (!rows.has(worker.name)) {
        rows.set(worker.name, makeRow(worker.name));
        body.append(rows.get(worker.name).line);
      }
      const { line: row, cells } = rows.get(worker.name);
      row.dataset.state = worker.state;
      setText(cells[0], `${SIGNS[worker.state]} ${worker.state}`);
      setText(cells[1], worker.holds || "none");
      setText(cells[2], worker.generation ? String(worker.generation) : "–");
      setText(cells[3], worker.handled.toLocaleString("en"));
    }
    const names = new Set(running.map((worker) => worker.name));
    for (const [name, row] of rows) if (!names.has(name)) {
      if (row.line.contains(document.activeElement)) add.focus();
      row.line.remove();
      rows.delete(name);
    }
    table.hidden = !running.length;
    empty.hidden = running.length > 0 || over;
    const earlier = before ? [element("span", "kit-quiet", `${before} more ended before.`)] : [];
    gone.replaceChildren(...workers.filter((worker) => !worker.runs).map((worker) => {
      const text = `${SIGNS[worker.state]} ${worker.name} ${worker.state}, ${worker.handled.toLocaleString("en")} done`;
      return element("span", "kit-chip", text);
    }), ...earlier);
  }

  // A key pressed here must not reach the notebook's own shortcuts.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:picture", draw);
  draw();
  return () => {
    clearTimeout(waiting);
    model.off("change:picture", draw);
  };
}

export default { render };
