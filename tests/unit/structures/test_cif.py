"""What programs write into CIFs: multiplicities, labels, elements, occupancies, digits, encodings."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlmd.base.errors import DlmdError
from dlmd.structures import cif
from dlmd.structures.crystal import read_cif
from drawn_cifs import COLUMNS, cif_text, cubic, hexagonal, write_cif

UNTYPED = tuple(name for name in COLUMNS if name != "type_symbol")
HALITE = ["Na1 Na 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"]


def content(path):
    """Species -> atoms in the cell."""
    return {s: pytest.approx(n) for s, n in read_cif(path).composition.items()}


@pytest.mark.parametrize(("na", "cl"), [(4, 4), (48, 48), (".", "?"), (4, ".")])
def test_multiplicities_or_orders_of_the_site_symmetry(tmp_path, na, cl):
    rows = [f"{HALITE[0]} {na}", f"{HALITE[1]} {cl}"]
    path = write_cif(
        tmp_path, cubic(5.6), rows, group="F m -3 m", columns=(*COLUMNS, "symmetry_multiplicity")
    )
    assert content(path) == {"Na": 4, "Cl": 4}


def test_orders_hold_for_special_and_general_positions_together(tmp_path):
    rows = ["Na1 Na 0 0 0 1 4", "K1 K 0.13 0 0.21 1 2", "Cl1 Cl 0.1 0.2 0.3 1 1"]
    path = write_cif(
        tmp_path,
        (7, 8, 9, 90, 103, 90),
        rows,
        group="P 2/m",
        columns=(*COLUMNS, "symmetry_multiplicity"),
    )
    assert [site.multiplicity for site in read_cif(path).sites] == [1, 2, 4]


def test_the_newer_tag_of_the_order_is_read(tmp_path):
    rows = ["Na1 Na 0 0 0 1 48", "Cl1 Cl 0.5 0.5 0.5 1 48"]
    path = write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m", columns=(*COLUMNS, "site_symmetry_order"))
    assert content(path) == {"Na": 4, "Cl": 4}


def test_a_printed_multiplicity_brings_a_noisy_coordinate_onto_its_special_position_and_says_so(tmp_path):
    rows = ["Na1 Na 0.0200 0 0 1 4", "Cl1 Cl 0.5 0.5 0.5 1 4"]
    path = write_cif(
        tmp_path, cubic(5.6), rows, group="F m -3 m", columns=(*COLUMNS, "symmetry_multiplicity")
    )
    crystal = read_cif(path)
    assert crystal.composition == {"Na": 4, "Cl": 4}
    assert crystal.notes == ("Na1 at 0.0200 0 0 is taken as the special position 0 0 0: 4 positions, not 24",)


@settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=HealthCheck)
@given(
    names=st.lists(
        st.sampled_from(["M", "M1", "M2", "M1_", "Cl", "Cl5", "a/b", "a_b"]), min_size=2, max_size=7
    )
)
def test_labels_are_unique_whatever_is_repeated(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("labels")
    elements = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca"]
    rows = [
        f"{name} {element} {k / 8 + 0.01:.4f} 0.1 0.1 {1 - k / 10:.1f}"
        for k, (name, element) in enumerate(zip(names, elements, strict=False))
    ]
    crystal = read_cif(write_cif(folder, cubic(20), rows))
    labels = [site.label for site in crystal.sites]
    assert len(set(labels)) == len(names)
    for k, label in enumerate(labels):
        assert crystal.site(label).occupancy == {elements[k]: pytest.approx(1 - k / 10)}


@pytest.mark.parametrize(
    ("rows", "columns", "tags", "expected"),
    [
        (["Li1 Li 0 0 0 1", "D1 D 0.5 0.5 0.5 1"], COLUMNS, (), {"Li": 4, "H": 4}),
        (["NA1 NA 0 0 0 1", "CL1 CL 0.5 0.5 0.5 1"], COLUMNS, (), {"Na": 4, "Cl": 4}),
        (["CO1 CO 0 0 0 1", "O1 O 0.5 0.5 0.5 1"], COLUMNS, (), {"Co": 4, "O": 4}),
        (["x1 Na+ 0 0 0 1", "x2 Cl1- 0.5 0.5 0.5 1"], COLUMNS, (), {"Na": 4, "Cl": 4}),
        (["Mg1 0 0 0 1", "Oab 0.5 0.5 0.5 1"], UNTYPED, (), {"Mg": 4, "O": 4}),
        (["Mg1 0 0 0 1", "Wat 0.5 0.5 0.5 1"], UNTYPED, (), {"Mg": 4, "O": 4}),
        (["SiT1 0 0 0 1", "OH 0.5 0.5 0.5 1"], UNTYPED, (), {"Si": 4, "O": 4}),
        (
            ["NA1 0 0 0 1", "CL1 0.5 0.5 0.5 1"],
            UNTYPED,
            ["_chemical_formula_sum 'Na Cl'"],
            {"Na": 4, "Cl": 4},
        ),
        (["M '0.75(1)Na + 0.25(1)K' 0 0 0 1", HALITE[1]], COLUMNS, (), {"Na": 3, "K": 1, "Cl": 4}),
        (["M '0.5Na + 0.25K' 0 0 0 0.75", HALITE[1]], COLUMNS, (), {"Na": 2, "K": 1, "Cl": 4}),
        (["M '0.5Na + 0.5K' 0 0 0 0.5", HALITE[1]], COLUMNS, (), {"Na": 1, "K": 1, "Cl": 4}),
        (["Li1 7Li 0 0 0 0.9", HALITE[1]], COLUMNS, (), {"Li": 3.6, "Cl": 4}),
        (["Co1 CO3+ 0 0 0 1", "O1 O 0.5 0.5 0.5 1"], COLUMNS, (), {"Co": 4, "O": 4}),
        (
            ["Co1 CO3 0 0 0 1", "O1 O .5 .5 .5 1"],
            COLUMNS,
            ["_chemical_formula_sum 'Co O'"],
            {"Co": 4, "O": 4},
        ),
    ],
)
def test_elements_in_the_spellings_of_the_sources(tmp_path, rows, columns, tags, expected):
    path = write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m", columns=columns, tags=tags)
    assert content(path) == expected


@pytest.mark.parametrize(
    ("rows", "columns", "tags", "message"),
    [
        (["CO1 0 0 0 1", "O1 0.5 0.5 0.5 1"], UNTYPED, (), "may be Co or C"),
        (["M1 0 0 0 1", "O1 0.5 0.5 0.5 1"], UNTYPED, (), "'M1' is not a chemical element"),
        (["Vac1 0 0 0 1", "O1 0.5 0.5 0.5 1"], UNTYPED, ["_chemical_formula_sum 'Mg O'"], "'Vac1' is not"),
        (["Na1 Na 0 0 0 -0.1"], COLUMNS, (), r"occupancy -0\.1 of Na is not in \[0, 1\]"),
        (["Na1 Na ? ? ? 1"], COLUMNS, (), "no atom sites"),
        ([HALITE[0], "H1 H ? ? ? 1"], COLUMNS, (), "site H1 has no coordinates"),
        (["N1 NH4 0 0 0 1", HALITE[1]], COLUMNS, (), "'NH4' is a group of atoms"),
        (["M1 Ca/Na 0 0 0 1", HALITE[1]], COLUMNS, (), "'Ca/Na' names 2 elements"),
        (["M1 Na,K 0 0 0 1", HALITE[1]], COLUMNS, (), "'Na,K' names 2 elements"),
        (["M1 Na0.9Ca0.05 0 0 0 0.95", HALITE[1]], COLUMNS, (), "'Na0.9Ca0.05' names 2 elements"),
        (["N1 NH4+ 0 0 0 1", HALITE[1]], COLUMNS, (), r"'NH4\+' is a group of atoms"),
        (["Mg1 Mg 0 0 0 1", "O1 OH 0.5 0.5 0.5 1"], COLUMNS, (), "'OH' is a group of atoms"),
        (["Mg1 Mg 0 0 0 1", "C1 CO3 0.5 0.5 0.5 1"], COLUMNS, (), "'CO3' is a group of atoms"),
        (["NH4 0 0 0 1", "Cl1 0.5 0.5 0.5 1"], UNTYPED, (), "'NH4' is a group of atoms"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path, rows, columns, tags, message):
    with pytest.raises(DlmdError, match=message):
        read_cif(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m", columns=columns, tags=tags))


def test_occupancies_of_nothing_a_dot_and_a_question_mark(tmp_path):
    rows = ["Na1 Na 0 0 0 .", "Cl1 Cl 0.5 0.5 0.5 .", "Na2 Na 0.25 0.25 0.25 0.000(4)"]
    crystal = read_cif(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m"))
    assert [dict(site.occupancy) for site in crystal.sites] == [{"Na": 1}, {"Cl": 1}, {"Na": 0}]
    unknown = ["Na1 Na 0 0 0 ?", "Cl1 Cl 0.5 0.5 0.5 1"]
    with pytest.raises(DlmdError, match="not a number"):
        read_cif(write_cif(tmp_path, cubic(5.6), unknown, group="F m -3 m"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_encodings(tmp_path, encoding):
    path = write_cif(
        tmp_path, cubic(5.6), HALITE, group="F m -3 m", encoding=encoding, tags=["_publ 'Müller'"]
    )
    assert content(path) == {"Na": 4, "Cl": 4}


def test_line_ends_of_windows_and_names_of_the_newer_dictionaries(tmp_path):
    text = cif_text(cubic(5.6), HALITE, group="F m -3 m")
    for tag in ("length_a", "fract_x", "label"):
        text = text.replace(f"_{tag}", f".{tag}")
    path = tmp_path / "new.cif"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert content(path) == {"Na": 4, "Cl": 4}


@pytest.mark.parametrize(
    ("group", "cell", "x", "multiplicity", "general"),
    [
        ("P -3 m 1", hexagonal(11.2, 6), "0.33 0.67 0.5", 2, 6),
        ("P -3 m 1", hexagonal(11.2, 6), "0.33 0.66 0.5", 2, 6),
        ("P -3 m 1", hexagonal(90, 6), "0.333 0.667 0.5", 2, 6),
        ("P 63/m m c", hexagonal(9, 14), "0.17 0.33 0.25", 6, 12),
        ("F d -3 m :2", cubic(18), "0.13 0.13 0.13", 8, 32),
        ("P -3 m 1", hexagonal(11.2, 6), "0.36 0.67 0.5", None, None),
        ("P -3 m 1", hexagonal(11.2, 6), "0.25 0.75 0.26", None, None),
    ],
)
def test_few_digits_of_thirds_are_the_special_position_and_it_is_said(
    tmp_path, group, cell, x, multiplicity, general
):
    crystal = read_cif(write_cif(tmp_path, cell, [f"Li1 Li {x} 0.1"], group=group))
    if multiplicity is None:
        assert crystal.notes == ()
        return
    assert crystal.sites[0].multiplicity == multiplicity
    assert f"{multiplicity} positions, not {general}" in crystal.notes[0]


def test_a_printed_multiplicity_keeps_a_position_general(tmp_path):
    rows = ["Li1 Li 0.33 0.67 0.5 0.1 6"]
    path = write_cif(
        tmp_path,
        hexagonal(11.2, 6),
        rows,
        group="P -3 m 1",
        columns=(*COLUMNS, "symmetry_multiplicity"),
    )
    crystal = read_cif(path)
    assert crystal.sites[0].multiplicity == 6 and not crystal.notes


def test_two_structures_in_one_file_are_refused_by_name_and_other_blocks_are_not(tmp_path):
    salt = cif_text(cubic(5.6), HALITE, group="F m -3 m")
    both = tmp_path / "both.cif"
    both.write_text(salt.replace("drawn", "cold") + salt.replace("drawn", "warm"))
    with pytest.raises(DlmdError, match="2 structures in one file: data blocks 'cold', 'warm'"):
        read_cif(both)
    both.write_text("data_global\n_journal_name 'J'\n" + salt + "data_refl\n_refln_index_h 1\n")
    assert content(both) == {"Na": 4, "Cl": 4}


def test_a_lone_site_without_a_loop_is_read(tmp_path):
    text = cif_text(cubic(3.6), [], group="F m -3 m").split("loop_")[0]
    values = zip(COLUMNS, ("Cu1", "Cu", "0", "0", "0", "1"), strict=True)
    path = tmp_path / "lone.cif"
    path.write_text(text + "\n".join(f"_atom_site_{name} {value}" for name, value in values) + "\n")
    assert content(path) == {"Cu": 4}


def test_the_formula_is_held_against_the_sites(tmp_path):
    tags = ["_chemical_formula_sum 'Na2 Cl2'"]
    assert read_cif(write_cif(tmp_path, cubic(5.6), HALITE, group="F m -3 m", tags=tags)).notes == ()
    rows = ["Na1 Na 0 0 0 0.8", "K1 K 0 0 0 0.2", HALITE[1]]
    crystal = read_cif(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m", tags=tags))
    assert crystal.formula == {"Na": 2, "Cl": 2}
    assert crystal.notes == (
        "the sites hold Na 1.778 for 2, K 0.4444 for 0, Cl 2.222 for 2 of _chemical_formula_sum",
    )


def test_stated_oxidation_states_are_kept(tmp_path):
    rows = ["Fe1 Fe2+ 0 0 0 0.5", "Fe2 Fe3+ 0 0 0 0.5", "O1 O2- 0.5 0.5 0.5 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(4.3), rows, group="F m -3 m"))
    assert crystal.oxidation == {"Fe": 2.5, "O": -2}
    assert cif.formula({"_chemical_formula_sum": "'Li1.5(2) D2 O'"}) == {"Li": 1.5, "H": 2, "O": 1}


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (["Na1 Na 0 0 0 0.9", "Va1 Va 0 0 0 0.1", "Cl1 Cl 0.5 0.5 0.5 0.9"], COLUMNS),
        (["Na1 Na 0 0 0 0.9", "Q VAC 0 0 0 0.1", "Cl1 Cl 0.5 0.5 0.5 0.9"], COLUMNS),
        (["NA1 NA 0 0 0 0.9", "VA1 VA 0 0 0 0.1", "CL1 CL 0.5 0.5 0.5 0.9"], COLUMNS),
        (["Na1 Na 0 0 0 0.9", "Vc1 Vc 0 0 0 0.1", "Cl1 Cl 0.5 0.5 0.5 0.9"], COLUMNS),
        (["Na1 Na 0 0 0 0.9", "E □ 0 0 0 0.1", "Cl1 Cl 0.5 0.5 0.5 0.9"], COLUMNS),
        (["Na1 0 0 0 0.9", "Vac1 0 0 0 0.1", "Cl1 0.5 0.5 0.5 0.9"], UNTYPED),
    ],
)
def test_words_for_a_vacancy_are_no_vanadium(tmp_path, rows, columns):
    crystal = read_cif(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m", columns=columns))
    assert crystal.composition == {"Na": pytest.approx(3.6), "Cl": pytest.approx(3.6)}
    assert "is taken as vacant" in crystal.notes[0]


def test_a_mixture_may_name_its_vacancies(tmp_path):
    rows = ["M1 '0.9(1)Na + 0.1(1)Vac' 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 0.9"]
    assert content(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m")) == {"Na": 3.6, "Cl": 3.6}


def test_vanadium_stays_vanadium_and_what_may_be_either_is_refused(tmp_path):
    rows = ["V1 V 0 0 0 0.9", "O1 O 0.5 0.5 0.5 1"]
    assert content(write_cif(tmp_path, cubic(4.1), rows, group="F m -3 m"))["V"] == pytest.approx(3.6)
    rows = ["V1 0 0 0 0.9", "O1 0.5 0.5 0.5 1"]
    assert content(write_cif(tmp_path, cubic(4.1), rows, group="F m -3 m", columns=UNTYPED)) == {
        "V": 3.6,
        "O": 4,
    }
    rows = ["Va1 0 0 0 0.9", "O1 0.5 0.5 0.5 1"]
    with pytest.raises(DlmdError, match="may be a vacancy or vanadium"):
        read_cif(write_cif(tmp_path, cubic(4.1), rows, group="F m -3 m", columns=UNTYPED))
    tags = ["_chemical_formula_sum 'V0.9 O'"]
    path = write_cif(tmp_path, cubic(4.1), rows, group="F m -3 m", columns=UNTYPED, tags=tags)
    assert content(path) == {"V": 3.6, "O": 4}


@pytest.mark.parametrize("word", ["LOOP_", "Loop_"])
def test_reserved_words_in_capitals(tmp_path, word):
    path = write_cif(tmp_path, cubic(5.6), HALITE, group="F m -3 m")
    path.write_text(path.read_text().replace("loop_", word).replace("data_", "DATA_"))
    assert content(path) == {"Na": 4, "Cl": 4}


def test_hydrogen_that_is_named_but_not_listed_is_said(tmp_path):
    rows = ["Mg1 0 0 0 1", "OH1 0.5 0.5 0.5 1"]
    (note,) = read_cif(write_cif(tmp_path, cubic(4.2), rows, group="F m -3 m", columns=UNTYPED)).notes
    assert note == "OH1 taken as oxygen: hydrogen is named there, but not listed"


def test_charges_of_zero_are_no_statement(tmp_path):
    rows = ["Na1 Na0+ 0 0 0 1", "Cl1 Cl0+ 0.5 0.5 0.5 1"]
    assert read_cif(write_cif(tmp_path, cubic(5.6), rows, group="F m -3 m")).oxidation == {}


@pytest.mark.parametrize(
    ("symbol", "said"), [("D", True), ("D1+", True), ("2H", True), ("T", True), ("H", False), ("H1+", False)]
)
def test_heavy_hydrogen_is_said_to_be_taken_as_h(tmp_path, symbol, said):
    rows = ["O1 O 0 0 0 1", f"A1 {symbol} 0.1 0 0 1", "Dy1 Dy 0.5 0 0 1", "Ti1 Ti 0.5 0.5 0 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(10), rows))
    assert crystal.composition["H"] == 1
    assert [note.split(" taken as H")[0] for note in crystal.notes if "hydrogen's mass" in note] == (
        ["A1"] if said else []
    )


def test_a_multiplicity_among_orders_of_the_site_symmetry_is_told_as_such(tmp_path):
    rows = ["Zr1 Zr 0 0 0 0.9 48", "Y1 Y 0 0 0 0.1 4", "O1 O 0.25 0.25 0.25 0.975 24"]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "symmetry_multiplicity")
    path = write_cif(tmp_path, cubic(5.14), rows, group="F m -3 m", columns=columns)
    with pytest.raises(
        DlmdError, match="Y1: order of the site symmetry 4 is printed, the symmetry operations give 48"
    ):
        read_cif(path)


def test_parts_of_a_mixture_have_names_that_no_other_site_has(tmp_path):
    rows = ["M '0.5 Na + 0.5 K' 0 0 0 1", "M_Na Li 0.5 0.5 0 1", "M_K Li 0.5 0 0.5 1", "Cl1 Cl 0.5 0.5 0.5 1"]
    crystal = read_cif(write_cif(tmp_path, cubic(8.0), rows))
    assert crystal.composition == {"Na": 0.5, "K": 0.5, "Li": 2, "Cl": 1}
    names = [name for site in crystal.sites for name in site.labels]
    assert len(set(names)) == len(names)
    assert dict(crystal.site("M_Na").occupancy) == {"Li": 1.0}


def test_a_site_without_a_label_is_called_by_its_element(tmp_path):
    crystal = read_cif(
        write_cif(tmp_path, cubic(8.0), ["? Na 0 0 0 0.5", ". Cl 0.5 0.5 0.5 0.5", "'' K 0 0 0.5 1"])
    )
    assert [site.label for site in crystal.sites] == ["Na", "Cl", "K"]
