// A line for each worker with two ways to end it. Rows are kept, so that a focused button stays focused.
function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const SIGNS = { joining: "…", working: "●", idle: "○", left: "←", crashed: "✕", stopped: "■" };

function render({ model, el }) {
  const root = element("section", "kit-widget kit-workers");
  root.setAttribute("aria-label", model.get("picture").title);
  const add = element("button", "", "Add a worker");
  add.type = "button";
  add.addEventListener("click", () => model.send({ type: "add" }));
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
  root.append(bar, table, empty);
  el.append(root);
  const rows = new Map();

  function makeRow(name) {
    const row = { line: element("tr"), cells: [] };
    const title = element("th", "kit-code", name);
    title.scope = "row";
    row.cells = ["", "kit-code", "kit-number", "kit-number", "kit-ends"].map((kind) => element("td", kind));
    for (const [type, text] of [["leave", "Leave"], ["crash", "Crash"]]) {
      const button = element("button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", `${text}: ${name}`);
      button.addEventListener("click", () => model.send({ type, name }));
      row.cells[4].append(button);
    }
    row.line.append(title, ...row.cells);
    return row;
  }

  function draw() {
    const { workers, said: sentence, full } = model.get("picture");
    add.disabled = full;
    setText(said, sentence);
    for (const worker of workers) {
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
      const hadFocus = cells[4].contains(document.activeElement);
      for (const button of cells[4].children) button.disabled = !worker.runs;
      if (hadFocus && !worker.runs) add.focus();
    }
    const names = new Set(workers.map((worker) => worker.name));
    for (const [name, row] of rows) if (!names.has(name)) {
      row.line.remove();
      rows.delete(name);
    }
    table.hidden = !workers.length;
    empty.hidden = workers.length > 0;
  }

  // A key pressed here must not reach the notebook's own shortcuts.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:picture", draw);
  draw();
  return () => model.off("change:picture", draw);
}

export default { render };
