// Cutting and healing the network, and what the last button brought about.
function makeCutting(store, press) {
  const root = element("details", "kit-cutting");
  root.append(element("summary", "", "Cut the network …"));
  const sides = element("div", "kit-bar");
  const oneWay = element("input");
  oneWay.type = "checkbox";
  const code = element("code", "kit-code");
  const cut = makeButton("Cut", () => press(order()));
  const bar = element("div", "kit-bar");
  bar.append(labelled("Only what side A sends is lost", oneWay), cut, code);
  root.append(element("p", "", "Nodes on different sides lose each other's messages. Clients still reach all of them."));
  root.append(sides, bar);
  const selects = new Map();

  function order() {
    const on = (side) => [...selects].filter(([, select]) => select.value === side).map(([id]) => id);
    return { action: "cut", groups: [on("A"), on("B")], one_way: oneWay.checked };
  }
  function drawCode() { setText(code, pythonOf(order())); }
  function makeSelect(node, index) {
    const select = element("select");
    for (const [value, text] of [["A", "side A"], ["B", "side B"], ["", "not affected"]]) {
      const option = element("option", "", text);
      option.value = value;
      select.append(option);
    }
    select.value = index ? "B" : "A";
    select.addEventListener("change", drawCode);
    selects.set(node.id, select);
    return labelled(nodeName(node), select);
  }
  oneWay.addEventListener("change", drawCode);

  function draw({ frozen, copies }) {
    const nodes = store.picture?.nodes ?? [];
    if ([...selects.keys()].join() !== nodes.map((node) => node.id).join()) {
      selects.clear();
      sides.replaceChildren(...nodes.map(makeSelect));
      drawCode();
    }
    setText(cut, copies ? "⧉ Cut" : "Cut");
    cut.setAttribute("aria-label", copies ? "Copy as Python: Cut" : "Cut the network");
    enable(cut, copies || !frozen, frozen);
  }
  return { root, draw };
}

function makeAnswers(store) {
  const root = element("div", "kit-bar kit-answer");
  const words = element("span");
  words.setAttribute("role", "status");
  const code = element("code", "kit-code");
  const copy = makeButton("Copy as Python", async () => setText(words, await copyText(code.textContent)));
  root.append(code, words, copy);

  function draw() {
    const pending = [...store.orders.values()];
    const said = store.said;
    root.hidden = !pending.length && !said;
    copy.hidden = code.hidden = true;
    if (pending.length) {
      show(pythonOf(pending[pending.length - 1]), "…");
      // Clicks wait in line behind a running cell.
      setText(words, "asked for. If nothing happens, the kernel is still running a cell.");
    } else if (said) {
      show(said.python, said.text);
      root.dataset.done = said.is_done;
      setText(words, said.is_done ? said.text : `Not done. ${said.text}`);
    }
  }
  function show(python) {
    code.hidden = copy.hidden = !python;
    setText(code, python);
  }
  function say(text) {
    root.hidden = false;
    code.hidden = copy.hidden = true;
    setText(words, text);
  }
  return { root, draw, say };
}
