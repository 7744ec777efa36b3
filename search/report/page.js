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
  var COLLATOR = new Intl.Collator(undefined, { numeric: true });

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

  function startPlots(showTrial) {
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

  // A cell is a text or a number, or a list: text, what to sort by, all of a long text, its class.
  function partsOf(cell) {
    return Array.isArray(cell) ? cell : [String(cell), typeof cell === "number" ? cell : null];
  }

  function sortKey(cell) {
    var parts = partsOf(cell);
    if (parts[1] !== null && parts[1] !== undefined) {
      // written by Python: inf and nan are its words
      return { number: Number(String(parts[1]).replace("inf", "Infinity")), text: "" };
    }
    return { number: NaN, text: parts[0].trim() };
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
    return COLLATOR.compare(a.text, b.text);
  }

  function textOf(row) {
    return row.cells.map(function (cell) {
      var parts = partsOf(cell);
      return parts[2] ? parts[0] + parts[2] : parts[0];
    }).join(" ").toLowerCase();
  }

  function cellElement(cell, kind) {
    var parts = partsOf(cell);
    var element = document.createElement("td");
    element.className = parts[3] || kind;
    if (parts[2]) {
      var details = document.createElement("details");
      var summary = document.createElement("summary");
      summary.textContent = parts[0];
      details.append(summary, parts[2]);
      element.append(details);
    } else {
      element.textContent = parts[0];
    }
    return element;
  }

  function rowElement(row, kinds) {
    var element = document.createElement("tr");
    element.id = "trial-" + row.number;
    element.className = "outcome-" + row.key + (row.isBest ? " best" : "");
    row.cells.forEach(function (cell, index) {
      element.append(cellElement(cell, kinds[index]));
    });
    return element;
  }

  // The rows are data; the document holds those of one page.
  function startTable() {
    var table = document.getElementById("trial-table");
    if (!table) {
      return function () {};
    }
    var pageRows = Number(table.dataset.pageRows);
    var headings = Array.from(table.tHead.rows[0].cells);
    var kinds = headings.map(function (heading) { return heading.className; });
    var all = JSON.parse(document.getElementById("trial-rows").textContent);
    all = all.map(function (row) {
      return { number: row[0], key: row[1], isBest: row[2] === 1, cells: row.slice(3) };
    });
    var input = document.getElementById("filter");
    var shown = all;
    var page = 0;

    function drawPage() {
      var first = page * pageRows;
      var rows = shown.slice(first, first + pageRows);
      table.tBodies[0].replaceChildren.apply(
        table.tBodies[0],
        rows.map(function (row) { return rowElement(row, kinds); })
      );
      drawPlace();
    }

    function drawPlace() {
      var first = page * pageRows;
      var last = Math.min(first + pageRows, shown.length);
      document.getElementById("pages").hidden = shown.length <= pageRows;
      document.getElementById("page-place").textContent =
        "rows " + (first + 1) + " to " + last + " of " + shown.length;
      document.getElementById("previous-page").disabled = page === 0;
      document.getElementById("next-page").disabled = last === shown.length;
    }

    function turnTo(number) {
      page = number;
      drawPage();
      table.parentElement.scrollTop = 0;
    }

    function filterRows() {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      shown = words.length === 0 ? all : all.filter(function (row) {
        row.text = row.text || textOf(row);
        return words.every(function (word) { return row.text.includes(word); });
      });
      document.getElementById("shown").textContent =
        words.length ? shown.length + " of " + all.length + " trials" : "";
      turnTo(0);
    }

    function sortBy(index) {
      var isAscending = headings[index].getAttribute("aria-sort") !== "ascending";
      headings.forEach(function (heading) { heading.setAttribute("aria-sort", "none"); });
      headings[index].setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      var keyed = all.map(function (row, place) {
        return { row: row, key: sortKey(row.cells[index]), place: place };
      });
      keyed.sort(function (a, b) {
        // what is missing stays at the end in both directions
        var missing = Number(isMissing(a.key)) - Number(isMissing(b.key));
        var order = isAscending ? compare(a.key, b.key) : compare(b.key, a.key);
        return missing || order || a.place - b.place;
      });
      all = keyed.map(function (item) { return item.row; });
      filterRows();
    }

    function placeOf(number) {
      return shown.findIndex(function (row) { return row.number === number; });
    }

    function showTrial(number) {
      if (placeOf(number) < 0) {
        input.value = "";
        filterRows();
      }
      var place = placeOf(number);
      if (place < 0) {
        return;
      }
      turnTo(Math.floor(place / pageRows));
      var row = document.getElementById("trial-" + number);
      row.classList.add("picked");
      row.scrollIntoView({
        block: "center",
        behavior: prefersLessMotion.matches ? "auto" : "smooth",
      });
    }

    function followAddress() {
      var found = /^#trial-(\d+)$/.exec(window.location.hash);
      if (found) {
        showTrial(Number(found[1]));
      }
    }

    headings.forEach(function (heading, index) {
      heading.querySelector("button").addEventListener("click", function () { sortBy(index); });
    });
    input.addEventListener("input", filterRows);
    document.getElementById("previous-page").addEventListener("click", function () {
      turnTo(page - 1);
    });
    document.getElementById("next-page").addEventListener("click", function () {
      turnTo(page + 1);
    });
    document.addEventListener("click", function (event) {
      // the address may be there already, and then nothing tells of a change
      var link = event.target.closest("a");
      if (link && link.getAttribute("href") === window.location.hash) {
        followAddress();
      }
    });
    window.addEventListener("hashchange", followAddress);
    drawPlace();
    followAddress();
    return showTrial;
  }

  startPlots(startTable());
})();
