"""From a CIF to a run's config."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dlmd.config.reading import loads
from dlmd.config.run_config import RunConfig
from dlmd.proposal import lengths, parts, temperatures, theory, writing
from dlmd.proposal.design import Design, design
from dlmd.proposal.lengths import Lengths, Production, Recipe
from dlmd.proposal.parts import Head
from dlmd.proposal.temperatures import Temperatures
from dlmd.proposal.wishes import Wishes


@dataclass(frozen=True)
class Proposal:
    """A config, its text, and what it rests on."""

    design: Design
    wishes: Wishes
    temperatures: Temperatures
    lengths: Lengths
    text: str
    config: RunConfig

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should look at."""
        return (
            *self.design.oxidation.notes,
            *self.design.notes,
            *self.design.added,
            *self.temperatures.notes,
            *self.lengths.notes,
            *self._fewer_labels(),
            *filter(None, [theory.worth(self.wishes.engine)]),
        )

    def _fewer_labels(self) -> Iterator[str]:
        """That the budget has no room for as many single points as were asked for."""
        asked, recipe = self.wishes.single_points, self.lengths.recipe
        found = recipe.single_points
        if asked is not None and theory.has_start(self.wishes.engine) and found < asked - recipe.iterations:
            yield f"{found} single points in place of {asked}: the budget has room for no more (--budget-core-hours)"


def propose(
    cif: str | Path,
    wishes: Wishes | None = None,
    *,
    file: str = "config",
    command: str = "dlmd new",
    run: str = "",
) -> Proposal:
    """A complete config for the crystal of a CIF.

    Where the CIF has no room for its mobile ions and a free tetrahedron has, a CIF with that site is written beside the config.

    Parameters
    ----------
    cif
        Its path, as the config will have it.
    file
        Where the config will be, for its errors and its link to the schema.
    command
        How the proposal was asked for; it stands in the config's head.
    run
        Name of the run; by default that of the file.

    Raises
    ------
    DlmdError
        as `dlmd.proposal.design.design`.
    """
    wishes = wishes or Wishes()
    crystal = design(cif, wishes, beside=Path(file).parent)
    head = Head(
        cif=str(crystal.completed[0] if crystal.completed else cif),
        file=file,
        command=command,
        wishes=wishes,
        run=run,
    )
    kind = temperatures.kind(crystal.mobile, crystal.charges, crystal.crystal.composition)

    def config(at: Temperatures, recipe: Recipe, production: Production) -> RunConfig:
        planned = Lengths(recipe, production, 0.0, 0.0)
        return loads(writing.render(parts.all_parts(crystal, at, planned, head)), file=file)

    recipes = _recipes(wishes)
    # temperatures hang on the length of production, and its price hangs a little on the labels' temperatures
    length_ps = lengths.SHORT.length_ps
    for _ in range(2):
        at = temperatures.choose(
            kind,
            crystal.carriers,
            length_ps=length_ps,
            sigma_ms_per_cm=wishes.sigma_ms_per_cm,
            activation_energy_ev=wishes.activation_energy_ev,
            melting_k=wishes.melting_k,
        )
        found = lengths.choose(
            partial(config, at),
            budget_hours=wishes.budget_core_hours,
            recipes=recipes,
            orderings=crystal.orderings,
        )
        length_ps = found.production.length_ps
    text = writing.render(parts.all_parts(crystal, at, found, head))
    return Proposal(crystal, wishes, at, found, text, loads(text, file=file))


def _recipes(wishes: Wishes) -> tuple[lengths.Recipe, ...]:
    """Recipes of labels and training for the engine, the best first."""
    if not theory.has_start(wishes.engine):
        return lengths.RECIPES
    most = theory.single_points(wishes)
    # single points of DFT are no part of the budget, those of a pretrained potential are
    numbers = (most,) if theory.is_dft(wishes.engine) else (most, min(most, lengths.ONE_ROUND))
    return tuple(recipe for number in dict.fromkeys(numbers) for recipe in lengths.few_labels(number))
