"""One invented motion through every format gives the same displacements; every damage gives its own message."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from dlmd.base.errors import DlmdError
from dlmd.trajectory import readers
from segment_files import CELL, MASSES, motion, write_dcd

SYMBOLS = ["Li"] * 4 + ["Ti"] * 2 + ["Cl"] * 6
FRAMES = motion(60, seed=3)
WRAPPED = (FRAMES @ np.linalg.inv(CELL) % 1.0) @ CELL
ARGYRODITE = Path(__file__).parents[4] / "shared/data/traj/Li6PS5Cl_50p_run1_XDATCAR.gz"


def truth():
    """(frames, 4, 3) displacements of Li from the first frame, relative to the host."""
    masses = np.array([MASSES[s] for s in SYMBOLS[4:]])
    centre = np.einsum("fai,a->fi", FRAMES[:, 4:], masses / masses.sum())
    relative = FRAMES[:, :4] - centre[:, None]
    return relative - relative[0]


def displacements(trajectory):
    positions = np.concatenate(list(trajectory.blocks()), axis=1)
    return positions - positions[0]


def read(path, **options):
    paths = path if isinstance(path, list) else [path]
    return readers.read(paths, **{"mobile": "Li", "time_step_fs": 2.0, "stride": 10, **options})


def xdatcar(positions=WRAPPED, *, first=1, every_header=False):
    head = ["motion", "1.0", *(" ".join(f"{x:.10f}" for x in row) for row in CELL), "Li Ti Cl", "4 2 6"]
    lines = list(head)
    for number, frame in enumerate(positions @ np.linalg.inv(CELL), start=first):
        if every_header and number > first:
            lines += head
        lines += [f"Direct configuration= {number:5d}", *(" ".join(f"{x:.8f}" for x in row) for row in frame)]
    return "\n".join(lines) + "\n"


def extxyz(positions=WRAPPED, *, symbols=SYMBOLS, cell=CELL):
    lattice = " ".join(f"{x:.10g}" for x in cell.ravel())
    lines = []
    for frame in positions:
        lines += [
            str(len(symbols)),
            f'Lattice="{lattice}" Properties=species:S:1:pos:R:3:forces:R:3 pbc="T T T"',
        ]
        lines += [f"{s} {x:.8f} {y:.8f} {z:.8f} 0 0 0" for s, (x, y, z) in zip(symbols, frame, strict=True)]
    return "\n".join(lines) + "\n"


def dump(
    positions=WRAPPED,
    *,
    columns="id element x y z",
    shuffle=True,
    stride=10,
    first=0,
    images=None,
    types=False,
):
    """A LAMMPS text dump of the restricted triclinic CELL, rows in another order in every frame."""
    rng = np.random.default_rng(9)
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = CELL
    low_x, high_x = min(0, xy, xz, xy + xz), lx + max(0, xy, xz, xy + xz)
    bounds = [f"{low_x} {high_x} {xy}", f"{min(0, yz)} {ly + max(0, yz)} {xz}", f"0 {lz} {yz}"]
    lines = []
    for number, frame in enumerate(positions):
        lines += ["ITEM: TIMESTEP", str(first + number * stride), "ITEM: NUMBER OF ATOMS", str(len(frame))]
        lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp", *bounds, f"ITEM: ATOMS {columns}"]
        rows = []
        for i, xyz in enumerate(frame):
            kind = {"Li": 1, "Ti": 2, "Cl": 3}[SYMBOLS[i]] if types else SYMBOLS[i]
            shift = "" if images is None else " " + " ".join(str(n) for n in images[number, i])
            rows.append(f"{10 * i + 7} {kind} " + " ".join(f"{x:.8f}" for x in xyz) + shift)
        if shuffle:
            rng.shuffle(rows)
        lines += rows
    return "\n".join(lines) + "\n"


def save(path, text):
    path.write_text(text)
    return path


def write_xtc(path, positions, *, stride=10):
    import chemfiles

    with chemfiles.Trajectory(str(path), "w") as file:
        for number, xyz in enumerate(positions):
            frame = chemfiles.Frame()
            for symbol, place in zip(SYMBOLS, xyz, strict=True):
                frame.add_atom(chemfiles.Atom(symbol), place)
            frame.cell = chemfiles.UnitCell(CELL.T)
            frame.step = number * stride
            file.write(frame)
    return path


@pytest.fixture
def topology(tmp_path):
    return save(tmp_path / "POSCAR", "\n".join(xdatcar(WRAPPED[:1]).splitlines()) + "\n")


# --- every format gives the motion back -------------------------------------------------------------------------


def test_xdatcar(tmp_path):
    trajectory = read(save(tmp_path / "XDATCAR", xdatcar()))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert trajectory.collective() - trajectory.collective()[0] == pytest.approx(
        truth().sum(axis=1), abs=1e-4
    )
    assert (trajectory.n_ions, trajectory.n_host_atoms, trajectory.frame_interval_ps) == (
        4,
        8,
        pytest.approx(0.02),
    )
    assert trajectory.volume == pytest.approx(12 * 13 * 14)
    assert "unwrapped by minimum image" in trajectory.notes[0]
    assert set(trajectory.host.msd_a2) == {"Ti", "Cl"}


def test_xdatcar_gzipped_in_a_row_with_headers_everywhere(tmp_path):
    first = save(tmp_path / "XDATCAR_1", xdatcar(WRAPPED[:31], every_header=True))
    second = tmp_path / "XDATCAR_2.gz"
    second.write_bytes(gzip.compress(xdatcar(WRAPPED[30:]).encode()))
    trajectory = read([first, second])
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert "1 repeated frame(s) at the joins counted once" in trajectory.notes


def test_xdatcar_with_a_second_run_appended(tmp_path):
    text = xdatcar(WRAPPED[:20]) + xdatcar(WRAPPED[20:])
    trajectory = read(save(tmp_path / "XDATCAR", text))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert any("2 run(s) taken in a row" in note for note in trajectory.notes)


def test_extxyz_wrapped_and_unwrapped(tmp_path):
    wrapped = read(save(tmp_path / "w.extxyz", extxyz()))
    assert displacements(wrapped) == pytest.approx(truth(), abs=1e-5)
    far = FRAMES + np.arange(60)[:, None, None] * np.array([0.9, 0, 0])
    unwrapped = read(save(tmp_path / "u.xyz", extxyz(far)))
    assert displacements(unwrapped) == pytest.approx(truth(), abs=1e-5)
    assert "unwrapped as given" in unwrapped.notes[0]


def test_dump_sorted_by_id_with_stride_from_the_file(tmp_path):
    trajectory = read(save(tmp_path / "a.lammpstrj", dump()), stride=None)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)
    assert trajectory.cell == pytest.approx(CELL)


@pytest.mark.parametrize("style", ["xu yu zu", "xs ys zs", "xsu ysu zsu", "x y z ix iy iz"])
def test_dump_columns(tmp_path, style):
    unwrapped = "u" in style
    positions = FRAMES if unwrapped else WRAPPED
    images = np.round((FRAMES - WRAPPED) @ np.linalg.inv(CELL)).astype(int) if "ix" in style else None
    if "s" in style:
        positions = positions @ np.linalg.inv(CELL)
    trajectory = read(
        save(tmp_path / "dump.1", dump(positions, columns=f"id element {style}", images=images))
    )
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert ("unwrapped as given" in trajectory.notes[0]) == (unwrapped or images is not None)


def test_dump_with_types_only(tmp_path):
    path = save(tmp_path / "dump.1", dump(columns="id type x y z", types=True))
    assert displacements(read(path, species=["Li", "Ti", "Cl"])) == pytest.approx(truth(), abs=1e-5)
    with pytest.raises(DlmdError, match="no elements") as error:
        read(path)
    assert "--species" in error.value.remedy
    with pytest.raises(DlmdError, match="atoms of type 3, but 2 species"):
        read(path, species=["Li", "Ti"])


def test_dcd_with_topology(tmp_path, topology):
    write_dcd(tmp_path / "a.dcd", WRAPPED)
    trajectory = read(tmp_path / "a.dcd", topology=topology)
    assert displacements(trajectory) == pytest.approx(truth(), abs=2e-5)


def test_dcd_with_a_lammps_data_file(tmp_path):
    import ase
    from ase.io.lammpsdata import write_lammps_data

    write_dcd(tmp_path / "a.dcd", WRAPPED)
    atoms = ase.Atoms(SYMBOLS, positions=WRAPPED[0], cell=CELL, pbc=True)
    write_lammps_data(tmp_path / "cell.data", atoms, specorder=["Li", "Ti", "Cl"], masses=True)
    assert displacements(read(tmp_path / "a.dcd", topology=tmp_path / "cell.data")) == pytest.approx(
        truth(), abs=2e-5
    )


def test_xtc_with_stride_from_the_file(tmp_path, topology):
    path = write_xtc(tmp_path / "a.xtc", WRAPPED)
    trajectory = read(path, topology=topology, stride=None)
    assert displacements(trajectory) == pytest.approx(truth(), abs=0.03)
    assert trajectory.frame_interval_ps == pytest.approx(0.02)


def test_mobile_ions_alone_are_noted(tmp_path):
    trajectory = read(save(tmp_path / "a.xyz", extxyz(WRAPPED[:, :4], symbols=SYMBOLS[:4])))
    assert trajectory.host is None and trajectory.host_centre is None
    assert any("drift of the host is unknown" in note for note in trajectory.notes)


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling><generator><i name="version" type="string">6.4</i></generator>
<incar><i type="int" name="IBRION">0</i><i name="POTIM">{potim}</i></incar>
<kpoints><generation param="Gamma"><v type="int" name="divisions">1 1 1</v></generation>
<varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray></kpoints>
<parameters><i type="int" name="IBRION">{ibrion}</i><i name="POTIM">{potim}</i><i type="int" name="NELM">60</i>
<i type="int" name="NSW">60</i></parameters>
<atominfo><atoms>12</atoms><types>3</types>
<array name="atoms"><set>{atoms}</set></array>
<array name="atomtypes"><set><rc><c>4</c><c>Li</c><c>6.94</c><c>1</c><c>PAW_PBE Li 10Sep2004</c></rc>
<rc><c>2</c><c>Ti</c><c>47.867</c><c>4</c><c>PAW_PBE Ti 08Apr2002</c></rc>
<rc><c>6</c><c>Cl</c><c>35.45</c><c>7</c><c>PAW_PBE Cl 06Sep2000</c></rc></set></array></atominfo>
{structures}</modeling>
"""


