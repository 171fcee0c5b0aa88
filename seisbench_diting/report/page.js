"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { picks, events, stations, counts, snippets, colours } = data;
  const config = { responsive: true, displaylogo: false };
  // On a phone its buttons would cover the legend.
  if (window.innerWidth < 600) config.displayModeBar = false;
  const grey = "#8a8a8a";
  // More points than these take a browser seconds. Not WebGL: not all of them have it.
  const most = 8000;
  const [mostEllipses, mostRows] = [300, 1000];
  let [chosen, markOnMap, markOnTimeline] = [-1, () => {}, () => {}];

  const element = (id) => document.getElementById(id);
  const colour = (phase) => colours[phase[0]] || grey;
  const layout = (more) => ({
    margin: { l: 60, r: 20, t: 10, b: 45 },
    font: { size: 12 },
    hovermode: "closest",
    ...more,
  });
  const clock = (ms) => new Date(ms).toISOString().replace("T", " ").slice(0, 23);
  // Plotly interprets text as HTML, but text from files is plain.
  const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const nameOf = (i) => picks.names[picks.station[i]];
  const phaseOf = (i) => picks.phases[picks.phase[i]];
  const has = (i) => Object.hasOwn(snippets, i);

  function describe(i) {
    const words = [`${nameOf(i)} ${phaseOf(i)} ${clock(picks.time[i])}`];
    words.push(`probability ${picks.probability[i].toFixed(2)}`);
    if (picks.snr[i] !== null) words.push(`SNR ${picks.snr[i].toPrecision(3)}`);
    if (picks.event && picks.event[i] >= 0) {
      words.push(`event ${events.name[picks.event[i]]}`);
      if (picks.residual[i] !== null) words.push(`residual ${picks.residual[i]} s`);
    }
    return words.join(", ");
  }

  // Picks over time and stations. Of many, a part is drawn: of those in view.

  const groups = new Map();
  picks.time.forEach((_, i) => {
    const key = `${phaseOf(i)}|${has(i)}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  });
  const keys = [...groups.keys()].sort();

  // Members of each group that are drawn, and how many there are in view.
  function drawn([first, last]) {
    const inside = keys.map((key) =>
      groups.get(key).filter((i) => picks.time[i] >= first && picks.time[i] <= last),
    );
    const total = inside.reduce((sum, members) => sum + members.length, 0);
    const step = Math.ceil(total / most);
    return [
      inside.map((members, k) =>
        keys[k].endsWith("true") ? members : members.filter((_, n) => n % step === 0),
      ),
      total,
    ];
  }

  function count(shown, total) {
    const number = shown.reduce((sum, members) => sum + members.length, 0);
    element("shown").textContent =
      number < total
        ? `${number} of ${total} picks are drawn; all of them where you zoom in.`
        : "";
  }

  const columns = (shown) => ({
    x: shown.map((members) => members.map((i) => clock(picks.time[i]))),
    y: shown.map((members) => members.map((i) => plain(nameOf(i)))),
    customdata: shown,
    text: shown.map((members) => members.map((i) => plain(describe(i)))),
  });

  function drawPicks() {
    const [shown, total] = drawn([-Infinity, Infinity]);
    const { x, y, customdata, text } = columns(shown);
    const traces = keys.map((key, k) => {
      const [phase, with_waveforms] = key.split("|");
      const readable = with_waveforms === "true";
      return {
        type: "scatter",
        mode: "markers",
        name: plain(readable ? `${phase} with waveforms` : phase),
        x: x[k],
        y: y[k],
        customdata: customdata[k],
        text: text[k],
        hoverinfo: "text",
        marker: {
          color: colour(phase),
          size: readable ? 9 : 6,
          symbol: phase[0] === "S" ? "diamond" : "circle",
          opacity: readable ? 0.9 : 0.35,
        },
      };
    });
    traces.push({
      type: "scatter",
      mode: "markers",
      showlegend: false,
      hoverinfo: "skip",
      x: [],
      y: [],
      marker: { size: 18, color: "rgba(0,0,0,0)", line: { width: 2, color: "black" } },
    });
    count(shown, total);
    const height = Math.min(1600, Math.max(280, 120 + 16 * picks.names.length));
    Plotly.newPlot(
      "picks",
      traces,
      layout({
        height,
        margin: { l: 110, r: 20, t: 30, b: 45 },
        xaxis: { title: { text: "Time (UTC)" }, type: "date", automargin: true },
        yaxis: {
          type: "category",
          categoryorder: "array",
          categoryarray: picks.names.map(plain).reverse(),
        },
        legend: { orientation: "h", y: 1, yanchor: "bottom" },
      }),
      config,
    );
    const panel = element("picks");
    panel.on("plotly_click", (clicked) => {
      const [point] = clicked.points;
      if (point.customdata !== undefined) showPick(point.customdata);
    });
    panel.on("plotly_relayout", (changed) => {
      if (!Object.keys(changed).some((key) => key.startsWith("xaxis."))) return;
      const whole = changed["xaxis.autorange"] || picks.time.length <= most;
      const range = panel.layout.xaxis.range.map((text) =>
        Date.parse(`${String(text).replace(" ", "T")}Z`),
      );
      const [visible, inside] = drawn(whole ? [-Infinity, Infinity] : range);
      count(visible, inside);
      Plotly.restyle(panel, columns(visible), keys.map((_, k) => k));
    });
  }

  // Waveforms of one pick.

  function samples(text, peak) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return Array.from(new Int8Array(bytes.buffer), (value) => (value / 127) * peak);
  }

  function neighbours(i, begin, end) {
    const near = [];
    picks.time.forEach((time, k) => {
      const seconds = (time - picks.time[i]) / 1000;
      if (picks.station[k] === picks.station[i] && seconds >= begin && seconds <= end) {
        near.push([k, seconds]);
      }
    });
    return near;
  }

  function showPick(i) {
    const mark = element("picks").data.length - 1;
    Plotly.restyle(
      "picks",
      { x: [[clock(picks.time[i])]], y: [[plain(nameOf(i))]] },
      [mark],
    );
    element("about").textContent = describe(i);
    if (!has(i)) {
      Plotly.purge("snippet");
      element("about").textContent +=
        ": its waveforms are not part of this page; more are with --snippets, " +
        "and with --waveforms where they are elsewhere.";
      return;
    }
    const components = snippets[i];
    let [begin, end] = [0, 0];
    const traces = components.map(([channel, first, rate, peak, text], row) => {
      const y = samples(text, peak);
      const x = y.map((_, k) => first + k / rate);
      begin = Math.min(begin, x[0]);
      end = Math.max(end, x[x.length - 1]);
      return {
        type: "scatter",
        mode: "lines",
        name: plain(channel),
        x,
        y,
        xaxis: "x",
        yaxis: row ? `y${row + 1}` : "y",
        line: { color: "black", width: 1 },
        hoverinfo: "x+y",
      };
    });
    const axes = {};
    const share = 1 / components.length;
    components.forEach(([channel], row) => {
      const top = 1 - row * share;
      axes[row ? `yaxis${row + 1}` : "yaxis"] = {
        title: { text: plain(channel) },
        domain: [top - share + 0.03, top - 0.01],
        zeroline: false,
        exponentformat: "e",
      };
    });
    const near = neighbours(i, begin, end);
    const last = components.length > 1 ? `y${components.length}` : "y";
    Plotly.react(
      "snippet",
      traces,
      layout({
        height: 80 + 130 * components.length,
        margin: { l: 80, r: 20, t: 25, b: 45 },
        showlegend: false,
        xaxis: {
          title: {
            text:
              `Seconds after ${clock(picks.time[i])} UTC` +
              (data.band ? `; ${data.band}` : ""),
          },
          range: [begin, end],
          anchor: last,
        },
        ...axes,
        shapes: near.map(([k, seconds]) => ({
          type: "line",
          x0: seconds,
          x1: seconds,
          y0: 0,
          y1: 1,
          yref: "paper",
          line: { color: colour(phaseOf(k)), width: k === i ? 2 : 1, dash: "dash" },
        })),
        annotations: near.map(([k, seconds]) => ({
          x: seconds,
          y: 1,
          yref: "paper",
          yanchor: "bottom",
          showarrow: false,
          text: plain(`${phaseOf(k)} ${picks.probability[k].toFixed(2)}`),
          font: { color: colour(phaseOf(k)) },
        })),
      }),
      config,
    );
    element("waveforms").scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  // Map.

  // No jump of 360 degrees between neighbours at the date line.
  function around(longitudes) {
    const first = longitudes.find((value) => value !== null) ?? 0;
    return (value) =>
      value === null ? null : ((((value - first + 540) % 360) + 360) % 360) - 180 + first;
  }

  function drawMap() {
    const [latitudes, longitudes] = ["latitude", "longitude"].map((key) =>
      [events, stations].flatMap((table) => (table ? table[key] : [])),
    );
    const known = latitudes.filter((value) => value !== null);
    if (!known.length) {
      element("map").textContent = "Use --stations FILE to show a map.";
      return;
    }
    const place = around(longitudes);
    const traces = [];
    if (stations) {
      const most = Math.max(1, largest(stations.picks));
      traces.push({
        type: "scatter",
        mode: "markers",
        name: "stations",
        x: stations.longitude.map(place),
        y: stations.latitude,
        text: stations.name.map((name, i) =>
          plain(`${name}, ${counted(stations.picks[i], "pick")}`),
        ),
        hoverinfo: "text",
        marker: {
          symbol: "triangle-up",
          size: stations.picks.map((n) => (events ? 9 : 8 + 14 * Math.sqrt(n / most))),
          color: stations.picks.map((n) => (n ? "#444444" : "#cccccc")),
          line: { width: 0.5, color: "black" },
        },
      });
    }
    if (events) {
      traces.push({
        type: "scatter",
        mode: "markers",
        name: "events",
        x: events.longitude.map(place),
        y: events.latitude,
        customdata: events.name.map((_, i) => i),
        text: events.name.map((name, i) =>
          plain(
            `${name}, ${clock(events.time[i])}, ` +
              `${events.depth[i] === null ? "?" : events.depth[i]} km` +
              (events.picks?.[i] ? `, ${counted(events.picks[i], "pick")}` : ""),
          ),
        ),
        hoverinfo: "text",
        marker: {
          size: 10,
          opacity: 0.8,
          line: { width: 0.5, color: "white" },
          color: events.depth,
          colorscale: "Viridis",
          reversescale: true,
          colorbar: { title: { text: "Depth (km)" }, thickness: 12 },
        },
      });
    }
    const few = events && events.name.length <= mostEllipses ? events.name : [];
    const all = few.flatMap((_, i) => [...ellipse(i, place), [null, null]]);
    const quiet = { type: "scatter", mode: "lines", hoverinfo: "skip" };
    const ring = { size: 20, color: "rgba(0,0,0,0)", line: { width: 2, color: "black" } };
    if (events) {
      traces.push(
        {
          ...quiet,
          name: "ellipses",
          x: all.map(([x]) => x),
          y: all.map(([, y]) => y),
          line: { color: "rgba(0,0,0,0.35)", width: 1 },
        },
        { ...quiet, name: "chosen ellipse", x: [], y: [], line: { color: "black", width: 2 } },
        { ...quiet, mode: "markers", name: "chosen", x: [], y: [], marker: ring },
      );
    }
    // Large ellipses do not set the ends of the map.
    const [first, last] = [least(known), largest(known)];
    const places = longitudes.filter((value) => value !== null).map(place);
    const [west, east] = [least(places), largest(places)];
    const narrow = Math.max(0.1, Math.cos((((first + last) / 2) * Math.PI) / 180));
    const margin = Math.max(0.06 * Math.max(last - first, (east - west) * narrow), 0.02);
    Plotly.newPlot(
      "map",
      traces,
      layout({
        height: 460,
        margin: { l: 60, r: 20, t: 30, b: 45 },
        showlegend: false,
        xaxis: {
          title: { text: "Longitude (°)" },
          range: [west - margin / narrow, east + margin / narrow],
        },
        yaxis: {
          title: { text: "Latitude (°)" },
          range: [first - margin, last + margin],
          scaleanchor: "x",
          scaleratio: 1 / narrow,
        },
      }),
      config,
    );
    chooseOn("map");
    markOnMap = (event) => {
      const line = ellipse(event, place);
      const x = [line.map(([lon]) => lon), [place(events.longitude[event])]];
      const y = [line.map(([, lat]) => lat), [events.latitude[event]]];
      Plotly.restyle("map", { x, y }, [traces.length - 2, traces.length - 1]);
    };
  }

  function chooseOn(panel) {
    element(panel).on("plotly_click", (clicked) => {
      const [point] = clicked.points;
      if (point.customdata !== undefined) showEvent(point.customdata);
    });
  }

  // 68 % of the probability; no points where it is not known.
  function ellipse(i, place) {
    const [most, smallest, azimuth] = (events.ellipse || []).map((values) => values[i]);
    if ([most, smallest, azimuth].some((value) => value === null || value === undefined)) {
      return [];
    }
    const [sin, cos] = [Math.sin, Math.cos].map((f) => f((azimuth * Math.PI) / 180));
    const north = 111.195;
    const east = north * Math.max(0.01, Math.cos((events.latitude[i] * Math.PI) / 180));
    return Array.from({ length: 33 }, (_, k) => {
      const along = most * Math.cos((k * Math.PI) / 16);
      const across = smallest * Math.sin((k * Math.PI) / 16);
      return [
        place(events.longitude[i]) + (along * sin + across * cos) / east,
        events.latitude[i] + (along * cos - across * sin) / north,
      ];
    });
  }

  // Table of events. Columns sort it, and rows choose an event.

  function drawTable() {
    const columns = [
      { title: "Event", values: events.name },
      { title: "Time (UTC)", values: events.time, text: clock },
      ...events.columns.map(({ title, digits, values }) => ({
        title,
        values,
        text: digits === null ? String : (value) => value.toFixed(digits),
      })),
    ];
    const order = events.name.map((_, i) => i);
    const [head, body] = ["thead", "tbody"].map((name) => document.createElement(name));
    element("table").replaceChildren(head, body);
    const heads = head.insertRow();
    columns.forEach(({ title, values }) => {
      const cell = document.createElement("th");
      const button = document.createElement("button");
      button.textContent = title;
      button.addEventListener("click", () => {
        const down = cell.getAttribute("aria-sort") === "ascending";
        for (const other of heads.cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", down ? "descending" : "ascending");
        order.sort((a, b) => compare(values[a], values[b], down ? -1 : 1));
        fill();
      });
      cell.append(button);
      heads.append(cell);
    });

    function fill() {
      const rows = order.slice(0, mostRows).map((i) => {
        const row = document.createElement("tr");
        row.dataset.event = i;
        columns.forEach(({ values, text }) => {
          const value = values[i];
          row.insertCell().textContent = value === null ? "" : text ? text(value) : value;
        });
        row.tabIndex = 0;
        return row;
      });
      body.replaceChildren(...rows);
      markRow();
    }
    for (const kind of ["click", "keydown"]) {
      body.addEventListener(kind, (happened) => {
        const row = happened.target.closest("tr");
        if (kind === "click" || happened.key === "Enter") showEvent(Number(row.dataset.event));
      });
    }
    element("rows").textContent =
      "Click a heading to sort, and a row to see the event." +
      (order.length > mostRows ? ` The first ${mostRows} of ${order.length} are shown.` : "");
    fill();
  }

  // Unknown values are last, however it is sorted.
  function compare(a, b, sign) {
    if (a === null || a === "") return b === null || b === "" ? 0 : 1;
    if (b === null || b === "") return -1;
    return a < b ? -sign : a > b ? sign : 0;
  }

  function markRow() {
    for (const row of element("table").querySelectorAll("tr[data-event]")) {
      const is = Number(row.dataset.event) === chosen;
      row.classList.toggle("chosen", is);
      const box = element("box");
      if (is) box.scrollTop = row.offsetTop - box.clientHeight / 2;
    }
  }

  // Magnitudes over time, or the numbers of picks where there are none.

  function drawTimeline() {
    const magnitudes = events.columns.find(({ title }) => title === "Magnitude");
    const y = magnitudes ? magnitudes.values : events.picks;
    if (!y) {
      element("timeline").textContent = "These events have neither magnitudes nor picks.";
      return;
    }
    const what = magnitudes ? "Magnitude" : "Picks of an event";
    const dots = {
      type: "scatter",
      mode: "markers",
      x: events.time.map(clock),
      y,
      customdata: events.name.map((_, i) => i),
      text: events.name.map(plain),
      hoverinfo: "text+y",
      marker: { color: grey, size: 7, opacity: 0.7 },
    };
    const ring = { size: 16, color: "rgba(0,0,0,0)", line: { width: 2, color: "black" } };
    Plotly.newPlot(
      "timeline",
      [dots, { ...dots, x: [], y: [], hoverinfo: "skip", marker: ring }],
      layout({
        height: 260,
        showlegend: false,
        xaxis: { title: { text: "Origin time (UTC)" }, type: "date", automargin: true },
        yaxis: { title: { text: what }, rangemode: magnitudes ? "normal" : "tozero" },
      }),
      config,
    );
    chooseOn("timeline");
    markOnTimeline = (event) =>
      Plotly.restyle("timeline", { x: [[dots.x[event]]], y: [[y[event]]] }, [1]);
  }

  // Picks of one event over distance.

  function showEvent(event) {
    chosen = event;
    markOnMap(event);
    markOnTimeline(event);
    markRow();
    const members = picks.time.map((_, i) => i).filter((i) => picks.event[i] === event);
    element("about-event").textContent =
      `${events.name[event]}, ${clock(events.time[event])} UTC, ` +
      counted(members.length, "pick") +
      (members.length
        ? "; click one to see its waveforms. Dashed: theoretical times."
        : " of it are shown here.");
    const after = (i) => (picks.time[i] - events.time[event]) / 1000;
    const phases = [...new Set(members.map(phaseOf))].sort();
    const traces = phases.map((phase) => {
      const of = members.filter((i) => phaseOf(i) === phase);
      return {
        type: "scatter",
        mode: "markers",
        name: plain(phase),
        x: of.map(after),
        y: of.map((i) => picks.distance[i]),
        customdata: of,
        text: of.map((i) => plain(describe(i))),
        hoverinfo: "text",
        marker: {
          color: colour(phase),
          size: 8,
          symbol: of.map((i) => (has(i) ? "circle" : "circle-open")),
        },
      };
    });
    Plotly.react(
      "moveout",
      [...section(members, after), ...theory(members, phases, after), ...traces],
      layout({
        height: 460,
        xaxis: { title: { text: "Seconds after the origin" } },
        yaxis: { title: { text: "Epicentral distance (km)" }, rangemode: "tozero" },
        legend: { orientation: "h", y: 1, yanchor: "bottom" },
      }),
      config,
    ).then((panel) => {
      panel.removeAllListeners("plotly_click");
      panel.on("plotly_click", (clicked) => showPick(clicked.points[0].customdata));
    });
    element("event").scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  // Theoretical times at the stations of the picks.
  function theory(members, phases, after) {
    return phases.map((phase) => {
      const of = members
        .filter((i) => phaseOf(i) === phase && picks.residual[i] !== null)
        .sort((a, b) => picks.distance[a] - picks.distance[b]);
      return {
        type: "scatter",
        mode: "lines",
        name: plain(`theoretical ${phase}`),
        showlegend: false,
        x: of.map((i) => after(i) - picks.residual[i]),
        y: of.map((i) => picks.distance[i]),
        hoverinfo: "skip",
        line: { color: colour(phase), width: 1, dash: "dash" },
      };
    });
  }

  // The first channel of each station, divided by its peak; gaps between the pieces.
  function section(members, after) {
    const pieces = members.filter(has);
    const far = members.map((i) => picks.distance[i]);
    const half = (largest(far) - Math.min(0, least(far))) / Math.max(8, 1.5 * far.length);
    const peaks = new Map();
    pieces.forEach((i) => {
      const [[, , , peak]] = snippets[i];
      peaks.set(nameOf(i), Math.max(peak, peaks.get(nameOf(i)) || 0));
    });
    const [x, y] = [[], []];
    pieces.forEach((i) => {
      const [[, first, rate, peak, text]] = snippets[i];
      samples(text, peak).forEach((value, k) => {
        x.push(after(i) + first + k / rate);
        y.push(picks.distance[i] + (half * value) / (peaks.get(nameOf(i)) || 1));
      });
      x.push(null);
      y.push(null);
    });
    const line = { color: "rgba(0,0,0,0.55)", width: 0.7 };
    const look = { type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false };
    return pieces.length ? [{ ...look, name: "waveforms", x, y, line }] : [];
  }

  // Histograms.

  function drawHistogram(id, title, type) {
    const { edges, ...phases } = counts[id];
    if (!Object.values(phases).flat().some((number) => number > 0)) {
      element(id).textContent = "These picks have none.";
      return;
    }
    const traces = Object.entries(phases).map(([phase, numbers]) => ({
      type: "scatter",
      mode: "lines",
      name: plain(phase),
      line: { shape: "hv", color: colour(phase), dash: phase.endsWith("n") ? "dot" : "solid" },
      fill: "tozeroy",
      fillcolor: `${colour(phase)}22`,
      x: edges,
      y: [...numbers, numbers[numbers.length - 1]],
    }));
    Plotly.newPlot(
      id,
      traces,
      layout({
        height: 320,
        margin: { l: 60, r: 20, t: 30, b: 45 },
        showlegend: true,
        xaxis: { title: { text: title }, type },
        yaxis: { title: { text: "Picks" }, rangemode: "tozero" },
        legend: { orientation: "h", y: 1, yanchor: "bottom" },
      }),
      config,
    );
  }

  drawPicks();
  drawMap();
  drawHistogram("probability", "Probability", "linear");
  drawHistogram("snr", "SNR", "log");
  for (const id of ["event", "catalogue", "over-time"]) element(id).hidden = !events;
  if (events) {
    drawTable();
    drawTimeline();
  }
})();
