// draws a chart when it comes near the screen; what cannot be drawn keeps its static figure
function draw(figure) {
  const chart = figure.querySelector(".chart");
  const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
  // on a phone a finger scrolls the page; buttons zoom
  if (window.innerWidth < 640 && !layout.scene) {
    layout.dragmode = false;
    layout.margin = { ...layout.margin, l: 52 };
    layout.font = { ...layout.font, size: 11 };
  }
  const options = {
    responsive: true,
    displaylogo: false,
    toImageButtonOptions: { format: "svg", filename: figure.id },
  };
  figure.classList.add("drawn");
  Plotly.newPlot(chart, data, layout, options)
    .then(() => { chart.dataset.state = "drawn"; })
    .catch((error) => {
      figure.classList.remove("drawn");
      console.error(figure.id, error);
    });
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }
}, { rootMargin: "300px" });

for (const chart of document.querySelectorAll("figure > .chart")) near.observe(chart.parentElement);
