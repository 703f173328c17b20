from adapter import job

with job(snakemake):
    from dlmd.learning import jobs

    jobs.select(
        list(snakemake.input.explored),
        list(snakemake.input.models),
        snakemake.input.valid,
        previous=next(iter(snakemake.input.previous), None),
        number=int(snakemake.wildcards.i),
        **{k: snakemake.output[k] for k in ("selected", "result", "table")},
        **{k: snakemake.params[k] for k in ("sources", "species", "bounds", "max_frames")},
        **{k: snakemake.params[k] for k in ("settled_share", "settled_change")},
    )