def vasprun(positions=WRAPPED, *, ibrion=0):
    def block(frame, name):
        basis = "".join(f"<v>{' '.join(f'{x:.10f}' for x in row)}</v>" for row in CELL)
        rows = "".join(f"<v>{' '.join(f'{x:.10f}' for x in row)}</v>" for row in frame)
        return (
            f'<structure{name}><crystal><varray name="basis">{basis}</varray></crystal>'
            f'<varray name="positions">{rows}</varray></structure>'
        )

    fractional = positions @ np.linalg.inv(CELL)
    energy = '<energy><i name="e_fr_energy">-1.0</i><i name="e_wo_entrp">-1.0</i><i name="e_0_energy">-1.0</i></energy>'
    steps = "\n".join(
        f"<calculation><scstep>{energy}</scstep>{block(frame, '')}{energy}</calculation>"
        for frame in fractional
    )
    structures = "\n".join(
        [block(fractional[0], ' name="initialpos"'), steps, block(fractional[-1], ' name="finalpos"')]
    )
    kinds = {"Li": 1, "Ti": 2, "Cl": 3}
    atoms = "".join(f"<rc><c>{s}</c><c>{kinds[s]}</c></rc>" for s in SYMBOLS)
    return VASPRUN.format(potim=2.0, ibrion=ibrion, atoms=atoms, structures=structures)


