"use strict";
// What the scripts of all pages share.
const page = (() => {
  const narrow = () => innerWidth < 720;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  // Hover texts may hold tags; names are user text.
  const escaped = (text) => String(text).replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
  const options = { responsive: true, displaylogo: false, displayModeBar: narrow() ? false : "hover",
    // Named one by one: plotly's own set has a button that uploads the chart to a service.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] };

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[column].dataset.value;
      const numeric = [...table.tBodies[0].rows].every((row) => value(row) === "nan" || !Number.isNaN(Number(value(row))));
      const compare = numeric
        ? (a, b) => (Number(value(a)) || 0) - (Number(value(b)) || 0)
        : (a, b) => value(a).localeCompare(value(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...rows);
    }));
  }

  return { narrow, color, escaped, options, sortable };
})();
