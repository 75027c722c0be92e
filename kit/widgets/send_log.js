// Below the producer panel: what the broker answered (spoken by screen readers), and the same order as Python code.
function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

async function copy(text, fallback) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    // No clipboard permission (plain http from another machine): select it, so that one key copies.
    const range = document.createRange();
    range.selectNodeContents(fallback);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return "Selected: press Ctrl+C (on a Mac: Command+C).";
  }
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-send-log");
  root.setAttribute("aria-label", "Answers of the broker");
  const status = element("div");
  status.setAttribute("role", "status");
  const list = element("ol");
  list.reversed = true;
  const details = element("details");
  const code = element("pre", "kit-code");
  code.tabIndex = 0;
  code.setAttribute("aria-label", "The same in Python");
  const button = element("button", "", "Copy as Python");
  button.type = "button";
  const said = element("span", "kit-quiet");
  said.setAttribute("role", "status");
  const bar = element("div", "kit-bar");
  bar.append(button, said);
  details.append(element("summary", "", "The same in Python"), code, bar);
  root.append(status, list, details);
  el.append(root);

  function drawAnswers() {
    const answers = model.get("answers");
    status.textContent = answers.length ? answers[0] : "Nothing sent yet. The broker's answer appears here.";
    list.replaceChildren(...answers.slice(1).map((text) => element("li", "kit-quiet", text)));
    list.hidden = answers.length < 2;
  }
  function drawCode() {
    code.textContent = model.get("code");
    said.textContent = "";
  }

  button.addEventListener("click", async () => { said.textContent = await copy(model.get("code"), code); });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:answers", drawAnswers);
  model.on("change:code", drawCode);
  drawAnswers();
  drawCode();
  return () => {
    model.off("change:answers", drawAnswers);
    model.off("change:code", drawCode);
  };
}

export default { render };
