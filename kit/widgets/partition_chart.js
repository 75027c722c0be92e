// Records per partition as bars. The chart is a table: the bar is a picture of the number that stands beside it.
const ANNOUNCE_EVERY_MS = 3000;

function makeRow(number) {
  const row = element("tr");
  const head = element("th", "kit-number", number);
  head.scope = "row";
  const track = element("td", "kit-track");
  track.setAttribute("aria-hidden", "true");
  const bar = element("div", "kit-fill");
  const mean = element("i", "kit-mean");
  track.append(bar, mean);
  const count = element("td", "kit-number");
  const share = element("td", "kit-number");
  row.append(head, track, count, share);

  function update(records, most, total, average) {
    bar.hidden = !records;
    bar.style.width = `${most ? (100 * records) / most : 0}%`;
    mean.style.left = `${most ? (100 * average) / most : 0}%`;
    mean.hidden = !total;
    row.classList.toggle("kit-full", total > 0 && records > 1.5 * average);
    setText(count, records.toLocaleString("en"));
    setText(share, total ? `${Math.round((100 * records) / total)} %` : "");
  }
  return { row, update };
}

function makeChart(topic) {
  const root = element("div", "kit-chart");
  const table = element("table");
  const caption = element("caption");
  const name = element("span", "kit-title", topic);
  const sentence = element("span");
  caption.append(name, element("br"), sentence);
  const head = element("tr");
  for (const [text, className] of [["Partition", "kit-number"], ["", "kit-track"], ["Records", "kit-number"], ["Share", "kit-number"]]) {
    const cell = element(text ? "th" : "td", className, text);
    if (text) cell.scope = "col";
    head.append(cell);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  table.append(caption, thead, body);
  const more = element("div", "kit-quiet");
  root.append(table, more);
  let rows = [];

  function draw(chart) {
    setText(sentence, chart.sentence);
    const numbers = chart.counts.map(([number]) => number);
    if (rows.map((each) => each.number).join() !== numbers.join()) {
      rows = numbers.map((number) => ({ number, ...makeRow(number) }));
      body.replaceChildren(...rows.map(({ row }) => row));
    }
    const most = Math.max(...chart.counts.map(([, count]) => count), 0);
    const average = chart.total / Math.max(chart.counts.length + chart.left_out, 1);
    chart.counts.forEach(([, count], index) => rows[index].update(count, most, chart.total, average));
    setText(more, chart.left_out ? `and ${chart.left_out.toLocaleString("en")} more partitions` : "");
  }
  return { root, draw };
}

function render({ model, el }) {
  const root = element("section", "kit-widget kit-partitions");
  root.setAttribute("aria-label", "Records in each partition");
  const all = element("div", "kit-charts");
  const status = element("div", "kit-status");
  const spoken = element("div", "kit-hidden");
  spoken.setAttribute("role", "status");
  const charts = model.get("charts").map(({ topic }) => makeChart(topic));
  all.append(...charts.map((chart) => chart.root));
  const legend = element("div", "kit-quiet");
  legend.append(element("i", "kit-mean-sample"), " the mean; a hatched bar is more than half above it");
  root.append(all, legend, status, spoken);
  el.append(root);
  let spokeAt = 0;

  function draw() {
    const found = model.get("charts");
    found.forEach((chart, index) => charts[index]?.draw(chart));
    if (Date.now() - spokeAt < ANNOUNCE_EVERY_MS) return;
    spokeAt = Date.now();
    setText(spoken, found.map(({ topic, sentence }) => `${topic}: ${sentence}.`).join(" "));
  }
  function drawStatus() {
    setText(status, model.get("status"));
    status.hidden = !model.get("status");
  }
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:charts", draw);
  model.on("change:status", drawStatus);
  draw();
  drawStatus();
  return () => {
    model.off("change:charts", draw);
    model.off("change:status", drawStatus);
  };
}

export default { render };
