# Where the potential of a level comes from, as inputs and params of rules (dlmd.config.routes).


def rounds_of(level):
    """Rounds of the learning loop that a level goes through."""
    return cfg.learning.iterations if routes.loops(cfg, level) else 0


def of_last_round(*patterns):
    return lambda w: [path.format(**w) for path in of_round(rounds_of(w.level) - 1, *patterns)]


def of_previous_round(*patterns):
    return lambda w: [path.format(**w) for path in of_round(int(w.i) - 1, *patterns)]


def potentials_before(of_round, *patterns):
    """Files of the potential that a training goes on from: of the round before, which a level that starts from another does not
    have in its first round, unless labels are given."""

    def files(w):
        first = rounds_of(w.level) <= 1 if of_round is of_last_round else w.i == "1"
        return [] if first and not routes.labelled_before(cfg, w.level) else of_round(*patterns)(w)

    return files


def training_start(of_round):
    """The model whose weights a training begins with, if any."""

    def model(w):
        started = at(tree.START_MODEL, level=w.level, m=w.m) if routes.start_of(cfg, w.level) else []
        return potentials_before(of_round, tree.ROUND_MODEL)(w) or started

    return model


def exploring_models(w):
    """Potentials that a round explores with and judges by: in the first round of a level that has no labels yet, those of the level
    that it starts from."""
    pattern, level = (
        (tree.COMPRESSED_MODEL, routes.start_of(cfg, w.level))
        if w.i == "0" and not routes.labelled_before(cfg, w.level)
        else (tree.ROUND_COMPRESSED_MODEL, w.level)
    )
    return [at(pattern, level=level, i=w.i, m=m) for m in range(cfg.training.potentials)]


def explored_cell(w):
    """The relaxed cell that is explored: a level that starts from another has those of that one."""
    return at(tree.RELAXED, **{**w, "level": routes.start_of(cfg, w.level) or w.level})


def dataset_sources(w):
    """Frames of the dataset of a level, or of one of its rounds."""
    rounds = int(w.i) if "i" in w.keys() else rounds_of(w.level)
    return targets.data_sources(cfg, w.level, rounds)


def first_dataset(w):
    """The first frames of a level that starts from another: given ones, of its first round, or all."""
    first = 0 if routes.labelled_before(cfg, w.level) else 1
    return at(tree.ROUND_TRAIN if rounds_of(w.level) > first else tree.TRAIN, level=w.level, i=first)


def discard_ps(w):
    """Start of trajectories that is left out; frames of given labels are no trajectories."""
    return 0.0 if routes.given_frames(cfg, w.level) else cfg.labels.aimd.discard_ps


def explored_sources(w):
    return targets.explored_in(cfg, w.level, int(w.i))


def judging_frames(w):
    """Held-out frames that a round is judged by. A level that starts from another has none in its first round, unless labels are
    given, and of single points no further part is held out than that of the test."""
    if not routes.start_of(cfg, w.level):
        return at(tree.ROUND_VALID, **w)
    return at(tree.ROUND_TEST, **w) if w.i != "0" or routes.labelled_before(cfg, w.level) else []


def few_labels(w, source):
    """What selecting has to know of an exploration of a level that starts from another."""
    if not routes.start_of(cfg, w.level):
        return {}
    return dict(
        held_out=cfg.learning.held_out if source.split == "test" else 0.0,
        anions=[element for element, charge in cfg.material.charges.items() if charge < 0],
    )


def trial_plan(w):
    """Fields of dlmd.validation.trial.Plan."""
    return dict(
        rdf_temperature_k=cfg.validation.rdf_temperature_k if w.level in RUN_BY_ENGINE else None,
        # as long as the labels, which are its measure, but no longer than the trial itself
        rdf_steps=cfg.md.steps(min(LABEL_PS, cfg.validation.trial_ps) * 1000),
        nvt_steps=TRIAL_STEPS,
        nve_steps=TRIAL_STEPS,
        stride=cfg.md.steps(cfg.md.position_interval_fs),
    )


def trial_start(w):
    occupancy, cell, n = targets.trial_cell(cfg, w.level)
    return at(tree.RELAXED, level=w.level, occupancy=occupancy, cell=cell, n=n)
