from adapter import job

with job(snakemake):
    from dlmd.vasp import static

    static.run(snakemake.input.slot, done=snakemake.output.done, engine=snakemake.params.engine)
