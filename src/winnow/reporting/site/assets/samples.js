"use strict";
// The browser of samples: what a scorer keeps of a caption set, and what it rejects.

addEventListener("DOMContentLoaded", async () => {
  const PAGE = 60;
  const { element, kept: asKept } = winnow;
  const images = await winnow.load("images");
  const form = document.getElementById("sample-form");
  const fields = form.elements;
  const cards = document.getElementById("cards");
  const dialog = document.getElementById("sample");
  let set = null; // the caption set on show
  let found = []; // its pairs that are asked for, in their order
  let page = 0;
  let open = -1; // place in `found` of the pair in the dialog

  const fill = (field, entries) =>
    field.replaceChildren(...entries.map(([value, label]) => element("option", { value }, label)));
  const same = (values) => values.map((value) => [value, value]);

  function bits(text) {
    const bytes = atob(text);
    return (place) => (bytes.charCodeAt(place >> 3) >> (7 - (place & 7))) & 1;
  }

  const selection = () => set.subsets.find((s) => s.scorer === fields.scorer.value && String(s.ratio) === fields.ratio.value);
  const noise = (pair) => (set.kinds.length ? set.kinds[set.noise[pair]] : "");
  const scene = (pair) => images.scenes[images.scene[set.image[pair]]];

  // Where it was left, and where links of other pages lead: #captions=raw&scorer=clip&ratio=0.3
  const asked = new URLSearchParams(location.hash.slice(1));
  function restore(name) {
    if (asked.has(name) && [...fields[name].options].some((option) => option.value === asked.get(name)))
      fields[name].value = asked.get(name);
  }

  function remember() {
    const now = new URLSearchParams();
    for (const field of fields) if (field.name && field.value) now.set(field.name, field.value);
    history.replaceState(null, "", `#${now}`);
  }

  async function choose(name) {
    if (name === "captions") {
      set = await winnow.load(`samples-${images.sets.find((one) => one.captions === fields.captions.value).file}`);
      set.keeps = new Map(set.subsets.map((subset) => [subset, bits(subset.kept)]));
      fill(fields.scorer, same(Object.keys(set.scores)));
      fill(fields.noise, [["", "any"], ...same(set.kinds)]);
      fields.noise.closest("label").hidden = !set.kinds.length;
      ["scorer", "noise"].forEach(restore);
    }
    if (name === "captions" || name === "scorer") {
      const before = fields.ratio.value;
      const ratios = set.subsets.filter((s) => s.scorer === fields.scorer.value).map((s) => [String(s.ratio), asKept(s.ratio)]);
      fill(fields.ratio, ratios);
      fields.ratio.value = [before, usual(), ratios[0][0]].find((one) => ratios.some(([ratio]) => ratio === one));
      restore("ratio");
    }
  }

  // The ratio at which most scorers keep something.
  function usual() {
    const count = (ratio) => set.subsets.filter((s) => s.ratio === ratio).length;
    return String(set.subsets.map((s) => s.ratio).reduce((best, ratio) => (count(ratio) > count(best) ? ratio : best)));
  }

  function search() {
    const keeps = set.keeps.get(selection());
    const scores = set.scores[fields.scorer.value];
    const wanted = { show: fields.show.value, noise: fields.noise.value, scene: fields.scene.value, find: fields.find.value.trim().toLowerCase() };
    const all = set.text.map((_, pair) => pair);
    found = all.filter(
      (pair) =>
        (!wanted.show || keeps(pair) === Number(wanted.show === "kept")) &&
        (!wanted.noise || noise(pair) === wanted.noise) &&
        (!wanted.scene || scene(pair) === wanted.scene) &&
        (!wanted.find || set.text[pair].toLowerCase().includes(wanted.find)),
    );
    const score = (pair) => (scores[pair] === null ? -Infinity : scores[pair]);
    if (fields.order.value === "best") found.sort((a, b) => score(b) - score(a) || a - b);
    if (fields.order.value === "worst") found.sort((a, b) => score(a) - score(b) || a - b);
    page = 0;
    summarise(keeps, all);
  }

  function summarise(keeps, all) {
    const parts = { kept: all.filter(keeps), rejected: all.filter((pair) => !keeps(pair)) };
    const lines = Object.entries(parts).map(([label, pairs]) => {
      const row = element("tr", {}, element("th", { scope: "row" }, label), element("td", { class: "number" }, pairs.length.toLocaleString("en")));
      if (set.kinds.length) {
        const clean = pairs.filter((pair) => noise(pair) === "clean").length;
        row.append(element("td", {}, mixture(pairs)), element("td", { class: "share" }, `${share(clean, pairs.length)} clean`));
      }
      return row;
    });
    document.querySelector("#summary tbody").replaceChildren(...lines);
    document.getElementById("kinds").replaceChildren(
      ...set.kinds.map((kind, place) => element("li", {}, element("span", { class: `swatch k${place % 9}` }), kind)),
    );
  }

  const share = (count, all) => `${((100 * count) / (all || 1)).toFixed(1)} %`;

  // How a set of pairs is made up, as a bar; its label tells the shares.
  function mixture(pairs) {
    const counts = set.kinds.map((_, kind) => pairs.filter((pair) => set.noise[pair] === kind).length);
    const label = set.kinds.map((kind, place) => `${kind} ${share(counts[place], pairs.length)}`).join(", ");
    return element("span", { class: "mixture", role: "img", "aria-label": label, title: label },
      ...counts.map((count, place) => element("span", { class: `k${place % 9}`, style: { flexGrow: String(count) } })));
  }

  function badges(pair) {
    const keeps = set.keeps.get(selection())(pair);
    const kind = noise(pair);
    return [
      element("span", { class: `chip ${keeps ? "good" : "bad"}` }, keeps ? "kept" : "rejected"),
      ...(kind ? [element("span", { class: kind === "clean" ? "chip" : "chip open" }, kind)] : []),
    ];
  }

  const picture = (pair) => {
    const number = set.image[pair];
    return winnow.tile("thumbs", images.sheets, number, scene(pair) || `image ${images.uid[number]}`);
  };

  function card(place) {
    const pair = found[place];
    const score = set.scores[fields.scorer.value][pair];
    const button = element("button", { type: "button", class: "card" }, picture(pair),
      element("span", { class: "caption" }, set.text[pair]),
      element("span", { class: "facts" }, ...badges(pair), element("span", { class: "score" }, winnow.number(score))));
    button.addEventListener("click", () => detail(place));
    return element("li", {}, button);
  }

  function show() {
    const [from, to] = [page * PAGE, Math.min((page + 1) * PAGE, found.length)];
    cards.replaceChildren(...Array.from({ length: to - from }, (_, i) => card(from + i)));
    document.getElementById("sample-status").textContent = found.length
      ? `${from + 1} to ${to} of ${found.length.toLocaleString("en")} pairs`
      : "no such pair";
    document.getElementById("before").disabled = page === 0;
    document.getElementById("after").disabled = to >= found.length;
    remember();
  }

  // Each scorer's score of one pair, and the share of the pairs that score lower.
  function detail(place) {
    open = place;
    const pair = found[place];
    const rows = Object.entries(set.scores).map(([scorer, scores]) => {
      const lower = scores.filter((score) => score !== null && score < scores[pair]).length / scores.length;
      const ratios = set.subsets.filter((s) => s.scorer === scorer && set.keeps.get(s)(pair)).map((s) => asKept(s.ratio));
      return element("tr", {}, element("th", { scope: "row" }, scorer), element("td", { class: "number" }, winnow.number(scores[pair])),
        element("td", { class: "number" }, `${(100 * lower).toFixed(0)} %`), element("td", {}, ratios.join(", ") || "–"));
    });
    const number = set.image[pair];
    const told = [["uid", images.uid[number]], ["scene", scene(pair)], ["caption", String(set.caption[pair])], ["perspective", set.perspectives[set.perspective[pair]]]];
    dialog.querySelector(".inside").replaceChildren(
      picture(pair),
      element("p", { class: "caption", id: "sample-caption" }, set.text[pair]),
      element("p", { class: "facts" }, ...badges(pair)),
      element("dl", {}, ...told.filter(([, value]) => value).flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)])),
      element("table", {}, element("thead", {}, element("tr", {}, ...["scorer", "score", "scores lower", "kept at"].map((head, i) => element("th", { scope: "col", class: i === 1 || i === 2 ? "number" : null }, head)))), element("tbody", {}, ...rows)),
    );
    if (!dialog.open) dialog.showModal();
  }

  dialog.addEventListener("keydown", (event) => {
    const next = open + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] || 0);
    if (next !== open && found[next] !== undefined) detail(next);
  });
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
  const turn = (step) => () => {
    page += step;
    show();
    cards.querySelector("button")?.focus();
  };
  document.getElementById("before").addEventListener("click", turn(-1));
  document.getElementById("after").addEventListener("click", turn(1));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", async (event) => {
    await choose(event.target.name);
    search();
    show();
  });

  fill(fields.captions, same(images.sets.map((one) => one.captions)));
  fill(fields.scene, [["", "any"], ...same(images.scenes.filter(Boolean).sort())]);
  ["captions", "show", "scene", "order", "find"].forEach((name) => {
    if (name === "find") fields.find.value = asked.get("find") || "";
    else restore(name);
  });
  await choose("captions");
  for (const name of [...asked.keys()]) asked.delete(name); // what follows is the reader's choice
  search();
  show();
});
