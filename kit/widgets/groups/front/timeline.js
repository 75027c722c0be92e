// Who held which partition from when to when: a lane for each partition, the same in words as a table.
const WINDOW_MS = 180000;
const LEAST_MS = 30000;
const NAME_FROM = 0.1; // of the width: a narrower block has room for its letter only, or for nothing
const LETTER_FROM = 0.03;

function spanOf(detail, nowMs) {
  const first = Math.min(nowMs, ...detail.timeline.eras.slice(0, 1).map((era) => era.from_ms), ...detail.lags.slice(0, 1).map((point) => point[0]));
  return { from: Math.max(nowMs - WINDOW_MS, Math.min(first, nowMs - LEAST_MS)), to: nowMs };
}

function block(span, fromMs, toMs, kind, title) {
  const node = element("div", "kit-block");
  const scale = 100 / (span.to - span.from);
  const begin = Math.max(fromMs, span.from);
  node.style.left = `${(begin - span.from) * scale}%`;
  node.style.width = `${Math.max(0, toMs - begin) * scale}%`;
  node.dataset.kind = kind;
  node.title = title;
  return node;
}

// Neighbouring eras in which the same member held the partition are one block.
function laneBlocks(eras, at, span) {
  const blocks = [];
  let last = null;
  for (const era of eras) {
    const holder = era.holders[at];
    const kind = era.kind === "held" ? (holder ? "held" : "nobody") : era.kind;
    if (last && last.kind === kind && last.holder === holder) last.to = era.to_ms;
    else blocks.push((last = { kind, holder, letter: era.letters[at], from: era.from_ms, to: era.to_ms }));
  }
  return blocks.filter((each) => each.to > span.from).map((each) => {
    const words = { held: each.holder, nobody: "nobody", rebalancing: "rebalance", empty: "no member", gone: "gone", unseen: "not seen" };
    const node = block(span, each.from, each.to, each.kind, `${words[each.kind]}, from ${clockTime(each.from)}`);
    if (each.kind === "held") {
      node.dataset.hue = each.letter % 8;
      const letter = letterOf(each.letter);
      const share = (each.to - Math.max(each.from, span.from)) / (span.to - span.from);
      if (share > LETTER_FROM) node.append(element("span", "kit-tag", share > NAME_FROM ? `${letter} ${each.holder}` : letter));
    }
    return node;
  });
}

function lane(label, blocks) {
  const track = element("div", "kit-track");
  track.append(...blocks);
  return [element("div", "kit-lane-label", label), track];
}

// In a lane of their own, so that the label says what the marks are, however narrow they are.
function rebalanceBlocks(eras, span) {
  return eras.filter((era) => era.kind === "rebalancing" && era.to_ms > span.from)
    .map((era) => block(span, era.from_ms, era.to_ms, era.kind, `${clockTime(era.from_ms)}, ${era.words}`));
}

function eraBlocks(eras, span) {
  return eras.filter((era) => era.to_ms > span.from).map((era) => {
    const node = block(span, era.from_ms, era.to_ms, era.kind === "held" ? "numbered" : era.kind, era.words);
    const share = (era.to_ms - Math.max(era.from_ms, span.from)) / (span.to - span.from);
    if (era.number && share > LETTER_FROM) node.append(element("span", "kit-tag", String(era.number)));
    return node;
  });
}

function makeTimeline() {
  const root = element("div", "kit-past");
  const heading = element("h4", "", "Lag and assignment over time");
  const plot = element("div", "kit-plot");
  plot.setAttribute("role", "img");
  const legend = element("div", "kit-bar kit-legend");
  legend.setAttribute("aria-hidden", "true"); // the tables say it in words
  for (const [kind, text] of [["rebalancing", "rebalance"], ["unseen", "not seen"], ["nobody", "nobody"]]) {
    const sample = element("span", "kit-sample");
    sample.dataset.kind = kind;
    const entry = element("span");
    entry.append(sample, document.createTextNode(` ${text}`));
    legend.append(entry);
  }
  const note = element("p", "kit-quiet");
  const [table, body] = makeTable("Rebalance timeline, newest first", [["From"], ["Seconds", true], ["Assignment", true], ["Assigned to"]]);
  const [lagTable, lagBody] = makeTable("Lag over time, newest first", [["Seconds ago", true], ["Lag", true]]);
  const twin = element("details");
  const both = element("div", "kit-twin");
  both.append(table, lagTable);
  twin.append(element("summary", "", "The same as tables"), both);
  root.append(heading, plot, legend, note, twin);

  function drawTables(detail, nowMs) {
    body.replaceChildren(...[...detail.timeline.eras].reverse().map((era) => {
      const line = element("tr");
      line.append(element("td", "kit-number", clockTime(era.from_ms)), element("td", "kit-number", ((era.to_ms - era.from_ms) / 1000).toFixed(1)),
        element("td", "kit-number", era.number || ""), element("td", "", era.words));
      return line;
    }));
    const rows = [];
    let next = 0;
    for (const [time, lag] of [...detail.lags].reverse()) {
      const ago = (nowMs - time) / 1000;
      if (ago < next) continue;
      next = ago + 5;
      const line = element("tr");
      line.append(element("td", "kit-number", ago.toFixed(0)), element("td", "kit-number", number(lag)));
      rows.push(line);
    }
    lagBody.replaceChildren(...rows);
  }

  function draw(detail, nowMs) {
    const span = spanOf(detail, nowMs);
    const { lanes, eras, more_lanes: more } = detail.timeline;
    const [chart, most] = lagChart(detail.lags, span);
    const oneTopic = new Set(lanes.map(([topic]) => topic)).size < 2;
    const frame = element("div", "kit-track kit-chart-frame");
    frame.append(chart, element("span", "kit-most", `largest: ${number(most)}`));
    const axis = element("div", "kit-axis");
    axis.append(element("span", "", `${Math.round((span.to - span.from) / 1000)} s ago`), element("span", "", "now"));
    plot.replaceChildren(element("div", "kit-lane-label", "lag"), frame,
      ...lane("rebalance", rebalanceBlocks(eras, span)), ...lane("assignment", eraBlocks(eras, span)),
      ...lanes.flatMap(([topic, at], index) => lane(oneTopic ? `partition ${at}` : `${topic}-${at}`, laneBlocks(eras, index, span))),
      element("div"), axis);
    const last = eras[eras.length - 1];
    const lag = detail.lags.length ? number(detail.lags[detail.lags.length - 1][1]) : "not known";
    plot.setAttribute("aria-label", `Lag now ${lag}. ${last ? last.words : ""}. The tables below have the whole past.`);
    setText(note, more ? `${detail.note} ${more} more partitions are not drawn.` : detail.note);
    if (twin.open) drawTables(detail, nowMs);
  }

  return { root, twin, draw };
}
