"""Functionals that a VASP level can name, as INCAR tags.

Meta-GGAs (SCAN, r2SCAN) need the kinetic energy density of the cores, which potentials have from the set PBE_52 on. Corrections
for dispersion: VASP knows the parameters of D3 for PBE and PBEsol; those of SCAN (Brandenburg et al., Phys. Rev. B 94, 115144,
2016) and r2SCAN (Ehlert et al., J. Chem. Phys. 154, 061101, 2021) are written out, because VASP's differ between versions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dlmd.config.levels.vasp_tags import Tags

Functional = Literal["PW91", "PBE", "PBEsol", "SCAN", "r2SCAN"]
Dispersion = Literal["D3", "D3BJ"]
Family = Literal["PW91", "PBE", "PBE_52", "PBE_54", "PBE_64"]


@dataclass(frozen=True)
class _Kind:
    tags: Tags
    family: Family
    dispersion: dict[str, Tags] = field(default_factory=dict)

    @property
    def meta(self) -> bool:
        return "METAGGA" in self.tags


_BUILT_IN: dict[str, Tags] = {"D3": {"IVDW": 11}, "D3BJ": {"IVDW": 12}}
_KINDS: dict[str, _Kind] = {
    # VOSKOWN is the interpolation that PW91 was made for; it matters with spin
    "PW91": _Kind({"GGA": "91", "VOSKOWN": 1}, "PW91"),
    "PBE": _Kind({"GGA": "PE"}, "PBE", _BUILT_IN),
    "PBEsol": _Kind({"GGA": "PS"}, "PBE", _BUILT_IN),
    "SCAN": _Kind(
        {"METAGGA": "SCAN"},
        "PBE_54",
        {
            "D3": {"IVDW": 11, "VDW_SR": 1.324, "VDW_S8": 0.0},
            "D3BJ": {"IVDW": 12, "VDW_A1": 0.538, "VDW_S8": 0.0, "VDW_A2": 5.42},
        },
    ),
    "r2SCAN": _Kind(
        {"METAGGA": "R2SCAN"},
        "PBE_54",
        {"D3BJ": {"IVDW": 12, "VDW_A1": 0.49484001, "VDW_S8": 0.78981345, "VDW_A2": 5.73083694}},
    ),
}
# tags that `functional` or `dispersion` of a level may set
OWN_TAGS = ("METAGGA", "IVDW")


def family(functional: str) -> Family:
    """The set of potentials that goes with the functional."""
    return _KINDS[functional].family


def is_meta(functional: str) -> bool:
    """Whether it is a meta-GGA."""
    return _KINDS[functional].meta


def tags(functional: str, dispersion: str | None) -> Tags:
    """INCAR tags of a functional and its correction for dispersion.

    Raises
    ------
    ValueError
        for a correction whose parameters for this functional are not known here.
    """
    kind = _KINDS[functional]
    if dispersion is None:
        return dict(kind.tags)
    if dispersion not in kind.dispersion:
        known = " or ".join(kind.dispersion) or "none"
        raise ValueError(
            f"dispersion {dispersion} has no parameters for {functional} here (known: {known}); set IVDW and its VDW_ tags in "
            "incar instead"
        )
    return kind.tags | kind.dispersion[dispersion]


# functionals that VASP knows beside those of a level, by their GGA tag
OTHERS = {"RP": "RPBE", "RE": "revPBE", "AM": "AM05", "CA": "LDA"}


def named(gga: str, metagga: str | None, ivdw: str | None) -> tuple[str, str | None]:
    """Functional and correction for dispersion that tags of an output stand for; a tag itself where no level has it."""
    functional = OTHERS.get(gga, gga)
    for name, kind in _KINDS.items():
        if kind.tags.get("METAGGA") == metagga and (metagga is not None or kind.tags.get("GGA") == gga):
            functional = name
            break
    else:
        functional = metagga or functional
    corrections = {str(own["IVDW"]): name for name, own in _BUILT_IN.items()}
    return functional, corrections.get(str(ivdw))