def test_vasprun_brings_its_own_time_step(tmp_path):
    path = save(tmp_path / "vasprun.xml", vasprun())
    trajectory = read(path, time_step_fs=None, stride=None)
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert trajectory.frame_interval_ps == pytest.approx(0.002)
    with pytest.raises(DlmdError, match=r"the file says 0\.002 ps"):
        read(path, time_step_fs=1.0, stride=1)


def test_vasprun_without_what_nothing_needs(tmp_path):
    text = re.sub("<generator>.*?</generator>", "", vasprun())
    path = save(tmp_path / "vasprun.xml", text)
    assert displacements(read(path, time_step_fs=None, stride=None)) == pytest.approx(truth(), abs=1e-5)
    # without POTIM the time step is the user's to give, as in any file that does not say it
    path = save(tmp_path / "b_vasprun.xml", re.sub('<i name="POTIM">.*?</i>', "", text))
    assert read(path, time_step_fs=2.0, stride=1).frame_interval_ps == pytest.approx(0.002)


def test_vasprun_says_what_it_lacks(tmp_path):
    path = save(tmp_path / "vasprun.xml", re.sub("(?s)<atominfo>.*?</atominfo>", "", vasprun()))
    with pytest.raises(DlmdError, match="has no whole <atominfo>"):
        read(path, time_step_fs=None)


