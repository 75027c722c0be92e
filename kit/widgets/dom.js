// What every view builds its page from; it stands before each widget's own module. Texts become text, never HTML.
function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function labelled(text, control) {
  const label = element("label", "", text);
  label.append(control);
  return label;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text; // an unchanged text must not be spoken again
}

// A table with a caption for screen readers; of each column its name, and whether it holds numbers.
function makeTable(caption, columns) {
  const table = element("table");
  table.append(element("caption", "kit-hidden", caption));
  const line = element("tr");
  for (const [name, isNumber] of columns) {
    const cell = element("th", isNumber ? "kit-number" : "", name);
    cell.scope = "col";
    line.append(cell);
  }
  const head = element("thead");
  head.append(line);
  const body = element("tbody");
  table.append(head, body);
  return [table, body];
}

// Says in ``place`` that the kernel does not answer. ``ask`` sends something, or changes the model; ``answered`` is for
// whatever comes back, with what stands there otherwise.
function makePatience(place) {
  const late = "The kernel does not answer: it is busy with a cell, or it was stopped. If it was stopped, run this cell again.";
  let timer = null;
  const answered = (text = "") => { clearTimeout(timer); setText(place, text); };
  function ask(send) {
    clearTimeout(timer);
    timer = setTimeout(() => setText(place, late), 2500);
    try {
      send();
    } catch { // JupyterLab knows already that nobody is there, after a restart for example
      setText(place, late);
    }
  }
  return { ask, answered, stop: () => clearTimeout(timer) };
}
