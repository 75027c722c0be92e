// Below the producer panel: what the broker answered (spoken by screen readers), and the same order as code.
function render({ model, el }) {
  const root = element("section", "kit-widget kit-send-log");
  root.setAttribute("aria-label", "Answers of the broker");
  const status = element("div");
  status.setAttribute("role", "status");
  const list = element("ol");
  list.reversed = true;
  const ways = codeWays();
  root.append(status, list, ways.root);
  el.append(root);

  function drawAnswers() {
    const answers = model.get("answers");
    status.textContent = answers.length ? answers[0] : "Nothing sent yet. The broker's answer appears here.";
    list.replaceChildren(...answers.slice(1).map((text) => element("li", "kit-quiet", text)));
    list.hidden = answers.length < 2;
  }
  const drawCodes = () => ways.draw(model.get("codes"));

  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:answers", drawAnswers);
  model.on("change:codes", drawCodes);
  drawAnswers();
  drawCodes();
  return () => {
    model.off("change:answers", drawAnswers);
    model.off("change:codes", drawCodes);
  };
}

export default { render };
