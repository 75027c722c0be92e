// "The same in Python, with Kafka's CLI, with the Confluent CLI": one button for each way opens its code below.
// Goes before a widget's own script. `codeWays` gives { root, draw }: draw(codes) with codes as `kit.widgets._code.Code`.
function codeWays() {
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const pressable = (text) => {
    const node = make("button", "", text);
    node.type = "button";
    return node;
  };
  const root = make("div", "kit-ways");
  const bar = make("div", "kit-bar");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "The same as code");
  root.append(make("span", "kit-quiet", "The same …"), bar);
  const parts = new Map(); // by way

  async function copy(text, shown) {
    try {
      await navigator.clipboard.writeText(text);
      return "Copied.";
    } catch {
      // No clipboard permission (plain http from another machine): select it, so that one key copies.
      const range = document.createRange();
      range.selectNodeContents(shown);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return "Selected: press Ctrl+C (on a Mac: Command+C).";
    }
  }

  function open(way) {
    for (const [name, part] of parts) {
      const isOpen = name === way && part.panel.hidden;
      part.panel.hidden = !isOpen;
      part.toggle.setAttribute("aria-expanded", String(isOpen));
    }
  }

  function add(way) {
    const toggle = pressable(way);
    toggle.setAttribute("aria-expanded", "false");
    toggle.addEventListener("click", () => open(way));
    bar.append(toggle);
    const panel = make("div", "kit-way");
    panel.hidden = true;
    const code = make("pre", "kit-code");
    code.tabIndex = 0;
    code.setAttribute("aria-label", `The same ${way}`);
    const note = make("p", "kit-quiet");
    const said = make("span", "kit-quiet");
    said.setAttribute("role", "status");
    const button = pressable("Copy");
    button.setAttribute("aria-label", `Copy the code ${way}`);
    button.addEventListener("click", async () => { said.textContent = await copy(code.textContent, code); });
    const line = make("div", "kit-bar");
    line.append(button, said);
    panel.append(code, note, line);
    root.append(panel);
    const part = { toggle, panel, code, note, said, line };
    parts.set(way, part);
    return part;
  }

  function draw(codes) {
    for (const { way, text, note } of codes) {
      const part = parts.get(way) || add(way);
      if (part.code.textContent !== text) part.said.textContent = "";
      part.code.textContent = text;
      part.code.hidden = part.line.hidden = !text;
      part.note.textContent = note;
      part.note.hidden = !note;
    }
    root.hidden = !codes.length;
  }
  return { root, draw };
}
