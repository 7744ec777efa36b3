(function () {
  "use strict";

  var darkColours = JSON.parse(document.getElementById("dark-colours").textContent);
  var prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  var prefersLessMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
  var CONFIG = {
    displaylogo: false,
    responsive: false,
    modeBarButtons: [["zoom2d", "resetScale2d", "toImage"]],
  };
  var GAP_PX = 76;

  // A figure is drawn in the light colours; each has one partner for dark screens.
  function coloured(node, isDark) {
    if (typeof node === "string") {
      return isDark && Object.hasOwn(darkColours, node) ? darkColours[node] : node;
    }
    if (Array.isArray(node)) {
      return node.map(function (item) { return coloured(item, isDark); });
    }
    if (node && typeof node === "object") {
      var copy = {};
      Object.keys(node).forEach(function (key) { copy[key] = coloured(node[key], isDark); });
      return copy;
    }
    return node;
  }

  function axisKey(letter, index) {
    return letter + "axis" + (index ? index + 1 : "");
  }

  // Panels stand side by side on a wide screen and below each other on a narrow one.
  function arrange(layout, width) {
    var meta = layout.meta;
    var columns = Math.min(meta.columns, width < 520 ? 1 : width < 820 ? 2 : meta.columns);
    var rows = Math.ceil(meta.panels / columns);
    var inner = rows * meta.row_height;
    layout.height = inner + layout.margin.t + layout.margin.b;
    var xGap = GAP_PX / Math.max(width, 1);
    var yGap = GAP_PX / inner;
    var wide = (1 - xGap * (columns - 1)) / columns;
    var tall = (1 - yGap * (rows - 1)) / rows;
    for (var index = 0; index < meta.panels; index += 1) {
      var left = (index % columns) * (wide + xGap);
      var top = 1 - Math.floor(index / columns) * (tall + yGap);
      layout[axisKey("x", index)].domain = [left, Math.min(1, left + wide)];
      layout[axisKey("y", index)].domain = [Math.max(0, top - tall), top];
    }
  }

  function draw(plot, isDark) {
    var figure = coloured(plot.figure, isDark);
    var layout = figure.layout;
    var meta = layout.meta || {};
    var width = plot.element.parentElement.clientWidth;
    if (meta.panels) {
      arrange(layout, width);
    }
    if (meta.min_width) {
      width = Math.max(width, meta.min_width);
    }
    layout.width = width;
    plot.width = plot.element.parentElement.clientWidth;
    return window.Plotly.react(plot.element, figure.data, layout, CONFIG);
  }

  function showTrial(number) {
    var row = document.getElementById("trial-" + number);
    if (!row) {
      return;
    }
    document.querySelectorAll("tr.picked").forEach(function (other) {
      other.classList.remove("picked");
    });
    row.hidden = false;
    row.classList.add("picked");
    row.scrollIntoView({
      block: "center",
      behavior: prefersLessMotion.matches ? "auto" : "smooth",
    });
  }

  function startPlots() {
    var plots = Array.from(document.querySelectorAll("script.figure")).map(function (script) {
      var element = document.getElementById(script.dataset.for);
      return { element: element, figure: JSON.parse(script.textContent), width: 0 };
    });
    function drawAll(isDark) {
      plots.forEach(function (plot) { draw(plot, isDark); });
    }
    drawAll(prefersDark.matches);
    plots.forEach(function (plot) {
      plot.element.on("plotly_click", function (event) {
        var number = event.points.length ? event.points[0].customdata : undefined;
        if (number !== undefined) {
          showTrial(number);
        }
      });
    });
    prefersDark.addEventListener("change", function () { drawAll(prefersDark.matches); });
    window.addEventListener("beforeprint", function () { drawAll(false); });
    window.addEventListener("afterprint", function () { drawAll(prefersDark.matches); });
    var waiting = 0;
    window.addEventListener("resize", function () {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(function () {
        plots.forEach(function (plot) {
          if (plot.element.parentElement.clientWidth !== plot.width) {
            draw(plot, prefersDark.matches);
          }
        });
      }, 120);
    });
  }

  function sortKey(row, index) {
    var cell = row.cells[index];
    if (cell.dataset.sort !== undefined) {
      // written by Python: inf and nan are its words
      return { number: Number(cell.dataset.sort.replace("inf", "Infinity")), text: "" };
    }
    return { number: NaN, text: cell.textContent.trim() };
  }

  function isMissing(key) {
    return Number.isNaN(key.number) && (key.text === "" || key.text === "–");
  }

  function compare(a, b) {
    var bothNumbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
    if (bothNumbers) {
      return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
    }
    if (Number.isNaN(a.number) !== Number.isNaN(b.number)) {
      return Number.isNaN(a.number) ? 1 : -1;
    }
    return a.text.localeCompare(b.text, undefined, { numeric: true });
  }

  function sortBy(table, headings, index) {
    var body = table.tBodies[0];
    var isAscending = headings[index].getAttribute("aria-sort") !== "ascending";
    headings.forEach(function (heading) { heading.setAttribute("aria-sort", "none"); });
    headings[index].setAttribute("aria-sort", isAscending ? "ascending" : "descending");
    var keyed = Array.from(body.rows).map(function (row, place) {
      return { row: row, key: sortKey(row, index), place: place };
    });
    keyed.sort(function (a, b) {
      // what is missing stays at the end in both directions
      var missing = Number(isMissing(a.key)) - Number(isMissing(b.key));
      var order = isAscending ? compare(a.key, b.key) : compare(b.key, a.key);
      return missing || order || a.place - b.place;
    });
    body.append.apply(body, keyed.map(function (item) { return item.row; }));
  }

  function filterRows(table, words, output) {
    var shown = 0;
    Array.from(table.tBodies[0].rows).forEach(function (row) {
      var text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) { return text.includes(word); });
      shown += row.hidden ? 0 : 1;
    });
    var all = table.tBodies[0].rows.length;
    output.textContent = words.length ? shown + " of " + all + " trials" : "";
  }

  function startTable() {
    var table = document.getElementById("trial-table");
    if (!table) {
      return;
    }
    var headings = Array.from(table.tHead.rows[0].cells);
    headings.forEach(function (heading, index) {
      heading.querySelector("button").addEventListener("click", function () {
        sortBy(table, headings, index);
      });
    });
    var input = document.getElementById("filter");
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      filterRows(table, words, document.getElementById("shown"));
    });
  }

  startTable();
  startPlots();
})();
