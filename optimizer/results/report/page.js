"use strict";
(function () {
  var root = document.documentElement;

  // light and dark: as the system has it until the button is pressed; nothing is remembered
  var button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", function () {
    var now = root.getAttribute("data-theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.setAttribute("data-theme", now === "dark" ? "light" : "dark");
  });

  // charts of one scenario or of the expectation
  var picker = document.getElementById("view");
  if (picker) {
    picker.parentNode.hidden = false;
    picker.addEventListener("change", function () {
      document.querySelectorAll("[data-view]").forEach(function (one) { one.hidden = one.dataset.view !== picker.value; });
    });
  }

  // tables sort by the exact value of a number, or by text; what is empty stays last
  document.querySelectorAll("th button").forEach(function (head) {
    head.addEventListener("click", function () {
      var th = head.parentNode, row = th.parentNode, at = Array.prototype.indexOf.call(row.children, th);
      var up = th.getAttribute("aria-sort") !== "ascending", body = th.closest("table").tBodies[0];
      Array.prototype.forEach.call(row.children, function (other) { other.setAttribute("aria-sort", "none"); });
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      var keyed = Array.prototype.map.call(body.rows, function (tr, n) {
        var cell = tr.cells[at], given = cell.dataset.v;
        return { tr: tr, n: n, empty: given === "" || (given === undefined && !cell.textContent),
          key: given === undefined ? cell.textContent : Number(given) };
      });
      keyed.sort(function (a, b) {
        if (a.empty || b.empty) { return a.empty - b.empty || a.n - b.n; }
        var order = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key : String(a.key).localeCompare(String(b.key));
        return (up ? order : -order) || a.n - b.n;
      });
      keyed.forEach(function (one) { body.appendChild(one.tr); });
    });
  });

  // what a map says under the pointer
  var months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  document.querySelectorAll("svg[data-map]").forEach(function (map) {
    var out = map.parentNode.querySelector("output"), cells = map.dataset.map.split(" "), frame = map.dataset.frame.split(" ").map(Number);
    if (!out) { return; }
    map.addEventListener("pointermove", function (event) {
      var box = map.getBoundingClientRect(), size = map.viewBox.baseVal;
      var hour = Math.floor(((event.clientX - box.left) * size.width / box.width - frame[0]) / frame[2]);
      var month = Math.floor(((event.clientY - box.top) * size.height / box.height - frame[1]) / frame[3]);
      var inside = hour >= 0 && hour < 24 && month >= 0 && month < 12, value = inside ? cells[month * 24 + hour] : "";
      out.textContent = inside ? months[month] + ", " + hour + ":00 to " + (hour + 1) + ":00: " +
        (value === "-" ? "no hour is kept" : Number(value) + " " + map.dataset.unit) : "";
    });
    map.addEventListener("pointerleave", function () { out.textContent = ""; });
  });

  // all is printed, also what is folded away
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
  });
})();
