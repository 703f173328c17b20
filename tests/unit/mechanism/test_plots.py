import json

import numpy as np
import pytest

from dlmd.base import plot_style
from dlmd.mechanism import pathway_plots, plots
from dlmd.mechanism.jobs import plot, write_arrays
from dlmd.mechanism.numbers import collect, refused
from dlmd.mechanism.summary import summarise
from li3ticl6_jumps import analysed, run


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Numbers and arrays of a run with hops, and of one without, as the figures read them."""
    out = {}
    for name, rate in (("hops", 0.02), ("still", 1e-9)):
        trajectory, *_ = run(1, within=rate, between=rate, length_ps=40.0)
        found = analysed(trajectory, window_ps=(2.0, 6.0))
        path = tmp_path_factory.mktemp("arrays") / "arrays.npz"
        write_arrays(path, found)
        with np.load(path) as file:
            out[name] = (json.loads(json.dumps(collect(found))), {k: file[k] for k in file.files})
    return out


def texts(figure):
    return {t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))}


def test_every_kind_of_site_and_class_of_hops_has_its_row(saved):
    data, arrays = saved["hops"]
    shown = texts(plots.sites(data, arrays))
    assert {"oct 4g, Ti layer", "oct 2d, Li layer", "tet 8j (1)"} <= shown
    shown = texts(plots.hops(data, arrays))
    assert {c["name"] for c in data["classes"]} <= shown
    assert str(np.max(data["transitions"]["hops"]["counts"])) in shown


def test_maps_of_both_layers_and_all_profiles(saved):
    data, arrays = saved["hops"]
    shown = texts(pathway_plots.density(data, arrays))
    assert {"Ti layer", "Li layer", "all, along b"} <= shown
    assert all(any(p["name"] in text for text in shown) for p in data["profiles"])


def test_a_trace_in_time_and_in_space(saved):
    data, arrays = saved["hops"]
    figure = pathway_plots.traces(data, arrays)
    titles = [t for t in texts(figure) if t.startswith("Li ") and "hops" in t]
    assert len(titles) == len(data["traces"]) >= 1
    assert {"along a", "along b", "along c*"} <= texts(figure)


def test_figures_without_hops_say_so(saved):
    data, arrays = saved["still"]
    assert "no hop" in texts(plots.hops(data, arrays))
    assert any("no ion hopped" in t for t in texts(pathway_plots.traces(data, arrays)))
    plots.sites(data, arrays)
    pathway_plots.density(data, arrays)


def test_a_molten_temperature_has_figures_that_say_why(tmp_path, monkeypatch):
    result, arrays = tmp_path / "700K.json", tmp_path / "700K.npz"
    data = refused("the host has melted", temperature_k=700.0, mobile="Li")
    result.write_text(json.dumps(data))
    write_arrays(arrays, None)
    saved = []
    monkeypatch.setattr(plot_style, "save", lambda figure, paths: saved.append((texts(figure), paths)))
    files = {name: [f"{name}.png"] for name in ("sites", "hops", "density", "traces")}
    plot(str(result), str(arrays), **files)
    assert [paths for _, paths in saved] == list(files.values())
    assert all("700 K: the host has melted" in shown for shown, _ in saved)


def test_rates_with_and_without_fits():
    rate = {"value": 0.1, "low": 0.08, "high": 0.12}
    results = [
        {
            "temperature_k": t,
            "verdict": {"code": "ok", "message": ""},
            "hops": {"events": 50, "rate_per_ps": rate},
            "classes": [],
            "diffusion": {"d_random_cm2_per_s": 1e-5},
        }
        for t in (400, 450, 500)
    ]
    figure = plots.rates(summarise(results, {"fits": {}}, confidence=0.95))
    assert any(t.startswith("all hops: ") and "eV" in t for t in texts(figure))
    figure = plots.rates(summarise([], {"fits": {}}, confidence=0.95))
    assert "too few hops at all temperatures" in texts(figure)
