// The network between the racks: one line that reaches all, and an arc for each pair of nodes that is cut. The words
// below say the same.
const STUB = 14; // from the line down to the racks
const LEAST_BUS = 22; // how far down the line runs: below a line of words
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeNetwork(store) {
  const root = element("div", "kit-network");
  const picture = svg("svg", { "aria-hidden": "true", height: LEAST_BUS + STUB });
  root.append(picture);
  const words = element("ul", "kit-faults");
  let drawn = "";
  let bus = LEAST_BUS;

  function draw() {
    const { nodes, cuts, faults } = store.picture ?? { nodes: [], cuts: [], faults: [] };
    const width = Math.max(root.clientWidth, 1);
    const signature = JSON.stringify([width, store.refusal, nodes.map((node) => [node.id, node.state, node.slow]), cuts, faults]);
    if (signature === drawn) return;
    drawn = signature;
    const columns = nodes.map((node) => node.id);
    // It grows for the highest arc and stays so: buttons shall not move away under the mouse when the network is healed.
    bus = Math.max(bus, ...cuts.map((cut) => rise(columns, cut) + 12));
    picture.setAttribute("width", width);
    picture.setAttribute("height", bus + STUB);
    picture.setAttribute("viewBox", `0 0 ${width} ${bus + STUB}`);
    const at = new Map(nodes.map((node, index) => [node.id, (width / nodes.length) * (index + 0.5)]));
    picture.replaceChildren(...wires(nodes, at, { cuts, bus, isKnown: !store.refusal }), ...cuts.flatMap((cut) => arc(at, cut, bus)));
    words.replaceChildren(...faults.map((text) => element("li", "", text)));
    words.hidden = !faults.length;
  }

  new ResizeObserver(draw).observe(root);
  return { root, words, draw };
}

function wires(nodes, at, { cuts, bus, isKnown }) {
  if (nodes.length < 2) return [];
  const severed = (node) => node.state === "cut off";
  const joined = nodes.filter((node) => !severed(node)).map((node) => at.get(node.id));
  const line = joined.length > 1
    ? [svg("line", { class: "kit-wire", x1: Math.min(...joined), x2: Math.max(...joined), y1: bus, y2: bus })] : [];
  const stubs = nodes.map((node) => svg("line", {
    class: `kit-wire${node.slow ? " kit-slow" : ""}${severed(node) ? " kit-severed" : ""}`,
    x1: at.get(node.id), x2: at.get(node.id), y1: bus, y2: bus + STUB,
  }));
  const labels = nodes.filter((node) => node.slow).map((node) => svg(
    "text", { class: "kit-wire-text", x: at.get(node.id) + 8, y: bus + STUB - 3 }, "slow"));
  const quiet = cuts.length ? [] : [svg("text",
    { class: "kit-wire-text", x: Math.min(...at.values()), y: bus - 8 },
    isKnown ? "the network: no link is cut" : "the network: what is wrong with it is not known here")];
  return [...line, ...stubs, ...labels, ...quiet];
}

// How high an arc rises over the line: so that marks above one another can be told apart.
function rise(columns, [source, target]) {
  const apart = Math.abs(columns.indexOf(source) - columns.indexOf(target));
  return 14 + 20 * (Math.min(apart, 3) - 1);
}

function arc(at, [source, target, both], bus) {
  const height = rise([...at.keys()], [source, target]);
  const [from, to] = [at.get(source), at.get(target)];
  const middle = (from + to) / 2;
  const marks = both ? "✕" : to > from ? "✕ →" : "← ✕";
  return [
    svg("path", { class: "kit-cut", d: `M ${from} ${bus} Q ${middle} ${bus - 2 * height} ${to} ${bus}` }),
    svg("rect", { class: "kit-cut-plate", x: middle - 17, y: bus - height - 9, width: 34, height: 18, rx: 4 }),
    svg("text", { class: "kit-cut-mark", x: middle, y: bus - height + 5, "text-anchor": "middle" }, marks),
  ];
}