# --- everything that can be wrong -------------------------------------------------------------------------------


def cut(path, data, keep):
    path.write_bytes(data[:keep])
    return path


@pytest.mark.parametrize("fraction", [0.5, 0.73, 0.999])
@pytest.mark.parametrize("kind", ["XDATCAR", "a.extxyz", "a.lammpstrj", "vasprun.xml"])
def test_text_that_a_killed_run_left_half(tmp_path, kind, fraction):
    data = {"XDATCAR": xdatcar, "a.extxyz": extxyz, "a.lammpstrj": dump, "vasprun.xml": vasprun}[
        kind
    ]().encode()
    trajectory = read(
        cut(tmp_path / kind, data, int(fraction * len(data))), time_step_fs=None if "xml" in kind else 2.0
    )
    whole = trajectory.n_frames
    # the XML's last thousandth is behind its frames
    assert 0.8 * fraction * 60 <= whole < 60 + ("xml" in kind)
    assert displacements(trajectory) == pytest.approx(truth()[:whole], abs=1e-5)
    assert any(
        "ends in the middle of a frame" in n and f"its {whole} whole frames" in n for n in trajectory.notes
    )


@pytest.mark.parametrize("text", [xdatcar, extxyz, dump])
def test_text_cut_at_the_end_of_a_line(tmp_path, text):
    lines = text().splitlines(keepends=True)
    name = {xdatcar: "XDATCAR", extxyz: "a.extxyz", dump: "a.lammpstrj"}[text]
    trajectory = read(save(tmp_path / name, "".join(lines[:-3])))
    assert trajectory.n_frames == 59
    assert any("frame 59 has 9 of 12 atoms" in note for note in trajectory.notes)


def test_a_file_without_a_whole_frame_is_refused(tmp_path):
    with pytest.raises(DlmdError, match="truncated: frame 0 has 5 of 12 atoms"):
        read(save(tmp_path / "a.extxyz", "\n".join(extxyz().splitlines()[:7]) + "\n"))


def test_damage_in_the_middle_is_refused(tmp_path):
    lines = extxyz().splitlines(keepends=True)
    with pytest.raises(DlmdError, match="frame 20"):
        read(save(tmp_path / "a.extxyz", "".join(lines[: 20 * 14 + 5] + lines[20 * 14 + 8 :])))


