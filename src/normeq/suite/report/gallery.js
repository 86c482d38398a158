// The interactive view: a slider over noise levels or intervals swaps pictures and numbers; a scatter, one point per image.
// Its data stand in the page as JSON (made by normeq.suite.report.gallery, which says what each field is).
const html = (tag, attributes = {}, ...children) => grow(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  grow(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
function grow(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const number = (value) => (value === null ? "–" : value.toFixed(2).replace("-", "−"));
const decibel = (value) => (value === null ? "–" : `${number(value)} dB`);
const signed = (value) => `${value > 0 ? "+" : ""}${number(value)} dB`;
const source = (bytes) => (bytes ? `data:image/webp;base64,${bytes}` : "");

function build(view, shared, place, id) {
  const { methods, images } = shared; // methods[0] is the noisy image
  const state = { image: 0, stop: view.start, x: view.x, y: view.y };
  const name = (m) => methods[m].label;
  const shown = view.images; // numbers of images, in the order of their pictures
  const picture = (i, m) => source(m ? view.pictures[i][state.stop][m - 1] : view.noisy[i][view.noisy[i].length > 1 ? state.stop : 0]);
  const whole = (i, m) => view.whole[i][state.stop][m];

  // Controls
  const choose = html("select", { id: `${id}-image` });
  const groups = {};
  shown.forEach((k, i) => {
    const dataset = images[k].dataset;
    if (!groups[dataset]) choose.append((groups[dataset] = html("optgroup", { label: shared.datasets[dataset] })));
    groups[dataset].append(html("option", { value: i }, images[k].name));
  });
  const slider = html("input", { type: "range", id: `${id}-stop`, min: 0, max: view.stops.length - 1, step: 1, value: state.stop });
  const value = html("output", { for: `${id}-stop` });
  const ticks = html("div", { class: view.ticks.join("").length > 25 ? "ticks long" : "ticks", "aria-hidden": "true" }, ...view.ticks.map((text) => html("span", {}, text)));
  const field = (label, control, ...more) =>
    html("div", { class: "field" }, html("label", { for: control.id, class: "name" }, label), control, ...more);
  const sliderLabel = html("label", { for: slider.id, class: "name" }, `${view.axis}: `);
  const controls = html("div", { class: "controls" }, field("Image", choose),
    html("div", { class: "field" }, html("div", {}, sliderLabel, value), slider, ticks));

  // Pictures and numbers
  const pictures = html("div", { class: "pictures" });
  const tableHead = html("tr", {}, ...["", "this crop", "this image", ...view.means.map((mean) => `mean of ${mean.label}`)]
    .map((text, i) => html("th", { scope: "col", class: i ? "number" : "" }, text)));
  const tableBody = html("tbody");
  const table = html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `PSNR, ${view.title}` },
    html("table", { class: "numbers" }, html("caption", { class: "hidden" }, "PSNR in dB"), html("thead", {}, tableHead), tableBody));
  const status = html("p", { class: "hidden", role: "status", "aria-live": "polite" });
  const tile = (src, mark, label, text, alt) => html("figure", { style: `--mark:${mark}` },
    html("img", { src, alt, width: shared.size, height: shared.size }), html("figcaption", {}, label, html("br"), html("b", {}, text)));
  const method = (i, m, text) => tile(picture(i, m), methods[m].colour, name(m), text,
    `${images[shown[i]].name}, ${view.stops[state.stop]}, ${name(m)}`);
  const clean = (i) => tile(source(shared.clean[shown[i]]), "transparent", "clean", "", `${images[shown[i]].name}, clean`);

  // Scatter and triple
  const axis = (letter, what) => {
    const select = html("select", { id: `${id}-${letter}` }, ...methods.map((_, m) => html("option", { value: m }, name(m))));
    select.value = state[letter];
    select.addEventListener("change", () => { state[letter] = Number(select.value); draw(); });
    return field(what, select);
  };
  const plot = svg("svg", { class: "scatter", viewBox: "0 0 480 400", role: "group" });
  const verdict = html("p", { class: "small", "aria-live": "polite" });
  const keys = html("p", { class: "keys" }, ...shared.datasets.filter((_, d) => shown.some((k) => images[k].dataset === d))
    .map((label) => html("span", {}, `${shared.datasets.indexOf(label) % 2 ? "◆" : "●"} ${label}`)),
    html("span", {}, "Click or Enter on a point shows its image; arrow keys go from point to point."));
  const triple = html("div", { class: "pictures" });
  const tripleTitle = html("p", { class: "small", "aria-live": "polite" });
  const compare = html("div", { class: "compare" },
    html("div", {}, html("div", { class: "axes" }, axis("y", "Vertical: PSNR of"), axis("x", "Horizontal: PSNR of")), plot, keys, verdict),
    html("div", {}, tripleTitle, triple));

  function drawScatter(keepFocus) {
    const points = shown.map((_, i) => ({ i, x: whole(i, state.x), y: whole(i, state.y) })).filter((p) => p.x !== null && p.y !== null);
    plot.replaceChildren();
    plot.setAttribute("aria-label", `PSNR per image: ${name(state.y)} against ${name(state.x)}, ${view.stops[state.stop]}`);
    compare.hidden = !points.length;
    if (!points.length) return;
    const values = points.flatMap((p) => [p.x, p.y]);
    const step = [0.5, 1, 2, 5, 10, 20, 50, 100].find((s) => (Math.max(...values) - Math.min(...values)) / s <= 7) || 200;
    const low = Math.floor(Math.min(...values) / step) * step, high = Math.max(low + step, Math.ceil(Math.max(...values) / step) * step);
    const left = 58, right = 470, top = 10, bottom = 352;
    const px = (v) => left + ((v - low) / (high - low)) * (right - left), py = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
    for (let v = low; v <= high + 1e-9; v += step) {
      const text = String(Math.round(v * 10) / 10).replace("-", "−");
      plot.append(svg("line", { class: "axis", x1: px(v), x2: px(v), y1: top, y2: bottom }), svg("line", { class: "axis", x1: left, x2: right, y1: py(v), y2: py(v) }),
        svg("text", { x: px(v), y: bottom + 17, "text-anchor": "middle" }, text), svg("text", { x: left - 8, y: py(v) + 4, "text-anchor": "end" }, text));
    }
    plot.append(svg("line", { class: "identity", x1: px(low), y1: py(low), x2: px(high), y2: py(high) }),
      svg("text", { x: (left + right) / 2, y: 390, "text-anchor": "middle" }, `${name(state.x)}, dB`),
      svg("text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(13 ${(top + bottom) / 2}) rotate(-90)` }, `${name(state.y)}, dB`));
    points.sort((a, b) => a.x - b.x || a.y - b.y);
    const marks = points.map((p) => {
      const image = images[shown[p.i]], x = px(p.x).toFixed(1), y = py(p.y).toFixed(1);
      const look = { class: "point", role: "button", fill: methods[p.y >= p.x ? state.y : state.x].colour, "data-image": image.name,
        tabindex: p.i === state.image ? 0 : -1, "aria-pressed": p.i === state.image,
        "aria-label": `${image.name}: ${name(state.y)} ${decibel(p.y)}, ${name(state.x)} ${decibel(p.x)}` };
      const mark = image.dataset % 2 ? svg("path", { ...look, d: `M${x} ${y - 8}l8 8-8 8-8-8z` }) : svg("circle", { ...look, cx: x, cy: y, r: 6.5 });
      mark.append(svg("title", {}, look["aria-label"]));
      mark.addEventListener("click", () => select(p.i));
      return mark;
    });
    marks.forEach((mark, k) => mark.addEventListener("keydown", (event) => {
      const to = { ArrowRight: k + 1, ArrowUp: k + 1, ArrowLeft: k - 1, ArrowDown: k - 1, Home: 0, End: marks.length - 1 }[event.key];
      if (event.key === "Enter" || event.key === " ") select(points[k].i);
      else if (to === undefined || !marks[to]) return;
      else { marks.forEach((other, j) => other.setAttribute("tabindex", j === to ? 0 : -1)); marks[to].focus(); }
      event.preventDefault();
    }));
    if (!marks.some((mark) => mark.getAttribute("tabindex") === "0")) marks[0].setAttribute("tabindex", 0);
    const pressed = (mark) => mark.getAttribute("aria-pressed") === "true";
    plot.append(...marks.filter((mark) => !pressed(mark)), ...marks.filter(pressed)); // the chosen one on top
    if (keepFocus) marks.find(pressed)?.focus();
    const better = points.filter((p) => p.y > p.x).length, mean = points.reduce((sum, p) => sum + p.y - p.x, 0) / points.length;
    verdict.textContent = state.x === state.y ? "" : `${view.stops[state.stop]}: ${name(state.y)} is above ${name(state.x)} on ` +
      `${better} of ${points.length} images, ${signed(mean)} on average.`;
  }

  function select(i) {
    state.image = i;
    choose.value = i;
    draw(true);
  }

  function draw(keepFocus = false) { // keepFocus: the scatter is drawn anew, and the focus was on one of its points
    const i = state.image, image = images[shown[i]], stop = view.stops[state.stop];
    value.textContent = stop;
    slider.setAttribute("aria-valuetext", stop);
    pictures.replaceChildren(...methods.map((_, m) => method(i, m, decibel(view.crop[i][state.stop][m]))), clean(i));
    tableBody.replaceChildren(...methods.map((_, m) => html("tr", {},
      html("th", { scope: "row" }, html("span", { class: "dot", style: `background:${methods[m].colour}` }), name(m)),
      ...[view.crop[i][state.stop][m], whole(i, m), ...view.means.map((mean) => mean.values[state.stop][m])]
        .map((v) => html("td", { class: "number" }, number(v))))));
    drawScatter(keepFocus);
    tripleTitle.textContent = `${image.name}, ${stop}: PSNR of the whole image`;
    triple.replaceChildren(method(i, 0, decibel(whole(i, 0))), clean(i),
      ...[...new Set([state.y, state.x])].filter((m) => m).map((m) => method(i, m, decibel(whole(i, m)))));
    status.textContent = `${stop}, ${image.name}: ${methods.map((_, m) => `${name(m)} ${decibel(whole(i, m))}`).join(", ")}`;
  }

  choose.addEventListener("change", () => { state.image = Number(choose.value); draw(); });
  slider.addEventListener("input", () => { state.stop = Number(slider.value); draw(); });
  place.append(html("h3", { id: `${id}-title` }, view.title), html("p", { class: "small" }, view.note), controls, pictures, table, status,
    html("h4", {}, "Image by image"), compare);
  place.setAttribute("aria-labelledby", `${id}-title`);
  draw();
}

const data = document.getElementById("gallery-data");
if (data) {
  const shared = JSON.parse(data.textContent);
  shared.views.forEach((view, v) => {
    const place = html("section", { class: "view", id: `view-${view.kind}` });
    document.getElementById("views").append(place);
    build(view, shared, place, `view${v}`);
  });
}
