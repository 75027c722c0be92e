// Lag over time, drawn on the same scale of time as the timeline below it.
const CHART_HEIGHT = 80;
const GAP_MS = 6000; // a longer silence is no line

function svgNode(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Pieces of a line: silence and windows cut it.
function pieces(lags, fromMs) {
  const found = [];
  let before = null;
  for (const [time, lag] of lags.filter((point) => point[0] >= fromMs)) {
    if (before === null || time - before > GAP_MS) found.push([]);
    found[found.length - 1].push([time, lag]);
    before = time;
  }
  return found;
}

function lagChart(lags, span) {
  const most = Math.max(0, ...lags.filter((point) => point[0] >= span.from).map((point) => point[1]));
  const svg = svgNode("svg", { viewBox: `0 0 1000 ${CHART_HEIGHT}`, preserveAspectRatio: "none", class: "kit-lag-chart", "aria-hidden": "true" });
  const x = (time) => (1000 * (time - span.from)) / (span.to - span.from);
  const y = (lag) => CHART_HEIGHT - 2 - ((CHART_HEIGHT - 6) * lag) / Math.max(1, most);
  for (const piece of pieces(lags, span.from)) {
    const line = piece.map(([time, lag]) => `${x(time).toFixed(1)},${y(lag).toFixed(1)}`).join(" L");
    const [first, last] = [x(piece[0][0]), x(piece[piece.length - 1][0])];
    svg.append(
      svgNode("path", { d: `M${first},${CHART_HEIGHT} L${line} L${last},${CHART_HEIGHT} Z`, class: "kit-area" }),
      svgNode("path", { d: `M${line}`, class: "kit-line" }),
    );
  }
  return [svg, most];
}
