// The chart's twin in words: the current figures, the last minute as a table, and a spoken line when something turns.
// It also tells the kernel whether the page is dark, so that the chart beside it can follow.
const HEADINGS = ["Seconds ago", "Produced per second", "Consumed per second", "Lag in records"];

function pageIsDark() {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "false";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-chart-twin");
  root.setAttribute("aria-label", "The chart in words");
  const now = element("div");
  const event = element("div", "kit-hidden");
  event.setAttribute("role", "status");
  const table = element("table");
  table.append(element("caption", "kit-hidden", "Throughput and lag of the last minute"));
  const head = element("tr");
  for (const heading of HEADINGS) {
    const cell = element("th", "kit-number", heading);
    cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  table.append(thead, body);
  const details = element("details");
  details.append(element("summary", "", "The same as a table"), table);
  root.append(now, event, details);
  el.append(root);

  function draw() {
    now.textContent = model.get("now");
    if (event.textContent !== model.get("event")) event.textContent = model.get("event");
    body.replaceChildren(...model.get("rows").map((cells) => {
      const line = element("tr");
      line.append(...cells.map((cell) => element("td", "kit-number", cell)));
      return line;
    }));
  }

  function tellTheme() {
    if (model.get("dark") === pageIsDark()) return;
    model.set("dark", pageIsDark());
    model.save_changes();
  }

  const observer = new MutationObserver(tellTheme);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  root.addEventListener("keydown", (pressed) => pressed.stopPropagation());
  model.on("change:now change:rows change:event", draw);
  draw();
  tellTheme();
  return () => {
    observer.disconnect();
    model.off("change:now change:rows change:event", draw);
  };
}

export default { render };
