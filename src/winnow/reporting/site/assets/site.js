"use strict";
// What all pages share: the theme, data that scripts bring, and tables that sort and filter.

const winnow = (() => {
  const arrived = new Map(); // name -> {promise, settle}

  function slot(name) {
    if (!arrived.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      arrived.set(name, entry);
    }
    return arrived.get(name);
  }

  // A page opened from disk may not fetch; it may load a script.
  function load(name) {
    const known = arrived.has(name);
    const entry = slot(name);
    if (!known) {
      const script = document.createElement("script");
      script.src = `data/${name}.js`;
      script.onerror = () => {
        const told = `data/${name}.js cannot be read: this copy of the site is not whole.`;
        document.getElementById("content").prepend(element("p", { class: "warning", role: "alert" }, told));
        entry.reject(new Error(told));
      };
      document.head.append(script);
    }
    return entry.promise;
  }

  // An element with attributes and children; text stays text.
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "style") Object.assign(made.style, value);
      else if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // A tile of a sheet of thumbnails, as wide as the style of its class says.
  function tile(folder, sheets, number, label) {
    const { columns, per_sheet: each, tiles } = sheets;
    const sheet = Math.floor(number / each);
    const place = number % each;
    const rows = Math.ceil(Math.min(each, tiles - sheet * each) / columns);
    const share = (at, count) => (count > 1 ? `${(100 * at) / (count - 1)}%` : "0%");
    return element("span", {
      class: sheets.side < 100 ? "tile sharp" : "tile",
      role: "img",
      "aria-label": label,
      style: {
        backgroundImage: `url("${folder}/${String(sheet).padStart(3, "0")}.webp")`,
        backgroundSize: `${columns * 100}% ${rows * 100}%`,
        backgroundPosition: `${share(place % columns, columns)} ${share(Math.floor(place / columns), rows)}`,
      },
    });
  }

  const kept = (ratio) => `${Number((100 * ratio).toPrecision(6))} %`;

  function number(value) {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    return Math.abs(value) < 1 ? value.toFixed(3) : value.toFixed(2);
  }

  return { receive: (name, content) => slot(name).resolve(content), load, element, tile, kept, number };
})();

// Theme: the system's, until the reader chooses.
(() => {
  const root = document.documentElement;
  const key = "winnow-theme";
  const remembered = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // a browser that stores nothing for pages on disk
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  if (["dark", "light"].includes(remembered())) root.dataset.theme = remembered();

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(dark()));
    show();
    system.addEventListener("change", show);
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try {
        localStorage.setItem(key, root.dataset.theme);
      } catch {
        // chosen for this page alone
      }
      show();
    });
  });
})();

// Tables.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  function value(row, place, numeric) {
    const cell = row.cells[place];
    if (!numeric) return cell.textContent.trim();
    return cell.dataset.key === undefined ? null : Number(cell.dataset.key);
  }

  function compare(a, b, numeric) {
    return numeric ? a - b : collator.compare(a, b);
  }

  // Rows without a number stay last, whichever way the others go.
  function sort(table, head, falling) {
    const place = head.cellIndex;
    const numeric = head.classList.contains("number");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [row, value(row, place, numeric)]);
    rows.sort(([, a], [, b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return falling ? compare(b, a, numeric) : compare(a, b, numeric);
    });
    body.append(...rows.map(([row]) => row));
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  }

  function sortable(table) {
    for (const head of table.tHead.rows[0].cells) {
      head.querySelector("button").addEventListener("click", () => {
        sort(table, head, head.getAttribute("aria-sort") === "ascending");
      });
    }
  }

  function asks(form) {
    const fields = [...form.elements].filter((field) => field.name && !("shows" in field.dataset));
    return fields
      .map((field) => [field.name, field.type === "checkbox" && !field.checked ? "" : field.value.trim()])
      .filter(([, wanted]) => wanted);
  }

  function matches(row, wanted) {
    return wanted.every(([name, asked]) =>
      name === "find"
        ? row.textContent.toLowerCase().includes(asked.toLowerCase())
        : row.dataset[name] === asked,
    );
  }

  function filtering(form) {
    const holder = document.getElementById(form.dataset.tables);
    const shows = form.querySelector("[data-shows]");
    const update = () => {
      const wanted = asks(form);
      let [seen, all] = [0, 0];
      for (const section of shows ? holder.children : [holder]) {
        const open = !shows || section.dataset.board === shows.value;
        section.hidden = !open;
        for (const row of section.querySelectorAll("tbody tr")) {
          row.hidden = !matches(row, wanted);
          all += open;
          seen += open && !row.hidden;
        }
      }
      form.querySelector("[role=status]").textContent =
        seen === all ? `${all} rows` : seen ? `${seen} of ${all} rows` : `none of ${all} rows; ask for less`;
    };
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }

  // Measured times differ between runs, so they lie apart: of a cell, or of a method's seeds.
  async function costs() {
    const rows = [...document.querySelectorAll("table.data tbody tr")].filter((row) => row.querySelector(".cost"));
    if (!rows.length) return;
    const { keys, names, cells } = await winnow.load("cost");
    const place = names.indexOf("cpu_s");
    const sums = new Map();
    cells.forEach((cell, number) => {
      if (!cell) return; // did not run, or was refused
      const seconds = cell[place] === "" ? NaN : Number(cell[place]); // not known, nor is then a sum with it
      for (const key of [`#${number}`, keys[number].slice(0, 4).join("/")])
        sums.set(key, (sums.get(key) ?? 0) + seconds);
    });
    for (const row of rows) {
      const { cell, track, captions, scorer, ratio } = row.dataset;
      const seconds = sums.get(cell ? `#${cell}` : [track, captions, scorer, ratio].join("/"));
      const shown = row.querySelector(".cost");
      const known = Number.isFinite(seconds);
      shown.textContent = known ? seconds.toFixed(1) : "–";
      if (known) shown.dataset.key = seconds;
    }
  }

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("table.data").forEach(sortable);
    document.querySelectorAll("form.filters[data-tables]").forEach(filtering);
    costs();
  });
})();
