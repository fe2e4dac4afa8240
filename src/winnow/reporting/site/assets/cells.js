"use strict";
// The cells: a row opens what the cell measured, where that comes from, and what it cost.

addEventListener("DOMContentLoaded", () => {
  const { element } = winnow;
  const table = document.getElementById("cells");
  const dialog = document.getElementById("cell");

  function list(entries) {
    return element("dl", {}, ...entries.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, plain(value))]));
  }

  function plain(value) {
    if (value === null || typeof value !== "object") return String(value);
    if (Array.isArray(value)) return value.map((part) => (typeof part === "object" ? JSON.stringify(part) : String(part))).join(", ");
    return list(Object.entries(value));
  }

  function metrics({ unit, metrics: found }) {
    const rows = found.map(([name, ...texts]) => element("tr", {}, element("th", { scope: "row" }, name),
      ...texts.map((text) => element("td", { class: "number" }, text))));
    const heads = ["metric", `${unit === "fraction" ? "per cent" : "value"} (95 % interval)`, "n"];
    return element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((head, i) => element("th", { scope: "col", class: i ? "number" : null }, head)))), element("tbody", {}, ...rows));
  }

  async function open(number, label) {
    const [{ parts, cells }, cost] = await Promise.all([winnow.load("cells"), winnow.load("cost")]);
    const cell = cells[number];
    const paid = cost.cells[number];
    const inside = [element("h2", { id: "cell-name" }, label)];
    if (cell) {
      inside.push(metrics(cell), element("h3", {}, "Where it comes from"));
      inside.push(list(Object.entries(cell.origin).map(([name, place]) => [name, parts[place]])));
    } else inside.push(element("p", {}, "No record can be used; the table says why."));
    if (paid) inside.push(element("h3", {}, "What it cost"), list(cost.names.map((name, i) => [name, paid[i] || "–"])));
    dialog.querySelector(".inside").replaceChildren(...inside);
    dialog.showModal();
  }

  for (const row of table.tBodies[0].rows) {
    const head = row.querySelector("th");
    const label = [...row.cells].slice(0, 5).map((cell) => cell.textContent).join(" / ");
    const button = element("button", { type: "button", class: "link", "aria-label": `record of ${label}` }, head.textContent);
    button.addEventListener("click", () => open(Number(row.dataset.cell), label));
    head.replaceChildren(button);
  }
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
});
