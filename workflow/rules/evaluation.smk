"""Evaluation: rollouts of every training job's policies."""


rule evaluate:
    input:
        lambda wildcards: jobs.suite_references(settings, wildcards.suite),
        pool=str(paths.pool(settings, "{suite}")),
        policies=jobs.run_files(settings, *run_key)["policies"],
        run=jobs.run_files(settings, *run_key)["run"],
    output:
        scores=str(paths.run_scores(settings, *run_key)),
        values=str(paths.run_values(settings, *run_key)),
        record=str(paths.run_evaluation(settings, *run_key)),
    log:
        jobs.log(settings, "evaluate", *run_key),
    benchmark:
        jobs.benchmark(settings, "evaluate", *run_key)
    threads: 1
    resources:
        **request(settings, "evaluate"),
    params:
        config=lambda wildcards: part(
            settings.of(wildcards.suite),
            "protocol.final_snapshots",
            "protocol.curve_episodes",
            "protocol.final_episodes",
            f"suites.{wildcards.suite}",
            f"algorithms.{wildcards.algorithm}",
            f"sharing.{wildcards.sharing}",
        ),
        code=lambda wildcards: fingerprint(*jobs.evaluation_modules(wildcards.suite)),
    message:
        "Evaluating {wildcards.algorithm} x {wildcards.sharing} on {wildcards.suite}, "
        "seeds {wildcards.seeds}"
    shell:
        "cds-bench evaluate --suite {wildcards.suite:q} --algorithm {wildcards.algorithm:q} "
        "--sharing {wildcards.sharing:q} --seeds {wildcards.seeds:q} "
        "--config {params.config:q} > {log:q} 2>&1"
