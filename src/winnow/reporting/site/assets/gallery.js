"use strict";
// The gallery: what each method drew for the same prompts.

addEventListener("DOMContentLoaded", async () => {
  const { element } = winnow;
  const { prompts, methods, sheets } = await winnow.load("gallery");
  const form = document.getElementById("gallery-form");
  const holder = document.getElementById("drawn");
  const scenes = [...new Set(prompts.map((prompt) => prompt.scene))];
  form.elements.scene.replaceChildren(
    element("option", { value: "" }, "all"),
    ...scenes.filter(Boolean).map((scene) => element("option", { value: scene }, scene)),
  );

  const boxes = methods.map((method) => {
    const box = element("input", { type: "checkbox" });
    box.checked = true;
    document.getElementById("methods").append(element("label", {}, box, method.name));
    return box;
  });

  function show() {
    const wanted = form.elements.scene.value;
    const rows = prompts.flatMap((prompt, place) => {
      if (wanted && prompt.scene !== wanted) return [];
      const tiles = methods.filter((_, i) => boxes[i].checked).map((method) =>
        element("figure", {}, winnow.tile(`gallery/${method.folder}`, sheets, place, `${method.name}: ${prompt.prompt}`),
          element("figcaption", {}, method.name)));
      const heading = element("h2", {}, ...(prompt.scene ? [element("span", { class: "chip" }, prompt.scene), " "] : []), prompt.prompt);
      return [element("section", { class: "prompt" }, heading, element("div", { class: "tiles" }, ...tiles))];
    });
    holder.replaceChildren(...rows);
    const none = !boxes.some((box) => box.checked);
    form.querySelector("[role=status]").textContent = none ? "choose a method" : `${rows.length} prompts`;
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
});
