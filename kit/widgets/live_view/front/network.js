// The network between the racks: one line that reaches all, and an arc for each pair of nodes that is cut. The words
// below say the same.
const NETWORK_HEIGHT = 80;
const BUS = 66; // how far down the line runs
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeNetwork(store) {
  const root = element("div", "kit-network");
  const picture = svg("svg", { "aria-hidden": "true", height: NETWORK_HEIGHT });
  root.append(picture);
  const words = element("ul", "kit-faults");
  let drawn = "";

  function draw() {
    const { nodes, cuts, faults } = store.picture ?? { nodes: [], cuts: [], faults: [] };
    const width = Math.max(root.clientWidth, 1);
    const signature = JSON.stringify([width, store.refusal, nodes.map((node) => [node.id, node.state, node.slow]), cuts, faults]);
    if (signature === drawn) return;
    drawn = signature;
    picture.setAttribute("width", width);
    picture.setAttribute("viewBox", `0 0 ${width} ${NETWORK_HEIGHT}`);
    const at = new Map(nodes.map((node, index) => [node.id, (width / nodes.length) * (index + 0.5)]));
    picture.replaceChildren(...wires(nodes, at, cuts, !store.refusal), ...cuts.flatMap((cut) => arc(at, cut)));
    words.replaceChildren(...faults.map((text) => element("li", "", text)));
    words.hidden = !faults.length;
  }

  new ResizeObserver(draw).observe(root);
  return { root, words, draw };
}

function wires(nodes, at, cuts, isKnown) {
  if (nodes.length < 2) return [];
  const severed = (node) => node.state === "cut off";
  const joined = nodes.filter((node) => !severed(node)).map((node) => at.get(node.id));
  const line = joined.length > 1
    ? [svg("line", { class: "kit-wire", x1: Math.min(...joined), x2: Math.max(...joined), y1: BUS, y2: BUS })] : [];
  const stubs = nodes.map((node) => svg("line", {
    class: `kit-wire${node.slow ? " kit-slow" : ""}${severed(node) ? " kit-severed" : ""}`,
    x1: at.get(node.id), x2: at.get(node.id), y1: BUS, y2: NETWORK_HEIGHT,
  }));
  const labels = nodes.filter((node) => node.slow).map((node) => svg(
    "text", { class: "kit-wire-text", x: at.get(node.id) + 8, y: NETWORK_HEIGHT - 3 }, "slow"));
  const quiet = cuts.length ? [] : [svg("text",
    { class: "kit-wire-text", x: Math.min(...at.values()), y: BUS - 8 },
    isKnown ? "the network: no link is cut" : "the network: what is wrong with it is not known here")];
  return [...line, ...stubs, ...labels, ...quiet];
}

function arc(at, [source, target, both]) {
  const columns = [...at.keys()];
  const apart = Math.abs(columns.indexOf(source) - columns.indexOf(target));
  const [from, to] = [at.get(source), at.get(target)];
  const middle = (from + to) / 2;
  const rise = 14 + 20 * (Math.min(apart, 3) - 1); // so that marks above one another can be told apart
  const marks = both ? "✕" : to > from ? "✕ →" : "← ✕";
  return [
    svg("path", { class: "kit-cut", d: `M ${from} ${BUS} Q ${middle} ${BUS - 2 * rise} ${to} ${BUS}` }),
    svg("rect", { class: "kit-cut-plate", x: middle - 17, y: BUS - rise - 9, width: 34, height: 18, rx: 4 }),
    svg("text", { class: "kit-cut-mark", x: middle, y: BUS - rise + 5, "text-anchor": "middle" }, marks),
  ];
}