def test_gzip_that_breaks_off(tmp_path):
    data = gzip.compress(xdatcar().encode())
    trajectory = read(cut(tmp_path / "XDATCAR.gz", data, len(data) // 2))
    assert displacements(trajectory) == pytest.approx(truth()[: trajectory.n_frames], abs=1e-5)
    assert any("damaged compression" in note for note in trajectory.notes)


def test_dcd_of_a_killed_run_and_of_a_copy_that_stopped(tmp_path, topology):
    write_dcd(tmp_path / "a.dcd", WRAPPED)
    data = (tmp_path / "a.dcd").read_bytes()
    trajectory = read(cut(tmp_path / "a.dcd", data, len(data) - 60), topology=topology)
    assert trajectory.n_frames == 59 and any("59 whole frames" in note for note in trajectory.notes)
    # cut at the end of a frame: only the header's count tells
    write_dcd(tmp_path / "a.dcd", WRAPPED[:40], counted=60)
    with pytest.raises(DlmdError, match=r"40 whole frames .* the header counts 60"):
        read(tmp_path / "a.dcd", topology=topology)


def test_xtc_of_a_killed_run(tmp_path, topology):
    path = write_xtc(tmp_path / "a.xtc", WRAPPED)
    trajectory = read(cut(path, path.read_bytes(), path.stat().st_size - 8), topology=topology)
    assert trajectory.n_frames == 59 and any("59 whole frames" in note for note in trajectory.notes)


def test_missing_empty_and_unknown_files(tmp_path):
    save(tmp_path / "XDATCAR", xdatcar())
    with pytest.raises(DlmdError, match="no such file") as error:
        read(tmp_path / "XDATCAT")
    assert "did you mean 'XDATCAR'?" in error.value.remedy
    with pytest.raises(DlmdError, match="empty"):
        read(save(tmp_path / "a.dcd", ""))
    with pytest.raises(DlmdError, match="unknown trajectory format"):
        read(save(tmp_path / "notes.txt", "hello\n"))
    with pytest.raises(DlmdError, match="DCD header"):
        read(save(tmp_path / "a.dcd", "hello" * 100))


def test_misspelt_species(tmp_path):
    with pytest.raises(DlmdError, match="no atoms of species 'li'; there are Cl 6, Li 4, Ti 2") as error:
        read(save(tmp_path / "XDATCAR", xdatcar()), mobile="li")
    assert "did you mean 'Li'?" in error.value.remedy


@pytest.mark.parametrize(("text", "name"), [(extxyz, "a.xyz"), (dump, "a.lammpstrj"), (xdatcar, "XDATCAR")])
def test_nan(tmp_path, text, name):
    positions = WRAPPED.copy()
    positions[17, 5, 1] = np.nan
    with pytest.raises(DlmdError, match="NaN") as error:
        read(save(tmp_path / name, text(positions)))
    assert "frame 17" in error.value.where


def test_nan_in_dcd(tmp_path, topology):
    positions = WRAPPED.copy()
    positions[17, 5, 1] = np.nan
    write_dcd(tmp_path / "a.dcd", positions)
    with pytest.raises(DlmdError, match="NaN"):
        read(tmp_path / "a.dcd", topology=topology)


def test_step_too_long_for_the_minimum_image(tmp_path):
    coarse = FRAMES.copy()
    coarse[:, 0, 0] += np.arange(60) * 5.3
    positions = (coarse @ np.linalg.inv(CELL) % 1.0) @ CELL
    with pytest.raises(DlmdError, match=r"atom 1 moves 4\d % of the cell .* periodic image is uncertain"):
        read(save(tmp_path / "XDATCAR", xdatcar(positions)))


def test_shuffled_atoms(tmp_path, topology):
    rng = np.random.default_rng(0)
    shuffled = np.array([frame[rng.permutation(12)] for frame in WRAPPED])
    write_dcd(tmp_path / "a.dcd", shuffled)
    with pytest.raises(DlmdError, match="shuffled"):
        read(tmp_path / "a.dcd", topology=topology)


def test_shuffled_elements(tmp_path):
    lines = extxyz().splitlines()
    start = 20 * 14
    lines[start + 5], lines[start + 6] = lines[start + 6], lines[start + 5]
    with pytest.raises(DlmdError, match="another order") as error:
        read(save(tmp_path / "a.xyz", "\n".join(lines) + "\n"))
    assert "frame 20" in error.value.where


def test_unwrapped_coordinates_with_a_gap_are_not_taken_for_wrapped(tmp_path):
    far = FRAMES + np.arange(60)[:, None, None] * np.array([1.0, 0, 0])
    far[30:] += 8.0 * np.array([1.0, 0, 0])
    with pytest.raises(DlmdError, match="so they are unwrapped"):
        read(save(tmp_path / "a.xyz", extxyz(far)))


@pytest.mark.parametrize("known", ["xu yu zu", "yes"])
def test_long_moves_are_real_where_the_columns_or_the_user_say_so(tmp_path, known):
    coarse = FRAMES.copy()
    coarse[:, 0, 0] += np.arange(60) * 7.0
    if known == "xu yu zu":
        trajectory = read(save(tmp_path / "a.lammpstrj", dump(coarse, columns="id element xu yu zu")))
    else:
        path = save(tmp_path / "a.extxyz", extxyz(coarse))
        with pytest.raises(DlmdError, match="exceed half a cell"):
            read(path)
        trajectory = read(path, wrapped=False)
    assert displacements(trajectory)[-1, 0, 0] == pytest.approx(truth()[-1, 0, 0] + 59 * 7, abs=1e-3)


def test_atoms_a_little_outside_the_cell_count_as_wrapped(tmp_path):
    # LAMMPS wraps when it updates the neighbour list; until then atoms leave the cell by half the skin
    late = WRAPPED.copy()
    inverse = np.linalg.inv(CELL)
    for frame in range(1, 60):
        moved = np.abs((WRAPPED[frame] - WRAPPED[frame - 1]) @ inverse) > 0.5
        # an atom that crossed is still written on the side it came from
        late[frame] += np.round((WRAPPED[frame - 1] - WRAPPED[frame]) @ inverse) * moved @ CELL
    assert np.ptp(late @ inverse, axis=(0, 1)).max() > 1.01
    trajectory = read(save(tmp_path / "a.xyz", extxyz(late)))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)
    assert "unwrapped by minimum image" in trajectory.notes[0]


def test_elements_named_twice(tmp_path):
    with pytest.raises(DlmdError, match="--species has no meaning"):
        read(save(tmp_path / "a.xyz", extxyz()), species=["Li", "Ti", "Cl"])


def test_changing_number_of_atoms(tmp_path):
    with pytest.raises(DlmdError, match="11 atoms, 12 in the first frame"):
        read(save(tmp_path / "a.xyz", extxyz(WRAPPED[:5]) + extxyz(WRAPPED[5:, :11], symbols=SYMBOLS[:11])))
    with pytest.raises(DlmdError, match="frame 5 has 11 atoms with other ids"):
        read(save(tmp_path / "a.lammpstrj", dump(WRAPPED[:5]) + dump(WRAPPED[5:, :11], first=50)))


def test_ids(tmp_path):
    text = dump(shuffle=False)
    with pytest.raises(DlmdError, match="frame 0 has an id twice"):
        read(save(tmp_path / "a.lammpstrj", text.replace("\n17 Li", "\n7 Li", 1)))
    with pytest.raises(DlmdError, match="rows change order without an id"):
        read(save(tmp_path / "b.lammpstrj", text.replace("ATOMS id element", "ATOMS mol element")))


def test_mismatched_topology(tmp_path, topology):
    write_dcd(tmp_path / "a.dcd", WRAPPED[:, :10])
    with pytest.raises(DlmdError, match="10 atoms, but the topology POSCAR has 12"):
        read(tmp_path / "a.dcd", topology=topology)
    swapped = ["Ti"] * 4 + ["Li"] * 2 + ["Cl"] * 6
    with pytest.raises(DlmdError, match="differ from those of the topology"):
        read(save(tmp_path / "a.xyz", extxyz(symbols=swapped)), topology=topology)
    write_dcd(tmp_path / "a.dcd", WRAPPED)
    with pytest.raises(DlmdError, match="no elements") as error:
        read(tmp_path / "a.dcd")
    assert error.value.remedy == "give --topology FILE"


def test_bad_topology(tmp_path):
    write_dcd(tmp_path / "a.dcd", WRAPPED)
    with pytest.raises(DlmdError, match="no such topology"):
        read(tmp_path / "a.dcd", topology=tmp_path / "nothing")
    with pytest.raises(DlmdError, match="no readable topology"):
        read(tmp_path / "a.dcd", topology=save(tmp_path / "x.cif", "hello"))


def test_missing_and_repeated_frames(tmp_path):
    gap = dump(WRAPPED[:20]) + dump(WRAPPED[23:], first=230)
    with pytest.raises(DlmdError, match="step 230 follows step 190, but frames are 10 steps apart: missing"):
        read(save(tmp_path / "a.lammpstrj", gap))
    with pytest.raises(DlmdError, match="missing"):
        first, second = (
            save(tmp_path / "1.dump", dump(WRAPPED[:20])),
            save(tmp_path / "2.dump", dump(WRAPPED[23:], first=230)),
        )
        read([first, second])
    # a frame again at a later step is none that was repeated, but one that is wrong
    frozen = dump(np.concatenate([WRAPPED[:20], WRAPPED[19:]]))
    with pytest.raises(DlmdError, match="repeats the frame before it") as error:
        read(save(tmp_path / "a.lammpstrj", frozen))
    assert "frame 20" in error.value.where


def test_dump_restarted_with_the_shared_frame_counts_it_once(tmp_path):
    text = dump(WRAPPED[:21]) + dump(WRAPPED[20:], first=200)
    trajectory = read(save(tmp_path / "a.lammpstrj", text))
    assert displacements(trajectory) == pytest.approx(truth(), abs=1e-5)


def test_time_must_be_known_and_agree(tmp_path):
    path = save(tmp_path / "a.xyz", extxyz())
    with pytest.raises(DlmdError, match="--time-step FS and --stride N missing"):
        read(path, time_step_fs=None, stride=None)
    with pytest.raises(DlmdError, match="--stride N missing"):
        read(path, stride=None)
    with pytest.raises(DlmdError, match="--stride 20, but frames are 10 steps apart"):
        read(save(tmp_path / "a.lammpstrj", dump()), stride=20)


def test_no_cell(tmp_path):
    lines = "".join(f"12\n\n{''.join(f'{s} 0 0 {i}{chr(10)}' for s in SYMBOLS)}" for i in range(3))
    with pytest.raises(DlmdError, match="no cell"):
        read(save(tmp_path / "a.xyz", lines))


def test_relaxation_is_no_dynamics(tmp_path):
    with pytest.raises(DlmdError, match="IBRION = 2"):
        read(save(tmp_path / "vasprun.xml", vasprun(ibrion=2)), time_step_fs=None)


@pytest.mark.skipif(not ARGYRODITE.exists(), reason="the argyrodite trajectory is not here")
def test_real_aimd_of_an_argyrodite():
    """One of the six runs whose average is published: 5.3 and 9.2 Å² at 5 and 10 ps."""
    trajectory = read(ARGYRODITE, time_step_fs=100.0, stride=1)
    assert (trajectory.n_frames, trajectory.n_ions, trajectory.n_host_atoms) == (140, 192, 224)
    positions = np.concatenate(list(trajectory.blocks()), axis=1).astype(float)
    msd = {lag: ((positions[lag:] - positions[:-lag]) ** 2).sum(axis=2).mean() for lag in (50, 100)}
    assert msd[50] == pytest.approx(5.3, rel=0.1)
    assert msd[100] == pytest.approx(9.2, rel=0.1)
    assert max(trajectory.host.msd_a2.values()) < 0.2


def test_ions_of_a_dcd_are_the_same_mapped_and_copied(tmp_path):
    """Ions in a row stay in the file; where they cross a boundary they are copied and unwrapped from there on."""
    import chemfiles

    from dlmd.trajectory import readers
    from dlmd.trajectory.frame_sources import MappedFrames

    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(0, 0.5, (150, 7, 3)), axis=0) + rng.uniform(2, 8, (7, 3))
    walk[:, [0, 1, 5, 6]] = walk[0, [0, 1, 5, 6]] + rng.normal(0, 0.05, (150, 4, 3))
    for name, given in (("free", walk + 100.0), ("wrapped", walk % 10.0)):
        path = tmp_path / f"{name}.dcd"
        with chemfiles.Trajectory(str(path), "w") as file:
            for positions in given:
                frame = chemfiles.Frame()
                frame.cell = chemfiles.UnitCell([10.0, 10.0, 10.0])
                for symbol, xyz in zip(["Cl", "Cl", "Li", "Li", "Li", "Cl", "Cl"], positions, strict=True):
                    frame.add_atom(chemfiles.Atom(symbol), xyz)
                file.write(frame)
        found = readers.read(
            path,
            mobile="Li",
            time_step_fs=2.0,
            stride=50,
            species=["2*Cl", "3*Li", "2*Cl"],
            wrapped=name == "wrapped",
        )
        ions = np.concatenate([block for block in found.blocks()], axis=1)
        host = walk[:, [0, 1, 5, 6]].mean(axis=1)
        moved = (walk[:, 2:5] - host[:, None]) - (walk[0, 2:5] - host[0])
        assert np.allclose(ions - ions[0], moved, atol=2e-4)
        in_file = isinstance(found.source, MappedFrames) and str(found.source._path) == str(path)
        assert in_file == (name == "free")
