"use strict";
// Draws the three charts from the JSON above and keeps their time axes together; sorts the table of round trips.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = ["price", "equity", "drawdown"].map((id) => document.getElementById(id));
  const [price, equity, drawdown] = charts;
  const note = document.getElementById("price-note");
  const choice = document.getElementById("symbol");
  let view = data.period; // what all three charts show of the time axis
  const { narrow, color, escaped, options, sortable } = page;

  function layout(changes) {
    // Ranges are copied: plotly writes into the arrays it is given.
    const axis = { gridcolor: color("grid"), linecolor: color("line"), zerolinecolor: color("line") };
    const { yaxis, ...rest } = changes;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", // One fixed margin, so that the time axes of the three charts line up.
      margin: { l: narrow() ? 48 : 64, r: 10, t: 26, b: 34 },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: color("soft") },
      hoverlabel: { bgcolor: color("panel"), bordercolor: color("line"), font: { color: color("text") } },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" }, dragmode: narrow() ? false : "zoom",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("text") },
      xaxis: { ...axis, type: "date", range: [...view], rangeslider: { visible: false } },
      yaxis: { ...axis, fixedrange: false, ...yaxis },
      ...rest,
    };
  }

  function markers(fills, name, symbol, tint) {
    const text = fills.t.map((_, row) => {
      const many = fills.count && fills.count[row] > 1;
      const who = fills.strategy ? `<br>${escaped(fills.strategy[row])}` : "";
      return many
        ? `${fills.count[row]} ${name}s, ${fills.quantity[row]} in all<br>average ${fills.y[row]}`
        : `${name} ${fills.quantity[row]} at ${fills.y[row]}${who}`;
    });
    return {
      type: "scatter", mode: "markers", name: `${name}s`, x: fills.t, y: fills.y, text, hoverinfo: "text+x",
      marker: { symbol, size: fills.t.length < 100 ? 10 : fills.t.length < 400 ? 7 : 5, color: tint, line: { width: 0.5, color: color("panel") } },
    };
  }

  function drawPrice() {
    const shown = data.prices[choice ? Number(choice.value) : 0];
    const name = escaped(shown.symbol);
    const bars = shown.kind === "candles"
      ? { type: "candlestick", name, x: shown.t, open: shown.open, high: shown.high, low: shown.low, close: shown.close,
          // Calm candles: the fills are what the eye should find.
          increasing: { line: { color: color("hold"), width: 1 } }, decreasing: { line: { color: color("soft"), width: 1 } } }
      : { type: "scatter", mode: "lines", name, x: shown.t, y: shown.y, line: { width: 1.2, color: color("soft") } };
    const traces = [bars, markers(shown.buys, "buy", "triangle-up", color("buy")),
      markers(shown.sells, "sell", "triangle-down", color("sell"))];
    Plotly.react(price, traces, layout({ hovermode: "closest" }), options);
    note.textContent = `${shown.note} ${shown.fills_note}`;
  }

  function drawCurves() {
    const line = (curve, name, tint, width) => ({
      type: "scatter", mode: curve.t.length < 40 ? "lines+markers" : "lines", name, x: curve.t, y: curve.y, line: { width, color: tint },
    });
    const traces = [line(data.hold, "buy and hold", color("hold"), 1.2), line(data.equity, "strategy", color("accent"), 1.8)];
    const money = { tickformat: "~s" };
    Plotly.react(equity, traces, layout({ yaxis: money, hovermode: "x unified" }), options);
    const fall = { ...line(data.drawdown, "drawdown", color("warning"), 1.2), fill: "tozeroy", hovertemplate: "%{y:.2%}<extra></extra>" };
    Plotly.react(drawdown, [fall], layout({ yaxis: { tickformat: ".2~%", rangemode: "tozero" }, hovermode: "x unified" }), options);
  }

  // A zoom on one chart moves the others; the flag stops them from answering.
  let moving = false;
  function follow(source, event) {
    if (moving) return;
    const from = event["xaxis.range[0]"], to = event["xaxis.range[1]"];
    const change = from !== undefined ? { "xaxis.range": [from, to] }
      : event["xaxis.range"] ? { "xaxis.range": event["xaxis.range"] }
      : event["xaxis.autorange"] ? { "xaxis.range": data.period } : null;
    if (!change) return;
    view = [...change["xaxis.range"]];
    moving = true;
    const others = charts.filter((chart) => chart !== source && chart.data);
    Promise.all(others.map((chart) => Plotly.relayout(chart, { "xaxis.range": [...view] }))).finally(() => { moving = false; });
  }

  function draw() {
    drawPrice();
    drawCurves();
  }

  if (!data.prices.length) {
    charts.forEach((chart) => { chart.hidden = true; });
    return;
  }
  draw();
  charts.forEach((chart) => chart.on("plotly_relayout", (event) => follow(chart, event)));
  if (choice) choice.addEventListener("change", drawPrice);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.querySelectorAll("table.sortable").forEach(sortable);
})();
