// Small parts. All text is set with textContent: what others named is never read as HTML.
const SVG = "http://www.w3.org/2000/svg";
const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));

function clockTime(ms) {
  return new Date(ms).toLocaleTimeString("en-GB");
}

// A member's mark: its letter, in a frame of its colour and pattern.
function mark(index) {
  const node = element("span", "kit-mark", letterOf(index));
  node.dataset.hue = index % 8;
  node.setAttribute("aria-hidden", "true"); // the client id stands beside it
  return node;
}

function letterOf(index) {
  return String.fromCharCode(65 + (index % 26)) + (index >= 26 ? Math.floor(index / 26) : "");
}

function lagCell(lag, most) {
  const cell = element("td", "kit-number kit-lag");
  const bar = element("span", "kit-lag-bar");
  bar.style.width = `${most > 0 && lag ? Math.max(2, (100 * lag) / most) : 0}%`;
  cell.append(bar, element("span", "", number(lag)));
  return cell;
}
