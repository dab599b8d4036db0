// Draws the map of the space, parallel coordinates and the distribution of the objective from the JSON above.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { narrow, color, escaped, options, sortable } = page;
  const chart = (id) => document.getElementById(id);
  const cells = data.around.length;
  const figureOf = (name) => data.figures.find((figure) => figure.name === name);
  const objective = data.figures[0];
  const formats = { fraction: ".3~%", money: ".3~s", number: ".3~f", count: ".3~s" }; // of axes and in cells
  const hovers = { fraction: ".2%", money: ",.2f", number: ",.2f", count: ",.0f" };

  const select = (id) => document.getElementById(id);
  const chosen = (id, fallback) => (select(id) ? select(id).value : fallback);

  // A figure of each cell: of one instrument and period, or the mean; undefined where some have it and this cell lacks one.
  function values(name, set) {
    const rows = data.runs[name];
    if (set >= 0) return rows[set];
    const found = Array.from({ length: cells }, (_, cell) => rows.map((row) => row[cell]).filter((value) => value !== null));
    const most = Math.max(0, ...new Set(found.map((list) => list.length)));
    return found.map((list) => (list.length && list.length === most ? list.reduce((sum, value) => sum + value, 0) / most : null));
  }

  // Losses to one color and gains to another where a figure has both; else the stronger the better.
  function scale(figure, found, middle = color("middle")) {
    const defined = found.filter((value) => value !== null && value !== undefined);
    const low = defined.reduce((a, b) => Math.min(a, b), Infinity), high = defined.reduce((a, b) => Math.max(a, b), -Infinity);
    const bad = color("bad-end"), good = color("good-end");
    if (figure.signed && low < 0 && high > 0) {
      const end = Math.max(-low, high);
      return { colorscale: [[0, bad], [0.5, middle], [1, good]], cmin: -end, cmax: end };
    }
    const ends = figure.signed && high <= 0 ? [bad, middle] : figure.sign > 0 ? [middle, good] : [good, middle];
    return { colorscale: [[0, ends[0]], [1, ends[1]]], cmin: low, cmax: high > low ? high : low + 1 };
  }

  function written(value, figure) {
    if (value === null) return "n/a";
    const decimals = (digits) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" });
    if (figure.kind === "fraction") return `${(value * 100).toFixed(1)}%`;
    if (figure.kind === "count") return decimals(0);
    return Math.abs(value) >= 1e4 ? value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 4 }) : decimals(2);
  }

  const around = (cell, figure) => (figure === objective ? `<br>around ${written(data.around[cell], figure)}` : "");

  const bar = (figure) => ({ thickness: 12, outlinewidth: 0, tickformat: formats[figure.kind], len: 1, xpad: 6,
    title: { text: narrow() ? "" : figure.label, side: "right" } });

  function layout(changes) {
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: narrow() ? 54 : 72, r: 10, t: 34, b: 48 },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: color("soft") },
      hoverlabel: { bgcolor: color("panel"), bordercolor: color("line"), font: { color: color("text") } },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" }, dragmode: narrow() ? false : "zoom", hovermode: "closest",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("text") },
      ...changes,
    };
  }

  // Steps of equal width, whatever the numbers between them; a continuous range as it is.
  function axis(parameter, room) {
    const lines = { gridcolor: color("grid"), linecolor: color("line"), zeroline: false, title: { text: escaped(parameter.label) } };
    if (parameter.numbers) return parameter.log ? { ...lines, type: "log", dtick: 1 } : lines;
    const size = parameter.texts.length, step = Math.ceil(size / Math.max(2, room));
    const ticks = parameter.texts.map((_, index) => index).filter((index) => index % step === 0);
    return { ...lines, tickvals: ticks, ticktext: ticks.map((index) => escaped(parameter.texts[index])), range: [-0.5, size - 0.5] };
  }

  const place = (index, cell) => {
    const code = data.codes[index][cell], numbers = data.parameters[index].numbers;
    return numbers ? numbers[code] : code;
  };
  const textOf = (index, cell) => {
    const { texts, numbers } = data.parameters[index], code = data.codes[index][cell];
    return texts ? texts[code] : String(numbers[code]);
  };
  const setting = (cell, shown) => data.parameters.map((parameter, index) => [parameter, index])
    .filter(([, index]) => !shown || shown.includes(index))
    .map(([parameter, index]) => `${escaped(parameter.label)} ${escaped(textOf(index, cell))}`).join(", ");

  // What is marked: peak and plateau, or both as one.
  const tops = data.peak === data.plateau
    ? [{ name: "plateau and peak", cell: data.plateau, symbol: "diamond", size: 14, tint: "plateau" }]
    : [{ name: "plateau", cell: data.plateau, symbol: "diamond", size: 14, tint: "plateau" },
      { name: "peak", cell: data.peak, symbol: "triangle-up", size: 13, tint: "peak" }];
  const marked = tops.filter((top) => top.cell !== null);

  // Hollow where the map shows another value of the other parameters.
  function marks(axes, isShown, height) {
    // Where both fall on one place of the map, the peak lies inside the plateau's mark.
    const isOne = marked.length > 1 && axes.every((index) => data.codes[index][data.peak] === data.codes[index][data.plateau]);
    return marked.map(({ name, cell, symbol, size, tint }) => {
      const shown = isShown(cell), line = shown ? { width: 1.5, color: color("mark-line") } : { width: 2, color: color("text") };
      return {
        type: "scatter", mode: "markers", name: shown ? name : `${name} (with other parameters elsewhere)`,
        x: [place(axes[0], cell)], y: [axes.length > 1 ? place(axes[1], cell) : height(cell)], text: [`${name}<br>${setting(cell)}`],
        hovertemplate: "%{text}<extra></extra>",
        marker: { symbol: shown ? symbol : `${symbol}-open`, size: isOne ? (name === "peak" ? 9 : 24) : size, color: shown ? color(tint) : color("text"), line },
      };
    });
  }

  // The plateau's neighbourhood, as far as the map's axes show it.
  function frame(axes) {
    if (!data.grid || data.members.length < 2) return [];
    const ends = axes.map((index) => {
      const codes = data.members.map((cell) => data.codes[index][cell]);
      return [Math.min(...codes) - 0.5, Math.max(...codes) + 0.5];
    });
    const line = { color: color("plateau"), width: 2.5 };
    return [axes.length > 1
      ? { type: "rect", x0: ends[0][0], x1: ends[0][1], y0: ends[1][0], y1: ends[1][1], line }
      : { type: "rect", x0: ends[0][0], x1: ends[0][1], y0: 0, y1: 1, yref: "paper", line: { width: 0 }, fillcolor: color("plateau"), opacity: 0.14 }];
  }

  function heat(axes, figure, found, others) {
    const [x, y] = axes, [width, height] = axes.map((index) => data.parameters[index].texts.length);
    const rest = data.parameters.map((_, index) => index).filter((index) => !axes.includes(index));
    const isShown = (cell) => others !== "plateau" || rest.every((index) => data.codes[index][cell] === data.codes[index][data.plateau]);
    const sums = Array.from({ length: height }, () => Array(width).fill(null)), counts = sums.map((row) => row.map(() => 0));
    const sources = sums.map((row) => [...row]);
    for (let cell = 0; cell < cells; cell += 1) {
      const value = found[cell];
      if (value === null || !isShown(cell)) continue;
      const row = data.codes[y][cell], column = data.codes[x][cell], before = sums[row][column];
      const better = before === null || (value - before) * figure.sign > 0;
      counts[row][column] += 1;
      if (better) sources[row][column] = cell;
      sums[row][column] = others === "mean" ? (before ?? 0) + value : better ? value : before;
    }
    const z = others === "mean" ? sums.map((row, r) => row.map((sum, c) => (counts[r][c] ? sum / counts[r][c] : null))) : sums;
    const customdata = sources.map((row, r) => row.map((cell, c) => (cell === null ? "" : others === "mean"
      ? `${setting(cell, axes)}<br>mean of ${counts[r][c]}` : `${setting(cell)}${around(cell, figure)}`)));
    const { cmin, cmax, colorscale } = scale(figure, z.flat());
    const gap = Math.min(chart("map").clientWidth / width, chart("map").clientHeight / height) > 12 ? 1 : 0;
    const trace = { type: "heatmap", z, customdata, zmin: cmin, zmax: cmax, colorscale, colorbar: bar(figure), xgap: gap, ygap: gap,
      hoverongaps: false, hovertemplate: `${escaped(figure.label)} %{z:${hovers[figure.kind]}}<br>%{customdata}<extra></extra>` };
    const roomy = chart("map").clientWidth / width > 56 && chart("map").clientHeight / height > 20;
    if (roomy) {
      // Not under a mark.
      const hidden = marked.map(({ cell }) => `${data.codes[y][cell]} ${data.codes[x][cell]}`);
      trace.text = z.map((row, r) => row.map((value, c) => (value === null || hidden.includes(`${r} ${c}`) ? "" : written(value, figure))));
      trace.texttemplate = "%{text}";
    }
    return { traces: [trace, ...marks(axes, isShown)], shapes: frame(axes) };
  }

  function scatter(axes, figure, found) {
    // The best are drawn last, so that nothing covers them.
    const order = [...found.keys()].filter((cell) => found[cell] !== null).sort((a, b) => (found[a] - found[b]) * figure.sign);
    const { cmin, cmax, colorscale } = scale(figure, found, color("faint"));
    const trace = { type: "scatter", mode: "markers", showlegend: false, x: order.map((cell) => place(axes[0], cell)),
      y: order.map((cell) => place(axes[1], cell)), text: order.map((cell) => `${setting(cell)}${around(cell, figure)}`), customdata: order.map((cell) => found[cell]),
      marker: { size: order.length < 300 ? 10 : 7, color: order.map((cell) => found[cell]), cmin, cmax, colorscale, colorbar: bar(figure),
        line: { width: 0.5, color: color("soft") } },
      hovertemplate: `${escaped(figure.label)} %{customdata:${hovers[figure.kind]}}<br>%{text}<extra></extra>` };
    return { traces: [trace, ...marks(axes, () => true)], shapes: [] };
  }

  function line(figure, found) {
    const one = (list, name, width, tint) => {
      const order = [...list.keys()].filter((cell) => list[cell] !== null).sort((a, b) => place(0, a) - place(0, b));
      return { type: "scatter", mode: data.grid ? "lines+markers" : "markers", name: escaped(name), x: order.map((cell) => place(0, cell)), y: order.map((cell) => list[cell]),
        text: order.map((cell) => setting(cell)), line: { width, color: tint }, marker: { size: width * 3, color: tint }, showlegend: name !== "",
        hovertemplate: `%{text}<br>${escaped(figure.label)} %{y:${hovers[figure.kind]}}<extra>${escaped(name)}</extra>` };
    };
    const each = data.sets.length > 1 && data.sets.length <= 12 && Number(chosen("runs", -1)) < 0
      ? data.sets.map((name, set) => ({ ...one(values(figure.name, set), name, 1, color("hold")), opacity: 0.7 })) : [];
    const traces = [...each, one(found, each.length ? "mean" : "", 2, color("accent"))];
    return { traces: [...traces, ...marks([0], () => true, (cell) => found[cell])], shapes: frame([0]) };
  }

  function drawMap() {
    const figure = figureOf(chosen("figure", objective.name)), found = values(figure.name, Number(chosen("runs", -1)));
    const axes = data.parameters.length > 1 ? [Number(chosen("x", 0)), Number(chosen("y", 1))] : [0];
    const isContinuous = axes.some((index) => data.parameters[index].numbers);
    const drawn = axes.length < 2 ? line(figure, found) : isContinuous ? scatter(axes, figure, found) : heat(axes, figure, found, chosen("others", "best"));
    const [wide, high] = [chart("map").clientWidth / 48, chart("map").clientHeight / 22];
    const xaxis = axis(data.parameters[axes[0]], wide);
    const yaxis = axes.length > 1 ? axis(data.parameters[axes[1]], high)
      : { gridcolor: color("grid"), zerolinecolor: color("soft"), tickformat: formats[figure.kind], title: { text: escaped(figure.label) } };
    if (axes.length > 1 && !isContinuous) { xaxis.showgrid = false; yaxis.showgrid = false; }
    const legend = { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" };
    Plotly.react(chart("map"), drawn.traces, layout({ xaxis, yaxis, shapes: drawn.shapes, legend }), options);
    if (select("others")) select("others").disabled = isContinuous;
    chart("map-note").textContent = mapNote(axes, isContinuous);
  }

  function mapNote(axes, isContinuous) {
    const parts = [];
    if (data.plateau !== null && data.members.length > 1) {
      parts.push(data.grid ? "Framed: the plateau's neighbourhood; its mean objective is the best of all neighbourhoods."
        : "The plateau is the point whose nearest neighbours have the best mean.");
    }
    if (axes.length > 1 && !isContinuous) parts.push("Empty: not run, failed, or no value.");
    return parts.join(" ");
  }

  function dimensions() {
    const parameters = data.parameters.map((parameter, index) => {
      const base = { label: parameter.label, values: shown.map((cell) => place(index, cell)) };
      if (parameter.log) {
        const logs = base.values.map(Math.log10), low = Math.ceil(Math.min(...logs)), high = Math.floor(Math.max(...logs));
        const powers = Array.from({ length: Math.max(0, high - low + 1) }, (_, step) => low + step);
        return { ...base, values: logs, tickvals: powers, ticktext: powers.map((power) => String(10 ** power)) };
      }
      if (parameter.numbers) return base;
      const size = parameter.texts.length, step = Math.ceil(size / 12);
      const ticks = parameter.texts.map((_, code) => code).filter((code) => code % step === 0);
      return { ...base, range: [0, Math.max(1, size - 1)], tickvals: ticks, ticktext: ticks.map((code) => parameter.texts[code]) };
    });
    const figures = data.main.slice(0, 5).map((name) => {
      const found = values(name, -1), figure = figureOf(name);
      return { label: figure.label, values: shown.map((cell) => found[cell] ?? NaN), tickformat: formats[figure.kind] };
    });
    return [...parameters, ...figures];
  }

  let shown = [];
  function drawParallel() {
    const all = values(objective.name, -1), box = chart("parallel");
    shown = [...all.keys()].filter((cell) => all[cell] !== null);
    const found = shown.map((cell) => all[cell]), { cmin, cmax, colorscale } = scale(objective, found, color("faint"));
    const list = dimensions();
    box.style.minWidth = `${90 * list.length}px`;
    const trace = { type: "parcoords", dimensions: list, line: { color: found, cmin, cmax, colorscale, showscale: true, colorbar: bar(objective) },
      labelfont: { color: color("text"), size: 12 }, tickfont: { color: color("soft"), size: 11 }, rangefont: { size: 1, color: "rgba(0,0,0,0)" },
      unselected: { line: { color: color("hold"), opacity: 0.06 } } };
    const wide = { l: 46, r: 20, t: 46, b: 18 };
    Plotly.react(box, [trace], layout({ margin: wide }), { ...options, displayModeBar: false });
  }

  function drawSpread() {
    const all = values(objective.name, -1), found = all.filter((value) => value !== null).sort((a, b) => a - b);
    const half = (found.length - 1) / 2, median = (found[Math.floor(half)] + found[Math.ceil(half)]) / 2;
    const lines = [{ name: "median", value: median, tint: "soft" }, ...marked.map((top) => ({ name: top.name, value: all[top.cell], tint: top.tint === "peak" ? "text" : top.tint }))];
    const shapes = lines.map(({ value, tint }) => ({ type: "line", x0: value, x1: value, y0: 0, y1: 1, yref: "paper", line: { color: color(tint), width: 2, dash: "dot" } }));
    // One above the other, so that close ones can be read.
    const annotations = lines.map(({ name, value }, index) => ({ x: value, y: 1.02 + 0.1 * index, yref: "paper", yanchor: "bottom",
      text: `${name} ${written(value, objective)}`, showarrow: false, font: { color: color("text") } }));
    const trace = { type: "histogram", x: found, nbinsx: narrow() ? 24 : 48, marker: { color: color("accent"), line: { width: 1, color: color("panel") } },
      hovertemplate: "%{x}: %{y}<extra></extra>" };
    const axes = { gridcolor: color("grid"), zerolinecolor: color("line") };
    Plotly.react(chart("spread"), [trace], layout({ shapes, annotations, bargap: 0, margin: { l: 54, r: 16, t: 66, b: 40 },
      xaxis: { ...axes, tickformat: formats[objective.kind], title: { text: objective.label } }, yaxis: { ...axes, title: { text: "combinations" } } }), { ...options, displayModeBar: false });
  }

  function drawsLines() {
    try {
      return Boolean(document.createElement("canvas").getContext("webgl"));
    } catch {
      return false;
    }
  }

  function draw() {
    drawMap();
    drawSpread();
    if (lines) drawParallel();
  }

  // Axes begin with the two numbers that have most values.
  function begin() {
    if (!select("x")) return;
    const rank = data.parameters.map((parameter, index) => [parameter.numeric ? 1 : 0, (parameter.texts ?? parameter.numbers).length, -index])
      .map((key, index) => [key, index]).sort(([a], [b]) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]).map(([, index]) => index);
    const [first, second] = rank.slice(0, 2).sort((a, b) => a - b);
    select("x").value = first;
    select("y").value = second;
    ["x", "y"].forEach((id) => select(id).addEventListener("change", () => {
      const other = select(id === "x" ? "y" : "x");
      // Each axis has its own parameter: a second choice of one takes the place of the other.
      if (other.value === select(id).value) other.value = before[id];
      before = { x: select("x").value, y: select("y").value };
      drawMap();
    }));
    if (select("others") && (data.plateau === null || !data.grid)) select("others").value = "best";
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
  const lines = drawsLines();
  if (!lines) chart("parallel-note").textContent = "Parallel coordinates need WebGL, which this browser does not offer.";
  chart("parallel").hidden = !lines;
  if (!data.parameters.length || data.peak === null || data.codes[0].length < 2) {
    // One combination is no space to draw.
    ["map", "parallel", "spread"].forEach((id) => { chart(id).closest("section").hidden = true; });
    return;
  }
  begin();
  let before = { x: chosen("x", 0), y: chosen("y", 1) };
  ["figure", "others", "runs"].filter(select).forEach((id) => select(id).addEventListener("change", drawMap));
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
