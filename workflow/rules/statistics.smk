"""Statistics: all scores in one file, and the methods compared."""


rule statistics:
    input:
        [str(paths.run_scores(settings, *run)) for run in plan.runs(settings)],
        [str(paths.run_values(settings, *run)) for run in plan.runs(settings)],
        [
            plan.run_files(settings, *run)[name]
            for run in plan.runs(settings)
            for name in ("run", "shift")
        ],
        plan.baseline_scores(settings),
    output:
        scores=str(paths.scores(settings)),
        failures=str(paths.failures(settings)),
        shift=str(paths.shift(settings)),
        comparisons=str(paths.comparisons(settings)),
        claims=str(paths.claims(settings)),
    log:
        plan.log(settings, "statistics"),
    benchmark:
        plan.benchmark(settings, "statistics")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(
            settings,
            "suites",
            "algorithms",
            "sharing",
            "seeds",
            "seeds_per_job",
            "protocol",
            "baselines",
        ),
        code=fingerprint(
            "cds_bench.statistics.comparisons",
            "cds_bench.statistics.paper_claims",
            "cds_bench.statistics.schema",
            "cds_bench.statistics.shift",
        ),
    message:
        "Comparing the methods"
    shell:
        "cds-bench statistics --config {params.config:q} > {log} 2>&1"
