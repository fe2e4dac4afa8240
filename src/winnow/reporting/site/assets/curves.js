"use strict";
// Ratio curves: a line a scorer, hover and arrow keys tell each point.

addEventListener("DOMContentLoaded", async () => {
  const SPACE = "http://www.w3.org/2000/svg";
  const MARGIN = { left: 52, right: 18, top: 30, bottom: 46 };
  const MARKERS = [
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z", "M-4-4h8v8h-8Z", "M0-5L5 4H-5Z", "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "M0 5L5-4H-5Z", "M-5-1.6h3.4v-3.4h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4Z",
  ];
  const charts = await winnow.load("curves");
  const form = document.getElementById("curve-form");
  const legend = document.getElementById("legend");
  const plot = document.getElementById("plot");
  const tip = document.getElementById("tip");
  const hidden = new Set();
  let shown = null; // the chart's points on the screen

  const measures = [...new Set(charts.map((chart) => chart.label))];
  const fill = (name, values) =>
    form.elements[name].replaceChildren(...values.map((value) => winnow.element("option", { value }, value)));
  fill("measure", measures);

  const chosen = () =>
    charts.find((c) => c.label === form.elements.measure.value && c.captions === form.elements.captions.value);
  const whole = (chart) => chart.unit === "percent";
  function svg(tag, attributes, ...children) {
    const made = document.createElementNS(SPACE, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function ticks(low, high, most) {
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high + 1e-12; i += 1) found.push(i * step);
    return found;
  }

  function style(chart, line) {
    const others = chart.lines.filter((one) => !one.control);
    const place = others.indexOf(line);
    if (line.control) return { kind: `control ${line.scorer === "oracle" ? "oracle" : "random"}`, marker: MARKERS[3] };
    return { kind: `c${place % 6} d${Math.floor(place / 6) % 3}`, marker: MARKERS[place % 6] };
  }

  function range(chart) {
    const lines = chart.lines.filter((line) => !hidden.has(line.scorer));
    const levels = chart.levels.filter((level) => !hidden.has(level.scorer));
    const all = [...lines.flatMap((line) => line.points.flatMap((p) => p.slice(1, 4))), ...levels.flatMap((l) => l.value.slice(0, 3))];
    if (!all.length) return [0, 1];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = (high - low || Math.abs(high) || 1) * 0.05;
    return [low - room, high + room];
  }

  function draw() {
    const chart = chosen();
    const width = Math.max(plot.clientWidth, 280);
    const height = Math.round(Math.min(Math.max(width * 0.58, 300), 520));
    const [low, high] = range(chart);
    const x = (ratio) => MARGIN.left + ratio * (width - MARGIN.left - MARGIN.right);
    const y = (value) => MARGIN.top + ((high - value) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
    const focused = plot.querySelector(".line:focus")?.dataset.scorer; // a new picture keeps the place
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
      "aria-label": `${chart.label}, captions ${chart.captions}, by keep ratio` });
    for (const value of ticks(low, high, 6)) {
      picture.append(
        svg("line", { class: "grid", x1: x(0), x2: x(1), y1: y(value), y2: y(value) }),
        svg("text", { class: "tick", x: x(0) - 8, y: y(value) + 4, "text-anchor": "end" },
          whole(chart) ? String(Number((100 * value).toPrecision(6))) : String(Number(value.toPrecision(6)))),
      );
    }
    picture.append(svg("text", { class: "axis", x: 10, y: 15 }, chart.axis + (whole(chart) ? ", %" : "")));
    for (const ratio of [0, 0.2, 0.4, 0.6, 0.8, 1])
      picture.append(svg("text", { class: "tick", x: x(ratio), y: height - 27, "text-anchor": "middle" }, `${100 * ratio}`));
    picture.append(svg("text", { class: "axis", x: x(0.5), y: height - 8, "text-anchor": "middle" }, "kept, % of the pairs"));
    for (const level of chart.levels.filter((one) => !hidden.has(one.scorer))) {
      const [value, bottom, top] = level.value;
      picture.append(svg("g", { class: `level ${level.scorer}` },
        svg("rect", { x: x(0), width: x(1) - x(0), y: y(top), height: Math.max(y(bottom) - y(top), 0) }),
        svg("line", { x1: x(0), x2: x(1), y1: y(value), y2: y(value) })));
    }
    shown = [];
    for (const line of chart.lines.filter((one) => !hidden.has(one.scorer))) picture.append(drawLine(chart, line, x, y));
    plot.replaceChildren(picture);
    if (focused) [...plot.querySelectorAll(".line")].find((line) => line.dataset.scorer === focused)?.focus();
  }

  // Lines of one point at the same ratio stand side by side, within 4 points of per cent of it.
  function beside(chart, line, points) {
    if (line.points.length > 1) return 0;
    const same = chart.lines.filter((one) => one.points.length === 1 && one.points[0][0] === line.points[0][0]);
    const step = Math.min(9, (8 * points) / Math.max(same.length - 1, 1));
    return step * (same.indexOf(line) - (same.length - 1) / 2);
  }

  function drawLine(chart, line, x, y) {
    const { kind, marker } = style(chart, line);
    const band = [...line.points.map(([r, , , top]) => [r, top]), ...line.points.map(([r, , bottom]) => [r, bottom]).reverse()];
    const path = (points) => points.map(([r, v], i) => `${i ? "L" : "M"}${x(r).toFixed(1)} ${y(v).toFixed(1)}`).join("");
    const group = svg("g", { class: `line ${kind}`, "data-scorer": line.scorer, tabindex: "0", role: "img",
      "aria-label": `${line.scorer}: ${line.points.map(([r, ...v]) => `keep ${winnow.kept(r)}, ${v[3]}`).join("; ")}` });
    if (line.points.length > 1) group.append(svg("path", { class: "band", d: `${path(band)}Z` }), svg("path", { class: "curve", d: path(line.points) }));
    const places = line.points.map(([ratio, ...spread]) => {
      const across = x(ratio) + beside(chart, line, x(0.01) - x(0));
      if (line.points.length === 1)
        group.append(svg("line", { class: "curve", x1: across, x2: across, y1: y(spread[1]), y2: y(spread[2]) }));
      const mark = svg("path", { class: "point", d: marker, transform: `translate(${across.toFixed(1)} ${y(spread[0]).toFixed(1)})` });
      group.append(mark);
      const place = { x: across, y: y(spread[0]), mark, group, text: `${line.scorer}, keep ${winnow.kept(ratio)}: ${spread[3]}` };
      shown.push(place);
      return place;
    });
    let at = 0;
    group.addEventListener("focus", () => tell(places[at]));
    group.addEventListener("blur", () => tell(null));
    group.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      at = Math.min(Math.max(at + step, 0), places.length - 1);
      tell(places[at]);
      event.preventDefault();
    });
    return group;
  }

  // Beside a point, inside the plot.
  function tell(place) {
    plot.querySelectorAll(".told").forEach((one) => one.classList.remove("told"));
    tip.hidden = !place;
    if (!place) return;
    place.mark.classList.add("told");
    place.group.classList.add("told");
    tip.textContent = place.text;
    const room = plot.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(place.x + 12, room))}px`;
    tip.style.top = `${Math.max(0, place.y - tip.offsetHeight - 10)}px`;
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const distance = (p) => Math.hypot(p.x - (event.clientX - box.left), p.y - (event.clientY - box.top));
    const nearest = shown.reduce((best, p) => (!best || distance(p) < distance(best) ? p : best), null);
    tell(nearest && distance(nearest) < 40 ? nearest : null);
  });
  plot.addEventListener("pointerleave", () => tell(null));

  function names() {
    const chart = chosen();
    const entry = (scorer, kind, marker) => {
      const box = winnow.element("input", { type: "checkbox", value: scorer });
      box.checked = !hidden.has(scorer);
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(scorer);
        else hidden.add(scorer);
        draw();
      });
      const sample = svg("svg", { width: 30, height: 14, "aria-hidden": "true" },
        svg("g", { class: kind }, svg("line", { class: "curve", x1: 1, x2: 29, y1: 7, y2: 7 }),
          ...(marker ? [svg("path", { class: "point", d: marker, transform: "translate(15 7)" })] : [])));
      return winnow.element("label", {}, box, sample, scorer);
    };
    legend.replaceChildren(
      ...chart.lines.map((line) => {
        const { kind, marker } = style(chart, line);
        return entry(line.scorer, `line ${kind}`, marker);
      }),
      ...chart.levels.map((level) => entry(level.scorer, `level ${level.scorer}`, "")),
    );
  }

  function numbers() {
    const chart = chosen();
    const row = (scorer, ratio, spread) => winnow.element("tr", {},
      winnow.element("th", { scope: "row" }, scorer), winnow.element("td", { class: "number" }, ratio),
      winnow.element("td", { class: "number" }, spread[3]));
    document.querySelector("#numbers tbody").replaceChildren(
      ...chart.lines.flatMap((line) => line.points.map(([ratio, ...spread]) => row(line.scorer, winnow.kept(ratio), spread))),
      ...chart.levels.map((level) => row(level.scorer, "–", level.value)),
    );
  }

  function update(event) {
    if (!event || event.target.name === "measure") {
      const before = form.elements.captions.value;
      const sets = charts.filter((c) => c.label === form.elements.measure.value).map((c) => c.captions);
      fill("captions", sets);
      if (sets.includes(before)) form.elements.captions.value = before;
    }
    names();
    draw();
    numbers();
  }

  form.addEventListener("input", update);
  update();
  new ResizeObserver(draw).observe(plot);
});
