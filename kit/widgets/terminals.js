// Terminals side by side. What commands print is always text, and a screen reader is told of it line by line.
const TABLE_ROW = / \| |-\+-/;

// Lines are wrapped, as a terminal does it, and rows of a table are not: those can be scrolled to.
function pieces(text) {
  return text.split(/(?<=\n)/).map((line) => (TABLE_ROW.test(line) ? element("span", "kit-row", line) : line));
}

function terminal(model, name, index, notice) {
  const root = element("section", "kit-terminal");
  root.setAttribute("aria-label", `Terminal: ${name}`);
  const head = element("div", "kit-bar kit-head");
  const state = element("span", "kit-quiet");
  head.append(element("span", "kit-title", name), state);
  const screen = element("pre", "kit-screen");
  screen.tabIndex = 0;
  screen.setAttribute("role", "log");
  screen.setAttribute("aria-label", `Screen of ${name}`);
  const form = element("form", "kit-entry");
  const prompt = element("label", "kit-code");
  const input = element("input", "kit-code");
  input.id = `kit-terminal-${Math.random().toString(36).slice(2)}`;
  prompt.htmlFor = input.id;
  input.autocomplete = "off";
  input.spellcheck = false;
  form.append(prompt, input);
  const keys = element("div", "kit-bar");
  root.append(head, screen, form, keys);
  const typed = [];
  let place = 0;

  const send = (content) => {
    const before = model.get("answered");
    const tell = () => {
      const lost = model.get("answered") === before;
      notice.textContent = lost ? "Python does not answer: it is busy, or its kernel has ended. Then run the cells above again." : "";
    };
    try {
      model.send({ terminal: name, ...content });
      setTimeout(tell, 4000);
    } catch {
      tell();
    }
  };
  for (const [words, key, label] of [
    ["Ctrl-C", "ctrl-c", "end the command"],
    ["Ctrl-D", "ctrl-d", "end of what is typed"],
    ["Clear", "clear", "empty the screen"],
  ]) {
    const button = element("button", "", words);
    button.type = "button";
    button.title = label;
    button.addEventListener("click", () => { send({ key }); input.focus(); });
    keys.append(button);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) typed.push(input.value);
    place = typed.length;
    send({ line: input.value });
    input.value = "";
  });
  input.addEventListener("keydown", (event) => {
    const control = event.ctrlKey && !event.altKey && !event.metaKey;
    const selected = input.selectionStart !== input.selectionEnd || !document.getSelection().isCollapsed;
    if (control && event.key === "c" && !selected) { send({ key: "ctrl-c" }); event.preventDefault(); }
    if (control && event.key === "d") { send({ key: "ctrl-d" }); event.preventDefault(); }
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      place = Math.min(Math.max(place + (event.key === "ArrowUp" ? -1 : 1), 0), typed.length);
      input.value = typed[place] ?? "";
      event.preventDefault();
    }
  });

  const draw = () => {
    const { text, running } = model.get("screens")[index] ?? { text: "", running: "" };
    // Only what is new is added, so that a screen reader reads that and a selection stays.
    const shown = screen.textContent;
    if (text !== shown) {
      if (shown && text.startsWith(shown)) screen.append(...pieces(text.slice(shown.length)));
      else screen.replaceChildren(...pieces(text));
      screen.scrollTop = screen.scrollHeight;
    }
    state.textContent = running ? `● running: ${running}` : "○ waits for a command";
    state.title = running;
    prompt.textContent = running ? ">" : "$ confluent";
    prompt.setAttribute("aria-label", running ? `${name}: line to type` : `${name}: command after the word confluent`);
    input.setAttribute("aria-label", prompt.getAttribute("aria-label"));
  };
  return { root, draw };
}

function render({ model, el }) {
  const root = element("div", "kit-widget kit-terminals");
  const notice = element("div", "kit-notice");
  notice.setAttribute("role", "status");
  const panes = model.get("names").map((name, index) => terminal(model, name, index, notice));
  const row = element("div", "kit-panes");
  row.append(...panes.map((pane) => pane.root));
  root.append(row, notice);
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  const draw = () => panes.forEach((pane) => pane.draw());
  model.on("change:screens", draw);
  draw();
  return () => model.off("change:screens", draw);
}

export default { render };
