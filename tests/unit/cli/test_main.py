"""The command line as a user meets it: results, files, and errors of at most three lines."""

import gzip
import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import exact_lines
from dlmd.cli import arrhenius, main
from dlmd.transport.arrhenius import fit
from segment_files import write_segments

CELL_A = 13.0
STEPS = 1000
ARGYRODITE = Path(__file__).parents[4] / "shared/data/traj/Li6PS5Cl_50p_run1_XDATCAR.gz"


def write_walk(path, *, step_a=0.3, seed=0, frames=STEPS):
    """48 Li on a random walk in a cage of 20 still Cl, wrapped, as extended XYZ; D = step_a² / (2 dt) per axis."""
    rng = np.random.default_rng(seed)
    li = rng.normal(0, step_a, (frames, 48, 3)).cumsum(axis=0) + rng.random((48, 3)) * CELL_A
    cl = np.broadcast_to(rng.random((20, 3)) * CELL_A, (frames, 20, 3))
    header = f'68\nLattice="{CELL_A} 0 0 0 {CELL_A} 0 0 0 {CELL_A}"\n'
    symbols = ["Li"] * 48 + ["Cl"] * 20
    lines = []
    for frame in np.concatenate([li, cl], axis=1) % CELL_A:
        lines.append(header)
        lines += [f"{s} {x:.5f} {y:.5f} {z:.5f}\n" for s, (x, y, z) in zip(symbols, frame, strict=True)]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    return write_walk(tmp_path_factory.mktemp("walk") / "walk.xyz")


def arguments(walk, output, extra=""):
    options = "--mobile Li --temperature 700 --time-step 1 --stride 20 --lag-start 0.2 --lag-end 1"
    return shlex.split(f"transport {walk} {options} -o {output} {extra}")


