from adapter import job

with job(snakemake):
    from dlmd.labels.vasp import static

    static.run(
        snakemake.input.slot,
        done=snakemake.output.done,
        # no params: how VASP is started does not make its results stale
        engine=snakemake.config["levels"][snakemake.wildcards.level],
    )
