import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.mechanism import analysis
from dlmd.mechanism.numbers import collect
from li3ticl6_jumps import CHARGES, CRYSTAL, REPEAT, analysed, host, run


def test_jumps_put_in_are_found_by_layer():
    for seed in range(3):
        trajectory, made, _ = run(seed, within=0.01, between=0.005)
        found = analysed(trajectory)
        names, (group,) = found.classes
        counts = np.bincount(group, minlength=len(names))
        seen = {
            kind: sum(c for c, n in zip(counts, names, strict=True) if n.startswith(kind))
            for kind in ("within", "between")
        }
        # two jumps of an ion within a frame or two are one, and may change the class
        assert abs(seen["within"] - made[0]) <= 0.04 * made.sum()
        assert abs(seen["between"] - made[1]) <= 0.04 * made.sum()
        assert all("direct" in n for n, c in zip(names, counts, strict=True) if c > 0.02 * made.sum())


def test_rates_and_shares_lie_in_their_intervals():
    hits, events = np.zeros(2), np.zeros(2)
    for seed in range(8):
        trajectory, _, expected = run(seed, within=0.012, between=0.006, length_ps=100.0)
        data = collect(analysed(trajectory))
        total = data["hops"]["rate_per_ps"]
        between = sum(c["events"] for c in data["classes"] if c["name"].startswith("between"))
        rows = [c for c in data["classes"] if c["name"].startswith("between")]
        assert len(rows) == 1 and rows[0]["events"] == between
        share = rows[0]["share_of_hops"]
        time = data["hops"]["time_at_risk_ps"]
        hits += [
            total["low"] <= expected.sum() / time <= total["high"],
            share["low"] <= expected[1] / expected.sum() <= share["high"],
        ]
        events += [data["hops"]["events"] / expected.sum(), between / expected[1]]
    # one miss of eight is to be expected in one case of three, three in one of two hundred
    assert (hits >= 6).all()
    assert np.allclose(events / 8, 1.0, atol=0.06)


def test_rattling_alone_gives_a_verdict_and_no_numbers():
    trajectory, made, _ = run(0, within=1e-9, between=1e-9, rattle_a=0.35)
    assert made.sum() == 0
    data = collect(analysed(trajectory))
    assert data["verdict"]["code"] == "too_few_hops"
    assert data["hops"]["events"] == 0
    assert "rate_per_ps" not in data["hops"]
    assert data["hops"]["below_per_ps"] < 2e-3
    for part in ("diffusion", "succession", "strings"):
        assert "too few" in data[part]["verdict"]
    assert data["classes"] == data["directions"] == data["traces"] == []


def test_two_runs_are_counted_together():
    trajectories = [run(seed, within=0.01, between=0.01, length_ps=80.0)[0] for seed in (1, 2)]
    both = analysis.analyse(
        trajectories,
        [host(), host()],
        crystal=CRYSTAL,
        repeat=REPEAT,
        charges=CHARGES,
        temperature_k=600.0,
        settings=analysis.Settings(),
    )
    apart = [analysed(t) for t in trajectories]
    assert both.n_hops == sum(a.n_hops for a in apart)
    assert both.ion_time_ps == pytest.approx(2 * 24 * 80.0)
    data = collect(both)
    assert data["runs"] == 2
    assert data["length_ps"] == pytest.approx(160.0)


def test_one_host_for_each_run():
    trajectory, *_ = run(0, within=0.01, between=0.01, length_ps=5.0)
    with pytest.raises(DlmdError, match="1 trajectories and 0 hosts"):
        analysis.analyse(
            [trajectory],
            [],
            crystal=CRYSTAL,
            repeat=REPEAT,
            charges=CHARGES,
            temperature_k=600.0,
            settings=analysis.Settings(),
        )