@pytest.fixture(scope="module")
def analysed(walk, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    command = arguments(walk, folder)
    finished = subprocess.run(
        [sys.executable, "-m", "dlmd.cli.main", *command], capture_output=True, text=True, check=False
    )
    return finished, folder, command


def fails(capsys, command):
    """Exit code and lines of the error."""
    try:
        code = main.main(shlex.split(command))
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    lines = printed.err.strip().splitlines()
    assert "Traceback" not in printed.err
    assert 1 <= len(lines) <= 3, printed.err
    return code, lines


# --- dlmd transport -----------------------------------------------------------------------------------------------


def test_transport_gives_the_known_diffusion_coefficient(analysed):
    finished, folder, _ = analysed
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    result = json.loads((folder / "700K.json").read_text())
    # 0.09 Å² per axis and 0.02 ps: D = 2.25 Å²/ps = 2.25e-4 cm²/s
    assert result["d_self_cm2_per_s"]["low"] < 2.25e-4 < result["d_self_cm2_per_s"]["high"]
    assert result["haven_ratio"]["low"] < 1 < result["haven_ratio"]["high"]
    for text in (
        "verdict: ok",
        "cm²/s",
        "mS/cm",
        "95 % interval",
        "1000 frames",
        "unwrapped by minimum image",
        "charge +1 e guessed",
    ):
        assert text in finished.stdout
    for ending in ("json", "csv", "png", "pdf"):
        assert (folder / f"700K.{ending}").stat().st_size > 0
        assert f"700K.{ending}" in finished.stdout


def test_result_says_where_it_came_from(analysed, walk):
    _, folder, command = analysed
    provenance = json.loads((folder / "700K.json").read_text())["provenance"]
    assert provenance["command"] == shlex.join(["dlmd", *command])
    assert provenance["inputs"][0]["path"] == str(walk)
    assert {"dlmd", "numpy", "python"} <= provenance["versions"].keys()


def test_csv_holds_the_curves(analysed):
    table = np.genfromtxt(analysed[1] / "700K.csv", delimiter=",", names=True)
    assert table["lags_ps"][:3] == pytest.approx([0, 0.02, 0.04])
    assert table["self_a2"][1] == pytest.approx(3 * 0.09, rel=0.02)
    assert table["distinct_a2"] == pytest.approx(table["total_a2"] - table["self_a2"], abs=1e-3)
    assert {"a_self_a2", "c_star_total_a2"} <= set(table.dtype.names)


def test_charge_scales_the_conductivity(walk, tmp_path, analysed, capsys):
    assert main.main(arguments(walk, tmp_path, "--charge 2")) == 0
    assert "guessed" not in capsys.readouterr().out
    once, twice = (
        json.loads((folder / "700K.json").read_text())["conductivity_ms_per_cm"]["value"]
        for folder in (analysed[1], tmp_path)
    )
    assert twice == pytest.approx(4 * once)


def test_replicas_and_skip(walk, tmp_path, capsys):
    other = write_walk(tmp_path / "other.xyz", seed=1)
    command = arguments(f"{walk} {other}", tmp_path, "--replicas --skip 10")
    assert main.main(command) == 0
    printed = capsys.readouterr().out
    assert "1000 frames every 0.02 ps" in printed and "in 2 run(s)" in printed
    assert "the first 500 frames (10 ps) are left out" in printed


def test_segments_of_a_folder(tmp_path, capsys):
    write_segments(tmp_path, lengths=(1000, 1000))
    assert main.main(["transport", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "201 frames every 0.02 ps" in printed
    assert "1 shared boundary frame" in printed
    result = json.loads((tmp_path / "out/300K.json").read_text())
    assert len(result["provenance"]["inputs"]) == 4


def test_a_run_without_diffusion_gets_a_verdict_and_no_number(tmp_path, capsys):
    still = write_walk(tmp_path / "still.xyz", step_a=1e-4, frames=300)
    assert (
        main.main(
            shlex.split(
                f"transport {still} --mobile Li --temperature 300 --time-step 1 --stride 20 -o {tmp_path}"
            )
        )
        == 3
    )
    assert "verdict: not diffusive" in capsys.readouterr().out
    assert json.loads((tmp_path / "300K.json").read_text())["conductivity_ms_per_cm"] is None


@pytest.mark.parametrize(
    ("extra", "message", "remedy"),
    [
        (
            "{walk} --mobile LI --temperature 300 --time-step 1 --stride 2",
            "no atoms of species 'LI'; there are Cl 20, Li 48",
            "'Li'",
        ),
        (
            "{walk}x --mobile Li --temperature 300 --time-step 1 --stride 2",
            "no such file",
            "did you mean 'walk.xyz'?",
        ),
        ("{walk} --temperature 300 --time-step 1 --stride 2", "mobile ions are unknown", "--mobile"),
        ("{walk} --mobile Li --time-step 1 --stride 2", "temperature is unknown", "--temperature"),
        ("{walk} --mobile Li --temperature 300", "--time-step FS and --stride N missing", "time step"),
        (
            "{walk} --mobile Cl --temperature 300 --time-step 1 --stride 2",
            "several common charges",
            "--charge",
        ),
        ("{walk} {folder} --mobile Li --temperature 300", "together", "one kind"),
        ("{folder}/none", "no such file", "path"),
        ("{folder}", "no segments", "folder of one run"),
    ],
)
def test_errors_of_transport(walk, tmp_path, capsys, extra, message, remedy):
    code, lines = fails(capsys, f"transport -o {tmp_path} " + extra.format(walk=walk, folder=tmp_path))
    assert code == 1
    assert message in lines[0]
    assert remedy in lines[-1]


def test_a_file_that_a_killed_run_left_half(walk, tmp_path, capsys):
    cut = tmp_path / "cut.xyz"
    cut.write_bytes(walk.read_bytes()[:-700])
    assert main.main(arguments(cut, tmp_path)) == 0
    assert "its 999 whole frames are used" in capsys.readouterr().out
    cut.write_bytes(walk.read_bytes()[:700])
    code, lines = fails(capsys, shlex.join(arguments(cut, tmp_path / "none")))
    assert code == 1 and "truncated" in lines[0] and str(cut) in lines[1]
    assert not (tmp_path / "none").exists()


def test_options_must_not_contradict_segments(tmp_path, capsys):
    write_segments(tmp_path)
    code, lines = fails(capsys, f"transport {tmp_path} --temperature 400")
    assert code == 1 and "--temperature 400.0, but the segments say 300.0" in lines[0]


@pytest.mark.parametrize(
    "option", ["--time-step 2", "--stride 10", "--species Li", "--wrapped yes", "--replicas"]
)
def test_options_without_meaning_for_segments(tmp_path, capsys, option):
    write_segments(tmp_path)
    code, lines = fails(capsys, f"transport {tmp_path} {option}")
    assert code == 1 and f"{option.split()[0]} has no meaning for segments" in lines[0]


def test_debug_shows_where_it_went_wrong(tmp_path):
    from dlmd.base.errors import DlmdError

    with pytest.raises(DlmdError):
        main.main(["transport", str(tmp_path / "x.dcd"), "--mobile", "Li", "--temperature", "300", "--debug"])


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("transport x --temprature 300", "did you mean '--temperature'?"),
        ("transport x --temp 300", "did you mean '--temperature'?"),
        ("transprt x", "did you mean 'transport'?"),
        ("transport x --temperature warm", "--temperature"),
        ("transport x --temperature -3", "-3 is not positive"),
        ("transport x --stride 0", "0 is less than 1"),
        ("transport x --confidence 95", "95 is not between 0 and 1"),
        ("transport x --wrapped maybe", "known: auto, yes, no"),
        ("transport", "TRAJ"),
        ("", "command"),
        ("arrhenius x --reference paper=1", "LABEL:K:MS_PER_CM"),
    ],
)
def test_bad_usage_names_the_nearest(capsys, command, hint):
    code, lines = fails(capsys, command)
    assert code == 2
    assert hint in " ".join(lines)


def test_unexpected_errors_are_one_line(monkeypatch, capsys):
    from dlmd.cli import transport

    def broken(args):
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(transport, "run", broken)
    code, lines = fails(capsys, "transport x")
    assert code == 1 and "unexpected ZeroDivisionError: first line" in lines[0] and "--debug" in lines[1]


def test_every_command_explains_itself(capsys):
    for name in main.COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main.main([name, "--help"])
        printed = capsys.readouterr().out
        assert stop.value.code == 0
        assert "examples:" in printed and "Units:" in printed and "default" in printed


def test_starting_is_light():
    """The help needs none of the heavy packages."""
    check = (
        "import sys; from dlmd.cli.main import parser; parser().format_help();"
        "print([name for name in sys.argv[1:] if name in sys.modules])"
    )
    heavy = ["pymatgen", "matplotlib", "freud", "chemfiles", "ase", "scipy", "torch", "tensorflow"]
    finished = subprocess.run(
        [sys.executable, "-c", check, *heavy], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"


def test_a_compressed_xdatcar_gives_the_numbers_of_the_same_frames_elsewhere(
    analysed, walk, tmp_path, capsys
):
    lines = walk.read_text().splitlines()
    head = f"walk\n1.0\n{CELL_A} 0 0\n0 {CELL_A} 0\n0 0 {CELL_A}\nLi Cl\n48 20\n"
    frames = [
        f"Direct configuration={k + 1:6d}\n"
        + "".join(
            " ".join(f"{float(x) / CELL_A:.8f}" for x in line.split()[1:]) + "\n"
            for line in lines[70 * k + 2 : 70 * k + 70]
        )
        for k in range(STEPS)
    ]
    path = tmp_path / "walk_XDATCAR.gz"
    path.write_bytes(gzip.compress((head + "".join(frames)).encode(), 1))
    assert main.main(arguments(path, tmp_path)) == 0
    assert "48 Li (+1 e), host of 20 atoms" in capsys.readouterr().out
    here, there = (np.genfromtxt(f / "700K.csv", delimiter=",", names=True) for f in (tmp_path, analysed[1]))
    for name in ("lags_ps", "self_a2", "total_a2"):
        np.testing.assert_allclose(here[name], there[name], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not ARGYRODITE.exists(), reason="the argyrodite trajectory is not here")
def test_real_aimd_of_an_argyrodite(tmp_path, capsys):
    """One of six runs in a row, which together give an MSD_self of 5.3 and 9.2 Å² at 5 and 10 ps."""
    command = f"transport {ARGYRODITE} --mobile Li --temperature 500 --time-step 2 --stride 50 -o {tmp_path}"
    assert main.main(shlex.split(command)) == 3  # 14 ps are too short for a conductivity
    assert "192 Li (+1 e), host of 224 atoms" in capsys.readouterr().out
    table = np.genfromtxt(tmp_path / "500K.csv", delimiter=",", names=True)
    assert np.interp([5, 10], table["lags_ps"], table["self_a2"]) == pytest.approx([5.3, 9.2], rel=0.1)


# --- dlmd arrhenius -----------------------------------------------------------------------------------------------


def estimate(value):
    return {"value": value, "low": value / 1.1, "high": value * 1.1}


def write_result(path, temperature, *, energy=0.3, ok=True):
    """A result of an exactly thermally activated conductor."""
    activated = np.exp(-energy / (8.617333262e-5 * temperature))
    names = ("d_self_cm2_per_s", "d_total_cm2_per_s", "haven_ratio", "conductivity_ms_per_cm")
    values = (1e-3 * activated, 2e-3 * activated, 0.5, 1e8 / temperature * activated)
    result = {
        "format": "dlmd-transport",
        "mobile": "Li",
        "temperature_k": temperature,
        "confidence": 0.95,
        "verdict": {"code": "ok" if ok else "too_short", "message": "no diffusive onset", "gates": []},
        **{name: estimate(value) if ok else None for name, value in zip(names, values, strict=True)},
    }
    path.write_text(json.dumps(result))
    return path


def test_arrhenius_finds_the_activation_energy(tmp_path, capsys):
    results = [write_result(tmp_path / f"{t}K.json", t) for t in (500, 600, 700, 800)]
    results.append(write_result(tmp_path / "400K.json", 400, ok=False))
    command = f"arrhenius {shlex.join(map(str, results))} -o {tmp_path} --predict 300 550 --reference exp:298.15:1.04:0.32"
    assert main.main(shlex.split(command)) == 0
    fitted = json.loads((tmp_path / "arrhenius.json").read_text())
    assert fitted["fits"]["conductivity"]["activation_energy_ev"]["value"] == pytest.approx(0.3, abs=1e-4)
    assert len(fitted["provenance"]["inputs"]) == 5
    printed = capsys.readouterr().out
    assert "left out: 400 K" in printed and "too short" in printed
    assert "at 300 K" in printed and "extrapolated by 200 K" in printed
    rows = (tmp_path / "arrhenius.csv").read_text().splitlines()
    assert len(rows) == 6 and rows[-1].startswith("400,too_short,,,")
    assert (tmp_path / "arrhenius.png").stat().st_size and (tmp_path / "arrhenius.pdf").stat().st_size


def test_arrhenius_says_once_how_much_longer():
    results = [exact_lines.result(t, error=0.6) | {"haven_ratio": None} for t in exact_lines.TEMPERATURES]
    printed = arrhenius.report(results, fit(results))
    assert "verdict: shows the way" in printed
    assert printed.count("±0.03 eV") == 1


def test_arrhenius_of_too_few_temperatures_is_a_verdict(tmp_path, capsys):
    results = [write_result(tmp_path / f"{t}K.json", t) for t in (500, 600)]
    assert main.main(["arrhenius", *map(str, results), "-o", str(tmp_path)]) == 3
    printed = capsys.readouterr().out
    assert "verdict: too few temperatures" in printed and "activation energy" not in printed


def test_errors_of_arrhenius(tmp_path, capsys):
    good = write_result(tmp_path / "500K.json", 500)
    code, lines = fails(capsys, f"arrhenius {tmp_path}/50K.json")
    assert code == 1 and "no such file" in lines[0] and "'500K.json'" in lines[-1]
    (tmp_path / "bad.json").write_text("{")
    assert "no valid JSON" in fails(capsys, f"arrhenius {good} {tmp_path}/bad.json")[1][0]
    (tmp_path / "bad.json").write_text('{"format": "dlmd-segment"}')
    assert "no result of `dlmd transport`" in fails(capsys, f"arrhenius {good} {tmp_path}/bad.json")[1][0]
    for reference in ("exp:298.15", "exp:298.15:0", "exp:298.15:1:nan", ":298.15:1", "exp:1:2:3:4", "exp"):
        with pytest.raises(SystemExit):
            main.main(["arrhenius", str(good), "--reference", reference])
        assert f"'{reference}' is not LABEL:K:MS_PER_CM" in capsys.readouterr().err
